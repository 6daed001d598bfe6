//! The lines of a record: the head, and the asks. Their fields are fixed: more may be added,
//! none is changed.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::{Bytes, Nanoseconds};
use crate::cases::{Case, Class};
use crate::evidence::{About, Ask, Frame, Step, Topic};
use crate::launch::Exit;
use crate::params::Params;
use crate::scenes::{Life, mark};
use crate::settings::Terms;
use crate::wire::{Answer, End, Exchange, Manner, Read, Request};

/// More header fields no message has that the wire has read or sent.
const MOST_FIELDS: usize = 1024;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) format_version: u32,
    /// The version of the program that wrote it.
    pub(super) tool: String,
    pub(super) profile: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) label: Option<String>,
    pub(super) started_at: String,
    pub(super) took_ns: Nanoseconds,
    pub(super) seed: u64,
    pub(super) cases: usize,
    pub(super) claims: Vec<String>,
    #[serde(default)]
    pub(super) stream_path: Option<String>,
    pub(super) params: Told,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) descriptor: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) manifest: Option<Value>,
    #[serde(default)]
    pub(super) launched: Option<Launched>,
    /// The ids of the rules that were to be judged.
    pub(super) rules: Vec<String>,
    /// Those that cannot be judged without the secrets that are not here.
    #[serde(default)]
    pub(super) blurred: Vec<String>,
    /// Those for which the run had no time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) unjudged: Vec<String>,
    /// An orchestrator's journal alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_witnessed: bool,
    #[serde(default)]
    pub(super) stop: Option<Stopped>,
    /// Topics that were not asked to their end, and why.
    #[serde(default)]
    pub(super) incomplete: BTreeMap<Topic, String>,
    #[serde(default)]
    pub(super) lives: BTreeMap<Topic, Lived>,
    /// What was gathered afresh: one entry each time.
    #[serde(default)]
    pub(super) rounds: Vec<Again>,
    /// How many lines follow.
    pub(super) asks: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "why", rename_all = "kebab-case")]
pub(super) enum Stopped {
    Gone(String),
    Interrupted,
    OutOfTime(Nanoseconds),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Launched {
    heartbeat_ns: Nanoseconds,
    is_quick: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Again {
    pub(super) topics: Vec<Topic>,
    #[serde(default)]
    pub(super) incomplete: BTreeMap<Topic, String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(default)]
    cache_ttl_ns: Option<Nanoseconds>,
    #[serde(default)]
    rate_limit: Option<(u32, Nanoseconds)>,
    #[serde(default)]
    slow_input: Option<Value>,
    /// How many there were.
    #[serde(default)]
    refused_credentials: usize,
    #[serde(default)]
    change_capabilities: Option<(String, String)>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Lived {
    #[serde(default)]
    trouble: Option<String>,
    marks: BTreeMap<String, Nanoseconds>,
    #[serde(default)]
    exit: Option<Ended>,
    #[serde(default)]
    last_words: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    at_ns: Nanoseconds,
    #[serde(default)]
    code: Option<i32>,
    #[serde(default)]
    signal: Option<i32>,
}

/// What was asked, why, and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    /// 0 at first; of what was gathered afresh the number of the time, from 1.
    #[serde(default)]
    pub(super) round: usize,
    /// Asked to find the smallest case for which this rule fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shrunk: Option<String>,
    topic: Topic,
    step: Step,
    key: usize,
    note: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    case: Option<Sent>,
    #[serde(default)]
    is_beneath: bool,
    #[serde(default)]
    wants_stream: bool,
    began_ns: Nanoseconds,
    elapsed_ns: Nanoseconds,
    request: Requested,
    #[serde(default)]
    answer: Option<Answered>,
    end: End,
}

#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    name: String,
    text: String,
    class: Class,
    path: String,
    before: String,
    after: String,
    is_stream: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Requested {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Bytes,
    body_length: usize,
    #[serde(default)]
    manner: Manner,
    #[serde(default)]
    is_anonymous: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answered {
    status: u16,
    headers: Vec<(String, String)>,
    #[serde(default)]
    body: Bytes,
    /// How many bytes of the body there were, and when, since the exchange began, in nanoseconds.
    reads: Vec<(usize, Nanoseconds)>,
    #[serde(default)]
    surplus: usize,
}

impl From<Terms> for Launched {
    fn from(terms: Terms) -> Self {
        Self {
            heartbeat_ns: Nanoseconds(terms.heartbeat),
            is_quick: terms.is_quick,
        }
    }
}

impl Launched {
    pub(super) fn terms(&self) -> Result<Terms, &'static str> {
        let heartbeat = self.heartbeat_ns.0;
        match heartbeat >= Duration::from_millis(1) {
            true => Ok(Terms {
                heartbeat,
                is_quick: self.is_quick,
            }),
            false => Err("heartbeats follow upon each other without a pause"),
        }
    }
}

impl From<&Params> for Told {
    fn from(params: &Params) -> Self {
        let limit = params.rate_limit;
        Self {
            cache_ttl_ns: params.cache_ttl.map(Nanoseconds),
            rate_limit: limit.map(|(requests, window)| (requests, Nanoseconds(window))),
            slow_input: params.slow_input.clone(),
            refused_credentials: params.refused_credentials.len(),
            change_capabilities: params.change_capabilities.clone(),
        }
    }
}

impl Told {
    /// All but the credentials: no rule reads them.
    pub(super) fn params(self) -> Params {
        let limit = self.rate_limit;
        let is_some_time = |time: &Duration| !time.is_zero();
        Params {
            cache_ttl: self.cache_ttl_ns.map(|time| time.0).filter(is_some_time),
            rate_limit: limit
                .map(|(requests, window)| (requests, window.0))
                .filter(|(requests, window)| *requests > 0 && is_some_time(window)),
            slow_input: self.slow_input,
            refused_credentials: Vec::new(),
            change_capabilities: self.change_capabilities,
        }
    }
}

impl From<&Life> for Lived {
    fn from(life: &Life) -> Self {
        let marks = life.marks.iter();
        Self {
            trouble: life.trouble.clone(),
            marks: marks
                .map(|(mark, at)| ((*mark).to_owned(), Nanoseconds(*at)))
                .collect(),
            exit: life.exit.map(|(at, exit)| Ended {
                at_ns: Nanoseconds(at),
                code: exit.code,
                signal: exit.signal,
            }),
            last_words: life.last_words.clone(),
        }
    }
}

impl From<Lived> for Life {
    /// Moments that have no name here say nothing to any rule.
    fn from(lived: Lived) -> Self {
        let known = |(name, at): (String, Nanoseconds)| {
            let mut names = mark::ALL.iter();
            Some((*names.find(|known| **known == name)?, at.0))
        };
        Self {
            trouble: lived.trouble,
            marks: lived.marks.into_iter().filter_map(known).collect(),
            exit: lived.exit.map(|ended| {
                let Ended {
                    at_ns,
                    code,
                    signal,
                } = ended;
                (at_ns.0, Exit { code, signal })
            }),
            last_words: lived.last_words,
        }
    }
}

impl Asked {
    pub(super) fn of(ask: &Ask, round: usize, shrunk: Option<&str>) -> Self {
        let Exchange {
            request,
            began,
            elapsed,
            answer,
            end,
        } = &ask.exchange;
        let about = &ask.about;
        Self {
            round,
            shrunk: shrunk.map(str::to_owned),
            topic: ask.topic,
            step: about.step,
            key: about.key,
            note: about.note.clone(),
            case: about.case.as_ref().map(Sent::of),
            is_beneath: about.is_beneath,
            wants_stream: about.wants_stream,
            began_ns: Nanoseconds(*began),
            elapsed_ns: Nanoseconds(*elapsed),
            request: Requested {
                method: request.method.clone(),
                path: request.path.clone(),
                headers: request.headers.clone(),
                body: Bytes::of(&request.body),
                body_length: request.body_length,
                manner: request.manner,
                is_anonymous: request.is_anonymous,
            },
            answer: answer.as_ref().map(Answered::of),
            end: end.clone(),
        }
    }

