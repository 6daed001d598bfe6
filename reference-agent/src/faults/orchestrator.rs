//! Faults of the agent as an orchestrator's client: registration, heartbeats, outages.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::{Fault, failure};
use crate::{
    orchestrator::{Call, Errand, Outcome},
    seams::{Memory, Seam},
};

/// As good as for ever.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// Changes what a registration says.
fn registration(mut call: Call, change: impl FnOnce(&mut Value)) -> Option<Call> {
    if call.errand == Errand::Register {
        change(&mut call.body);
    }
    Some(call)
}

/// Changes the heartbeats.
fn beat(mut call: Call, change: impl FnOnce(&mut Call)) -> Option<Call> {
    if call.errand == Errand::Beat {
        change(&mut call);
    }
    Some(call)
}

/// Changes the capabilities' updates.
fn update(mut call: Call, change: impl FnOnce(&mut Call)) -> Option<Call> {
    if call.errand == Errand::Update {
        change(&mut call);
    }
    Some(call)
}

fn remove(body: &mut Value, member: &str) -> Value {
    let members = body.as_object_mut();
    members
        .and_then(|members| members.remove(member))
        .unwrap_or_default()
}

/// Changes the URL at which the agent says that it answers.
fn move_endpoint(body: &mut Value, change: impl FnOnce(&mut Url)) {
    let told = body["endpoint"].as_str().unwrap_or_default();
    if let Ok(mut url) = Url::parse(told) {
        change(&mut url);
        body["endpoint"] = json!(url.as_str().trim_end_matches('/'));
    }
}

fn is_failed(outcome: &Outcome, errand: Errand) -> bool {
    outcome.errand == errand && !outcome.is_success
}

fn is_done(outcome: &Outcome, errand: Errand) -> bool {
    outcome.errand == errand && outcome.is_success
}

