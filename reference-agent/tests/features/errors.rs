//! The ways to be refused or to fail: each has its status, its code and the envelope.

use std::time::Duration;

use acp_reference_agent::{Running, Settings, start};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::wire::{self, Answer, get, post, post_bytes, raw, request};

const SHORT: Duration = Duration::from_millis(100);

fn holds(schema: &str, value: &Value) {
    let path = format!(
        "{}/../fixtures/schemas/{schema}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).expect("the schema is there");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    jsonschema::validate(&schema, value).expect("it holds to the schema");
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(answer.whole);
    holds("error", &answer.json());
    assert_eq!(answer.json()["error"]["code"], code);
}

async fn agent_in_a_hurry() -> Running {
    let settings = Settings {
        request_timeout: SHORT,
        stream_step: Duration::ZERO,
        slow_city: Some(("Atlantis".to_owned(), Duration::from_secs(36_000))),
        ..Settings::unlimited()
    };
    start(settings).await.expect("the agent starts")
}

fn slow() -> Value {
    json!({"input": {"city": "Atlantis"}})
}

async fn sent(agent: &Running, bytes: &[u8]) -> Answer {
    Answer::parse(&raw(agent.addr(), bytes).await)
}

#[tokio::test]
async fn the_protocols_own_codes_can_be_had() {
    let settings = Settings {
        rate_limit_invoke: Some(acp_reference_agent::settings::Quota::a_minute(2)),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let invoke = async |body: Value| post(&agent, "/invoke", &body).await;
    refused(&invoke(json!({"input": {}})).await, 400, "INVALID_INPUT");
    let unknown = json!({"input": {"city": "x"}, "config_id": "cfg_0"});
    refused(&invoke(unknown).await, 404, "CONFIG_NOT_FOUND");
    refused(&invoke(json!({})).await, 429, "RATE_LIMIT_EXCEEDED");
    agent.stop().await;
    let agent = agent_in_a_hurry().await;
    let late = post(&agent, "/invoke", &slow()).await;
    refused(&late, 504, "TIMEOUT");
    assert_eq!(
        late.json()["error"]["details"]["timeout_seconds"],
        json!(0.1)
    );
    agent.stop().await;
}

#[tokio::test]
async fn a_stream_that_takes_too_long_ends_in_an_error_event() {
    let agent = agent_in_a_hurry().await;
    for (path, key, schema) in [
        ("/invoke/stream", "status", "stream-status-event"),
        ("/invoke/advanced-stream", "event", "stream-step-event"),
    ] {
        let answer = post(&agent, path, &slow()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.whole && answer.body.ends_with(b"\n\n"));
        let mut events = answer.events();
        events.iter().for_each(|event| holds(schema, event));
        let last = events.pop().expect("an event");
        assert_eq!(last[key], "error");
        assert_eq!(last["error"]["code"], "TIMEOUT");
        let is_over =
            |event: &Value| ["complete", "error"].contains(&event[key].as_str().expect("a word"));
        assert!(events.len() > 2 && !events.iter().any(is_over));
    }
    agent.stop().await;
}

#[tokio::test]
async fn a_request_that_never_arrives_whole_is_given_up() {
    let agent = agent_in_a_hurry().await;
    for half in [
        "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
        "POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ] {
        let mut socket = TcpStream::connect(agent.addr())
            .await
            .expect("a connection");
        socket.write_all(half.as_bytes()).await.expect("taken");
        let mut all = Vec::new();
        // Up to the end, though nobody has asked for the connection to be closed.
        socket.read_to_end(&mut all).await.expect("an answer");
        let answer = Answer::parse(&all);
        refused(&answer, 408, "INVALID_INPUT");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    agent.stop().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_or_is_no_chunks_is_refused() {
    let agent = start(Settings::unlimited())
        .await
        .expect("the agent starts");
    let head = "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
    let odd = format!("{head}Transfer-Encoding: chunked\r\n\r\nno chunk\r\n");
    refused(&sent(&agent, odd.as_bytes()).await, 400, "INVALID_INPUT");
    for body in [
        &b"{\"input\": {\"city\": \"\xff\"}}"[..],
        b"{\"input\"",
        b"",
        b"[]",
        b"{\"input\": 1}",
    ] {
        for path in ["/invoke", "/invoke/stream", "/config"] {
            refused(&post_bytes(&agent, path, body).await, 400, "INVALID_INPUT");
        }
    }
    agent.stop().await;
}

#[tokio::test]
async fn nothing_of_the_framework_shows() {
    let agent = start(Settings::unlimited())
        .await
        .expect("the agent starts");
    refused(&get(&agent, "/nowhere").await, 404, "NOT_FOUND");
    let wrong = sent(&agent, &request("DELETE", "/config", &[], b"")).await;
    refused(&wrong, 405, "METHOD_NOT_ALLOWED");
    assert_eq!(wrong.header("allow"), Some("POST"));
    let text = request("POST", "/config", &["Content-Type: text/plain"], b"{}");
    refused(&sent(&agent, &text).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    let length = ["Content-Type: application/json"];
    let long = request("POST", "/config", &length, &vec![b' '; 2 << 20]);
    refused(&sent(&agent, &long).await, 413, "PAYLOAD_TOO_LARGE");
    agent.stop().await;
}

/// What is no HTTP, or too much of it, never becomes a request, and yet is refused like one.
fn no_requests() -> [(String, u16); 5] {
    let long = |n: usize| "x".repeat(n);
    [
        (
            format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", long(70_000)),
            414,
        ),
        (
            format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", long(500_000)),
            431,
        ),
        (
            "POST /invoke HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n".to_owned(),
            400,
        ),
        ("no HTTP at all\r\n\r\n".to_owned(), 400),
    ]
}

#[tokio::test]
async fn what_http_refuses_is_answered_with_the_envelope_and_counted() {
    let agent = wire::agent().await;
    for (bytes, status) in no_requests() {
        let answer = sent(&agent, bytes.as_bytes()).await;
        refused(&answer, status, "INVALID_INPUT");
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(answer.header("x-request-id").map(str::len), Some(32));
        assert_eq!(get(&agent, "/health").await.status, 200);
    }
    let metrics = get(&agent, "/metrics").await.text();
    for (status, count) in [(400, 3), (414, 1), (431, 1)] {
        let line = format!(
            "acp_agent_requests_total{{endpoint=\"unknown\",status=\"{status}\"}} {count}\n"
        );
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    agent.stop().await;
}

/// What comes behind a refusal could be anybody's request: it is not looked at.
#[tokio::test]
async fn what_http_refuses_is_the_end_of_its_connection() {
    let agent = wire::agent().await;
    let first = "GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n";
    // Where the bound of a head lies hangs on how its bytes come: one of 431 may be taken here.
    let wrong = no_requests()
        .into_iter()
        .filter(|(_, status)| *status != 431);
    for (wrong, status) in wrong {
        let bytes = [first, &wrong, first].concat();
        let told = raw(agent.addr(), bytes.as_bytes()).await;
        let told = String::from_utf8(told).expect("UTF-8");
        let answers: Vec<_> = told.match_indices("HTTP/1.1 ").map(|(at, _)| at).collect();
        let &[0, second] = answers.as_slice() else {
            panic!("{told}");
        };
        assert!(told.starts_with("HTTP/1.1 200 "), "{told}");
        refused(
            &Answer::parse(&told.as_bytes()[second..]),
            status,
            "INVALID_INPUT",
        );
    }
    agent.stop().await;
}

#[tokio::test]
async fn a_request_that_names_no_host_or_two_is_refused() {
    let agent = wire::agent().await;
    for hosts in ["", "Host: a\r\nHost: b\r\n"] {
        let request = format!("GET /health HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = Answer::parse(&raw(agent.addr(), request.as_bytes()).await);
        refused(&answer, 400, "INVALID_INPUT");
    }
    agent.stop().await;
}

#[tokio::test]
async fn an_id_that_cannot_stand_in_a_path_is_refused() {
    let agent = wire::agent().await;
    for id in [".", ".."] {
        let body = json!({"config": {}, "config_id": id});
        let answer = post(&agent, "/config", &body).await;
        refused(&answer, 400, "INVALID_INPUT");
        let fields = &answer.json()["error"]["details"]["fields"];
        assert_eq!(fields[0]["path"], "/config_id", "{id}");
    }
    agent.stop().await;
}
