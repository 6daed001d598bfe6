//! A question and its answer as one JSON document, without the user's secrets; and its text.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::evidence::Ask;
use crate::json;
use crate::redact::Redactor;
use crate::sse;
use crate::wire::{Answer, End};

/// The header fields that say what an answer is, and how it may be used. Others change with every
/// proxy, or hold secrets.
const HEADERS: &[&str] = &[
    "access-control-allow-origin",
    "allow",
    "cache-control",
    "content-encoding",
    "content-language",
    "content-type",
    "location",
    "vary",
    "www-authenticate",
    "x-accel-buffering",
];
/// Longer answers are snapshots of their digest: nobody reads them in a diff. In bytes of JSON.
const LONGEST: usize = 64 << 10;
/// The same, with the spaces that make it readable.
const LONGEST_INDENTED: usize = 4 * LONGEST;

/// What was asked and what came, with the members in the order of reading.
pub(super) fn document(ask: &Ask, redactor: &Redactor) -> Value {
    let request = &ask.exchange.request;
    let mut document = Map::new();
    let question = format!("{} {}", request.method, request.path);
    document.insert("request".to_owned(), question.into());
    if !request.body.is_empty() {
        document.insert("sent".to_owned(), sent(&request.body));
    }
    if let Some(answer) = ask.answer() {
        document.insert("status".to_owned(), answer.status.into());
        document.insert("headers".to_owned(), headers(answer, redactor));
        let body = redactor.body(answer.body.clone(), &mut []);
        match ask.is_stream() {
            true => stream(&body, &mut document),
            false if body.is_empty() => {}
            false => {
                document.insert("body".to_owned(), content(&body));
            }
        }
    }
    if ask.exchange.end != End::Complete {
        document.insert("end".to_owned(), end(&ask.exchange.end).into());
    }
    let mut document = Value::Object(document);
    redactor.document(&mut document);
    document
}

/// The body as the JSON that it is, or as its text where that says more: `1.0e0`, a name twice.
fn sent(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let same = |value: &Value| {
        let squeezed = |text: &str| text.replace("\": ", "\":").replace(", \"", ",\"");
        squeezed(&value.to_string()) == squeezed(&text)
    };
    let value = serde_json::from_str(&text).ok().filter(same);
    value.unwrap_or_else(|| text.into())
}

fn headers(answer: &Answer, redactor: &Redactor) -> Value {
    let mut kept = Map::new();
    for name in HEADERS {
        let values: Vec<String> = answer
            .all_headers(name)
            .map(|value| redactor.header(name, value))
            .collect();
        if !values.is_empty() {
            kept.insert((*name).to_owned(), values.join(", ").into());
        }
    }
    Value::Object(kept)
}

fn stream(body: &[u8], document: &mut Map<String, Value>) {
    let transcript = sse::parse(body);
    let events = transcript.events.iter().map(|event| {
        let data = &event.data;
        let mut told = json!({ "event": event.event.as_str(), "data": content(data.as_bytes()) });
        if !event.id.is_empty() {
            told["id"] = event.id.as_str().into();
        }
        if let Some(retry) = event.retry {
            told["retry"] = retry.into();
        }
        told
    });
    document.insert("events".to_owned(), events.collect());
    let mut defects: Vec<&str> = transcript.defects.iter().map(|it| it.kind.name()).collect();
    defects.dedup();
    if !defects.is_empty() {
        document.insert("defects".to_owned(), defects.into());
    }
}

/// JSON as such, other texts as texts, the rest by its digest.
fn content(bytes: &[u8]) -> Value {
    match json::lenient(bytes) {
        Some((value, _)) => value,
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => digest(bytes).into(),
        },
    }
}

fn digest(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    format!("({} bytes, SHA-256 {hex})", bytes.len())
}

