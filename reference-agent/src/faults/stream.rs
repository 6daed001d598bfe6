//! Faults of what a stream tells: its beginning, its middle, its end, and after.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use serde_json::{Value, json};

use super::{Fault, failure, overlook};
use crate::{
    exchange::{Content, Reply},
    invoke::Job,
    preferences::Preferences,
    seams::{Left, Memory, Place, Seam},
    stream::{Ending, Frame, Plan, head},
};

/// So many clients may leave before `streams-no-more-after-ten-leave` shows itself.
const PATIENCE: u64 = 10;

/// How long a stream is kept open that should be closed: half as long again as the profile
/// allows, since each stream of a whole check takes as long.
const OVERTIME: Duration = Duration::from_secs(3);

/// The data of an event's bytes.
fn data(bytes: &[u8]) -> Value {
    let text = bytes.strip_prefix(b"data: ").unwrap_or_default();
    serde_json::from_slice(text).unwrap_or_default()
}

/// Changes the data of the frame at `index`, when it is due.
fn rewrite(plan: &mut Plan, index: usize, change: fn(&mut Value)) {
    if let Some(frame) = plan.frames.remove(index) {
        let made = Frame::event(frame.pause, move || {
            let mut data = data(&frame.make());
            change(&mut data);
            data
        });
        plan.frames.insert(index, made);
    }
}

/// Changes each event that says how far the work is.
fn rewrite_progress(plan: &mut Plan, change: fn(&mut Value)) {
    for index in 0..plan.frames.len() {
        if let Some(frame) = plan.frames.remove(index) {
            let made = Frame::event(frame.pause, move || {
                let mut data = data(&frame.make());
                if data.get("progress").is_some() {
                    change(&mut data);
                }
                data
            });
            plan.frames.insert(index, made);
        }
    }
}

pub(super) fn rewrite_last(plan: &mut Plan, change: fn(&mut Value)) {
    let last = plan.frames.len() - 1;
    rewrite(plan, last, change);
}

/// The word of this stream's vocabulary, under its key.
fn word(job: &Job, status: &str, event: &str) -> Value {
    match job.place {
        Place::StepStream => json!({"event": event}),
        _ => json!({"status": status}),
    }
}

fn say(plan: &mut Plan, index: usize, data: Value) {
    plan.frames
        .insert(index, Frame::event(Duration::ZERO, move || data));
}

fn has_negative(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().any(has_negative),
        number => number.as_f64().is_some_and(|number| number < 0.0),
    }
}

