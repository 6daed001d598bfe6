//! What is asked of a cache, and what its answers give away.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use acp_conformance::volatile::{self, Paths};
use ahash::RandomState;
use hyper::header::HeaderMap;
use serde_json::Value;

use super::answers::Answers;
use crate::chance::{Chance, EXPECTED};
use crate::hot::{Exchange, Line, Prepared};
use crate::inlet::Reading;
use crate::popularity::{Pace, Room, expected_hit_rate};
use crate::recorder::{Series, Verdict};
use crate::run::Job;
use crate::script::{Ask, Judged, Script, User};
use crate::traffic::{Draw, LONGEST_ID, Traffic, say};

/// Where answers say that they come from the cache: the seed's way first, then dialects.
const MEMBERS: [&str; 12] = [
    "/output/_from_cache",
    "/_from_cache",
    "/metadata/_from_cache",
    "/from_cache",
    "/output/from_cache",
    "/metadata/from_cache",
    "/cached",
    "/output/cached",
    "/metadata/cached",
    "/cache_hit",
    "/output/cache_hit",
    "/metadata/cache_hit",
];
const HEADERS: [&str; 2] = ["x-cache", "cache-status"];

/// An agent that has computed so many answers again, each the same as before, computes the same
/// each time: fewer may be alike by chance.
const STEADY: u64 = 5;
const MARKED_NO_MORE: &str = "of one question asked again at once, an answer is marked as a hit and the next is not: hits, misses and stampedes are as the agent marks them";

/// How an agent marks hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    /// A member that is `true`.
    Member(&'static str),
    /// A header field that speaks of a hit.
    Header(&'static str),
    /// `Age`, which only stored answers have (RFC 9111, 5.1).
    Age,
}

impl Marker {
    fn is_hit(self, headers: &HeaderMap, body: &Value) -> bool {
        match self {
            Self::Member(pointer) => body.pointer(pointer) == Some(&Value::Bool(true)),
            Self::Header(name) => headers.get(name).is_some_and(|value| {
                value
                    .as_bytes()
                    .to_ascii_lowercase()
                    .windows(3)
                    .any(|it| it == b"hit")
            }),
            Self::Age => headers.contains_key("age"),
        }
    }

    /// The marker that says "hit" of this answer.
    fn of(headers: &HeaderMap, body: &Value) -> Option<Self> {
        let members = MEMBERS.map(Self::Member).into_iter();
        let headers_ = HEADERS.map(Self::Header).into_iter();
        let mut all = members.chain(headers_).chain([Self::Age]);
        all.find(|marker| marker.is_hit(headers, body))
    }

    fn name(self) -> String {
        match self {
            Self::Member(pointer) => format!("{}: true", pointer.trim_start_matches('/')),
            Self::Header(name) => format!("the header field {name}"),
            Self::Age => "the header field age".to_owned(),
        }
    }
}

/// One question, and what is known of its answers.
struct Question {
    prepared: Prepared,
    name: String,
    /// Its configuration was made for this run: nobody can have asked it before.
    is_new: bool,
    asks: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    answers: Answers,
    /// When the last computed answer came.
    computed: Option<Instant>,
    /// How many were computed in a chain of overlapping times.
    chain: u64,
}

/// What was seen, warm-up included.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) wrong: u64,
    /// Hits that could not be held against any computed answer.
    pub(super) unverified: u64,
    pub(super) example: Option<String>,
    pub(super) stampedes: u64,
    pub(super) largest: u64,
    /// Answers that were computed again and were the same.
    same: u64,
    /// Those that were others.
    changed: u64,
}

/// What users ask.
pub(super) struct Questions {
    endpoints: Vec<String>,
    questions: Vec<Question>,
    draw: Draw,
    turns: AtomicU64,
    marker: Option<Marker>,
    volatile: Paths,
    hasher: RandomState,
    seen: Mutex<Seen>,
    wording: String,
    pub(super) notes: Vec<String>,
}

