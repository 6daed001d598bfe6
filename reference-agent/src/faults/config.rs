//! Faults of /config: what it answers, what it takes, what it remembers.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Fault, failure, number, overlook, text};
use crate::{
    exchange::{Asked, Reply},
    preferences::Preferences,
    seams::{Place, Seam},
    validation::Violation,
};

/// Changes the answer to a configuration that was stored.
fn rewrite(asked: &Asked, reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if asked.path == "/config" && asked.method == Method::POST && reply.status.is_success() {
        reply.edit(change);
    }
}

fn refuse(found: &mut Vec<Violation>, path: &str, keyword: &str) {
    if found.is_empty() {
        found.push(Violation::at(path, keyword, "is not allowed"));
    }
}

const MOST: &str = "/config/max_recommendations";

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "numbers-its-configs",
        summary: "config_id is a JSON number",
        trips: &["config.creates"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| body["config_id"] = json!(42));
        })],
    },
    Fault {
        name: "keeps-the-config-id-to-itself",
        summary: "a configuration is stored, and the answer does not say under which id",
        trips: &["config.creates"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| {
                body.as_object_mut().map(|body| body.remove("config_id"));
            });
        })],
    },
    Fault {
        name: "says-ok-for-created",
        summary: "the status of a new configuration is `ok`",
        trips: &["config.status"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| body["status"] = json!("ok"));
        })],
    },
    Fault {
        name: "dates-configs-without-zone",
        summary: "created_at has no zone",
        trips: &["config.created-at"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| {
                let time =
                    text(body, "/created_at").map(|time| time.trim_end_matches('Z').to_owned());
                body["created_at"] = time.into();
            });
        })],
    },
    Fault {
        name: "dates-configs-in-seconds",
        summary: "created_at is a number of seconds",
        trips: &["config.created-at"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |body| {
                body["created_at"] = json!(1_790_000_000.5)
            });
        })],
    },
    Fault {
        name: "ids-by-the-second",
        summary: "config ids are made of the time in seconds, so that two at a time are one",
        trips: &["config.ids-unique"],
        seams: &[Seam::Mint(|_, id| {
            *id = format!("cfg_{}", jiff::Timestamp::now().as_second());
        })],
    },
    Fault {
        name: "hands-out-each-id-twice",
        summary: "each config id is given to two configurations",
        trips: &["config.ids-unique"],
        seams: &[Seam::Mint(|memory, id| {
            *id = format!("cfg_{}", memory.count() / 2)
        })],
    },
    Fault {
        name: "refuses-the-highest-maximum",
        summary: "max_recommendations may not be 10, which the schema allows",
        trips: &["config.accepts-valid"],
        seams: &[Seam::Verdict(|_, place, body, found| {
            if place == Place::Config && number(body, MOST) == Some(10.0) {
                refuse(found, MOST, "maximum");
            }
        })],
    },
    Fault {
        name: "crashes-in-french",
        summary: "a configuration with the language fr is answered 500",
        trips: &["config.accepts-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let french = text(&asked.json(), "/config/language") == Some("fr");
            if asked.path == "/config" && reply.status.is_success() && french {
                *reply = failure(StatusCode::INTERNAL_SERVER_ERROR, "EXECUTION_ERROR");
            }
        })],
    },
    Fault {
        name: "takes-one-over-the-maximum",
        summary: "max_recommendations may be 11",
        trips: &["config.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, body, found| {
            if place == Place::Config && number(body, MOST) == Some(11.0) {
                overlook(found, MOST, "maximum");
            }
        })],
    },
    Fault {
        name: "takes-any-language",
        summary: "the enum of languages is not looked at",
        trips: &["config.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, _, found| {
            if place == Place::Config {
                overlook(found, "/config/language", "enum");
            }
        })],
    },
    Fault {
        name: "takes-true-for-a-maximum",
        summary: "max_recommendations may be true or false, as in Python a bool is an int",
        trips: &["config.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, body, found| {
            if place == Place::Config && body.pointer(MOST).is_some_and(Value::is_boolean) {
                overlook(found, MOST, "type");
            }
        })],
    },
    Fault {
        name: "takes-text-for-a-switch",
        summary: "include_forecast may be a text, and any text is as good as another",
        trips: &["config.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, body, found| {
            if place == Place::Config && text(body, "/config/include_forecast").is_some() {
                overlook(found, "/config/include_forecast", "type");
            }
        })],
    },
    Fault {
        name: "ignores-unknown-settings",
        summary: "a configuration may have members that the schema does not allow",
        trips: &["config.rejects-invalid"],
        seams: &[Seam::Verdict(|_, place, _, found| {
            if place == Place::Config {
                found.retain(|one| one.keyword != "additionalProperties");
            }
        })],
    },
    Fault {
        name: "needs-no-config",
        summary: "a body without `config` stores the defaults",
        trips: &["config.rejects-missing"],
        seams: &[Seam::Verdict(|_, place, _, found| {
            if place == Place::Config {
                overlook(found, "/config", "required");
            }
        })],
    },
    Fault {
        name: "two-workers-share-nothing",
        summary: "of two workers only the one that stored a configuration knows it",
        trips: &["config.usable"],
        seams: &[Seam::Lookup(|memory, place, _, found| {
            if place == Place::Invoke && memory.count() % 2 == 1 {
                *found = None;
            }
        })],
    },
    Fault {
        name: "forgets-configs-after-ten-uses",
        summary: "a configuration is gone when it has been used ten times",
        trips: &["config.usable"],
        seams: &[Seam::Lookup(|memory, _, id, found| {
            let uses = memory.with(|seen| {
                let uses = seen[id].as_u64().unwrap_or(0) + 1;
                seen[id] = uses.into();
                uses
            });
            if uses > 10 {
                *found = None;
            }
        })],
    },
    Fault {
        name: "serves-unknown-configs",
        summary: "/invoke with an unknown config_id is answered with the defaults",
        trips: &["config.unknown-id-404"],
        seams: &[Seam::Lookup(|_, place, _, found| {
            if place == Place::Invoke && found.is_none() {
                *found = Some(Preferences::default());
            }
        })],
    },
    Fault {
        name: "crashes-on-unknown-configs",
        summary: "/invoke with an unknown config_id is answered 500",
        trips: &[
            "config.unknown-id-404",
            "errors.config-not-found",
            "transport.no-5xx-on-bad-input",
        ],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/invoke" && reply.body()["error"]["code"] == "CONFIG_NOT_FOUND" {
                *reply = failure(StatusCode::INTERNAL_SERVER_ERROR, "EXECUTION_ERROR");
            }
        })],
    },
];
