//! That each fault shows on the wire, and the ones that need more than one request, one by one.

#[expect(dead_code, reason = "this test uses a part of the module")]
mod wire;

use std::time::Duration;

use acp_reference_agent::{Running, Settings, faults, start};
use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use wire::{Answer, agent_with, get, is_of_a_feature, post, raw, request};

/// What one request after the other cannot show; each has a test of its own below, or in
/// the case of the time of day would need a clock.
const NEED_MORE: [&str; 6] = [
    "mixes-concurrent-answers",
    "mixes-concurrent-streams",
    "sulks-after-an-aborted-request",
    "streams-no-more-after-ten-leave",
    "lives-an-hour-ahead",
    "hangs-up-after-each-answer",
];

async fn quick(fault: Option<&'static faults::Fault>) -> Running {
    let stream_step = Duration::from_millis(2);
    let settings = Settings {
        stream_step,
        faults: fault.into_iter().collect(),
        ..Settings::unlimited()
    };
    start(settings).await.expect("the agent starts")
}

/// A question or the like, in JSON.
fn ask(path: &str, body: &[u8]) -> Vec<u8> {
    request("POST", path, &["Content-Type: application/json"], body)
}

fn invoke(body: Value) -> Vec<u8> {
    ask("/invoke", body.to_string().as_bytes())
}

fn config(body: Value) -> Vec<u8> {
    ask("/config", body.to_string().as_bytes())
}

/// Requests that between them reach every fault.
fn battery() -> Vec<Vec<u8>> {
    [documents(), questions(), configs(), oddities(), streams()].concat()
}

fn documents() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for path in ["/auth", "/schema", "/capabilities", "/health", "/nowhere"] {
        for method in ["GET", "GET", "HEAD", "DELETE"] {
            all.push(request(method, path, &[], b""));
        }
    }
    all
}

/// Inputs that hold to the schema, and inputs that do not.
fn questions() -> Vec<Vec<u8>> {
    let astral = "🌦".repeat(80);
    let inputs = [
        json!({"city": "Oslo", "days": 7, "temperature_preference": -50, "tags": []}),
        json!({"city": astral, "tags": ["a", "b", "c", "d", "e"], "days": 2.0}),
        json!({"city": "x", "location": {"latitude": 0, "longitude": 180}}),
        json!({"city": "x".repeat(81)}),
        json!({"city": ""}),
        json!({"city": null}),
        json!({"city": 7}),
        json!({}),
        json!({"city": "x", "days": true}),
        json!({"city": "x", "days": "3"}),
        json!({"city": "x", "days": 2.5}),
        json!({"city": "x", "activity_type": "swimming"}),
        json!({"city": "x", "temperature_preference": -51}),
        json!({"city": "x", "wind_limit": 0}),
        json!({"city": "x", "wind_limit": 200}),
        json!({"city": "x", "country": "gb"}),
        json!({"city": "x", "more": 1}),
        json!({"city": "x", "tags": ["a", "a"]}),
        json!({"city": "x", "tags": ["a", "b", "c", "d", "e", "f"]}),
        json!({"city": "x", "location": {}}),
    ];
    let asked = inputs
        .into_iter()
        .map(|input| invoke(json!({"input": input})));
    let others = [
        json!({"metadata": {}}),
        json!({"input": {"city": "x"}, "config_id": "cfg_0"}),
    ];
    asked.chain(others.into_iter().map(invoke)).collect()
}

/// Configurations, the last of which is used more often than any fault takes to show.
fn configs() -> Vec<Vec<u8>> {
    let members = [
        json!({}),
        json!({}),
        json!({"max_recommendations": 10}),
        json!({"max_recommendations": 11}),
        json!({"max_recommendations": true}),
        json!({"language": "fr"}),
        json!({"language": "it"}),
        json!({"include_forecast": "no"}),
        json!({"more": 1}),
    ];
    let stored = members.into_iter().map(|member| json!({"config": member}));
    let others = [json!({}), json!({"config": {}, "config_id": "mine"})];
    let mut all: Vec<_> = stored.chain(others).map(config).collect();
    let mine = || invoke(json!({"input": {"city": "x"}, "config_id": "mine"}));
    all.extend(std::iter::repeat_with(mine).take(11));
    let few = json!({"config": {"max_recommendations": 1}, "config_id": "few"});
    all.push(config(few));
    all.push(invoke(json!({"input": {"city": "x"}, "config_id": "few"})));
    all
}

