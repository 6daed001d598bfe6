//! The ways in which the agent can be wrong, by name.
//!
//! A fault is one value: what goes wrong, which rules must notice, and the seams at which
//! it acts. A new one is an entry in the list of its area, and nothing else.

mod config;
mod documents;
mod errors;
mod invoke;
mod judgement;
mod sse;
mod stream;
mod transport;

#[cfg(test)]
mod tests;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    documents::now, exchange::Reply, seams::Seam, settings::Settings, validation::Violation,
};

/// One way of being wrong.
#[derive(Debug)]
pub struct Fault {
    /// What goes wrong, in kebab-case: `cuts-streams-short`.
    pub name: &'static str,
    /// What goes wrong, as a sentence.
    pub summary: &'static str,
    /// The ids of the rules that must fail: these, and no other.
    pub trips: &'static [&'static str],
    pub(crate) seams: &'static [Seam],
}

impl Fault {
    /// Lets the fault have its way with the settings.
    pub(crate) fn adjust(&self, settings: &mut Settings) {
        for seam in self.seams {
            if let Seam::Settings(change) = seam {
                change(settings);
            }
        }
    }
}

/// The areas, in the order of the profile.
static AREAS: [&[Fault]; 8] = [
    transport::FAULTS,
    documents::FAULTS,
    config::FAULTS,
    judgement::FAULTS,
    invoke::FAULTS,
    errors::FAULTS,
    sse::FAULTS,
    stream::FAULTS,
];

/// Every fault there is, area by area.
pub fn catalogue() -> impl Iterator<Item = &'static Fault> {
    AREAS.iter().flat_map(|area| area.iter())
}

/// The fault of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    catalogue().find(|fault| fault.name == name)
}

/// An answer in the envelope, as a handler would have made it.
fn failure(status: StatusCode, code: &str) -> Reply {
    let message = "the agent is not up to this request";
    let inner = json!({"code": code, "message": message, "details": {}, "timestamp": now()});
    Reply::json(status, json!({"error": inner}))
}

/// Overlooks what was found wrong at a path under a keyword.
fn overlook(found: &mut Vec<Violation>, path: &str, keyword: &str) {
    found.retain(|one| one.path != path || one.keyword != keyword);
}

/// The number that stands at a pointer of a body.
fn number(body: &Value, pointer: &str) -> Option<f64> {
    body.pointer(pointer).and_then(Value::as_f64)
}

/// The text that stands at a pointer of a body.
fn text<'a>(body: &'a Value, pointer: &str) -> Option<&'a str> {
    body.pointer(pointer).and_then(Value::as_str)
}
