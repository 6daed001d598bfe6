//! Faults of the versions of a configuration.

use std::future::ready;

use axum::http::{Method, StatusCode};
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{Fault, failure, text};
use crate::{
    documents::now,
    exchange::{Asked, Reply},
    preferences::Preferences,
    seams::{Memory, Seam},
};

/// Remembers, for the seams of the same fault that come after it, which versions of which
/// configuration were stored (`versions`), and which was rolled back to since (`back`).
const NOTE: Seam = Seam::Reply(|memory, asked, reply| {
    if asked.method != Method::POST || !reply.status.is_success() {
        return;
    }
    let answer = reply.body();
    let Some(id) = text(&answer, "/config_id") else {
        return;
    };
    memory.with(|seen| {
        if asked.path == "/config" {
            let stored = json!({"version": answer["version"], "config": asked.json()["config"]});
            match seen["versions"][id].as_array_mut() {
                Some(versions) => versions.push(stored),
                None => seen["versions"][id] = json!([stored]),
            }
            seen["back"][id] = Value::Null;
            seen["used"][id] = Value::Null;
        } else if rolled_back(asked).is_some() {
            seen["back"][id] = answer["version"].clone();
            seen["late"][id] = json!(true);
        }
    });
});

/// The id whose history is asked for.
fn history_of(asked: &Asked) -> Option<&str> {
    asked
        .path
        .strip_prefix("/config/")?
        .strip_suffix("/history")
}

/// The id that a rollback is asked for.
fn rolled_back(asked: &Asked) -> Option<&str> {
    asked
        .path
        .strip_prefix("/config/")?
        .strip_suffix("/rollback")
}

/// Changes the entries of a history: with what has been seen, and the id that it is of.
fn retell(
    memory: &Memory,
    asked: &Asked,
    reply: &mut Reply,
    change: impl FnOnce(&Value, &str, &mut Vec<Value>),
) {
    let Some(id) = history_of(asked) else { return };
    reply.edit(|body| {
        if let Some(entries) = body["history"].as_array_mut() {
            memory.with(|seen| change(seen, id, entries));
        }
    });
}

/// The same, once the configuration has been rolled back.
fn retell_rollback(
    memory: &Memory,
    asked: &Asked,
    reply: &mut Reply,
    change: impl FnOnce(&mut Vec<Value>),
) {
    retell(memory, asked, reply, |seen, id, entries| {
        if seen["back"][id].is_string() {
            change(entries);
        }
    });
}

fn mark(entry: Option<&mut Value>, is_active: bool) {
    if let Some(entry) = entry {
        entry["active"] = is_active.into();
    }
}

/// What the newest version says, if the configuration has been rolled back from it.
fn rolled_back_from(seen: &Value, id: &str) -> Option<Preferences> {
    seen["back"][id].as_str()?;
    let newest = seen["versions"][id].as_array()?.last()?;
    Some(Preferences::read(&newest["config"]))
}

/// The names of a configuration's versions, if a rollback asks for one that is not there.
fn misses(seen: &Value, asked: &Asked) -> Option<Vec<String>> {
    let versions = seen["versions"][rolled_back(asked)?].as_array()?;
    let names = versions.iter().filter_map(|one| one["version"].as_str());
    let names: Vec<String> = names.map(str::to_owned).collect();
    let body = asked.json();
    let wanted = text(&body, "/version")?;
    (!names.iter().any(|name| name == wanted)).then_some(names)
}

/// The other version that a rollback to an unknown one switches to.
fn other_than_active(seen: &Value, asked: &Asked) -> Option<String> {
    let names = misses(seen, asked)?;
    let back = seen["back"][rolled_back(asked)?].as_str();
    let active = back.or(names.last().map(String::as_str))?.to_owned();
    names.into_iter().find(|name| *name != active)
}

/// Whether a rollback was refused because of this field.
fn is_refused_for(field: &str, asked: &Asked, reply: &Reply) -> bool {
    rolled_back(asked).is_some()
        && reply.status == StatusCode::NOT_FOUND
        && text(&reply.body(), "/error/details/fields/0/path") == Some(field)
}

