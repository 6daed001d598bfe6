//! A run: what is asked for, and what was found.

use url::Url;

/// What a run is to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The agent's base URL.
    pub url: Url,
    /// The seed that everything left to chance comes from.
    pub seed: u64,
}

/// What a run found: each scenario fills the part that is its own.
#[derive(Debug, Default)]
pub struct Found {}