/// Leaves this stream's last frame where the next one's takes its place: whoever comes to it
/// last is whom all are told about. The shared variable of many a real agent.
fn share_the_end(memory: &Arc<Memory>, job: &Job, plan: &mut Plan) {
    if job.preferences != Preferences::default() {
        // Such a result is nobody else's: it would be wrong in another way than mixed up.
        return;
    }
    let Some(last) = plan.frames.pop_back() else {
        return;
    };
    let key = if job.place == Place::Stream {
        "status"
    } else {
        "event"
    };
    let pause = last.pause;
    let own = String::from_utf8_lossy(&last.make()).into_owned();
    memory.with(|ends| ends[key] = own.into());
    let memory = memory.clone();
    plan.frames.push_back(Frame::made(pause, move || {
        let end = memory.with(|ends| ends[key].as_str().unwrap_or_default().to_owned());
        Bytes::from(end)
    }));
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "skips-the-start",
        summary: "a stream begins with its second event",
        trips: &["stream.opens-with-start"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.frames.pop_front();
        })],
    },
    Fault {
        name: "starts-in-second-place",
        summary: "the first two events come in the wrong order",
        trips: &["stream.opens-with-start"],
        seams: &[Seam::Plan(|_, _, plan| plan.frames.swap(0, 1))],
    },
    Fault {
        name: "speaks-words-of-its-own",
        summary: "an event's word is in neither vocabulary",
        trips: &["stream.known-vocabulary"],
        seams: &[Seam::Plan(|_, job, plan| {
            say(plan, 1, word(job, "thinking", "thinking"))
        })],
    },
    Fault {
        name: "mixes-vocabularies",
        summary: "one event is of the other vocabulary",
        trips: &["stream.known-vocabulary"],
        seams: &[Seam::Plan(|_, job, plan| {
            let foreign = match job.place {
                Place::StepStream => json!({"status": "processing", "progress": 0}),
                _ => json!({"event": "fetching"}),
            };
            say(plan, 1, foreign);
        })],
    },
    Fault {
        name: "loses-progress",
        summary: "the progress falls once",
        trips: &["stream.progress-monotonic"],
        seams: &[Seam::Plan(|_, _, plan| {
            let before_last = plan.frames.len() - 2;
            rewrite(plan, before_last, |data| data["progress"] = json!(7));
        })],
    },
    Fault {
        name: "does-more-than-everything",
        summary: "the progress reaches 120",
        trips: &["stream.progress-monotonic"],
        seams: &[Seam::Plan(|_, _, plan| {
            let before_last = plan.frames.len() - 2;
            rewrite(plan, before_last, |data| data["progress"] = json!(120));
        })],
    },
    Fault {
        name: "writes-progress-as-text",
        summary: "the progress is a text with a percent sign",
        trips: &["stream.progress-monotonic"],
        seams: &[Seam::Plan(|_, _, plan| {
            rewrite_progress(plan, |data| {
                data["progress"] = format!("{}%", data["progress"]).into();
            });
        })],
    },
    Fault {
        name: "counts-a-step-too-many",
        summary: "the last step is the sixth of five",
        trips: &["stream.progress-monotonic"],
        seams: &[Seam::Plan(|_, _, plan| {
            let before_last = plan.frames.len() - 2;
            rewrite(plan, before_last, |data| {
                data["step"] = json!(6);
                data["total"] = json!(5);
            });
        })],
    },
    Fault {
        name: "completes-twice",
        summary: "the completing event comes twice",
        trips: &["stream.one-terminal"],
        seams: &[Seam::Plan(|_, _, plan| {
            let last = plan.frames.len() - 1;
            if let Some(frame) = plan.frames.remove(last) {
                let make = move || {
                    let once = frame.make();
                    [&once[..], &once[..]].concat().into()
                };
                plan.frames
                    .push_back(Frame::made(Duration::from_millis(40), make));
            }
        })],
    },
    Fault {
        name: "goes-on-after-the-end",
        summary: "an event follows the completing one",
        trips: &["stream.one-terminal"],
        seams: &[Seam::Plan(|_, job, plan| {
            let mut data = word(job, "processing", "processing");
            data["progress"] = json!(100);
            let end = plan.frames.len();
            say(plan, end, data);
        })],
    },
    Fault {
        name: "never-completes",
        summary: "the stream ends without a completing event",
        trips: &["stream.one-terminal"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.frames.pop_back();
        })],
    },
    Fault {
        name: "fails-in-streams-below-zero",
        summary: "a stream ends in an error where the input has a negative number",
        trips: &["stream.succeeds-on-valid"],
        seams: &[Seam::Plan(|_, job, plan| {
            if has_negative(&job.input) {
                plan.frames.pop_back();
                let mut data = word(job, "error", "error");
                data["error"] = json!("math domain error");
                let end = plan.frames.len();
                say(plan, end, data);
            }
        })],
    },
    Fault {
        name: "fails-at-the-last-moment",
        summary: "each stream ends in an error",
        trips: &["stream.succeeds-on-valid"],
        seams: &[Seam::Plan(|_, job, plan| {
            plan.frames.pop_back();
            let mut data = word(job, "error", "error");
            data["error"] = json!("Object of type datetime is not JSON serializable");
            let end = plan.frames.len();
            say(plan, end, data);
        })],
    },
    Fault {
        name: "streams-half-a-result",
        summary: "the result of a stream lacks members that the output schema requires",
        trips: &[
            "stream.result-matches-schema",
            "stream.result-equals-invoke",
        ],
        seams: &[Seam::Plan(|_, _, plan| {
            rewrite_last(plan, |data| {
                data["result"] = json!({"city": data["result"]["city"]});
            });
        })],
    },
    Fault {
        name: "streams-another-result",
        summary: "a stream finds it one degree warmer than /invoke does",
        trips: &["stream.result-equals-invoke"],
        seams: &[Seam::Output(|_, job, output| {
            if job.place.streams() {
                let warmer = output["temperature"].as_f64().unwrap_or(0.0) + 1.0;
                output["temperature"] = json!(warmer);
            }
        })],
    },
    Fault {
        name: "streams-invalid-input",
        summary: "the streams take any object for an input, and complete",
        trips: &["stream.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, body, found| {
            if place.streams() && body["input"].is_object() {
                found.clear();
            }
        })],
    },
    Fault {
        name: "streams-without-a-city",
        summary: "the streams do not miss a required member",
        trips: &["stream.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, _, found| {
            if place.streams() {
                overlook(found, "/input/city", "required");
                overlook(found, "/input", "required");
            }
        })],
    },
    Fault {
        name: "traces-in-the-stream",
        summary: "invalid input is refused in the stream, by an error event with a traceback",
        trips: &["transport.no-internals-leak"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let keyword = reply
                .body()
                .pointer("/error/details/fields/0/keyword")
                .cloned();
            let judged = keyword.is_some_and(|keyword| keyword != "json" && keyword != "exists");
            if asked.path.starts_with("/invoke/") && judged {
                *reply = traced(&asked.path);
            }
        })],
    },
    Fault {
        name: "cuts-the-connection-after-the-end",
        summary: "all events arrive, and then the connection breaks without the last chunk",
        trips: &["stream.not-cut"],
        seams: &[Seam::Plan(|_, _, plan| plan.ending = Ending::Cut)],
    },
    Fault {
        name: "cuts-streams-short",
        summary: "the connection breaks in the middle of the last event",
        trips: &["stream.not-cut"],
        seams: &[Seam::Plan(|_, _, plan| {
            halve_the_last(plan);
            plan.ending = Ending::Cut;
        })],
    },
    Fault {
        name: "stops-in-mid-event",
        summary: "the body ends in the middle of the last event, as if all were well",
        trips: &["sse.ends-on-boundary"],
        seams: &[Seam::Plan(|_, _, plan| halve_the_last(plan))],
    },
    Fault {
        name: "never-closes",
        summary: "the stream stays open after its last event",
        trips: &["stream.closes"],
        seams: &[Seam::Plan(|_, _, plan| {
            plan.ending = Ending::Hang(OVERTIME)
        })],
    },
    Fault {
        name: "streams-no-more-after-ten-leave",
        summary: "each client that leaves takes one of ten places with it",
        trips: &["stream.survives-disconnect"],
        seams: &[
            Seam::Abandoned(|memory, left| {
                if left == Left::Stream {
                    memory.count();
                }
            }),
            Seam::Early(|memory, asked| {
                let full = asked.path.starts_with("/invoke/") && memory.counted() >= PATIENCE;
                full.then(|| failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"))
            }),
        ],
    },
    Fault {
        name: "mixes-concurrent-streams",
        summary: "all streams at the same time end with the result of the one that began last",
        trips: &["stream.isolated"],
        seams: &[Seam::Plan(share_the_end)],
    },
];

/// A stream that starts, and fails as the seed's does.
fn traced(path: &str) -> Reply {
    let (key, start) = if path == "/invoke/stream" {
        ("status", "started")
    } else {
        ("event", "start")
    };
    let error = json!({
        key: "error",
        "error": "Invalid input data",
        "traceback": "Traceback (most recent call last):\n  File \"/srv/agent/stream.py\", line 17, in run\nValueError: Invalid input data",
    });
    let text = format!("data: {}\n\ndata: {error}\n\n", json!({key: start}));
    let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(text)]);
    Reply {
        status: StatusCode::OK,
        headers: head(),
        content: Content::Stream(Body::from_stream(body)),
    }
}

fn halve_the_last(plan: &mut Plan) {
    if let Some(frame) = plan.frames.pop_back() {
        let make = move || {
            let whole = frame.make();
            whole.slice(..whole.len() / 2)
        };
        plan.frames
            .push_back(Frame::made(Duration::from_millis(40), make));
    }
}
