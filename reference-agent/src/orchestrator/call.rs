//! What is said to a registry, and what comes of it: plain values, which the seams can bend.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use crate::{documents::Capabilities, settings::Settings};

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    /// The agent is there.
    Register,
    /// It is still there.
    Beat,
    /// It can do other things than before.
    Update,
}

/// A call to a registry.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) errand: Errand,
    pub(crate) method: Method,
    /// The segments of the path, below the registry's own.
    pub(crate) path: Vec<String>,
    pub(crate) body: Value,
}

impl Call {
    /// A registration, with what `/capabilities` says now.
    pub(super) fn register(settings: &Settings, endpoint: &str, known: &Capabilities) -> Self {
        let document = &known.document;
        let body = json!({
            "agent_id": settings.agent_id,
            "name": settings.agent_name,
            "protocol": "acp",
            "endpoint": endpoint,
            "capabilities": document["capabilities"],
            "metadata": {
                "version": document["version"],
                "tags": tags(document),
                "discovery_method": "self_registration",
            },
        });
        Self::of(
            Errand::Register,
            Method::POST,
            &["agents", "register"],
            body,
        )
    }

    /// A heartbeat, now.
    pub(super) fn beat(id: &str) -> Self {
        // A number, as the seed sends it: a receiver that reads no other kind is served too.
        let timestamp = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        let body = json!({"status": "healthy", "timestamp": timestamp});
        Self::of(
            Errand::Beat,
            Method::POST,
            &["agents", id, "heartbeat"],
            body,
        )
    }

    /// What `/capabilities` says now.
    pub(super) fn update(id: &str, known: &Capabilities) -> Self {
        let body = json!({"capabilities": known.document["capabilities"]});
        let path = ["agents", id, "capabilities"];
        Self::of(Errand::Update, Method::PUT, &path, body)
    }

    fn of(errand: Errand, method: Method, path: &[&str], body: Value) -> Self {
        Self {
            errand,
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            body,
        }
    }
}

/// The tags of all capabilities, each once.
fn tags(document: &Value) -> Vec<&str> {
    let list = document["capabilities"].as_array().into_iter().flatten();
    let tagged = list.filter_map(|one| one["tags"].as_array()).flatten();
    let mut tags: Vec<_> = tagged.filter_map(Value::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// What has come of a call.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) errand: Errand,
    /// `None` if there was no answer in time, or none that could be read.
    pub(crate) status: Option<StatusCode>,
    pub(crate) is_success: bool,
    /// What the registry has given out, if it was a registration.
    pub(crate) registration: Option<Registration>,
    /// How long the registry asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Why there was no answer, or none of use; for the log.
    pub(crate) cause: Option<String>,
}

impl Outcome {
    /// No answer.
    pub(super) fn silence(errand: Errand) -> Self {
        Self {
            errand,
            status: None,
            is_success: false,
            registration: None,
            retry_after: None,
            cause: None,
        }
    }
}

/// What a registry gives out to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) id: String,
    /// What to `DELETE` when the agent leaves, where the registry offers that.
    pub(crate) goodbye: Option<Url>,
}
