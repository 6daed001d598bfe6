//! What is asked of an agent: made from its own `/schema`, from a seed.

mod keys;
mod learn;
mod say;

pub(crate) use keys::Draw;
pub use keys::{Popularity, PopularityError};
pub use learn::{LearnError, Traffic, learn};
pub(crate) use say::{Answer, LONGEST_ID, say};

/// What the user wishes of the traffic.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// How many different questions there are.
    pub keys: usize,
    /// How often each is asked.
    pub popularity: Popularity,
    /// The share of requests that the agent must refuse.
    pub invalid_share: f64,
    /// The weights of what is asked in `mixed`; empty: each user makes the journey.
    pub mix: Vec<(String, f64)>,
    /// Where the agent streams, if not at the usual paths.
    pub stream_path: Option<String>,
    /// The seed.
    pub seed: u64,
}

impl Wishes {
    /// Whether this is among what is asked.
    #[must_use]
    pub fn includes(&self, name: &str) -> bool {
        self.mix.is_empty() || self.mix.iter().any(|(wished, _)| wished == name)
    }
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            keys: 100,
            popularity: Popularity::Zipf(1.0),
            invalid_share: 0.0,
            mix: Vec::new(),
            stream_path: None,
            seed: 0,
        }
    }
}
