//! What came in, in the order of arrival.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More calls than this are counted, and not kept: an agent that hammers cannot fill the memory.
const MOST: usize = 10_000;
/// What all that is kept may come to in memory, in bytes.
const MOST_WEIGHT: usize = 8 << 20;
/// What a call weighs without its texts, and a byte that begins a value in its body: somewhat more
/// than they were measured to take.
const CALL: usize = 512;
const ITEM: usize = 128;
/// The longest path that is read and kept, in bytes.
pub(crate) const LONGEST_PATH: usize = 1024;

/// What a call was about, by its method and path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "act", content = "id")]
pub enum Act {
    /// `POST /agents/register`.
    Register,
    /// `POST /agents/{id}/heartbeat`, with this id.
    Heartbeat(String),
    /// `PUT /agents/{id}/capabilities`, with this id.
    Capabilities(String),
    /// `DELETE /agents/{id}`, with this id: the goodbye that a registration offers.
    Goodbye(String),
    /// Anything else.
    Stray,
}

impl Act {
    /// What a call with this method to this path, with or without a query, is about.
    #[must_use]
    pub fn of(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        let id = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match (method, parts.as_slice()) {
            _ if path.len() > LONGEST_PATH => Self::Stray,
            ("POST", ["agents", "register"]) => Self::Register,
            ("POST", ["agents", one, "heartbeat"]) => Self::Heartbeat(id(one)),
            ("PUT", ["agents", one, "capabilities"]) => Self::Capabilities(id(one)),
            ("DELETE", ["agents", one]) => Self::Goodbye(id(one)),
            _ => Self::Stray,
        }
    }
}

/// One call, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it had arrived whole, since the start of the orchestrator.
    pub at: Duration,
    /// What it was about.
    pub act: Act,
    /// The method.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// The body, if it was JSON.
    pub body: Option<Value>,
    /// The status it was answered with; `None` if the connection was cut instead.
    pub status: Option<u16>,
    /// The registration that it was answered with.
    pub registration_id: Option<String>,
    /// Whether an act on an id named one that was honoured at the time.
    pub is_known: bool,
}

/// All calls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// The calls, the first first.
    pub entries: Vec<Entry>,
    /// How many more there were than are kept.
    pub dropped: u64,
    /// What the calls weigh.
    #[serde(skip)]
    weight: usize,
}

impl Journal {
    /// A journal of these calls.
    #[must_use]
    pub fn of(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            ..Self::default()
        }
    }

    /// Keeps a call whose body was this, while there is room.
    pub(crate) fn add(&mut self, entry: Entry, body: &[u8]) {
        let begins = |byte: &&u8| matches!(**byte, b'[' | b'{' | b',' | b':');
        let items = body.iter().filter(begins).count();
        let weight = CALL + 2 * (entry.path.len() + body.len()) + ITEM * items;
        if self.entries.len() == MOST || self.weight + weight > MOST_WEIGHT {
            self.dropped += 1;
            return;
        }
        self.weight += weight;
        self.entries.push(entry);
    }

    /// The calls that registered an agent, answered with a success or not.
    pub fn registrations(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.act == Act::Register)
    }

    /// The heartbeats, under whatever id.
    pub fn heartbeats(&self) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| matches!(entry.act, Act::Heartbeat(_)))
    }
}
