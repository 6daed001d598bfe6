//! What a run is told: where the agent is, how far to go, what is known beforehand.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::expected::ExpectedFailures;
use crate::feature::Feature;
use crate::select::Selection;

/// What the judges need to know besides the exchanges.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Where every generated case comes from.
    pub seed: u64,
    /// How many generated cases a rule gets.
    pub cases: usize,
    /// Features that the user claims for the agent.
    pub claims: Vec<Feature>,
    /// A stream path that the user names.
    pub stream_path: Option<String>,
    /// When the run began, by the caller's clock; exchanges count from here.
    pub started_at: Timestamp,
}

/// A run of `check`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The agent's base URL.
    pub url: Url,
    /// What the report calls the target, if not by its URL.
    pub label: Option<String>,
    /// Header fields to add to every request; their values are secrets.
    pub headers: Vec<(String, String)>,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// How many exchanges may be under way at once.
    pub jobs: usize,
    /// Whether a failed SHOULD fails the run.
    pub strict: bool,
    /// Which rules to judge.
    pub selection: Selection,
    /// Failures that are known.
    pub expected: ExpectedFailures,
    /// What the judges are told.
    pub facts: Facts,
}

impl Settings {
    /// How long an exchange may take if nothing else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    /// How many generated cases a rule gets if nothing else is said.
    pub const CASES: usize = 100;
    /// How many exchanges may be under way at once if nothing else is said: enough to keep
    /// a small agent busy, too few to make it slow.
    pub const JOBS: usize = 4;

    /// The usual settings for an agent.
    #[must_use]
    pub fn for_agent(url: Url, started_at: Timestamp) -> Self {
        Self {
            url,
            label: None,
            headers: Vec::new(),
            timeout: Self::TIMEOUT,
            jobs: Self::JOBS,
            strict: false,
            selection: Selection::default(),
            expected: ExpectedFailures::default(),
            facts: Facts {
                seed: 0,
                cases: Self::CASES,
                claims: Vec::new(),
                stream_path: None,
                started_at,
            },
        }
    }
}