impl Questions {
    /// Stores configurations, makes the questions, and asks one of them twice, to learn how the
    /// agent marks hits and what of its answers changes by itself.
    pub(super) async fn prepare(job: &Job, traffic: &Traffic) -> Result<Self, String> {
        let mut line = Line::new(job.target.clone(), 0);
        let configs = store(&mut line, job, traffic).await;
        let is_new = configs.len() > 1;
        let wished = job.traffic.keys;
        let asked = traffic.inputs.iter().flat_map(|input| {
            let configs = configs.iter().enumerate();
            configs.map(move |(number, config)| (input, number, config))
        });
        let questions: Vec<Question> = asked
            .take(wished)
            .filter_map(|(input, number, config)| {
                let body = Traffic::body(input, config.as_deref(), false);
                Some(Question {
                    prepared: Prepared::post(&job.target, "/invoke", body)?,
                    name: match number {
                        0 => input.clone(),
                        number => format!("{input} with configuration {number}"),
                    },
                    is_new: number > 0,
                    asks: AtomicU64::new(0),
                    known: Mutex::default(),
                })
            })
            .collect();
        let mut made = Self {
            endpoints: vec!["POST /invoke".to_owned()],
            draw: Draw::new(job.traffic.popularity, questions.len()),
            wording: format!("{} over {} keys", job.traffic.popularity, questions.len()),
            questions,
            turns: AtomicU64::new(0),
            marker: None,
            volatile: Paths::new(),
            hasher: RandomState::with_seeds(1, 2, 3, 4),
            seen: Mutex::default(),
            notes: Vec::new(),
        };
        if !is_new {
            made.notes.push(format!(
                "the agent stores no configurations under ids of at most {LONGEST_ID} bytes: \
                 answers of one to another were not looked for"
            ));
        }
        made.ask_twice(&mut line).await?;
        Ok(made)
    }

    async fn ask_twice(&mut self, line: &mut Line) -> Result<(), String> {
        let Some(question) = self.questions.last() else {
            return Err("no question could be made".to_owned());
        };
        let mut answers = Vec::new();
        // What changes by itself is another each time; what a wrong hit changes is not.
        for _ in 0..3 {
            question.asks.fetch_add(1, Ordering::Relaxed);
            let answer = say(line, &question.prepared, Reading::Kept).await;
            let status = answer.status;
            let body = answer.json().filter(|_| answer.is_well());
            let body =
                body.ok_or_else(|| format!("POST /invoke answers {status} to a valid input"))?;
            answers.push((answer.headers, body));
        }
        let differing =
            |one: usize, other: usize| volatile::differing(&answers[one].1, &answers[other].1);
        let each_time = differing(0, 1).intersect(&differing(1, 2));
        self.volatile = each_time.intersect(&differing(0, 2));
        // Later ones first: they are hits rather than the first one is.
        let mut latest = answers.iter().rev();
        self.marker = latest.find_map(|(headers, body)| Marker::of(headers, body));
        let Some(marker) = self.marker else {
            return Ok(());
        };
        let are_hits: Vec<bool> = answers
            .iter()
            .map(|(headers, body)| marker.is_hit(headers, body))
            .collect();
        if are_hits.windows(2).any(|pair| pair == [true, false]) {
            self.notes.push(MARKED_NO_MORE.to_owned());
        }
        let mut known = lock(&question.known);
        for ((_, body), is_hit) in answers.iter().zip(are_hits) {
            if !is_hit {
                known.answers.compute(self.digest(body));
            }
        }
        Ok(())
    }

    pub(super) fn marker(&self) -> Option<String> {
        self.marker.map(Marker::name)
    }

    pub(super) fn popularity(&self) -> String {
        self.wording.clone()
    }

    /// The hit rate of a cache without mistakes, by the way in which questions are drawn.
    pub(super) fn expected(&self, room: Room, pace: Pace, seed: u64) -> Option<f64> {
        // Users draw by turns, each from its own chance; one chance for all is as good.
        let mut chance = Chance::new(seed, EXPECTED);
        expected_hit_rate(room, pace, |turn| self.draw.next(&mut chance, turn))
    }