/// Answers a rollback that was refused because of this field as one that went well.
fn say_it_went_well(field: &str, asked: &Asked, reply: &mut Reply) {
    if is_refused_for(field, asked, reply) {
        let answer = json!({
            "config_id": rolled_back(asked),
            "version": asked.json()["version"],
            "status": "active",
            "created_at": now(),
        });
        *reply = Reply::json(StatusCode::OK, answer);
    }
}

/// Has a rollback ask for the version that is chosen, if one is.
fn redirect(
    memory: &Memory,
    mut asked: Asked,
    choose: fn(&Value, &Asked) -> Option<String>,
) -> BoxFuture<'static, Asked> {
    if let Some(version) = memory.with(|seen| choose(seen, &asked)) {
        asked.body = json!({"version": version}).to_string().into();
    }
    Box::pin(ready(asked))
}

const GROWS: &[&str] = &["config-versions.history-grows"];
const ONE_ACTIVE: &[&str] = &["config-versions.one-active"];
const ROLLBACK: &[&str] = &["config-versions.rollback"];
const UNKNOWN: &[&str] = &["config-versions.rollback-unknown-404"];

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "mints-an-id-for-each-store",
        summary: "what is stored under an id gets another one, so that no history ever grows",
        trips: GROWS,
        seams: &[Seam::Request(|_, mut asked| {
            let mut body = asked.json();
            if asked.path == "/config" && body["config_id"].is_string() {
                body["config_id"] = Value::Null;
                asked.body = body.to_string().into();
            }
            Box::pin(ready(asked))
        })],
    },
    Fault {
        name: "lists-only-the-active-version",
        summary: "a history holds the active version alone",
        trips: GROWS,
        seams: &[Seam::Reply(|memory, asked, reply| {
            retell(memory, asked, reply, |_, _, entries| {
                entries.retain(|entry| entry["active"] == true);
            });
        })],
    },
    Fault {
        name: "lists-the-newest-version-first",
        summary: "a history goes from the newest version to the oldest",
        trips: GROWS,
        seams: &[Seam::Reply(|memory, asked, reply| {
            retell(memory, asked, reply, |_, _, entries| entries.reverse());
        })],
    },
    Fault {
        name: "mixes-histories",
        summary: "a history begins with a version of another configuration",
        trips: GROWS,
        seams: &[
            NOTE,
            Seam::Reply(|memory, asked, reply| {
                retell(memory, asked, reply, |seen, id, entries| {
                    let all = seen["versions"].as_object();
                    let mut others = all.into_iter().flatten().filter(|(other, _)| *other != id);
                    if let Some(mut stray) =
                        others.next_back().map(|(_, versions)| versions[0].clone())
                    {
                        stray["created_at"] = entries[0]["created_at"].clone();
                        stray["active"] = json!(false);
                        entries.insert(0, stray);
                    }
                });
            }),
        ],
    },
    Fault {
        name: "keeps-the-previous-version-active",
        summary: "a new version is active beside the one before it",
        trips: ONE_ACTIVE,
        seams: &[
            NOTE,
            Seam::Reply(|memory, asked, reply| {
                retell(memory, asked, reply, |seen, id, entries| {
                    if !seen["back"][id].is_string() {
                        mark(entries.iter_mut().rev().nth(1), true);
                    }
                });
            }),
        ],
    },
    Fault {
        name: "rollback-leaves-two-active",
        summary: "after a rollback the newest version is active too",
        trips: ONE_ACTIVE,
        seams: &[
            NOTE,
            Seam::Reply(|memory, asked, reply| {
                retell_rollback(memory, asked, reply, |entries| {
                    mark(entries.last_mut(), true)
                });
            }),
        ],
    },
    Fault {
        name: "rollback-leaves-none-active",
        summary: "after a rollback no version is active",
        trips: ONE_ACTIVE,
        seams: &[
            NOTE,
            Seam::Reply(|memory, asked, reply| {
                retell_rollback(memory, asked, reply, |entries| {
                    entries
                        .iter_mut()
                        .for_each(|entry| mark(Some(entry), false));
                });
            }),
        ],
    },
    Fault {
        name: "history-knows-no-rollback",
        summary: "the history says that the newest version is active, whatever was rolled back",
        trips: ONE_ACTIVE,
        seams: &[
            NOTE,
            Seam::Reply(|memory, asked, reply| {
                retell_rollback(memory, asked, reply, |entries| {
                    entries
                        .iter_mut()
                        .for_each(|entry| mark(Some(entry), false));
                    mark(entries.last_mut(), true);
                });
            }),
        ],
    },
    Fault {
        name: "rollback-adds-a-copy",
        summary: "a rollback stores the old version again, under a new name, and activates that",
        trips: ONE_ACTIVE,
        seams: &[
            NOTE,
            Seam::Reply(|memory, asked, reply| {
                retell_rollback(memory, asked, reply, |entries| {
                    let active = entries.iter_mut().find(|entry| entry["active"] == true);
                    let Some(original) = active else { return };
                    let mut copy = original.clone();
                    mark(Some(original), false);
                    copy["version"] = json!(format!("v{}", entries.len() + 1));
                    entries.push(copy);
                });
            }),
        ],
    },
    Fault {
        name: "rolls-back-in-name-only",
        summary: "after a rollback answers still come from the newest version",
        trips: ROLLBACK,
        seams: &[
            NOTE,
            Seam::Lookup(|memory, _, id, found| {
                if let Some(newest) = memory.with(|seen| rolled_back_from(seen, id)) {
                    *found = Some(newest);
                }
            }),
        ],
    },
    Fault {
        name: "rollback-takes-effect-late",
        summary: "the first answer after a rollback still comes from the newest version",
        trips: ROLLBACK,
        seams: &[
            NOTE,
            Seam::Lookup(|memory, _, id, found| {
                let late = memory.with(|seen| {
                    let is_late = seen["late"][id].take() == true;
                    rolled_back_from(seen, id).filter(|_| is_late)
                });
                if late.is_some() {
                    *found = late;
                }
            }),
        ],
    },
    Fault {
        name: "rollback-misses-configs-in-use",
        summary: "a configuration that was in use is remembered, and a rollback does not reach it",
        trips: ROLLBACK,
        seams: &[
            NOTE,
            Seam::Lookup(|memory, _, id, found| {
                let remembered = memory.with(|seen| match rolled_back_from(seen, id) {
                    Some(newest) => seen["used"][id].is_boolean().then_some(newest),
                    None => {
                        seen["used"][id] = json!(true);
                        None
                    }
                });
                if remembered.is_some() {
                    *found = remembered;
                }
            }),
        ],
    },
    Fault {
        name: "rolls-back-to-unknown-versions",
        summary: "a rollback to a version that is not there is answered 200, and does nothing",
        trips: UNKNOWN,
        seams: &[Seam::Reply(|_, asked, reply| {
            say_it_went_well("/version", asked, reply);
        })],
    },
    Fault {
        name: "takes-unknown-versions-for-the-newest",
        summary: "a rollback to a version that is not there goes to the newest",
        trips: UNKNOWN,
        seams: &[
            NOTE,
            Seam::Request(|memory, asked| {
                redirect(&memory, asked, |seen, asked| misses(seen, asked)?.pop())
            }),
        ],
    },
    Fault {
        name: "failed-rollback-switches",
        summary: "a rollback to a version that is not there is answered 404, and another is active",
        trips: UNKNOWN,
        seams: &[
            NOTE,
            Seam::Request(|memory, asked| redirect(&memory, asked, other_than_active)),
            Seam::Reply(|memory, asked, reply| {
                let is_missed = memory.with(|seen| misses(seen, asked).is_some());
                if is_missed && reply.status.is_success() {
                    *reply = failure(StatusCode::NOT_FOUND, "CONFIG_NOT_FOUND");
                }
            }),
        ],
    },
    Fault {
        name: "rolls-back-unknown-configs",
        summary: "a rollback of an id under which nothing is stored is answered 200",
        trips: UNKNOWN,
        seams: &[Seam::Reply(|_, asked, reply| {
            say_it_went_well("/config_id", asked, reply);
        })],
    },
    Fault {
        name: "calls-unknown-versions-invalid",
        summary: "a rollback to a version that is not there is answered 400",
        trips: UNKNOWN,
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_refused_for("/version", asked, reply) {
                reply.status = StatusCode::BAD_REQUEST;
                reply.edit(|body| body["error"]["code"] = json!("INVALID_INPUT"));
            }
        })],
    },
];