/// Takes a heartbeat for a success that the registry has refused.
fn heed_no_refusal(_: &Memory, outcome: &mut Outcome) {
    let is_refused = outcome
        .status
        .is_some_and(|status| status.is_client_error());
    outcome.is_success |= outcome.errand == Errand::Beat && is_refused;
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "registers-after-twelve-seconds",
        summary: "the first registration leaves twelve seconds after the start",
        trips: &["orchestrator.registers"],
        seams: &[Seam::Pause(|memory, before, pause| {
            if before == Errand::Register && memory.count() == 0 {
                *pause += Duration::from_secs(12);
            }
        })],
    },
    Fault {
        name: "registers-without-its-protocol",
        summary: "a registration has no member `protocol`",
        trips: &["orchestrator.registers"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| drop(remove(body, "protocol")))
        })],
    },
    Fault {
        name: "registers-in-camel-case",
        summary: "the metadata of a registration say `discoveryMethod`",
        trips: &["orchestrator.registers"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| {
                let metadata = &mut body["metadata"];
                metadata["discoveryMethod"] = remove(metadata, "discovery_method");
            })
        })],
    },
    Fault {
        name: "registers-the-version-as-its-protocol",
        summary: "the `protocol` of a registration is `acp/v0`",
        trips: &["orchestrator.registers"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| body["protocol"] = json!("acp/v0"))
        })],
    },
    Fault {
        name: "registers-another-port",
        summary: "the endpoint of a registration has a port at which nobody answers",
        trips: &["orchestrator.truthful"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| {
                move_endpoint(body, |url| {
                    // The port of the discard service: nothing else should be there.
                    let _ = url.set_port(Some(9));
                });
            })
        })],
    },
    Fault {
        name: "registers-the-wildcard-address",
        summary: "the endpoint of a registration is 0.0.0.0, which leads nobody to the agent",
        trips: &["orchestrator.truthful"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| {
                move_endpoint(body, |url| {
                    let _ = url.set_host(Some("0.0.0.0"));
                });
            })
        })],
    },
    Fault {
        name: "registers-a-stale-version",
        summary: "the version of a registration is not that of /capabilities",
        trips: &["orchestrator.truthful"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| body["metadata"]["version"] = json!("0.0.1"))
        })],
    },
    Fault {
        name: "registers-another-id",
        summary: "the agent_id of a registration is not that of /capabilities",
        trips: &["orchestrator.truthful"],
        seams: &[Seam::Call(|_, settings, call| {
            let id = format!("{}-{}", settings.agent_id, std::process::id());
            registration(call, |body| body["agent_id"] = json!(id))
        })],
    },
    Fault {
        name: "registers-no-capabilities",
        summary: "the capabilities of a registration are an empty list",
        trips: &["orchestrator.truthful"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| body["capabilities"] = json!([]))
        })],
    },
    Fault {
        name: "registers-all-but-one-capability",
        summary: "the last capability is missing in a registration",
        trips: &["orchestrator.truthful"],
        seams: &[Seam::Call(|_, _, call| {
            registration(call, |body| {
                body["capabilities"].as_array_mut().map(Vec::pop);
            })
        })],
    },
    Fault {
        name: "beats-under-its-agent-id",
        summary: "heartbeats go to the agent's own id, never to the one that was given out",
        trips: &["orchestrator.heartbeats", "orchestrator.re-registers"],
        seams: &[
            Seam::Call(|_, settings, call| {
                beat(call, |call| call.path[1] = settings.agent_id.clone())
            }),
            // Were it to heed that nobody knows this id, it would do nothing but register.
            Seam::Outcome(heed_no_refusal),
        ],
    },
    Fault {
        name: "beats-twice-as-often",
        summary: "a heartbeat leaves after half the interval",
        trips: &["orchestrator.heartbeats"],
        seams: &[Seam::Pause(|_, before, pause| {
            if before == Errand::Beat {
                *pause /= 2;
            }
        })],
    },
    Fault {
        name: "beats-ever-more-slowly",
        summary: "the pause before a heartbeat is twice that before the last one",
        trips: &["orchestrator.heartbeats"],
        seams: &[Seam::Pause(|memory, before, pause| {
            if before == Errand::Beat {
                *pause *= 1 << memory.count().min(8);
            }
        })],
    },
    Fault {
        name: "beats-with-the-status-ok",
        summary: "the status of a heartbeat is `ok`",
        trips: &["orchestrator.heartbeats"],
        seams: &[Seam::Call(|_, _, call| {
            beat(call, |call| call.body["status"] = json!("ok"))
        })],
    },
    Fault {
        name: "beats-without-a-timestamp",
        summary: "a heartbeat has no timestamp",
        trips: &["orchestrator.heartbeats"],
        seams: &[Seam::Call(|_, _, call| {
            beat(call, |call| drop(remove(&mut call.body, "timestamp")))
        })],
    },
    Fault {
        name: "keeps-to-its-first-registration",
        summary: "it registers again when it must, and goes on under the old id",
        trips: &["orchestrator.re-registers"],
        seams: &[Seam::Outcome(|memory, outcome| {
            if let Some(given) = &mut outcome.registration {
                memory.with(|first| match first.as_str() {
                    Some(first) => given.id = first.to_owned(),
                    None => *first = json!(given.id),
                });
            }
        })],
    },
    Fault {
        name: "bears-two-failed-heartbeats",
        summary: "it registers again only after three failed heartbeats in a row",
        trips: &["orchestrator.re-registers"],
        seams: &[Seam::Outcome(|memory, outcome| {
            if is_done(outcome, Errand::Beat) {
                memory.swap(json!(0));
            } else if is_failed(outcome, Errand::Beat) {
                let failed = memory.with(|failed| failed.as_u64().unwrap_or(0) + 1);
                memory.swap(json!(failed));
                outcome.is_success = failed % 3 != 0;
            }
        })],
    },
    Fault {
        name: "takes-a-404-for-a-heartbeat",
        summary: "a heartbeat that is answered 4xx counts as one that was taken",
        trips: &["orchestrator.re-registers"],
        seams: &[Seam::Outcome(heed_no_refusal)],
    },
    Fault {
        name: "gives-up-if-the-first-registration-fails",
        summary: "if the first registration fails there is no second, and no heartbeat ever",
        trips: &["orchestrator.survives-outage"],
        seams: &[
            Seam::Outcome(|memory, outcome| {
                if outcome.errand == Errand::Register && memory.count() == 0 {
                    memory.swap(json!(outcome.is_success));
                }
            }),
            Seam::Pause(|memory, before, pause| {
                if before == Errand::Register && memory.with(|is_in| is_in == false) {
                    *pause = FOR_EVER;
                }
            }),
        ],
    },
    Fault {
        name: "gives-up-after-three-tries",
        summary: "after three registrations that failed in a row there is no other",
        trips: &["orchestrator.survives-outage"],
        seams: &[
            Seam::Outcome(|memory, outcome| {
                if is_done(outcome, Errand::Register) {
                    memory.swap(Value::Null);
                } else if outcome.errand == Errand::Register {
                    memory.with(|failed| *failed = json!(failed.as_u64().unwrap_or(0) + 1));
                }
            }),
            Seam::Pause(|memory, before, pause| {
                let failed = memory.with(|failed| failed.as_u64());
                if before == Errand::Register && failed >= Some(3) {
                    *pause = FOR_EVER;
                }
            }),
        ],
    },
    Fault {
        name: "hammers-a-dead-orchestrator",
        summary: "a failed registration is tried again at once, for as long as it fails",
        trips: &["orchestrator.survives-outage"],
        seams: &[Seam::Pause(|_, before, pause| {
            if before == Errand::Register {
                // Not quite at once: the machine is to live through it.
                *pause = (*pause).min(Duration::from_millis(5));
            }
        })],
    },
    Fault {
        name: "serves-nobody-without-an-orchestrator",
        summary: "once a registration has failed every request is answered 503",
        trips: &["orchestrator.survives-outage"],
        seams: &[
            Seam::Outcome(|memory, outcome| {
                if is_failed(outcome, Errand::Register) {
                    memory.count();
                }
            }),
            Seam::Early(|memory, _| {
                let is_out = memory.counted() > 0;
                is_out.then(|| failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"))
            }),
        ],
    },
    Fault {
        name: "keeps-changes-to-itself",
        summary: "the registry is not told when the capabilities change",
        trips: &["orchestrator.updates-capabilities"],
        seams: &[Seam::Call(|_, _, call| {
            (call.errand != Errand::Update).then_some(call)
        })],
    },
    Fault {
        name: "posts-its-changes",
        summary: "changed capabilities are sent by POST",
        trips: &["orchestrator.updates-capabilities"],
        seams: &[Seam::Call(|_, _, call| {
            update(call, |call| call.method = Method::POST)
        })],
    },
    Fault {
        name: "sends-the-old-capabilities",
        summary: "when the capabilities change those of the registration are sent again",
        trips: &["orchestrator.updates-capabilities"],
        seams: &[Seam::Call(|memory, _, call| match call.errand {
            Errand::Register => {
                memory.swap(call.body["capabilities"].clone());
                Some(call)
            }
            _ => update(call, |call| {
                call.body["capabilities"] = memory.with(|old| old.clone());
            }),
        })],
    },
    Fault {
        name: "takes-a-201-for-a-failure",
        summary: "a registration that is answered 201 is tried again",
        trips: &["orchestrator.accepts-201"],
        seams: &[Seam::Outcome(|_, outcome| {
            if outcome.status == Some(StatusCode::CREATED) && outcome.errand == Errand::Register {
                outcome.is_success = false;
            }
        })],
    },
    Fault {
        name: "registers-with-every-heartbeat",
        summary: "after each heartbeat it registers anew",
        trips: &["orchestrator.single-registration"],
        seams: &[Seam::Outcome(|_, outcome| {
            outcome.is_success &= outcome.errand != Errand::Beat;
        })],
    },
    Fault {
        name: "renews-a-registration-that-holds",
        summary: "after every second heartbeat it registers anew",
        trips: &["orchestrator.single-registration"],
        seams: &[Seam::Outcome(|memory, outcome| {
            if is_done(outcome, Errand::Beat) && memory.count() % 2 == 1 {
                outcome.is_success = false;
            }
        })],
    },
];
