//! Agents that send the checker elsewhere: it goes nowhere.

use std::io::Write;
use std::sync::OnceLock;

use crate::program::{check, run};
use crate::server::{Server, documents, json};

/// Somebody who is not the agent.
fn other() -> &'static Server {
    static OTHER: OnceLock<Server> = OnceLock::new();
    OTHER.get_or_init(|| Server::start(|stream, _| json(stream, "200 OK", "{}")))
}

#[test]
fn no_redirect_is_followed() {
    let server = Server::start(|stream, asked| {
        let (to, own) = (other().url(), &asked.path);
        let to = if asked.method == "GET" {
            to + own
        } else {
            own.clone()
        };
        write!(
            stream,
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: {to}\r\nContent-Location: {to}\r\nRefresh: 0; url={to}\r\n\
             Link: <{to}>; rel=preload\r\nAlt-Svc: http/1.1=\"{to}\"\r\nContent-Length: 0\r\n\r\n"
        )
    });
    let before = other().connections();
    let run = run(check(&server.url(), "60s"));
    run.is_sound("redirects");
    assert_eq!(other().connections(), before, "somebody else was asked");
    assert_eq!(run.finding("auth.responds").0, "fail");
}

#[test]
fn no_reference_is_fetched_and_no_file_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let canary = folder.path().join("canary.json");
    std::fs::write(
        &canary,
        r#"{"type": "object", "properties": {"tweet-of-a-canary": {"const": "tweet-of-a-canary"}},
        "required": ["tweet-of-a-canary"]}"#,
    )
    .expect("a file");
    static CANARY: OnceLock<String> = OnceLock::new();
    CANARY.get_or_init(|| format!("file://{}", canary.display()));
    let server = Server::start(|stream, asked| {
        let file = CANARY.get().expect("a canary");
        let web = other().url();
        let path = file.trim_start_matches("file://");
        let schema = match asked.path.as_str() {
            "/schema" => format!(
                r#"{{"$schema": "{web}/meta", "$id": "{web}/id", "type": "object", "properties": {{
                    "a": {{"$ref": "{web}/a.json"}}, "b": {{"$ref": "{file}"}}, "c": {{"$ref": "{path}"}},
                    "d": {{"$dynamicRef": "{web}/d#x"}}, "e": {{"$id": "{file}"}}, "f": {{"$schema": "{file}"}}}}}}"#
            ),
            _ => "{}".to_owned(),
        };
        // The three schemas, each with another of the references first.
        let body = format!(
            r#"{{"input": {schema}, "output": {{"$ref": "{file}"}}, "config": {{"$ref": "{web}/config"}}}}"#
        );
        if asked.path == "/schema" {
            return json(stream, "200 OK", &body);
        }
        documents(stream, asked, "{}")
            .unwrap_or_else(|| json(stream, "200 OK", r#"{"output": {}}"#))
    });
    let before = other().connections();
    let run = run(check(&server.url(), "60s"));
    run.is_sound("references");
    assert_eq!(other().connections(), before, "somebody else was asked");
    assert!(!run.text.contains("tweet-of-a-canary"), "a file was read");
}
