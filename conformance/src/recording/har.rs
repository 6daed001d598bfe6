//! A recording as an HTTP Archive 1.2, for browsers' developer tools: a page a topic.
//!
//! Where HAR has no field: what an answer's body came in is told in `_chunks`, how an exchange ended
//! without an answer in `_error` (as browsers do). Times of scenes count from their own start.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::Recording;
use crate::evidence::Ask;
use crate::show;
use crate::wire::{Answer, End, Request};

/// A number that HAR uses for what is not known.
const UNKNOWN: i32 = -1;

impl Recording {
    /// Writes all that was asked as an HTTP Archive, the first exchange first.
    ///
    /// # Errors
    /// If nothing can be written there.
    pub fn write_har(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &self.har())?;
        out.write_all(b"\n")
    }

    fn har(&self) -> Value {
        let first = self.evidence.asks.iter().map(|ask| (ask, String::new()));
        let again = self.rounds.iter().enumerate().flat_map(|(number, round)| {
            let note = format!(" (tried again, {})", number + 1);
            round.asks.iter().map(move |ask| (ask, note.clone()))
        });
        let shrunk = self
            .shrunk
            .iter()
            .map(|(rule, ask)| (ask, format!(" (the smallest case for {})", rule.id)));
        let mut all: Vec<(&Ask, String)> = first
            .chain(again)
            .chain(shrunk)
            .map(|(ask, note)| (ask.as_ref(), note))
            .collect();
        all.sort_by_key(|(ask, _)| ask.exchange.began);
        let started_at = self.evidence.facts.started_at;
        let entries = all
            .iter()
            .map(|(ask, note)| entry(ask, note, &self.url, started_at));
        json!({"log": {
            "version": "1.2",
            "creator": {"name": "acp-tck", "version": env!("CARGO_PKG_VERSION")},
            "pages": pages(&all, started_at),
            "entries": entries.collect::<Vec<_>>(),
        }})
    }
}

fn pages(all: &[(&Ask, String)], started_at: Timestamp) -> Vec<Value> {
    let mut pages: Vec<(String, Value)> = Vec::new();
    for (ask, _) in all {
        let title = ask.topic.to_string();
        if !pages.iter().any(|(known, _)| *known == title) {
            let page = json!({
                "startedDateTime": time(ask, started_at),
                "id": page_id(ask),
                "title": title,
                "pageTimings": {},
            });
            pages.push((title, page));
        }
    }
    pages.into_iter().map(|(_, page)| page).collect()
}

fn page_id(ask: &Ask) -> String {
    ask.topic.to_string().replace(' ', "-")
}

fn time(ask: &Ask, started_at: Timestamp) -> String {
    let began = started_at.saturating_add(ask.exchange.began);
    format!("{:.3}", began.unwrap_or(started_at))
}

fn entry(ask: &Ask, note: &str, url: &str, started_at: Timestamp) -> Value {
    let exchange = &ask.exchange;
    let elapsed = milliseconds(exchange.elapsed);
    let first = exchange.answer.as_ref().and_then(|answer| {
        let read = answer.reads.first()?;
        Some(milliseconds(read.at).min(elapsed))
    });
    let wait = first.unwrap_or(elapsed);
    let mut entry = json!({
        "pageref": page_id(ask),
        "startedDateTime": time(ask, started_at),
        "time": elapsed,
        "request": request(&exchange.request, url),
        "response": response(exchange.answer.as_ref()),
        "cache": {},
        "timings": {"send": 0, "wait": wait, "receive": elapsed - wait},
        "comment": format!("{}{note}", ask.about.note),
    });
    if exchange.end != End::Complete {
        entry["_error"] = json!(show::end(&exchange.end));
    }
    if ask.is_stream()
        && let Some(answer) = &exchange.answer
    {
        entry["_chunks"] = chunks(answer);
    }
    entry
}

/// The pieces of a body: when each had arrived, since the exchange began.
fn chunks(answer: &Answer) -> Value {
    let mut from = 0;
    let chunks = answer.reads.iter().map(|read| {
        let length = read.until.saturating_sub(from);
        let chunk = json!({"offset": from, "length": length, "time_ms": milliseconds(read.at)});
        from = read.until;
        chunk
    });
    chunks.collect()
}

fn request(request: &Request, url: &str) -> Value {
    let url = uri(&format!("{url}{}", request.path));
    let query = request.path.split_once('?').map_or("", |(_, query)| query);
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let mut shown = json!({
        "method": request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&request.headers),
        "queryString": pairs
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect::<Vec<_>>(),
        "headersSize": UNKNOWN,
        "bodySize": request.body_length,
    });
    if !request.body.is_empty() {
        let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
        let kind = request.headers.iter().find(named);
        let mut data = body(&request.body);
        data.insert(
            "mimeType".to_owned(),
            json!(kind.map_or("", |(_, kind)| kind)),
        );
        shown["postData"] = Value::Object(data);
    }
    shown
}

/// A target as it may stand in a URI (RFC 3986): some that were sent may not.
fn uri(target: &str) -> String {
    const NEVER: &AsciiSet = &CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'<')
        .add(b'>')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}')
        .add(b'#');
    let encoded = utf8_percent_encode(target, NEVER).to_string();
    let mut parts = encoded.split('%');
    let mut uri = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.bytes().take(2).filter(u8::is_ascii_hexdigit).count();
        uri += if digits == 2 { "%" } else { "%25" };
        uri += part;
    }
    uri
}

fn response(answer: Option<&Answer>) -> Value {
    let Some(answer) = answer else {
        return json!({
            "status": 0, "statusText": "", "httpVersion": "", "cookies": [], "headers": [],
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "", "headersSize": UNKNOWN, "bodySize": UNKNOWN,
        });
    };
    let mut content = body(&answer.body);
    content.insert("size".to_owned(), json!(answer.body.len()));
    let kind = answer.header("content-type").unwrap_or("x-unknown");
    content.insert("mimeType".to_owned(), json!(kind));
    json!({
        "status": answer.status,
        "statusText": "",
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": headers(&answer.headers),
        "content": content,
        "redirectURL": answer.header("location").unwrap_or_default(),
        "headersSize": UNKNOWN,
        "bodySize": answer.body.len(),
    })
}

/// Text, or what is not text in base64.
fn body(bytes: &[u8]) -> Map<String, Value> {
    let mut body = Map::new();
    match std::str::from_utf8(bytes) {
        Ok(text) => body.insert("text".to_owned(), json!(text)),
        Err(_) => {
            body.insert("text".to_owned(), json!(STANDARD.encode(bytes)));
            body.insert("encoding".to_owned(), json!("base64"))
        }
    };
    body
}

fn headers(headers: &[(String, String)]) -> Vec<Value> {
    let shown = |(name, value): &(String, String)| json!({"name": name, "value": value});
    headers.iter().map(shown).collect()
}

fn milliseconds(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
