//! Faults of /invoke's answers.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Fault;
use crate::{
    exchange::{Asked, Reply},
    invoke::Job,
    seams::{Busy, Place, Seam},
    weather::hash,
};

/// How long a request is under way where several are to meet: long enough for a client
/// that means to, short enough for a few hundred cases.
const UNDER_WAY: Duration = Duration::from_millis(15);

/// Changes the answer to an invocation that succeeded.
fn rewrite(asked: &Asked, reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if asked.path == "/invoke" && reply.status.is_success() {
        reply.edit(change);
    }
}

fn tags(job: &Job) -> usize {
    job.input
        .get("tags")
        .and_then(Value::as_array)
        .map_or(0, Vec::len)
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "answers-201-to-invoke",
        summary: "/invoke is answered 201",
        trips: &["invoke.responds", "invoke.accepts-valid", "config.usable"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/invoke" && reply.status.is_success() {
                reply.status = StatusCode::CREATED;
            }
        })],
    },
    Fault {
        name: "names-the-output-otherwise",
        summary: "the answer of /invoke has output_data and no output",
        trips: &["invoke.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| {
                let output = body["output"].take();
                *body = json!({"output_data": output, "status": "success"});
            });
        })],
    },
    Fault {
        name: "writes-temperatures-as-text",
        summary: "the temperature in each output is a text",
        trips: &[
            "invoke.output-matches-schema",
            "stream.result-matches-schema",
        ],
        seams: &[Seam::Output(|_, _, output| {
            output["temperature"] = output["temperature"].to_string().into();
        })],
    },
    Fault {
        name: "is-too-sure-at-the-date-line",
        summary: "for a place at 180 degrees of longitude the confidence is 1.2",
        trips: &["invoke.output-matches-schema"],
        seams: &[Seam::Output(|_, job, output| {
            let longitude = super::number(&job.input, "/location/longitude");
            if job.place == Place::Invoke && longitude == Some(180.0) {
                output["confidence"] = json!(1.2);
            }
        })],
    },
    Fault {
        name: "pads-full-lists-with-null",
        summary: "five tags come back with a null behind them",
        trips: &["invoke.output-matches-schema"],
        seams: &[Seam::Output(|_, job, output| {
            if let (Place::Invoke, 5, Value::Array(tags)) =
                (job.place, tags(job), &mut output["tags"])
            {
                tags.push(Value::Null);
            }
        })],
    },
    Fault {
        name: "writes-nan-for-a-week",
        summary: "for a forecast of seven days the confidence is NaN, which is not JSON",
        trips: &["transport.json-is-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let week = super::number(&asked.json(), "/input/days") == Some(7.0);
            if asked.path == "/invoke" && reply.status.is_success() && week {
                let mut body = reply.body();
                body["output"]["confidence"] = json!("NaN");
                reply.write(body.to_string().replace("\"NaN\"", "NaN"));
            }
        })],
    },
    Fault {
        name: "splits-astral-characters",
        summary: "the last character beyond the basic plane comes back as one lone surrogate",
        trips: &["transport.json-is-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let body = reply.body();
            let city = super::text(&body, "/output/city").unwrap_or_default();
            let astral = city.chars().next_back().filter(|last| *last > '\u{ffff}');
            if let ("/invoke", Some(last)) = (asked.path.as_str(), astral) {
                reply.write(body.to_string().replace(last, "\\ud83c"));
            }
        })],
    },
    Fault {
        name: "writes-metadata-as-text",
        summary: "the metadata of /invoke is a text",
        trips: &["invoke.metadata-object"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| body["metadata"] = json!("took 3 ms"));
        })],
    },
    Fault {
        name: "lists-metadata",
        summary: "the metadata of /invoke is a list of pairs",
        trips: &["invoke.metadata-object"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| {
                body["metadata"] = json!([["agent", "weather"]])
            });
        })],
    },
    Fault {
        name: "mixes-concurrent-answers",
        summary: "of three requests at the same time, one is answered with another's output",
        trips: &["invoke.isolated"],
        seams: &[
            Seam::Request(|memory, asked| {
                Box::pin(async move {
                    if asked.path == "/invoke" {
                        let _under_way = Busy::with(memory);
                        tokio::time::sleep(UNDER_WAY).await;
                    }
                    asked
                })
            }),
            Seam::Reply(|memory, asked, reply| {
                rewrite(asked, reply, |body| {
                    let before = memory.swap(body["output"].clone());
                    if memory.busy() >= 2 && before.is_object() {
                        body["output"] = before;
                    }
                });
            }),
        ],
    },
    Fault {
        name: "reads-members-in-order",
        summary: "the confidence hangs on the order of the input's members",
        trips: &["invoke.input-unchanged-by-order"],
        seams: &[Seam::Output(|_, job, output| {
            let names = job
                .input
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, _)| name.as_bytes());
            let order = hash(&names.collect::<Vec<_>>());
            output["confidence"] = json!((order % 1000) as f64 / 1000.0);
        })],
    },
];
