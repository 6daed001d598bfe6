//! Evidence: what was asked of the agent, why, and what came of it.
//!
//! Gathered by the drives, read by the rules. Nothing here does I/O; what is parsed is parsed
//! once and kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cases::Case;
use crate::deadline::Deadline;
use crate::json;
use crate::probe::Probe;
use crate::scenes::Life;
use crate::settings::Facts;
use crate::sse::{self, Transcript};
use crate::wire::{Answer, End, Exchange};

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
}

/// How a case was put into a request, so that a smaller one can be put there too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The path that it was posted to.
    pub path: String,
    /// What comes before the case in the body.
    pub before: String,
    /// What comes after it.
    pub after: String,
    /// Whether the answer is read as a stream.
    pub is_stream: bool,
}

impl Frame {
    /// The body with this case in it.
    #[must_use]
    pub fn body(&self, case: &Case) -> String {
        format!("{}{}{}", self.before, case.text, self.after)
    }
}

/// Why something was asked.
#[derive(Clone, Debug)]
pub struct About {
    /// Where in its topic it belongs.
    pub step: Step,
    /// Which of the things asked about there; asks of one thing share it.
    pub key: usize,
    /// In words.
    pub note: String,
    /// The generated case that was sent, and how.
    pub case: Option<(Case, Frame)>,
    /// An HTTP library may answer it itself, beneath the agent's own code.
    pub is_beneath: bool,
    /// A stream was asked for.
    pub wants_stream: bool,
}

/// One thing asked, and the exchange that came of it.
#[derive(Debug)]
pub struct Ask {
    /// What group it belongs to.
    pub topic: Topic,
    /// Why.
    pub about: About,
    /// What went over the wire.
    pub exchange: Exchange,
    json: OnceLock<Option<Value>>,
    stream: OnceLock<Transcript>,
}

impl Ask {
    /// Puts an exchange on record.
    #[must_use]
    pub fn new(topic: Topic, about: About, exchange: Exchange) -> Self {
        Self {
            topic,
            about,
            exchange,
            json: OnceLock::new(),
            stream: OnceLock::new(),
        }
    }

    /// The answer, if there was one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        self.exchange.answer.as_ref()
    }

    /// The answer's body as JSON, if it came whole and is that; of duplicate keys the last.
    #[must_use]
    pub fn json(&self) -> Option<&Value> {
        let read = || {
            let complete = self.exchange.end == End::Complete;
            let answer = self.answer().filter(|_| complete)?;
            json::lenient(&answer.body).map(|(document, _)| document)
        };
        self.json.get_or_init(read).as_ref()
    }

    /// The answer's body as an event stream.
    #[must_use]
    pub fn stream(&self) -> &Transcript {
        self.stream.get_or_init(|| {
            sse::parse(
                self.answer()
                    .map_or(&[][..], |answer| answer.body.as_slice()),
            )
        })
    }

    /// Whether this was asked with a method and got an answer that may have a body.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.exchange.request.method != "HEAD"
            && self.answer().is_some_and(|answer| !answer.body.is_empty())
    }

    /// Whether the answer is an event stream: by its content type, or as the answer to a request
    /// for one that succeeded.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        self.answer().is_some_and(|answer| {
            answer.media_type().as_deref() == Some("text/event-stream")
                || (self.about.wants_stream && answer.is_success())
        })
    }
}

/// All that was gathered, and what it says of the agent as a whole.
#[derive(Debug)]
pub struct Evidence {
    /// What is known beforehand: the seed, claims, bounds.
    pub facts: Facts,
    /// What the documents and the discovery say.
    pub probe: Arc<Probe>,
    /// Everything asked, in the topics' order.
    pub asks: Vec<Arc<Ask>>,
    /// Topics that were not asked to their end, and why.
    pub incomplete: BTreeMap<Topic, String>,
    /// What became of the processes of scenes.
    pub(crate) lives: BTreeMap<Topic, Life>,
    /// Until when it may be judged; without end, but in a run.
    pub(crate) deadline: Deadline,
}

impl Evidence {
    /// Puts evidence together; the probe is read off the asks.
    #[must_use]
    pub fn new(facts: Facts, asks: Vec<Arc<Ask>>, incomplete: BTreeMap<Topic, String>) -> Self {
        let probe = Arc::new(Probe::of(&facts, &asks));
        Self {
            facts,
            probe,
            asks,
            incomplete,
            lives: BTreeMap::new(),
            deadline: Deadline::default(),
        }
    }

    /// With what became of processes.
    #[must_use]
    pub(crate) fn with_lives(mut self, lives: BTreeMap<Topic, Life>) -> Self {
        self.lives = lives;
        self
    }

    /// To be judged until then.
    #[must_use]
    pub(crate) fn until(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// The same agent and facts, and this ask for all that its topic holds.
    #[must_use]
    pub fn with_only(&self, ask: Arc<Ask>) -> Self {
        let documents = self
            .asks
            .iter()
            .filter(|known| known.topic == Topic::Documents)
            .cloned();
        Self {
            facts: self.facts.clone(),
            probe: Arc::clone(&self.probe),
            asks: documents.chain([ask]).collect(),
            incomplete: BTreeMap::new(),
            lives: self.lives.clone(),
            deadline: self.deadline.clone(),
        }
    }

    /// Everything asked; scenes aside, and what only a descriptor or a manifest lists. This and the
    /// others end when the time for judging does, and [`judge`](crate::judge::judge) says so.
    pub fn all(&self) -> impl Iterator<Item = &Ask> {
        let asks = self.asks.iter().map(Arc::as_ref);
        let asks = asks.filter(|ask| !ask.topic.is_scene() && ask.topic != Topic::Described);
        asks.take_while(move |_| !self.deadline.is_over())
    }

    /// What was asked under a topic.
    pub fn of(&self, topic: Topic) -> impl Iterator<Item = &Ask> {
        let asks = self.asks.iter().map(Arc::as_ref);
        let asks = asks.filter(move |ask| ask.topic == topic);
        asks.take_while(move |_| !self.deadline.is_over())
    }

    /// What was asked in a step of a topic.
    pub fn at(&self, topic: Topic, step: Step) -> impl Iterator<Item = &Ask> {
        self.of(topic).filter(move |ask| ask.about.step == step)
    }

    /// The first thing asked in a step of a topic about a key.
    #[must_use]
    pub fn one(&self, topic: Topic, step: Step, key: usize) -> Option<&Ask> {
        self.at(topic, step).find(|ask| ask.about.key == key)
    }
}
