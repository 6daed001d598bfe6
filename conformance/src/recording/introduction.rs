//! What an agent says of itself that the report does not tell: for who is about to set up a check of it.

use std::time::Duration;

use super::Recording;

/// An agent's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// The `type` that `/auth` names, as the agent wrote it.
    pub auth: Option<String>,
    /// Whether `/auth` says that credentials are needed.
    pub wants_credentials: bool,
    /// How many invocations are allowed in how much time, as far as the agent says.
    pub rate_limit: Option<(u32, Duration)>,
    /// How long an answer stays in its cache, likewise.
    pub cache_ttl: Option<Duration>,
}

impl Recording {
    /// The agent's terms, as its documents and first answers have them.
    #[must_use]
    pub fn introduction(&self) -> Introduction {
        let probe = &self.evidence.probe;
        let auth = probe
            .auth
            .as_ref()
            .and_then(|auth| auth.get("type")?.as_str());
        Introduction {
            auth: auth.map(str::to_owned),
            wants_credentials: probe.wants_credentials(),
            rate_limit: probe
                .rate_limit()
                .map(|limit| (limit.requests, limit.window)),
            cache_ttl: probe.cache_ttl(),
        }
    }
}
