//! What was asked for: topics in the order of asking, and steps within them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a group of exchanges was for. The order is the order of asking: what may leave an
/// agent in a bad state comes last. The names stand in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// The agent's documents, read once.
    Documents,
    /// Paths that no agent has.
    UnknownPath,
    /// Which stream paths there are.
    Discovery,
    /// Known paths, asked with another method.
    WrongMethod,
    /// `HEAD` where `GET` works.
    Head,
    /// Requests that carry a foreign `Origin`.
    Cors,
    /// Several requests on one connection.
    KeepAlive,
    /// Configurations that are valid under the schema.
    ConfigValid,
    /// Configurations that are not.
    ConfigInvalid,
    /// Bodies that hold no configuration.
    ConfigShapes,
    /// Configurations created at the same time.
    ConfigConcurrent,
    /// One configuration, used over many connections.
    ConfigUsable,
    /// Ids that were never given out.
    ConfigUnknown,
    /// The same inputs under several configurations, and under none.
    ConfigEffect,
    /// Inputs that are valid under the schema.
    InvokeValid,
    /// Inputs that are not.
    InvokeInvalid,
    /// Bodies that hold no input.
    InvokeShapes,
    /// The same inputs alone, and then at the same time.
    InvokeConcurrent,
    /// The same input, its keys in another order.
    InvokeOrder,
    /// Streams of valid inputs, many at a time.
    StreamValid,
    /// Streams of invalid inputs.
    StreamInvalid,
    /// Bodies that are not JSON.
    MalformedJson,
    /// A JSON body that says it is text.
    WrongContentType,
    /// Requests that are odd in other ways.
    BadRequests,
    // TOPICS: config-versions
    /// A configuration stored twice under one id, and rolled back.
    ConfigVersions,
    // TOPICS: cache
    /// What was asked before, and what only looks like it.
    Cache,
    /// What was asked before, after its time.
    CacheTime,
    // TOPICS: auth
    /// Requests with the right credentials, with others, and with none.
    Auth,
    // TOPICS: observability
    /// Scrapes of the metrics, and what was asked between them.
    Metrics,
    /// The health, while much else is asked.
    HealthUnderLoad,
    // TOPICS: lifecycle
    /// A process of the agent's, from its start to its end.
    Lifetime,
    /// A request that takes longer than it may.
    RequestTimeout,
    // TOPICS: orchestrator
    /// What the agent says to an orchestrator that behaves.
    Registration,
    /// What it says to one that has forgotten it.
    Forgotten,
    /// What it says to one that answers a registration with 201.
    Created,
    /// What it does without one, and when there is one again.
    Outage,
    /// What it says when its capabilities have changed.
    CapabilitiesChange,
    // TOPICS: descriptor
    /// The paths that the descriptor and the manifest list; for their own rules alone.
    Described,
    /// The documents once more, late.
    Reread,
    /// Clients that leave in mid-stream.
    StreamLeave,
    /// A body past any bound.
    Oversized,
    /// Clients that drop half-sent requests and half-read answers.
    Abort,
    // TOPICS: rate-limit
    /// As many invocations as are allowed, and more.
    RateLimit,
}

impl Topic {
    /// All of them, in the order of asking.
    pub const ALL: &'static [Self] = &[
        Self::Documents,
        Self::UnknownPath,
        Self::Discovery,
        Self::WrongMethod,
        Self::Head,
        Self::Cors,
        Self::KeepAlive,
        Self::ConfigValid,
        Self::ConfigInvalid,
        Self::ConfigShapes,
        Self::ConfigConcurrent,
        Self::ConfigUsable,
        Self::ConfigUnknown,
        Self::ConfigEffect,
        Self::InvokeValid,
        Self::InvokeInvalid,
        Self::InvokeShapes,
        Self::InvokeConcurrent,
        Self::InvokeOrder,
        Self::StreamValid,
        Self::StreamInvalid,
        Self::MalformedJson,
        Self::WrongContentType,
        Self::BadRequests,
        // TOPICS: config-versions
        Self::ConfigVersions,
        // TOPICS: cache
        Self::Cache,
        Self::CacheTime,
        // TOPICS: auth
        Self::Auth,
        // TOPICS: observability
        Self::Metrics,
        Self::HealthUnderLoad,
        // TOPICS: lifecycle
        Self::Lifetime,
        Self::RequestTimeout,
        // TOPICS: orchestrator
        Self::Registration,
        Self::Forgotten,
        Self::Created,
        Self::Outage,
        Self::CapabilitiesChange,
        // TOPICS: descriptor
        Self::Described,
        Self::Reread,
        Self::StreamLeave,
        Self::Oversized,
        Self::Abort,
        // TOPICS: rate-limit
        Self::RateLimit,
    ];

    /// Whether it is played with a process of the agent's, beside the others and once: what is
    /// asked there is for its own rules alone.
    #[must_use]
    pub fn is_scene(self) -> bool {
        matches!(
            self,
            Self::Lifetime
                | Self::RequestTimeout
                | Self::Registration
                | Self::Forgotten
                | Self::Created
                | Self::Outage
                | Self::CapabilitiesChange
        )
    }
}

impl fmt::Display for Topic {
    /// Its name in words: `config valid`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, letter) in format!("{self:?}").chars().enumerate() {
            if index > 0 && letter.is_ascii_uppercase() {
                formatter.write_str(" ")?;
            }
            write!(formatter, "{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// Where within a topic an exchange belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The thing itself: the only step of most topics.
    Main,
    /// `GET /auth`, without credentials.
    Auth,
    /// `GET /schema`.
    Schema,
    /// `GET /capabilities`.
    Capabilities,
    /// `GET /health`.
    Health,
    /// `GET /`.
    Root,
    /// A configuration made for what follows.
    Setup,
    /// What is compared with.
    Baseline,
    /// The same again, to see what changes by itself.
    Again,
    /// Done to disturb the agent; not judged by itself.
    Disturb,
    /// Whether the agent still answers.
    After,
    /// What the agent itself has said to an orchestrator, and what it was answered.
    Call,
    /// Refused with a 429 that was waited out: the same was asked again, and stands where it belongs.
    /// [`Evidence::at`](super::Evidence::at) alone gives it.
    WaitedOut,
}
