//! Faults of what is served from the cache.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{
    body::Bytes,
    http::{Method, StatusCode},
};
use serde_json::{Map, Value, json};

use super::Fault;
use crate::{
    exchange::{Asked, Reply},
    invoke::Job,
    preferences::Preferences,
    results::Key,
    seams::{Memory, Place, Seam},
};

const MARK: &str = "_from_cache";

fn is_hit(job: &Job, output: &Value) -> bool {
    job.place == Place::Invoke && output[MARK] == json!(true)
}

/// How many answers to this question came from the cache before this one, if this one does.
fn hits_before(memory: &Memory, job: &Job, output: &Value) -> Option<u64> {
    if !is_hit(job, output) {
        return None;
    }
    let name = name(&Key::of(job));
    let before = memory.with(|seen| {
        let before = seen[&name].as_u64().unwrap_or(0);
        seen[&name] = (before + 1).into();
        before
    });
    Some(before)
}

/// Every number of a value without its fraction.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().map(f64::round);
            *value = json!(whole.map(|whole| whole as i64));
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(members) => members.values_mut().for_each(round),
        _ => {}
    }
}

/// An object whose members stand in the order of their names; theirs stand as they are.
fn sorted(input: &Value) -> Value {
    let mut members: Vec<_> = input.as_object().cloned().into_iter().flatten().collect();
    members.sort_by(|left, right| left.0.cmp(&right.0));
    Map::from_iter(members).into()
}

/// The input with every list in it sorted.
fn with_lists_sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(with_lists_sorted).collect();
            items.sort_by_key(Value::to_string);
            items.into()
        }
        Value::Object(members) => {
            let members = members.iter();
            let members = members.map(|(name, member)| (name.clone(), with_lists_sorted(member)));
            Map::from_iter(members).into()
        }
        scalar => scalar.clone(),
    }
}

/// The text of a value, canonical if that can be.
fn canonical(value: &Value) -> String {
    serde_jcs::to_string(value).unwrap_or_default()
}

/// The time of day in milliseconds.
fn clock() -> f64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.unwrap_or_default().as_secs_f64() * 1000.0
}

/// The name of a key in a fault's memory.
fn name(key: &Key) -> String {
    format!("{key:?}")
}

/// What a fault remembers: the output under a key, and when it was last served.
fn keep(memory: &Memory, key: &Key, output: &Bytes) {
    let output = String::from_utf8_lossy(output);
    memory.with(|kept| kept[name(key)] = json!({"output": output, "at": clock()}));
}

fn kept(memory: &Memory, key: &Key) -> Option<(Bytes, f64)> {
    let kept = memory.with(|kept| kept[name(key)].clone());
    let output = kept["output"].as_str()?.to_owned();
    Some((output.into(), kept["at"].as_f64()?))
}

