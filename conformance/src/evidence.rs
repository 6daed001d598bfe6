//! Evidence: what was asked of the agent, why, and what came of it.
//!
//! Gathered by the drives, read by the rules. Nothing here does I/O; what is parsed is parsed
//! once and kept.

mod topic;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub use self::topic::{Step, Topic};
use crate::cases::Case;
use crate::deadline::Deadline;
use crate::json;
use crate::probe::Probe;
use crate::scenes::Life;
use crate::settings::Facts;
use crate::sse::{self, Transcript};
use crate::wire::{Answer, End, Exchange};

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

impl About {
    /// A place in its topic, and a note.
    #[must_use]
    pub fn new(step: Step, key: usize, note: impl Into<String>) -> Self {
        Self {
            step,
            key,
            note: note.into(),
            case: None,
            is_beneath: false,
            wants_stream: false,
        }
    }
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

    /// Whether it was refused, and asked again later: only what came of that is judged.
    #[must_use]
    pub fn is_waited_out(&self) -> bool {
        self.about.step == Step::WaitedOut
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

    /// Everything asked; scenes aside, what was waited out, and what only a descriptor or a manifest lists. This and the
    /// others end when the time for judging does, and [`judge`](crate::judge::judge) says so.
    pub fn all(&self) -> impl Iterator<Item = &Ask> {
        let asks = self.asks.iter().map(Arc::as_ref);
        let asks = asks.filter(|ask| !ask.topic.is_scene() && ask.topic != Topic::Described);
        let asks = asks.filter(|ask| !ask.is_waited_out());
        asks.take_while(move |_| !self.deadline.is_over())
    }

    /// What was asked under a topic; what was waited out aside.
    pub fn of(&self, topic: Topic) -> impl Iterator<Item = &Ask> {
        self.under(topic).filter(|ask| !ask.is_waited_out())
    }

    /// What was asked in a step of a topic.
    pub fn at(&self, topic: Topic, step: Step) -> impl Iterator<Item = &Ask> {
        self.under(topic).filter(move |ask| ask.about.step == step)
    }

    fn under(&self, topic: Topic) -> impl Iterator<Item = &Ask> {
        let asks = self.asks.iter().map(Arc::as_ref);
        let asks = asks.filter(move |ask| ask.topic == topic);
        asks.take_while(move |_| !self.deadline.is_over())
    }

    /// The first thing asked in a step of a topic about a key.
    #[must_use]
    pub fn one(&self, topic: Topic, step: Step, key: usize) -> Option<&Ask> {
        self.at(topic, step).find(|ask| ask.about.key == key)
    }
}