/// What is no JSON or too much of it, and what comes in the wrong words or from elsewhere.
fn oddities() -> Vec<Vec<u8>> {
    let question = b"{\"input\":{\"city\":\"x\"}}";
    let deep = [b"[".repeat(2000), b"]".repeat(2000)].concat();
    let long = [&question[..], &b" ".repeat(1 << 20)].concat();
    let mut all = Vec::new();
    for body in [
        &b""[..],
        b"{\"input\":",
        b"\"\\ud800\"",
        b"\"\xff\"",
        b"[1e999]",
        b"{\"input\": NaN}",
        &deep,
        &long,
    ] {
        all.push(ask("/invoke", body));
    }
    for fields in [
        &["Content-Type: text/plain"][..],
        &[
            "Content-Type: application/json",
            "Origin: https://a.invalid",
        ],
    ] {
        all.push(request("POST", "/invoke", fields, question));
    }
    all
}

fn streams() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for path in ["/invoke/stream", "/invoke/advanced-stream"] {
        let good = b"{\"input\":{\"city\":\"x\",\"temperature_preference\":-1}}";
        all.push(ask(path, good));
        all.push(ask(path, b"{\"input\":{}}"));
    }
    all
}

/// The answer's bytes, or what there was of them when it took too long.
async fn bytes_of(agent: &Running, request: &[u8]) -> (Vec<u8>, bool) {
    let mut socket = TcpStream::connect(agent.addr())
        .await
        .expect("a connection");
    socket.write_all(request).await.expect("taken");
    let mut all = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(3), socket.read_to_end(&mut all)).await;
    (all, read.is_ok())
}

/// Without the time of day, and what else differs between two clean agents.
fn steady(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut text: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("date: ") && !line.starts_with("x-request-id: "))
        .collect();
    // The order of header fields means nothing.
    let head = text
        .iter()
        .position(|line| line.is_empty())
        .unwrap_or(text.len());
    text[..head].sort_unstable();
    // The length of an answer hangs on how long its making took.
    let timed = text.iter().any(|line| line.contains("_time_ms"));
    let is_length = |line: &&str| timed && line.starts_with("content-length: ");
    let mut text = text
        .into_iter()
        .filter(|line| !is_length(line))
        .collect::<Vec<_>>()
        .join("\n");
    for (before, until) in [("_time_ms\":", "}"), ("cfg_", "\""), ("T", "Z")] {
        let mut from = 0;
        while let Some(at) = text[from..].find(before).map(|at| from + at + before.len()) {
            let end = text[at..].find(until).map_or(at, |end| at + end);
            let masked = &text[at..end];
            let hex = masked.len() == 32 && before == "cfg_";
            let time = masked.len() == 12 && masked.as_bytes()[2] == b':';
            if hex || before.starts_with('_') {
                text.replace_range(at..end, "");
            } else if time {
                // With the date before it: a test may run at midnight.
                from = at - "2026-11-22T".len();
                text.replace_range(from..end, "");
                continue;
            }
            from = at;
        }
    }
    text
}

async fn transcript(agent: &Running) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for request in battery() {
        let (bytes, closed) = bytes_of(agent, &request).await;
        all.push((steady(&bytes), closed));
    }
    all
}

#[tokio::test]
async fn each_fault_shows_and_two_clean_agents_are_alike() {
    let clean = quick(None).await;
    let expected = transcript(&clean).await;
    assert!(
        expected == transcript(&quick(None).await).await,
        "two clean agents differ"
    );
    // What shows only under load, the load's own tests see.
    let is_shown_here =
        |fault: &&faults::Fault| !is_of_a_feature(fault) && !fault.shows_under_load_alone();
    let shy = stream::iter(faults::catalogue().filter(is_shown_here))
        .map(async |fault| {
            let agent = quick(Some(fault)).await;
            let seen = transcript(&agent).await;
            agent.stop().await;
            (seen == expected).then_some(fault.name)
        })
        .buffer_unordered(8)
        .filter_map(std::future::ready);
    let mut shy: Vec<_> = shy.collect().await;
    shy.sort_unstable();
    let mut expected = NEED_MORE;
    expected.sort_unstable();
    assert_eq!(shy, expected);
}

#[tokio::test]
async fn concurrent_answers_are_mixed() {
    let agent = agent_with(&["mixes-concurrent-answers"]).await;
    let ask = async |n: u32| {
        let body = json!({"input": {"city": format!("city {n}")}});
        post(&agent, "/invoke", &body).await.json()["output"]["city"] == body["input"]["city"]
    };
    assert!(ask(0).await && ask(1).await);
    assert!(join_all((0..8).map(ask)).await.contains(&false));
    assert!(ask(2).await);
}