    /// What it tells; or what is wrong with it, in a fragment.
    pub(super) fn ask(self) -> Result<Ask, &'static str> {
        let about = About {
            step: self.step,
            key: self.key,
            note: self.note,
            case: self.case.map(Sent::case),
            is_beneath: self.is_beneath,
            wants_stream: self.wants_stream,
        };
        let request = Request {
            method: self.request.method,
            path: self.request.path,
            headers: few(self.request.headers)?,
            body: self.request.body.bytes()?,
            body_length: self.request.body_length,
            manner: self.request.manner,
            is_anonymous: self.request.is_anonymous,
        };
        let exchange = Exchange {
            request,
            began: self.began_ns.0,
            elapsed: self.elapsed_ns.0,
            answer: self.answer.map(Answered::answer).transpose()?,
            end: self.end,
        };
        Ok(Ask::new(self.topic, about, exchange))
    }
}

impl Sent {
    fn of((case, frame): &(Case, Frame)) -> Self {
        Self {
            name: case.name.clone(),
            text: case.text.clone(),
            class: case.class.clone(),
            path: frame.path.clone(),
            before: frame.before.clone(),
            after: frame.after.clone(),
            is_stream: frame.is_stream,
        }
    }

    fn case(self) -> (Case, Frame) {
        let case = Case {
            name: self.name,
            value: serde_json::from_str(&self.text).unwrap_or(Value::Null),
            text: self.text,
            class: self.class,
        };
        let frame = Frame {
            path: self.path,
            before: self.before,
            after: self.after,
            is_stream: self.is_stream,
        };
        (case, frame)
    }
}

impl Answered {
    fn of(answer: &Answer) -> Self {
        let reads = answer.reads.iter();
        Self {
            status: answer.status,
            headers: answer.headers.clone(),
            body: Bytes::of(&answer.body),
            reads: reads
                .map(|read| (read.until, Nanoseconds(read.at)))
                .collect(),
            surplus: answer.surplus,
        }
    }

    fn answer(self) -> Result<Answer, &'static str> {
        let body = self.body.bytes()?;
        let reads = self.reads.into_iter();
        let reads: Vec<Read> = reads.map(|(until, at)| Read { until, at: at.0 }).collect();
        if !reads.is_sorted_by_key(|read| (read.until, read.at)) {
            return Err("the pieces of a body are not in the order of their arrival");
        }
        Ok(Answer {
            status: self.status,
            headers: few(self.headers)?,
            body,
            reads,
            surplus: self.surplus,
        })
    }
}

fn few(headers: Vec<(String, String)>) -> Result<Vec<(String, String)>, &'static str> {
    match headers.len() <= MOST_FIELDS {
        true => Ok(headers),
        false => Err("a message has more than 1024 header fields"),
    }
}
