//! Faults that a check cannot see, and `acp-tck load` can: they show among many at the same time,
//! or where what is told is held against a clock for longer than a check waits.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{StatusCode, header},
};
use serde_json::json;

use super::{Fault, rate_limit};
use crate::{
    exchange::{Asked, Content, Reply},
    seams::{Busy, Memory, Seam},
    stream::{Ending, Frame, Plan, head},
};

/// So many at the same time are a crowd: far more than a check asks.
const CROWD: u64 = 24;

/// How long a question is held up on its way to a shared store, so that many meet there.
const MEETING: Duration = Duration::from_millis(5);

/// Of a limit on invocations.
pub(super) static LIMITS: &[Fault] = &[
    Fault {
        name: "calls-back-in-milliseconds",
        summary: "Retry-After is a number of milliseconds, which every client takes for seconds",
        trips: &[],
        seams: &[
            Seam::Ruling(|memory, _, ruling| {
                if let Some(refused) = ruling.filter(|ruling| !ruling.admits) {
                    let wait = rate_limit::millis(refused.more_in).max(1);
                    memory.with(|kept| *kept = json!(wait));
                }
                Box::pin(std::future::ready(ruling))
            }),
            Seam::Reply(|memory, _, reply| {
                let wait = memory.with(|kept| kept.as_u64());
                if let Some(wait) = wait.filter(|_| rate_limit::is_refusal(reply)) {
                    reply.headers.insert(header::RETRY_AFTER, wait.into());
                }
            }),
        ],
    },
    Fault {
        name: "calls-back-after-a-whole-window",
        summary: "Retry-After is always the whole window, not what is left of it",
        trips: &[],
        seams: &[Seam::Ruling(|_, _, ruling| {
            rate_limit::bend(ruling, |ruling| {
                if !ruling.admits {
                    ruling.more_in = ruling.window;
                }
            })
        })],
    },
    Fault {
        name: "refuses-inside-streams",
        summary: "a stream past the limit is answered 200, and refused by its first event",
        trips: &[],
        seams: &[Seam::Reply(|_, asked, reply| {
            if rate_limit::is_refusal(reply) && asked.path.starts_with("/invoke/") {
                *reply = refused_inside(asked, reply);
            }
        })],
    },
];

/// Of streams.
pub(super) static STREAMS: &[Fault] = &[Fault {
    name: "cuts-streams-in-a-crowd",
    summary: "a stream that is opened beside two dozen others breaks off before its last event",
    trips: &[],
    seams: &[Seam::Plan(|memory, _, plan| {
        if memory.busy() >= CROWD {
            plan.frames.pop_back();
            plan.ending = Ending::Cut;
        }
        count_while_open(memory, plan);
    })],
}];

/// Of the cache.
pub(super) static ANSWERS: &[Fault] = &[Fault {
    name: "mixes-hits-in-a-crowd",
    summary: "while two dozen ask at the same time, what comes from the cache is what the one before got",
    trips: &[],
    seams: &[
        Seam::Request(|memory, asked| Box::pin(meet(memory, asked))),
        Seam::Recalled(|memory, _, _, found| {
            let Some(output) = found else { return };
            let own = String::from_utf8_lossy(output).into_owned();
            let before = memory.with(|kept| {
                let before = kept["last"].as_str().map(str::to_owned);
                kept["last"] = own.into();
                before.filter(|_| kept["crowd"] == true)
            });
            if let Some(before) = before {
                *output = before.into();
            }
        }),
    ],
}];

/// What a refusal looks like to those who can only speak in events.
fn refused_inside(asked: &Asked, reply: &Reply) -> Reply {
    let key = match asked.path.as_str() {
        "/invoke/stream" => "status",
        _ => "event",
    };
    let event = json!({key: "error", "error": reply.body()["error"]});
    let body = futures_util::stream::iter([Ok::<_, Infallible>(format!("data: {event}\n\n"))]);
    Reply {
        status: StatusCode::OK,
        headers: head(),
        content: Content::Stream(Body::from_stream(body)),
    }
}

/// The stream counts until its last frame is made, or until its client has left.
fn count_while_open(memory: &Arc<Memory>, plan: &mut Plan) {
    let open = Busy::with(memory.clone());
    if let Some(last) = plan.frames.pop_back() {
        let made = Frame::made(last.pause, move || {
            drop(open);
            last.make()
        });
        plan.frames.push_back(made);
    }
}

async fn meet(memory: Arc<Memory>, asked: Asked) -> Asked {
    if asked.path == "/invoke" {
        let _here = Busy::with(memory.clone());
        tokio::time::sleep(MEETING).await;
        memory.with(|kept| kept["crowd"] = json!(memory.busy() >= CROWD));
    }
    asked
}