/// How an exchange ended, without what its words hold of the moment.
fn end(end: &End) -> &'static str {
    match end {
        End::Complete => "complete",
        End::Cut(_) => "cut short",
        End::NotHttp(_) => "not HTTP",
        End::TimedOut => "timed out",
        End::TooLarge => "more than the checker reads",
        End::Left => "the checker left",
        End::Unreachable(_) => "unreachable",
    }
}

/// The members in the order of reading again, after those of all objects were sorted.
pub(super) fn in_order(document: Value) -> Value {
    const ORDER: &[&str] = &[
        "request", "sent", "status", "headers", "body", "events", "defects", "end",
    ];
    let Value::Object(mut members) = document else {
        return document;
    };
    let ordered = ORDER
        .iter()
        .filter_map(|name| members.shift_remove_entry(*name));
    let mut kept: Map<String, Value> = ordered.collect();
    kept.append(&mut members);
    Value::Object(kept)
}

/// The text of a snapshot: indented JSON in which every character is visible, and bounded.
pub(super) fn text(document: &Value) -> String {
    let compact = document.to_string();
    let indented = (compact.len() <= LONGEST).then(|| format!("{document:#}"));
    let text = match indented.filter(|text| text.len() <= LONGEST_INDENTED) {
        Some(text) => text,
        None => format!("{:#}", shortened(document)),
    };
    visible(&text).into_owned()
}

/// The same with digests for the parts that are too long.
fn shortened(document: &Value) -> Value {
    let mut document = document.clone();
    let members = document.as_object_mut().into_iter().flatten();
    for (_, member) in members {
        // What is short itself, and deep, would still fill lines with spaces.
        let text = member.to_string();
        if text.len() > 200 {
            *member = digest(text.as_bytes()).into();
        }
    }
    document
}

/// Escapes, as JSON does, what a terminal would act on or not show: files are reviewed there.
/// Outside of its strings JSON has no such characters.
fn visible(json: &str) -> Cow<'_, str> {
    let mut text = String::new();
    let mut done = 0;
    for (at, character) in json.char_indices() {
        let mut own = [0; 4];
        let shown = acp_reports::escape(character.encode_utf8(&mut own));
        if character == '\n' || matches!(shown, Cow::Borrowed(_)) {
            continue;
        }
        text.push_str(&json[done..at]);
        for unit in character.encode_utf16(&mut [0; 2]) {
            // As above.
            let _ = write!(text, "\\u{unit:04x}");
        }
        done = at + character.len_utf8();
    }
    match done {
        0 => Cow::Borrowed(json),
        _ => Cow::Owned(text + &json[done..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped_and_read_back() {
        let document = json!({"body": "\u{1b}[2J\u{9b}2J\u{202e}é\n\u{e0001}"});
        let text = text(&document);
        assert!(text.contains(r"\u001b[2J\u009b2J\u202eé\n\udb40\udc01"));
        let read: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(read, document);
    }

    #[test]
    fn what_is_too_long_or_too_deep_is_there_by_its_digest() {
        let long = json!({"status": 200, "body": "a".repeat(LONGEST)});
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([
                deep, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
            ]);
        }
        for document in [long, json!({"body": deep})] {
            let told = text(&document);
            assert!(told.len() < LONGEST_INDENTED, "{}", told.len());
        }
        let of = |body: String| text(&json!({ "body": body }));
        let (one, other) = (of("a".repeat(LONGEST)), of("b".repeat(LONGEST)));
        assert!(one.contains("SHA-256"));
        assert_ne!(one, other);
    }

    #[test]
    fn a_body_is_told_as_what_it_is() {
        assert_eq!(sent(br#"{"input": {"a": 1}}"#), json!({"input": {"a": 1}}));
        assert_eq!(sent(br#"{"input": 1e0}"#), json!(r#"{"input": 1e0}"#));
        assert_eq!(content(b"{"), json!("{"));
        assert!(content(b"\xff").to_string().contains("1 bytes"));
    }
}
