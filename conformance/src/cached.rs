//! Whether an answer came from a cache: the marks by which agents say so.

use serde_json::Value;

use crate::evidence::Ask;

/// Members that say it, wherever they stand; the first is the profile's.
const MEMBERS: &[&str] = &["_from_cache", "from_cache", "cached", "cache_hit"];

/// The mark that says that an answer was cached, and where it stands.
#[must_use]
pub(crate) fn mark(ask: &Ask) -> Option<String> {
    let in_body = ask.json().and_then(in_body);
    in_body.or_else(|| in_head(ask))
}

/// Whether an answer says of itself that it was not cached: there is a word for it.
#[must_use]
pub(crate) fn denies(ask: &Ask) -> bool {
    let is_false = |at: &str, body: &Value| body.pointer(at) == Some(&Value::Bool(false));
    ask.json()
        .is_some_and(|body| marks().any(|at| is_false(&at, body)))
}

fn in_body(body: &Value) -> Option<String> {
    marks().find(|at| body.pointer(at) == Some(&Value::Bool(true)))
}

/// Where a mark may stand in a body.
fn marks() -> impl Iterator<Item = String> {
    let places = ["/output", "", "/metadata", "/output/metadata"].into_iter();
    places.flat_map(|place| MEMBERS.iter().map(move |name| format!("{place}/{name}")))
}

fn in_head(ask: &Ask) -> Option<String> {
    let answer = ask.answer()?;
    let says_hit = |value: &str| value.to_ascii_lowercase().contains("hit");
    let header = ["x-cache", "cache-status"]
        .into_iter()
        .find(|name| answer.header(name).is_some_and(says_hit));
    let age = || answer.header("age").and(Some("age"));
    header.or_else(age).map(str::to_owned)
}

/// Whether a member of this name says whether an answer was cached.
#[must_use]
pub(crate) fn is_mark(name: &str) -> bool {
    MEMBERS.contains(&name)
}

/// What is compared of two answers of which one was cached: all but the marks.
#[must_use]
pub(crate) fn unmarked(output: &Value) -> Value {
    let mut output = output.clone();
    if let Some(members) = output.as_object_mut() {
        members.retain(|name, _| !MEMBERS.contains(&name.as_str()));
    }
    output
}
