//! The streams of the agent without faults, over a real socket.

#[expect(dead_code, reason = "this test uses a part of the module")]
mod wire;

use std::time::{Duration, Instant};

use acp_reference_agent::{Running, Settings, start};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};
use wire::{agent, post, request};

const STREAMS: [(&str, &str); 2] = [
    ("/invoke/stream", "status"),
    ("/invoke/advanced-stream", "event"),
];

fn stream_request(path: &str, city: &str) -> Vec<u8> {
    let body = json!({"input": {"city": city}}).to_string();
    request(
        "POST",
        path,
        &["Content-Type: application/json"],
        body.as_bytes(),
    )
}

fn steady(mut output: Value) -> Value {
    output
        .as_object_mut()
        .expect("an object")
        .remove("timestamp")
        .expect("a timestamp");
    output
}

#[tokio::test]
async fn a_stream_tells_its_story_in_its_vocabulary() {
    let agent = agent().await;
    let invoked = post(&agent, "/invoke", &json!({"input": {"city": "Oslo"}}))
        .await
        .json();
    for ((path, key), words) in STREAMS.into_iter().zip([
        "started processing processing processing processing processing complete",
        "start validating fetching processing processing processing processing complete",
    ]) {
        let answer = post(&agent, path, &json!({"input": {"city": "Oslo"}})).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("text/event-stream; charset=utf-8")
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("x-accel-buffering"), Some("no"));
        assert_eq!(answer.header("content-length"), None);
        assert!(answer.whole && answer.body.ends_with(b"\n\n"));
        let events = answer.events();
        let told: Vec<_> = events
            .iter()
            .filter_map(|event| event[key].as_str())
            .collect();
        assert_eq!(told.join(" "), words);
        let progress: Vec<_> = events
            .iter()
            .filter_map(|event| event["progress"].as_f64())
            .collect();
        assert!(progress.is_sorted() && progress.last() == Some(&100.0));
        let result = events.last().expect("an event")["result"].clone();
        assert_eq!(steady(result), steady(invoked["output"].clone()));
    }
    agent.stop().await;
}

#[tokio::test]
async fn the_events_hold_to_the_protocols_schemas() {
    let agent = agent().await;
    for ((path, _), schema) in STREAMS.into_iter().zip([
        include_str!("../../fixtures/schemas/stream-status-event.json"),
        include_str!("../../fixtures/schemas/stream-step-event.json"),
    ]) {
        let schema: Value = serde_json::from_str(schema).expect("JSON");
        for event in post(&agent, path, &json!({"input": {"city": "Oslo"}}))
            .await
            .events()
        {
            jsonschema::validate(&schema, &event).expect("the event holds");
        }
    }
    agent.stop().await;
}

#[tokio::test]
async fn events_leave_as_they_are_made() {
    let agent = agent().await;
    for (path, _) in STREAMS {
        let mut socket = TcpStream::connect(agent.addr())
            .await
            .expect("a connection");
        socket
            .write_all(&stream_request(path, "x"))
            .await
            .expect("taken");
        let mut first = None;
        let mut buffer = vec![0; 65536];
        while socket.read(&mut buffer).await.expect("bytes") > 0 {
            first.get_or_insert_with(Instant::now);
        }
        assert!(first.expect("an event").elapsed() >= Duration::from_millis(200));
    }
    agent.stop().await;
}

async fn until_open(agent: &Running, wanted: usize) {
    let mut open = agent.open_streams();
    let waited = open.wait_for(|open| *open == wanted);
    let waited = tokio::time::timeout(Duration::from_secs(10), waited).await;
    waited
        .expect("it does not take for ever")
        .expect("the agent is there");
}

#[tokio::test]
async fn the_agent_stops_working_when_the_client_leaves() {
    // So slow that no stream ends by itself while the test runs.
    let settings = Settings {
        stream_step: Duration::from_secs(60),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let mut clients = Vec::new();
    for (path, _) in [STREAMS, STREAMS, STREAMS].concat() {
        let mut socket = TcpStream::connect(agent.addr())
            .await
            .expect("a connection");
        socket
            .write_all(&stream_request(path, "x"))
            .await
            .expect("taken");
        assert!(socket.read(&mut [0; 1024]).await.expect("the head") > 0);
        clients.push(socket);
    }
    until_open(&agent, 6).await;
    drop(clients);
    until_open(&agent, 0).await;
    agent.stop().await;
}

#[tokio::test]
async fn stopping_is_bounded_even_while_a_stream_is_open() {
    let settings = Settings {
        stream_step: Duration::from_secs(60),
        shutdown_grace: Duration::from_millis(50),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let mut socket = TcpStream::connect(agent.addr())
        .await
        .expect("a connection");
    socket
        .write_all(&stream_request("/invoke/stream", "x"))
        .await
        .expect("taken");
    assert!(socket.read(&mut [0; 1024]).await.expect("the head") > 0);
    tokio::time::timeout(Duration::from_secs(10), agent.stop())
        .await
        .expect("it stops");
}

#[tokio::test]
async fn concurrent_streams_keep_to_themselves() {
    let agent = agent().await;
    let ask = async |city: String| {
        let events = post(&agent, "/invoke/stream", &json!({"input": {"city": city}}))
            .await
            .events();
        (
            events.last().expect("an event")["result"]["city"].clone(),
            city,
        )
    };
    for (got, asked) in
        futures_util::future::join_all((0..40).map(|n| ask(format!("city {n}")))).await
    {
        assert_eq!(got, asked);
    }
    agent.stop().await;
}
