//! The features of the profile.

use std::fmt;
use std::str::FromStr;

/// A part of the profile that an agent may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// The five endpoints; every agent has it.
    Core,
    /// Errors in an envelope, with codes.
    Errors,
    /// Answers as an event stream.
    Streaming,
    /// Configurations with a history.
    ConfigVersions,
    /// Answers that are served again.
    Cache,
    /// Credentials that are asked for.
    Auth,
    /// So many requests in so much time.
    RateLimit,
    /// Health and metrics.
    Observability,
    /// Registration and heartbeats: the agent as a client.
    Orchestrator,
    /// The start and the end of the agent's process.
    Lifecycle,
    /// The descriptor and the manifest.
    Descriptor,
}

impl Feature {
    /// All of them, in the profile's order.
    pub const ALL: &'static [Self] = &[
        Self::Core,
        Self::Errors,
        Self::Streaming,
        Self::ConfigVersions,
        Self::Cache,
        Self::Auth,
        Self::RateLimit,
        Self::Observability,
        Self::Orchestrator,
        Self::Lifecycle,
        Self::Descriptor,
    ];

    /// Whether it shows only when the agent is started by the checker.
    #[must_use]
    pub fn needs_launch(self) -> bool {
        matches!(self, Self::Orchestrator | Self::Lifecycle)
    }

    /// Its name in the profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Errors => "errors",
            Self::Streaming => "streaming",
            Self::ConfigVersions => "config-versions",
            Self::Cache => "cache",
            Self::Auth => "auth",
            Self::RateLimit => "rate-limit",
            Self::Observability => "observability",
            Self::Orchestrator => "orchestrator",
            Self::Lifecycle => "lifecycle",
            Self::Descriptor => "descriptor",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no feature's.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no feature `{0}`")]
pub struct UnknownFeature(String);

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(name: &str) -> Result<Self, UnknownFeature> {
        let named = Self::ALL.iter().find(|feature| feature.name() == name);
        named
            .copied()
            .ok_or_else(|| UnknownFeature(name.to_owned()))
    }
}
