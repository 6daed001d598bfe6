//! Where a user's answers come in: passed over, kept, or heard as an event stream.

use std::sync::Arc;
use std::time::{Duration, Instant};

use acp_conformance::sse::{Event, Limits, Parser, Tier};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::hot::{Flow, Reader};
use crate::recorder::{Gaps, Recorder};

/// The most of an answer that is kept to be compared, in bytes.
const MOST_KEPT: usize = 1 << 20;
/// The names of a stream's events that are told apart, repeats aside.
const MOST_NAMES: usize = 64;
/// How much of such a name is kept, in characters: users are many, and names are words.
const NAME: usize = 100;
/// What one stream may hold of an event: far above what agents send, and far below what would
/// hurt when thousands do it.
const EVENT_BYTES: usize = 256 * 1024;

/// How streams of other protocols end; agents that copy them do, too.
pub(crate) const SENTINEL: &str = "[DONE]";

/// How an answer is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// Its bytes are passed over.
    #[default]
    Over,
    /// Its body is kept.
    Kept,
    /// It is heard as an event stream.
    Heard(Manner),
}

/// How a client behaves with a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// It listens to the end.
    #[default]
    Listens,
    /// It leaves after so many events.
    Leaves(u32),
    /// It waits so long after each piece before it reads on.
    Slow(Duration),
}

/// A stream as it was heard.
pub struct Heard {
    parser: Option<Parser>,
    /// How many events came.
    pub events: u64,
    /// When the first came.
    pub first: Option<Instant>,
    last: Option<Instant>,
    /// From one event to the next.
    pub gaps: Gaps,
    /// The kinds of the first events in the order in which they came, repeats left out.
    pub kinds: Vec<String>,
    /// The kind of the last event, however many came before.
    pub last_kind: String,
    /// The data of the last event.
    pub data: String,
    /// How many streams were open when this one was opened, itself included; 0 if its head never came.
    pub at_once: u64,
    manner: Manner,
    is_open: bool,
}

impl Heard {
    fn new(manner: Manner) -> Self {
        let limits = Limits {
            event_bytes: EVENT_BYTES,
            kept_bytes: 2 * EVENT_BYTES,
            defects: 4,
        };
        Self {
            parser: Some(Parser::new(limits)),
            events: 0,
            first: None,
            last: None,
            gaps: Gaps::default(),
            kinds: Vec::new(),
            last_kind: String::new(),
            data: String::new(),
            at_once: 0,
            manner,
            is_open: false,
        }
    }

    /// The first thing that is wrong with its framing, once it is over.
    pub fn defect(&mut self) -> Option<String> {
        let transcript = self.parser.take()?.finish();
        let mut defects = transcript.defects.into_iter();
        let defect = defects.find(|defect| defect.tier != Tier::Note)?;
        Some(format!("{}: {}", defect.kind, defect.message))
    }

    fn push(&mut self, piece: &[u8], at: Instant) -> Flow {
        let Some(parser) = &mut self.parser else {
            return Flow::On;
        };
        parser.push(piece);
        let mut count = 0;
        for event in parser.drain_events() {
            count += 1;
            let kind = kind(&event);
            if self.kinds.last() != Some(&kind) && self.kinds.len() < MOST_NAMES {
                self.kinds.push(kind.clone());
            }
            self.last_kind = kind;
            self.data = event.data;
        }
        for _ in 0..count {
            self.events += 1;
            self.first.get_or_insert(at);
            if let Some(last) = self.last.replace(at) {
                self.gaps.add(at.saturating_duration_since(last));
            }
        }
        match self.manner {
            Manner::Leaves(after) if self.events >= u64::from(after) => Flow::Leave,
            Manner::Slow(pause) => Flow::After(pause),
            _ => Flow::On,
        }
    }
}

/// What an event is: by the member of its data that says so, or else by its type.
fn kind(event: &Event) -> String {
    #[derive(serde::Deserialize)]
    struct Said {
        event: Option<Value>,
        status: Option<Value>,
        r#type: Option<Value>,
    }
    let said = serde_json::from_str::<Said>(&event.data).ok();
    let said = said.and_then(|said| said.event.or(said.status).or(said.r#type));
    let word = match &said {
        Some(Value::String(word)) => word,
        _ if event.data == SENTINEL => SENTINEL,
        _ => event.event.as_str(),
    };
    word.chars().take(NAME).collect()
}

/// Where a user's answers come in.
pub struct Inlet {
    recorder: Arc<Recorder>,
    reading: Reading,
    /// The body, if it is kept.
    pub body: Vec<u8>,
    /// The header fields, if the body is kept.
    pub headers: HeaderMap,
    /// The stream, if it is one.
    pub heard: Option<Box<Heard>>,
    is_too_large: bool,
}

impl Inlet {
    pub(crate) fn new(recorder: Arc<Recorder>) -> Self {
        Self {
            recorder,
            reading: Reading::Over,
            body: Vec::new(),
            headers: HeaderMap::new(),
            heard: None,
            is_too_large: false,
        }
    }

    /// Makes ready for an answer.
    pub(crate) fn expect(&mut self, reading: Reading) {
        self.reading = reading;
        if reading == Reading::Over {
            return;
        }
        self.body.clear();
        self.is_too_large = false;
        self.heard = match reading {
            Reading::Heard(manner) => Some(Box::new(Heard::new(manner))),
            _ => None,
        };
    }

    /// The answer is over.
    pub(crate) fn end(&mut self) {
        if let Some(heard) = self.heard.as_mut().filter(|heard| heard.is_open) {
            heard.is_open = false;
            self.recorder.closed();
        }
    }

    /// The kept body, if all of it could be kept.
    #[must_use]
    pub fn whole(&self) -> Option<&[u8]> {
        (!self.is_too_large).then_some(&self.body)
    }
}

/// A user who is stopped in the middle of a stream has closed it, too.
impl Drop for Inlet {
    fn drop(&mut self) {
        self.end();
    }
}

impl Reader for Inlet {
    fn head<'h>(&mut self, mut fields: impl Iterator<Item = (&'h str, &'h [u8])>) -> bool {
        match self.reading {
            Reading::Over => false,
            Reading::Kept => {
                self.headers.clear();
                for (name, value) in fields {
                    let name = HeaderName::from_bytes(name.as_bytes());
                    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                        self.headers.append(name, value);
                    }
                }
                false
            }
            Reading::Heard(_) => {
                let is_type = |name: &str| CONTENT_TYPE.as_str().eq_ignore_ascii_case(name);
                let said = fields.find(|(name, _)| is_type(name));
                let is_stream = said.is_some_and(|(_, value)| {
                    value.trim_ascii_start().starts_with(b"text/event-stream")
                });
                if !is_stream {
                    self.heard = None;
                } else if let Some(heard) = &mut self.heard {
                    heard.is_open = true;
                    heard.at_once = self.recorder.opened();
                }
                is_stream
            }
        }
    }

    fn piece(&mut self, piece: &[u8], at: Instant) -> Flow {
        match self.reading {
            Reading::Over => Flow::On,
            Reading::Heard(_) => match &mut self.heard {
                Some(heard) => {
                    self.recorder.hear();
                    heard.push(piece, at)
                }
                None => Flow::On,
            },
            Reading::Kept => {
                if self.body.len() + piece.len() > MOST_KEPT {
                    self.is_too_large = true;
                } else {
                    self.body.extend_from_slice(piece);
                }
                Flow::On
            }
        }
    }
}