/// The name under which a refusal of `/invoke` is remembered.
fn question(asked: &Asked) -> Option<String> {
    let is_question = asked.method == Method::POST && asked.path == "/invoke";
    let is_question = is_question && asked.json()["input"].is_object();
    is_question.then(|| String::from_utf8_lossy(&asked.body).into_owned())
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "marks-hits-false",
        summary: "what comes from the cache says _from_cache: false, as it did when it was put there",
        trips: &["cache.hit-marked"],
        seams: &[Seam::Output(|_, job, output| {
            if is_hit(job, output) {
                output[MARK] = false.into();
            }
        })],
    },
    Fault {
        name: "marks-the-first-hit-only",
        summary: "the first answer from the cache is marked, those after it are not",
        trips: &["cache.hit-marked"],
        seams: &[Seam::Output(|memory, job, output| {
            if hits_before(memory, job, output).is_some_and(|before| before > 0)
                && let Some(members) = output.as_object_mut()
            {
                members.shift_remove(MARK);
            }
        })],
    },
    Fault {
        name: "cuts-a-recommendation-from-first-hits",
        summary: "the first answer from the cache has one recommendation fewer",
        trips: &["cache.hit-equals-miss"],
        seams: &[Seam::Output(|memory, job, output| {
            let is_first = hits_before(memory, job, output) == Some(0);
            if let (true, Value::Array(list)) = (is_first, &mut output["recommendations"])
                && list.len() > 1
            {
                list.pop();
            }
        })],
    },
    Fault {
        name: "rounds-numbers-in-first-hits",
        summary: "the first answer from the cache has whole numbers only",
        trips: &["cache.hit-equals-miss"],
        seams: &[Seam::Output(|memory, job, output| {
            if hits_before(memory, job, output) == Some(0) {
                round(output);
            }
        })],
    },
    Fault {
        name: "keys-by-order-of-members",
        summary: "answers are kept under the input as it was written, so that another order of its members misses",
        trips: &["cache.key-canonical"],
        seams: &[Seam::Key(|_, job, key| {
            key.input = job.input.to_string().into()
        })],
    },
    Fault {
        name: "sorts-only-outer-members",
        summary: "answers are kept under the input with its own members sorted, but not those of the objects in it",
        trips: &["cache.key-canonical"],
        seams: &[Seam::Key(|_, job, key| {
            key.input = sorted(&job.input).to_string().into();
        })],
    },
    Fault {
        name: "keys-without-config",
        summary: "answers are kept under the input alone, so that a configuration gets what was computed for another or for none",
        trips: &["cache.key-has-config"],
        seams: &[Seam::Key(|_, _, key| {
            key.config = None;
            key.preferences = Preferences::default();
        })],
    },
    Fault {
        name: "keys-by-version-without-id",
        summary: "answers are kept under the input and the version, so that v1 of one configuration gets what was computed for v1 of another",
        trips: &["cache.key-has-config"],
        seams: &[Seam::Key(|_, _, key| {
            if let Some(config) = &mut key.config {
                config.id.clear();
            }
            key.preferences = Preferences::default();
        })],
    },
    Fault {
        name: "keys-by-id-without-version",
        summary: "answers are kept under the input and the id of the configuration, so that a new version gets what was computed for the old one",
        trips: &["cache.key-has-config"],
        seams: &[Seam::Key(|_, _, key| {
            if let Some(config) = &mut key.config {
                config.version.clear();
            }
            key.preferences = Preferences::default();
        })],
    },
    Fault {
        name: "lower-cases-keys",
        summary: "answers are kept under the input in lower case",
        trips: &["cache.distinct-inputs"],
        seams: &[Seam::Key(|_, _, key| {
            key.input = key.input.to_lowercase().into()
        })],
    },
    Fault {
        name: "sorts-lists-in-keys",
        summary: "answers are kept under the input with its lists sorted, as if their order said nothing",
        trips: &["cache.distinct-inputs"],
        seams: &[Seam::Key(|_, job, key| {
            key.input = canonical(&with_lists_sorted(&job.input)).into();
        })],
    },
    Fault {
        name: "remembers-unknown-configs",
        summary: "an id that was unknown once stays unknown to /invoke when something is stored under it",
        trips: &["cache.errors-not-cached"],
        seams: &[Seam::Lookup(|memory, place, id, found| {
            let was_unknown = place == Place::Invoke
                && memory.with(|unknown| {
                    let before = unknown[id] == json!(true);
                    unknown[id] = (before || found.is_none()).into();
                    before
                });
            if was_unknown {
                *found = None;
            }
        })],
    },
    Fault {
        name: "serves-refusals-again",
        summary: "the same invalid body gets the very refusal that it got before, with the time of that",
        trips: &["cache.errors-not-cached"],
        seams: &[
            Seam::Early(|memory, asked| {
                let refusal =
                    memory.with(|refused| refused[question(asked)?].as_str().map(str::to_owned));
                refusal.map(|body| Reply::json(StatusCode::BAD_REQUEST, body))
            }),
            Seam::Reply(|memory, asked, reply| {
                if let (StatusCode::BAD_REQUEST, Some(name)) = (reply.status, question(asked)) {
                    memory.with(|refused| refused[name] = reply.body().to_string().into());
                }
            }),
        ],
    },
    Fault {
        name: "never-forgets-answers",
        summary: "answers stay in the cache past the time that is told in /capabilities",
        trips: &["cache.ttl"],
        seams: &[
            Seam::Output(|memory, job, output| {
                if job.place == Place::Invoke && output.get(MARK).is_none() {
                    keep(memory, &Key::of(job), &output.to_string().into());
                }
            }),
            Seam::Recalled(|memory, _, key, found| {
                *found = kept(memory, key).map(|(output, _)| output);
            }),
        ],
    },
    Fault {
        name: "renews-answers-with-each-hit",
        summary: "an answer's time in the cache begins anew whenever it is served, so that a busy one never goes",
        trips: &["cache.ttl"],
        seams: &[Seam::Recalled(|memory, settings, key, found| {
            let lifetime = settings.cache_ttl.as_secs_f64() * 1000.0;
            let is_alive = |(output, at): (Bytes, f64)| (clock() - at < lifetime).then_some(output);
            *found = found
                .take()
                .or_else(|| kept(memory, key).and_then(is_alive));
            if let Some(output) = found {
                keep(memory, key, output);
            }
        })],
    },
];
