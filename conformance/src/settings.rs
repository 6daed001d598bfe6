//! What a run is told: where the agent is, how far to go, what is known beforehand.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::evidence::Topic;
use crate::expected::ExpectedFailures;
use crate::feature::Feature;
use crate::launch::Launch;
use crate::params::Params;
use crate::select::Selection;

/// What the judges need to know besides the exchanges.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Where every generated case comes from.
    pub seed: u64,
    /// How many generated cases a rule gets.
    pub cases: usize,
    /// Features that the user claims for the agent.
    pub claims: Vec<Feature>,
    /// A stream path that the user names.
    pub stream_path: Option<String>,
    /// What else the user says of the agent.
    pub params: Params,
    /// By what the agent's own calls are judged, if it is started here.
    pub launched: Option<Terms>,
    /// When the run began, by the caller's clock; exchanges count from here.
    pub started_at: Timestamp,
}

/// What holds for an agent that is started here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How often it is to beat.
    pub heartbeat: Duration,
    /// Whether what must wait for heartbeats is left out.
    pub is_quick: bool,
}

/// A run of `check`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The agent's base URL.
    pub url: Url,
    /// How the agent is started, if it is not there already.
    pub launch: Option<Launch>,
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
    /// What alone is asked, though the rules would read more; empty for everything. Rules that
    /// read all there is then judge that.
    pub topics: Vec<Topic>,
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
            launch: None,
            label: None,
            headers: Vec::new(),
            timeout: Self::TIMEOUT,
            jobs: Self::JOBS,
            strict: false,
            selection: Selection::default(),
            topics: Vec::new(),
            expected: ExpectedFailures::default(),
            facts: Facts {
                seed: 0,
                cases: Self::CASES,
                claims: Vec::new(),
                stream_path: None,
                params: Params::default(),
                launched: None,
                started_at,
            },
        }
    }

    /// The usual settings for an agent that is started for the run.
    ///
    /// # Errors
    /// If the port that was found for it makes no URL.
    pub fn for_launch(
        launch: Launch,
        terms: Terms,
        started_at: Timestamp,
    ) -> Result<Self, url::ParseError> {
        let url = Url::parse(&format!("http://127.0.0.1:{}", launch.port))?;
        let mut settings = Self::for_agent(url, started_at);
        settings.launch = Some(launch);
        settings.facts.launched = Some(terms);
        Ok(settings)
    }
}