    /// All that was seen, with what can be said of hits now that the run is over.
    pub(super) fn seen(&self) -> Seen {
        let mut seen = lock(&self.seen).clone();
        let is_steady = seen.changed == 0 && seen.same >= STEADY;
        for question in &self.questions {
            let found = lock(&question.known).answers.found(is_steady);
            seen.wrong += found.foreign + found.differing;
            seen.unverified += found.unverified;
            let what = match (found.foreign, found.differing) {
                (0, 0) => continue,
                (0, _) => "a hit differs from what was computed",
                _ => "an answer came from the cache to what was never asked",
            };
            seen.example
                .get_or_insert_with(|| format!("{what}: {}", question.name));
        }
        seen
    }

    fn digest(&self, body: &Value) -> u64 {
        let steady = volatile::steady(body, &self.volatile);
        self.hasher.hash_one(steady.to_string())
    }

    /// Looks at a good answer.
    fn look(&self, question: &Question, hit: Option<bool>, body: &Value, exchange: &Exchange) {
        let Some(is_hit) = hit else {
            return;
        };
        let digest = self.digest(body);
        let asks = question.asks.load(Ordering::Relaxed);
        let mut known = lock(&question.known);
        let mut seen = lock(&self.seen);
        if is_hit {
            known.answers.hit(digest, question.is_new.then_some(asks));
            seen.hits += 1;
            return;
        }
        match known.answers.compute(digest) {
            Some(true) => seen.same += 1,
            Some(false) => seen.changed += 1,
            None => {}
        }
        seen.misses += 1;
        let overlaps = known.computed.is_some_and(|last| exchange.began < last);
        known.chain = if overlaps { known.chain + 1 } else { 1 };
        seen.stampedes += u64::from(known.chain == 2);
        if overlaps {
            seen.largest = seen.largest.max(known.chain);
        }
        known.computed = known.computed.max(Some(exchange.ended));
    }
}

impl Script for Questions {
    fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    fn next(&self, user: &mut User) -> Ask<'_> {
        // The sequence is one for all users.
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        let key = self.draw.next(&mut user.chance, turn);
        let question = &self.questions[key];
        question.asks.fetch_add(1, Ordering::Relaxed);
        Ask {
            prepared: &question.prepared,
            endpoint: 0,
            reading: Reading::Kept,
            key,
            provokes: false,
        }
    }

    fn judge(&self, user: &mut User, ask: &Ask<'_>, exchange: &Exchange) -> Judged {
        let judged = Judged::by_status(ask, exchange);
        if judged.verdict != Verdict::Ok {
            return judged;
        }
        let body = user
            .inlet
            .whole()
            .and_then(|body| serde_json::from_slice(body).ok());
        let Some(body) = body else {
            return Judged::of(Verdict::Failed(Some("not-json")));
        };
        let headers = &user.inlet.headers;
        let hit = self.marker.map(|marker| marker.is_hit(headers, &body));
        self.look(&self.questions[ask.key], hit, &body, exchange);
        let series = match hit {
            Some(true) => Series::Hit,
            Some(false) => Series::Miss,
            None => return judged,
        };
        user.time(series, exchange.ended - exchange.began);
        Judged { hit, ..judged }
    }
}

/// No configuration, and those that the agent stored now: their ids.
async fn store(line: &mut Line, job: &Job, traffic: &Traffic) -> Vec<Option<String>> {
    let mut ids = vec![None];
    for config in &traffic.configs {
        let body = format!("{{\"config\":{config}}}");
        let Some(prepared) = Prepared::post(&job.target, "/config", body) else {
            continue;
        };
        let answer = say(line, &prepared, Reading::Kept).await;
        let id = answer.config_id();
        if id.is_some() && !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What stands in these is whole after each statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
