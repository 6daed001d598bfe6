//! Faults of how much a client is allowed.

use std::{
    future::ready,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

use super::{Fault, failure};
use crate::{
    endpoints::{Allowance, Endpoint},
    exchange::Reply,
    limits::Ruling,
    seams::{FutureRuling, Memory, Seam},
};

/// How long `checks-then-counts` takes from one to the other: a slow store's answer.
const ROUND_TRIP: Duration = Duration::from_millis(50);

/// So many refusals in a row are told as they should be by `says-503-when-pressed`: more than
/// a client that comes back when it is told to, with a few requests at once, ever sees.
const PATIENCE: u64 = 4;

/// How many workers `counts-in-each-worker` deals the requests to, in turn.
const WORKERS: u32 = 2;

const FIELDS: [&str; 5] = [
    "ratelimit-policy",
    "ratelimit",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Changes what an endpoint with a limit is told.
pub(super) fn bend(ruling: Option<Ruling>, change: impl FnOnce(&mut Ruling)) -> FutureRuling {
    Box::pin(ready(ruling.map(|mut ruling| {
        change(&mut ruling);
        ruling
    })))
}

pub(super) fn is_refusal(reply: &Reply) -> bool {
    reply.status == StatusCode::TOO_MANY_REQUESTS
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How long it is still until a time that is remembered under this name; `None` if it is over.
fn until(memory: &Memory, name: &str) -> Option<Duration> {
    let time = memory.with(|kept| kept[name].as_u64())?;
    Duration::from_millis(time)
        .checked_sub(now())
        .filter(|left| !left.is_zero())
}

fn remember(memory: &Memory, name: &str, left: Duration) {
    let time = millis(now() + left);
    memory.with(|kept| kept[name] = json!(time));
}

/// Refuses for as long as `span` says, from the first or from each refusal on.
fn ban(memory: &Memory, ruling: &mut Ruling, again: bool, span: fn(&Ruling) -> Duration) {
    let banned = until(memory, ruling.policy);
    if ruling.admits && banned.is_none() {
        return;
    }
    let left = match banned {
        Some(left) if !again => left,
        _ => span(ruling),
    };
    remember(memory, ruling.policy, left);
    ruling.admits = false;
    ruling.remaining = 0;
    ruling.more_in = left;
}

/// Looks how many there were, asks a store to count one more, and goes by what it saw first.
async fn check_then_count(memory: Arc<Memory>, ruling: Option<Ruling>) -> Option<Ruling> {
    let mut ruling = ruling?;
    let was_full = memory.with(|kept| kept[ruling.policy] == true);
    tokio::time::sleep(ROUND_TRIP).await;
    if ruling.admits {
        memory.with(|kept| kept[ruling.policy] = json!(ruling.remaining == 0));
    }
    ruling.admits |= !was_full;
    Some(ruling)
}

/// Refuses /health for as long as anything else is refused.
fn guard_health(memory: &Memory, endpoint: &Endpoint, ruling: Option<Ruling>) -> Option<Ruling> {
    const NAME: &str = "refused";
    match ruling {
        Some(ruling) if !ruling.admits => {
            remember(memory, NAME, ruling.more_in);
            let limit = json!([ruling.limit, millis(ruling.window)]);
            memory.with(|kept| kept["limit"] = limit);
            Some(ruling)
        }
        None if endpoint.template == "/health" => {
            let more_in = until(memory, NAME)?;
            let limit = memory.with(|kept| kept["limit"].clone());
            Some(Ruling {
                admits: false,
                policy: "default",
                limit: u32::try_from(limit[0].as_u64()?).ok()?,
                window: Duration::from_millis(limit[1].as_u64()?),
                remaining: 0,
                more_in,
            })
        }
        ruling => ruling,
    }
}

fn seconds(headers: &HeaderMap) -> u64 {
    let told = headers.get(header::RETRY_AFTER);
    told.and_then(|told| told.to_str().ok()?.parse().ok())
        .unwrap_or_default()
}

fn tell_less_than_nothing(headers: &mut HeaderMap) {
    let state = headers.get("ratelimit").and_then(|it| it.to_str().ok());
    let state = state.map(|it| it.replace(";r=0", ";r=-1"));
    if let Some(state) = state.and_then(|it| HeaderValue::try_from(it).ok()) {
        headers.insert(HeaderName::from_static("ratelimit"), state);
    }
    let remaining = HeaderName::from_static("x-ratelimit-remaining");
    headers.insert(remaining, HeaderValue::from_static("-1"));
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "applies-no-limit",
        summary: "the limit is declared and counted, and nobody is ever refused",
        trips: &[
            "rate-limit.refuses",
            "rate-limit.as-declared",
            "rate-limit.headers",
        ],
        seams: &[Seam::Ruling(|_, _, ruling| {
            bend(ruling, |ruling| ruling.admits = true)
        })],
    },
    Fault {
        name: "refuses-as-slowapi-does",
        summary: "a refusal is {\"error\": \"Rate limit exceeded: 10 per 1 minute\"}",
        trips: &["rate-limit.refuses", "errors.envelope-canonical"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is_refusal(reply) {
                let limit = &reply.body()["error"]["details"]["limit"];
                let error = format!("Rate limit exceeded: {limit} per 1 minute");
                reply.write(json!({"error": error}).to_string());
            }
        })],
    },
    Fault {
        name: "refuses-under-a-code-of-its-own",
        summary: "the code of a refusal is TOO_MANY_REQUESTS",
        trips: &["rate-limit.refuses", "errors.code-known"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is_refusal(reply) {
                reply.edit(|body| body["error"]["code"] = json!("TOO_MANY_REQUESTS"));
            }
        })],
    },
    Fault {
        name: "says-503-when-pressed",
        summary: "a client that goes on after some refusals is answered 503",
        trips: &["rate-limit.refuses"],
        seams: &[
            Seam::Ruling(|memory, endpoint, ruling| {
                if endpoint.allowance != Allowance::Exempt {
                    let admits = ruling.is_none_or(|ruling| ruling.admits);
                    memory.with(|kept| {
                        let row = kept.as_u64().unwrap_or_default();
                        *kept = json!(if admits { 0 } else { row + 1 });
                    });
                }
                Box::pin(ready(ruling))
            }),
            Seam::Reply(|memory, _, reply| {
                let row = memory.with(|kept| kept.as_u64().unwrap_or_default());
                if is_refusal(reply) && row > PATIENCE {
                    reply.status = StatusCode::SERVICE_UNAVAILABLE;
                    reply.edit(|body| body["error"]["code"] = json!("UNAVAILABLE"));
                }
            }),
        ],
    },
    Fault {
        name: "forgets-retry-after",
        summary: "a refusal does not say when to come back",
        trips: &["rate-limit.retry-after"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is_refusal(reply) {
                reply.headers.remove(header::RETRY_AFTER);
            }
        })],
    },
    Fault {
        name: "calls-back-a-second-early",
        summary: "Retry-After is rounded down, and a second short",
        trips: &["rate-limit.retry-after"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is_refusal(reply) {
                let early = seconds(&reply.headers).saturating_sub(1);
                reply.headers.insert(header::RETRY_AFTER, early.into());
            }
        })],
    },
    Fault {
        name: "calls-back-in-the-past",
        summary: "Retry-After is a date, by a clock that is an hour behind",
        trips: &["rate-limit.retry-after"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is_refusal(reply) {
                let wait = i64::try_from(seconds(&reply.headers)).unwrap_or_default();
                let time = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(wait - 3600);
                let date = time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                if let Ok(date) = HeaderValue::try_from(date) {
                    reply.headers.insert(header::RETRY_AFTER, date);
                }
            }
        })],
    },
    Fault {
        name: "admits-one-too-many",
        summary: "a request is refused when there were more than the limit before it, not as many",
        trips: &["rate-limit.as-declared"],
        seams: &[Seam::Quota(|quota| {
            quota.requests = quota.requests.saturating_add(1)
        })],
    },
    Fault {
        name: "admits-one-too-few",
        summary: "the last request that is allowed is refused",
        trips: &["rate-limit.as-declared"],
        seams: &[Seam::Quota(|quota| {
            quota.requests = quota.requests.max(2) - 1
        })],
    },
    Fault {
        name: "counts-in-each-worker",
        summary: "two workers take turns and each counts by itself: the limit holds twice over",
        trips: &["rate-limit.as-declared", "rate-limit.headers"],
        seams: &[
            Seam::Quota(|quota| quota.requests = quota.requests.saturating_mul(WORKERS)),
            // Of those that came, each worker has had every second.
            Seam::Ruling(|_, _, ruling| bend(ruling, |ruling| ruling.remaining /= WORKERS)),
        ],
    },
    Fault {
        name: "forgets-after-half-the-window",
        summary: "as many as are declared for a window are admitted in half of it",
        trips: &["rate-limit.as-declared"],
        seams: &[Seam::Quota(|quota| quota.window /= 2)],
    },
    Fault {
        name: "checks-then-counts",
        summary: "requests that come at the same time do not see each other's count",
        trips: &["rate-limit.as-declared"],
        seams: &[Seam::Ruling(|memory, _, ruling| {
            Box::pin(check_then_count(memory, ruling))
        })],
    },
    Fault {
        name: "punishes-persistence",
        summary: "each refused request begins the wait anew",
        trips: &["rate-limit.recovers"],
        seams: &[Seam::Ruling(|memory, _, ruling| {
            bend(ruling, |ruling| {
                ban(&memory, ruling, true, |ruling| ruling.window);
            })
        })],
    },
    Fault {
        name: "stays-shut-for-three-windows",
        summary: "whoever was refused once is refused for three windows",
        trips: &["rate-limit.recovers"],
        seams: &[Seam::Ruling(|memory, _, ruling| {
            bend(ruling, |ruling| {
                ban(&memory, ruling, false, |ruling| 3 * ruling.window);
            })
        })],
    },
    Fault {
        name: "refuses-health-checks-too",
        summary: "/health is refused while anything else is",
        trips: &["rate-limit.health-exempt"],
        seams: &[Seam::Ruling(|memory, endpoint, ruling| {
            Box::pin(ready(guard_health(&memory, endpoint, ruling)))
        })],
    },
    Fault {
        name: "falls-ill-under-load",
        summary: "/health is answered 503 while clients are refused",
        trips: &["rate-limit.health-exempt"],
        seams: &[
            Seam::Ruling(|memory, _, ruling| {
                if let Some(refused) = ruling.filter(|ruling| !ruling.admits) {
                    remember(&memory, "refused", refused.more_in);
                }
                Box::pin(ready(ruling))
            }),
            Seam::Reply(|memory, asked, reply| {
                if asked.path == "/health" && until(memory, "refused").is_some() {
                    *reply = failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE");
                }
            }),
        ],
    },
    Fault {
        name: "tells-nothing-of-its-limits",
        summary: "no header says what is left",
        trips: &["rate-limit.headers"],
        seams: &[Seam::Reply(|_, _, reply| {
            for name in FIELDS {
                reply.headers.remove(HeaderName::from_static(name));
            }
        })],
    },
    Fault {
        name: "counts-what-is-left-too-late",
        summary: "what is left is told as it was before the request",
        trips: &["rate-limit.headers"],
        seams: &[Seam::Ruling(|_, _, ruling| {
            bend(ruling, |ruling| {
                if ruling.admits {
                    ruling.remaining += 1;
                }
            })
        })],
    },
    Fault {
        name: "promises-more-and-then-less-than-nothing",
        summary: "what is left is told as one too many, and with a refusal as -1",
        trips: &["rate-limit.headers"],
        seams: &[
            Seam::Ruling(|_, _, ruling| {
                bend(ruling, |ruling| {
                    ruling.remaining += u32::from(ruling.admits)
                })
            }),
            Seam::Reply(|_, _, reply| {
                if is_refusal(reply) {
                    tell_less_than_nothing(&mut reply.headers);
                }
            }),
        ],
    },
    Fault {
        name: "never-counts-down",
        summary: "what is left is always told as the whole limit",
        trips: &["rate-limit.headers"],
        seams: &[Seam::Ruling(|_, _, ruling| {
            bend(ruling, |ruling| {
                if ruling.admits {
                    ruling.remaining = ruling.limit;
                }
            })
        })],
    },
    Fault {
        name: "resets-a-window-from-now",
        summary: "the time to the reset is always told as the whole window",
        trips: &["rate-limit.headers"],
        seams: &[Seam::Ruling(|_, _, ruling| {
            bend(ruling, |ruling| {
                if ruling.admits {
                    ruling.more_in = ruling.window;
                }
            })
        })],
    },
];
