//! Saying in a few words what came from an agent.
//!
//! Short, but not yet safe for a terminal: that is the business of whoever writes it.

use acp_reports::shorten;
use serde_json::Value;

use crate::wire::{Answer, End};

const LENGTH: usize = 160;

/// A status and the beginning of a body.
pub(crate) fn answer(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    let body = body.trim();
    if body.is_empty() {
        return format!("{} without a body", answer.status);
    }
    format!("{} {}", answer.status, shorten(body, LENGTH))
}

/// What to do about an answer that says nothing of the agent but that the asker is not welcome.
pub(crate) fn turned_away(answer: &Answer) -> Option<String> {
    match answer.status {
        401 | 403 => Some(format!(
            "the agent answers {} and wants credentials: give them with --header or --api-key-env",
            answer.status
        )),
        429 => Some(
            "the agent answers 429 for longer than can be waited out: raise or switch off its limits, or \
             send a key that has more with --header or --api-key-env"
                .to_owned(),
        ),
        _ => None,
    }
}

/// A JSON value.
pub(crate) fn value(value: &Value) -> String {
    shorten(&value.to_string(), LENGTH).into_owned()
}

/// Places in a document.
pub(crate) fn places(pointers: &[String]) -> String {
    shorten(&pointers.join(", "), LENGTH).into_owned()
}

/// A member of a JSON object.
pub(crate) fn member(holder: &Value, name: &str) -> String {
    holder
        .get(name)
        .map_or_else(|| format!("no `{name}`"), value)
}

/// How an exchange ended.
pub(crate) fn end(end: &End) -> String {
    match end {
        End::Complete => "a whole answer".to_owned(),
        End::Cut(how) => how.clone(),
        End::NotHttp(why) => format!("not HTTP: {why}"),
        End::TimedOut => "no end within the timeout".to_owned(),
        End::TooLarge => "more than the checker reads".to_owned(),
        End::Left => "the checker left".to_owned(),
        End::Unreachable(why) => format!("no connection: {why}"),
    }
}