#[tokio::test]
async fn concurrent_streams_are_mixed() {
    let agent = agent_with(&["mixes-concurrent-streams"]).await;
    let ask = async |n: u32| {
        let body = json!({"input": {"city": format!("city {n}")}});
        let events = post(&agent, "/invoke/stream", &body).await.events();
        events[6]["result"]["city"] == body["input"]["city"]
    };
    assert!(ask(0).await);
    assert!(join_all((0..4).map(ask)).await.contains(&false));
}

#[tokio::test]
async fn an_aborted_request_is_resented() {
    let agent = agent_with(&["sulks-after-an-aborted-request"]).await;
    assert_eq!(get(&agent, "/auth").await.status, 200);
    for half in [
        &b"POST /invoke HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"[..],
        b"GET /au",
    ] {
        let mut socket = TcpStream::connect(agent.addr())
            .await
            .expect("a connection");
        socket.write_all(half).await.expect("taken");
        socket.shutdown().await.expect("closed");
        // Reading to the end waits until the agent, too, is done with the connection.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    }
    let answer = get(&agent, "/auth").await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (503, &json!("UNAVAILABLE"))
    );
}

#[tokio::test]
async fn streams_that_were_left_are_not_given_back() {
    let agent = agent_with(&["streams-no-more-after-ten-leave"]).await;
    let body = json!({"input": {"city": "x"}});
    for _ in 0..10 {
        let bytes = request(
            "POST",
            "/invoke/stream",
            &["Content-Type: application/json"],
            body.to_string().as_bytes(),
        );
        let mut socket = TcpStream::connect(agent.addr())
            .await
            .expect("a connection");
        socket.write_all(&bytes).await.expect("taken");
        assert!(socket.read(&mut [0; 64]).await.expect("the head") > 0);
    }
    agent
        .open_streams()
        .wait_for(|open| *open == 0)
        .await
        .expect("the agent is there");
    assert_eq!(post(&agent, "/invoke/stream", &body).await.status, 503);
    assert_eq!(post(&agent, "/invoke", &body).await.status, 200);
}

#[tokio::test]
async fn a_buffered_stream_takes_as_long_and_comes_at_once() {
    let agent = agent_with(&["buffers-to-the-end"]).await;
    let began = std::time::Instant::now();
    let body = json!({"input": {"city": "x"}}).to_string();
    let bytes = request(
        "POST",
        "/invoke/stream",
        &["Content-Type: application/json"],
        body.as_bytes(),
    );
    let mut socket = TcpStream::connect(agent.addr())
        .await
        .expect("a connection");
    socket.write_all(&bytes).await.expect("taken");
    let mut first_event = None;
    let (mut all, mut piece) = (Vec::new(), vec![0; 65536]);
    while let Ok(read @ 1..) = socket.read(&mut piece).await {
        all.extend_from_slice(&piece[..read]);
        if first_event.is_none() && all.windows(6).any(|window| window == b"data: ") {
            first_event = Some(began.elapsed());
        }
    }
    assert!(first_event.expect("an event") >= Duration::from_millis(240));
    assert_eq!(Answer::parse(&all).events().len(), 7);
}

#[tokio::test]
async fn a_connection_is_closed_without_a_word() {
    let agent = agent_with(&["hangs-up-after-each-answer"]).await;
    let once = b"GET /auth HTTP/1.1\r\nHost: a\r\n\r\n";
    let text = String::from_utf8(raw(agent.addr(), once).await).expect("text");
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.ends_with('}'));
    assert!(!text.to_ascii_lowercase().contains("connection:"));
}

#[tokio::test]
async fn the_time_of_an_error_is_ahead() {
    let agent = agent_with(&["lives-an-hour-ahead"]).await;
    let error = get(&agent, "/nowhere").await.json()["error"].clone();
    let stamped: jiff::Timestamp = error["timestamp"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("a time");
    assert!(stamped > jiff::Timestamp::now() + jiff::SignedDuration::from_mins(50));
}

#[tokio::test]
async fn faults_can_be_combined() {
    let agent = agent_with(&[
        "says-ok-for-created",
        "ids-by-the-second",
        "versions-by-number",
    ])
    .await;
    let created = post(&agent, "/config", &json!({"config": {}})).await.json();
    assert_eq!(created["status"], "ok");
    assert!(
        created["config_id"]
            .as_str()
            .is_some_and(|id| id.len() < 20)
    );
    assert!(get(&agent, "/capabilities").await.json()["version"].is_number());
}
