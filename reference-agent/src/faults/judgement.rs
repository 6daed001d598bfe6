//! Faults of judgement at /invoke: inputs taken that are not valid, and refused that are.
//!
//! Each judges wrongly in one way and at one endpoint; the streams judge rightly.

use axum::http::StatusCode;
use serde_json::Value;

use super::{Fault, failure, number, overlook, text};
use crate::{
    exchange::Reply,
    seams::{Memory, Place, Seam},
    validation::Violation,
};

const CITY: &str = "/input/city";
const DAYS: &str = "/input/days";
const TAGS: &str = "/input/tags";
const WARMTH: &str = "/input/temperature_preference";
const WIND: &str = "/input/wind_limit";

type Found = Vec<Violation>;

/// Refuses what was found to be valid.
fn refuse(found: &mut Found, path: &str, keyword: &str) {
    if found.is_empty() {
        found.push(Violation::at(path, keyword, "is not allowed"));
    }
}

/// A judge that sits at /invoke alone.
macro_rules! at_invoke {
    ($judge:expr) => {
        Seam::Verdict(|_: &Memory, place, body: &Value, found: &mut Found| {
            let judge: fn(&Value, &mut Found) = $judge;
            if place == Place::Invoke {
                judge(body, found);
            }
        })
    };
}

/// Turns a success into a crash where the input is of a kind.
fn crash_if(asked_at: &str, reply: &mut Reply, is_reached: bool) {
    if asked_at == "/invoke" && is_reached {
        *reply = failure(StatusCode::INTERNAL_SERVER_ERROR, "EXECUTION_ERROR");
    }
}

