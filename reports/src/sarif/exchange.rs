//! Where a result is, and what went over the wire, as SARIF has them.

use serde_json::{Map, Value, json};

use crate::{Evidence, Finding, Response, text};

/// Of a body this many characters are shown.
const BODY: usize = 2_000;
pub(super) fn location(finding: &Finding, evidence: Option<&Evidence>) -> Value {
    let (path, said) = match evidence {
        Some(evidence) => (
            path(&evidence.request.url),
            "a path on the agent, not a file",
        ),
        None => ("agent".to_owned(), "the agent as a whole, not a file"),
    };
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": path, "description": {"text": said}},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{"fullyQualifiedName": finding.rule, "kind": "rule"}],
    })
}

/// The path of a URL, relative and with none but harmless characters.
fn path(url: &str) -> String {
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = after.split_once('/').map_or("", |(_, path)| path);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments = path.split('/').filter(|it| !matches!(*it, "" | "." | ".."));
    let clean: Vec<String> = segments.map(encoded).collect();
    match clean.is_empty() {
        true => "agent".to_owned(),
        false => clean.join("/"),
    }
}

fn encoded(segment: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    segment.bytes().take(BODY).map(byte).collect()
}

pub(super) fn web_request(evidence: &Evidence) -> Value {
    let request = &evidence.request;
    json!({
        "protocol": "HTTP",
        "version": "1.1",
        "target": request.url,
        "method": request.method,
        "headers": headers(&request.headers),
        "body": {"text": text::shorten(&request.body, BODY)},
    })
}

pub(super) fn web_response(response: Option<&Response>) -> Value {
    let Some(response) = response else {
        return json!({"noResponseReceived": true});
    };
    let body = match &response.body_base64 {
        Some(encoded) if encoded.len() <= BODY => json!({"binary": encoded}),
        _ => json!({"text": text::shorten(&response.body, BODY)}),
    };
    json!({
        "protocol": "HTTP",
        "version": "1.1",
        "statusCode": response.status,
        "headers": headers(&response.headers),
        "body": body,
    })
}

/// Header fields by name; those that came more than once in one line, as HTTP allows.
fn headers(fields: &[(String, String)]) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for (name, value) in fields {
        let joined = match headers.get(name).and_then(Value::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value.clone(),
        };
        headers.insert(name.clone(), joined.into());
    }
    headers.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_of_harmless_characters() {
        assert_eq!(path("http://h:1/invoke/stream?a=b"), "invoke/stream");
        assert_eq!(
            path("http://h:1/../a b/%2e\u{202e}"),
            "a%20b/%252e%E2%80%AE"
        );
        assert_eq!(path("http://h:1"), "agent");
        assert_eq!(path("builtin:reference-agent"), "agent");
    }
}
