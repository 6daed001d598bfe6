//! `stream`: are event streams whole and in order while there are many, and when do events come?

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use acp_conformance::volatile::{self, Paths};
use acp_reports::load::{Defect, Report, Stream, Violation};
use serde_json::Value;

use super::Scenario;
use crate::attack::Taken;
use crate::hot::{Exchange, Line, Prepared};
use crate::inlet::{Heard, Manner, Reading, SENTINEL};
use crate::recorder::{Series, Verdict};
use crate::run::{self, Clients, Job, SLOWNESS};
use crate::script::{Ask, Judged, Script, User};
use crate::summary::latency;
use crate::traffic::{Draw, Traffic, say};

/// The scenario.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "stream",
    summary: "event streams: whole, in order, in time, thousands at once",
    attack: |job| Box::pin(attack(job)),
};

/// So many streams are heard alone beforehand, to know what they are like at rest.
const AT_REST: usize = 8;
/// Each of them so often, to know what is different each time.
const TIMES: usize = 3;
/// No more are heard beforehand once that has taken so long.
const REST: Duration = Duration::from_secs(10);
/// Who leaves half way leaves after so many events.
const LEAVES_AFTER: u32 = 2;

/// The words that complete a stream, of both vocabularies and of common dialects.
const COMPLETING: [&str; 7] = [
    "complete",
    "completed",
    "done",
    "finished",
    "end",
    "result",
    SENTINEL,
];

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    let Some(streams) = Streams::prepare(job, &traffic).await else {
        report.error = Some(format!(
            "no stream was found: {}; name their path with --stream-path",
            traffic.streamless
        ));
        return report;
    };
    if !streams.is_steady {
        report.notes.push("asked the same again at rest, the agent streams otherwise: of streams under load only framing and completion are judged".to_owned());
    }
    let streams = Arc::new(streams);
    let Some(taken) = run::attack(job, &job.load, streams.clone(), &mut report).await else {
        return report;
    };
    let seen = streams.seen.lock().unwrap_or_else(PoisonError::into_inner);
    report
        .defects
        .extend(seen.violation.as_ref().map(|first| Defect {
            name: "broken-streams".to_owned(),
            message: format!(
                "first with {} streams at once: {}",
                first.at_once, first.message
            ),
            count: seen.broken,
        }));
    report.stream = Some(figures(&seen, &taken));
    report
}

fn figures(seen: &Seen, taken: &Taken) -> Stream {
    let of = |series| latency(&taken.tape.whole(series));
    Stream {
        opened: seen.opened,
        completed: seen.completed,
        broken: seen.broken,
        events: seen.events,
        first_event_ms: of(Series::FirstEvent),
        gap_ms: of(Series::Gap),
        complete_ms: of(Series::Complete),
        most_at_once: taken.most_open,
        left: seen.left,
        slow: seen.slow,
        first_violation: seen.violation.clone(),
    }
}

/// What was seen of the streams of the measured time.
#[derive(Default)]
struct Seen {
    opened: u64,
    completed: u64,
    broken: u64,
    events: u64,
    left: u64,
    slow: u64,
    violation: Option<Violation>,
    since: Option<Instant>,
}

/// A stream that can be asked for, and what it is like when it is alone.
struct Known {
    prepared: Prepared,
    /// Nothing if it could not be heard.
    rest: Option<Rest>,
}

/// A stream as it is when it is alone.
struct Rest {
    kinds: Vec<String>,
    /// The last event's data, if it is JSON.
    last: Option<Value>,
}

/// What users do.
struct Streams {
    endpoints: Vec<String>,
    known: Vec<Known>,
    draw: Draw,
    turns: AtomicU64,
    clients: Clients,
    /// Whether the agent streams the same again when it is asked the same at rest; what is volatile aside.
    is_steady: bool,
    volatile: Paths,
    seen: Mutex<Seen>,
}

impl Streams {
    /// Hears some streams alone; `None` if the agent has none.
    async fn prepare(job: &Job, traffic: &Traffic) -> Option<Self> {
        let (path, is_flagged) = traffic.stream.as_ref()?;
        let mut line = Line::new(job.target.clone(), 0);
        let mut streams = Self {
            endpoints: vec![format!("POST {path}")],
            known: Vec::new(),
            draw: Draw::new(job.traffic.popularity, 0),
            turns: AtomicU64::new(0),
            clients: job.clients,
            is_steady: true,
            volatile: Paths::new(),
            seen: Mutex::default(),
        };
        let began = Instant::now();
        for input in traffic.inputs.iter().take(AT_REST) {
            if !streams.known.is_empty() && began.elapsed() > REST {
                break;
            }
            let body = Traffic::body(input, None, *is_flagged);
            let prepared = Prepared::post(&job.target, path, body)?;
            let mut hearings = Vec::new();
            for time in 0..TIMES {
                // Twice at the least, or nothing is known of what changes by itself.
                if time < 2 || began.elapsed() <= REST {
                    let heard = hear(&mut line, &prepared).await;
                    hearings.extend(heard.map(|it| *it));
                }
            }
            let rest = streams.at_rest(hearings);
            streams.known.push(Known { prepared, rest });
        }
        streams.draw = Draw::new(job.traffic.popularity, streams.known.len());
        Some(streams)
    }