fn city_len(body: &Value, len: impl Fn(&str) -> usize) -> usize {
    text(body, CITY).map_or(0, len)
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "fails-below-zero",
        summary: "a negative temperature preference is answered 500",
        trips: &["invoke.accepts-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let negative = number(&asked.json(), WARMTH).is_some_and(|number| number < 0.0);
            let is_reached = negative && reply.status.is_success();
            crash_if(&asked.path, reply, is_reached);
        })],
    },
    Fault {
        name: "stumbles-over-astral-characters",
        summary: "a city with a character beyond the basic plane is answered 500",
        trips: &["invoke.accepts-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let astral =
                text(&asked.json(), CITY).is_some_and(|t| t.chars().any(|c| c > '\u{ffff}'));
            let is_reached = astral && reply.status.is_success();
            crash_if(&asked.path, reply, is_reached);
        })],
    },
    Fault {
        name: "refuses-whole-floats",
        summary: "days may not be 2.0, which is an integer to JSON Schema",
        trips: &["invoke.accepts-valid"],
        seams: &[at_invoke!(|body, found| {
            if body.pointer(DAYS).is_some_and(Value::is_f64) {
                refuse(found, DAYS, "type");
            }
        })],
    },
    Fault {
        name: "counts-length-in-bytes",
        summary: "the city's length is counted in bytes of UTF-8, not in characters",
        trips: &["invoke.accepts-valid"],
        seams: &[at_invoke!(|body, found| {
            if city_len(body, str::len) > 80 {
                refuse(found, CITY, "maxLength");
            }
        })],
    },
    Fault {
        name: "counts-length-in-utf16",
        summary: "the city's length is counted in UTF-16 units, not in characters",
        trips: &["invoke.accepts-valid"],
        seams: &[at_invoke!(|body, found| {
            if city_len(body, |city| city.encode_utf16().count()) > 80 {
                refuse(found, CITY, "maxLength");
            }
        })],
    },
    Fault {
        name: "refuses-the-maximum",
        summary: "days may not be 7, which is the maximum and not beyond it",
        trips: &["invoke.accepts-valid"],
        seams: &[at_invoke!(|body, found| {
            if number(body, DAYS) == Some(7.0) {
                refuse(found, DAYS, "maximum");
            }
        })],
    },
    Fault {
        name: "refuses-the-minimum",
        summary: "the temperature preference may not be -50, which is the minimum and not below it",
        trips: &["invoke.accepts-valid"],
        seams: &[at_invoke!(|body, found| {
            if number(body, WARMTH) == Some(-50.0) {
                refuse(found, WARMTH, "minimum");
            }
        })],
    },
    Fault {
        name: "refuses-empty-lists",
        summary: "the list of tags may not be empty, though no minItems says so",
        trips: &["invoke.accepts-valid"],
        seams: &[at_invoke!(|body, found| {
            if body
                .pointer(TAGS)
                .and_then(Value::as_array)
                .is_some_and(Vec::is_empty)
            {
                refuse(found, TAGS, "minItems");
            }
        })],
    },
    Fault {
        name: "takes-one-over-max-length",
        summary: "a city of 81 characters is taken, one of 82 is not",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            if city_len(body, |city| city.chars().count()) == 81 {
                overlook(found, CITY, "maxLength");
            }
        })],
    },
    Fault {
        name: "takes-the-empty-city",
        summary: "a city of no characters is taken",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| overlook(found, CITY, "minLength"))],
    },
    Fault {
        name: "takes-null-for-a-city",
        summary: "a required member may be null",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            if body.pointer(CITY).is_some_and(Value::is_null) {
                overlook(found, CITY, "type");
            }
        })],
    },
    Fault {
        name: "needs-no-city",
        summary: "a required member may be missing",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| overlook(found, CITY, "required"))],
    },
    Fault {
        name: "takes-true-for-a-number",
        summary: "a number may be true or false, as in Python a bool is an int",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            found.retain(|one| {
                one.keyword != "type" || !body.pointer(&one.path).is_some_and(Value::is_boolean)
            });
        })],
    },
    Fault {
        name: "takes-text-for-a-number",
        summary: "a number may be a text that reads like one",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            let numeric = |path: &str| text(body, path).is_some_and(|t| t.parse::<f64>().is_ok());
            let number = [DAYS, WARMTH, WIND];
            found.retain(|one| !number.contains(&one.path.as_str()) || !numeric(&one.path));
        })],
    },
    Fault {
        name: "cuts-fractions-off",
        summary: "days may be 2.5, and is cut to 2 before it is judged",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            if number(body, DAYS).is_some_and(|days| (1.0..8.0).contains(&days)) {
                found.retain(|one| one.path != DAYS);
            }
        })],
    },
    Fault {
        name: "takes-any-activity",
        summary: "the enum of activities is not looked at",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| overlook(
            found,
            "/input/activity_type",
            "enum"
        ))],
    },
    Fault {
        name: "knows-no-lower-bound",
        summary: "the temperature preference may be below the minimum",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| overlook(found, WARMTH, "minimum"))],
    },
    Fault {
        name: "includes-the-exclusive-minimum",
        summary: "the wind limit may be 0, which the schema excludes",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            if number(body, WIND) == Some(0.0) {
                overlook(found, WIND, "exclusiveMinimum");
            }
        })],
    },
    Fault {
        name: "includes-the-exclusive-maximum",
        summary: "the wind limit may be 200, which the schema excludes",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            if number(body, WIND) == Some(200.0) {
                overlook(found, WIND, "exclusiveMaximum");
            }
        })],
    },
    Fault {
        name: "ignores-patterns",
        summary: "a country may be any text",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| overlook(
            found,
            "/input/country",
            "pattern"
        ))],
    },
    Fault {
        name: "ignores-unknown-members",
        summary: "an input may have members that the schema does not allow",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| {
            found.retain(|one| one.keyword != "additionalProperties");
        })],
    },
    Fault {
        name: "takes-a-tag-twice",
        summary: "the tags need not differ",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| overlook(found, TAGS, "uniqueItems"))],
    },
    Fault {
        name: "takes-one-tag-too-many",
        summary: "six tags are taken, seven are not",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|body, found| {
            if body
                .pointer(TAGS)
                .and_then(Value::as_array)
                .is_some_and(|tags| tags.len() == 6)
            {
                overlook(found, TAGS, "maxItems");
            }
        })],
    },
    Fault {
        name: "looks-at-the-surface-only",
        summary: "what is within `location` is not looked at",
        trips: &["invoke.rejects-invalid"],
        seams: &[at_invoke!(|_, found| {
            found.retain(|one| !one.path.starts_with("/input/location/"));
        })],
    },
    Fault {
        name: "crashes-on-a-number-for-a-city",
        summary: "a city that is a number is answered 500",
        trips: &["invoke.rejects-invalid", "transport.no-5xx-on-bad-input"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let is_reached = asked.json().pointer(CITY).is_some_and(Value::is_number);
            crash_if(&asked.path, reply, is_reached);
        })],
    },
    Fault {
        name: "makes-an-input-up",
        summary: "/invoke without `input` is answered as if one had been given",
        trips: &["invoke.rejects-missing-input"],
        seams: &[at_invoke!(|_, found| overlook(found, "/input", "required"))],
    },
];