    /// What one stream is like, by several hearings of it.
    fn at_rest(&mut self, hearings: Vec<Heard>) -> Option<Rest> {
        let mut hearings = hearings.into_iter();
        let mut first = hearings.next()?;
        self.note_at_rest(&mut first);
        let last = last_data(&first);
        for again in hearings {
            self.is_steady &= again.kinds == first.kinds;
            match (&last, &last_data(&again)) {
                (Some(one), Some(other)) => self.volatile.unite(volatile::differing(one, other)),
                (None, None) => {}
                _ => self.is_steady = false,
            }
        }
        let kinds = first.kinds;
        Some(Rest { kinds, last })
    }

    /// What is wrong at rest already is not the load's fault, and is told all the same.
    fn note_at_rest(&mut self, heard: &mut Heard) {
        let seen = self.seen.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(message) = heard.defect()
            && seen.violation.is_none()
        {
            let at_once = 1;
            let message = format!("at rest already: {message}");
            seen.violation = Some(Violation {
                at_once,
                at_s: 0.0,
                message,
            });
        }
    }

    /// What is wrong with a stream that came to its end, if anything.
    fn wrong(&self, known: &Known, heard: &mut Heard) -> Option<String> {
        if let Some(defect) = heard.defect() {
            return Some(defect);
        }
        if heard.events == 0 {
            return Some("the stream ended without an event".to_owned());
        }
        let last = heard.last_kind.as_str();
        if !COMPLETING.contains(&last) {
            return Some(format!("it ended with `{last}`, which completes nothing"));
        }
        // What is different each time has nothing that it could be compared with.
        let rest = known.rest.as_ref().filter(|_| self.is_steady)?;
        if heard.kinds != rest.kinds {
            return Some(format!(
                "its events were {}, and {} when it was alone",
                heard.kinds.join(", "),
                rest.kinds.join(", ")
            ));
        }
        let steady = |value: &Value| volatile::steady(value, &self.volatile);
        if last_data(heard).as_ref().map(steady) != rest.last.as_ref().map(steady) {
            return Some("its last event was another one than when it was alone".to_owned());
        }
        None
    }

    fn note(&self, at_once: u64, wrong: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.broken += 1;
        if seen.violation.is_none() {
            let at_s = seen
                .since
                .map_or(0.0, |since| since.elapsed().as_secs_f64());
            let message = acp_reports::shorten(wrong, 300).into_owned();
            seen.violation = Some(Violation {
                at_once,
                at_s,
                message,
            });
        }
    }
}

impl Script for Streams {
    fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    fn next(&self, user: &mut User) -> Ask<'_> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let key = self.draw.next(&mut user.chance, turn);
        let drawn = user.chance.fraction();
        let manner = match drawn {
            _ if drawn < self.clients.leaving => Manner::Leaves(LEAVES_AFTER),
            _ if drawn < self.clients.leaving + self.clients.slow => Manner::Slow(SLOWNESS),
            _ => Manner::Listens,
        };
        Ask {
            prepared: &self.known[key].prepared,
            endpoint: 0,
            reading: Reading::Heard(manner),
            key,
            provokes: false,
        }
    }

    fn judge(&self, user: &mut User, ask: &Ask<'_>, exchange: &Exchange) -> Judged {
        let judged = Judged::by_status(ask, exchange);
        let at_once = user.inlet.heard.as_ref().map_or(0, |heard| heard.at_once);
        let Some(heard) = user.inlet.heard.as_deref_mut() else {
            return match judged.verdict {
                Verdict::Ok => Judged::of(Verdict::Failed(Some("not-a-stream"))),
                _ => judged,
            };
        };
        // What never was a stream is none that broke.
        if at_once == 0 || !(200..300).contains(&exchange.status) {
            return judged;
        }
        let is_slow = matches!(ask.reading, Reading::Heard(Manner::Slow(_)));
        if user.counts {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.since.get_or_insert(exchange.began);
            seen.opened += 1;
            seen.events += heard.events;
            seen.left += u64::from(exchange.left);
            seen.slow += u64::from(is_slow);
        }
        if exchange.left {
            return Judged::of(Verdict::Left);
        }
        let wrong = match exchange.trouble {
            None => self.wrong(&self.known[ask.key], heard),
            Some(trouble) => Some(format!("the stream was {}", trouble.name())),
        };
        if let Some(wrong) = wrong {
            if user.counts {
                self.note(at_once, &wrong);
            }
            return Judged::of(Verdict::Failed(Some("broken-stream")));
        }
        if user.counts {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.completed += 1;
        }
        if is_slow {
            return Judged::of(Verdict::Awaited);
        }
        user.time_stream(exchange);
        judged
    }
}

async fn hear(line: &mut Line, prepared: &Prepared) -> Option<Box<Heard>> {
    let answer = say(line, prepared, Reading::Heard(Manner::Listens)).await;
    answer.heard.filter(|_| answer.trouble.is_none())
}

fn last_data(heard: &Heard) -> Option<Value> {
    serde_json::from_str(&heard.data).ok()
}
