//! What is counted, and when.

use std::time::Duration;

use acp_reference_agent::{Running, Settings, start};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::exposition::{CLASSIC, scrape};
use crate::wire::{Answer, agent, get, post, raw, request};

/// Scrapes until this holds of a series: what is waited for comes, if late.
async fn until(agent: &Running, name: &str, labels: &[(&str, &str)], value: f64) {
    let wait = async {
        while scrape(agent)
            .await
            .expect("an exposition")
            .sum(name, labels)
            != value
        {
            tokio::task::yield_now().await;
        }
    };
    let waited = timeout(Duration::from_secs(30), wait).await;
    waited.unwrap_or_else(|_| panic!("{name} {labels:?} never becomes {value}"));
}

#[tokio::test]
async fn openmetrics_comes_to_those_that_ask_for_it() {
    let agent = agent().await;
    get(&agent, "/auth").await;
    let accept = ["Accept: application/openmetrics-text; version=1.0.0"];
    let answer = raw(agent.addr(), &request("GET", "/metrics", &accept, b"")).await;
    let answer = Answer::parse(&answer);
    assert_eq!(
        answer.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(
        answer
            .text()
            .contains("# TYPE acp_agent_requests counter\n")
    );
    assert!(answer.text().ends_with("# EOF\n"));
    let classic = get(&agent, "/metrics").await;
    assert_eq!(classic.header("content-type"), Some(CLASSIC));
    assert!(
        classic
            .text()
            .contains("# TYPE acp_agent_requests_total counter\n")
    );
    agent.stop().await;
}

#[tokio::test]
async fn there_are_no_metrics_where_they_are_off() {
    let settings = Settings {
        enable_metrics: false,
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    assert_eq!(get(&agent, "/metrics").await.status, 404);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_of_any_name_can_be_scraped() {
    let settings = Settings {
        agent_id: "the \"best\" \\ agent".to_owned(),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let scrape = scrape(&agent).await.expect("an exposition");
    assert!(
        scrape
            .values_of("agent_id")
            .contains("the \"best\" \\ agent")
    );
    agent.stop().await;
}

#[tokio::test]
async fn a_stored_configuration_is_an_active_one() {
    let agent = agent().await;
    until(&agent, "acp_agent_active_configs", &[], 0.0).await;
    post(&agent, "/config", &json!({"config": {}})).await;
    until(&agent, "acp_agent_active_configs", &[], 1.0).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_stream_is_counted_when_it_ends_and_open_until_then() {
    let agent = agent().await;
    let mut socket = leave_open(&agent).await;
    let labels = [("endpoint", "/invoke/stream"), ("status", "200")];
    until(&agent, "acp_agent_open_streams", &[], 1.0).await;
    until(&agent, "acp_agent_requests_total", &labels, 0.0).await;
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.expect("the rest");
    let ended = [("endpoint", "/invoke/stream"), ("outcome", "completed")];
    until(&agent, "acp_agent_streams_total", &ended, 1.0).await;
    until(&agent, "acp_agent_requests_total", &labels, 1.0).await;
    until(&agent, "acp_agent_open_streams", &[], 0.0).await;
    agent.stop().await;
}

/// A stream of which the first bytes have come.
async fn leave_open(agent: &Running) -> TcpStream {
    let mut socket = TcpStream::connect(agent.addr()).await.expect("connected");
    let json = ["Content-Type: application/json"];
    let body = br#"{"input":{"city":"Oslo"}}"#;
    let request = request("POST", "/invoke/stream", &json, body);
    socket.write_all(&request).await.expect("taken");
    socket.read_u8().await.expect("the answer's first byte");
    socket
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_is_noted_with_what_it_was_answered() {
    let settings = Settings {
        stream_step: Duration::from_secs(3600),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    drop(leave_open(&agent).await);
    let left = [("endpoint", "/invoke/stream"), ("outcome", "left")];
    until(&agent, "acp_agent_streams_total", &left, 1.0).await;
    let labels = [("endpoint", "/invoke/stream"), ("status", "200")];
    until(&agent, "acp_agent_requests_total", &labels, 1.0).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_stream_that_tells_of_a_failure_is_counted_as_failed() {
    let settings = Settings {
        slow_city: Some(("Atlantis".to_owned(), Duration::from_secs(3600))),
        request_timeout: Duration::from_millis(300),
        stream_step: Duration::from_millis(1),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let late = post(
        &agent,
        "/invoke/stream",
        &json!({"input": {"city": "Atlantis"}}),
    )
    .await;
    assert!(late.text().contains("TIMEOUT"), "{}", late.text());
    let failed = [("endpoint", "/invoke/stream"), ("outcome", "failed")];
    until(&agent, "acp_agent_streams_total", &failed, 1.0).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_before_its_answer_is_noted() {
    let settings = Settings {
        slow_city: Some(("Atlantis".to_owned(), Duration::from_secs(20))),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let mut socket = TcpStream::connect(agent.addr()).await.expect("connected");
    let json = ["Content-Type: application/json"];
    let body = br#"{"input":{"city":"Atlantis"}}"#;
    let request = request("POST", "/invoke", &json, body);
    socket.write_all(&request).await.expect("taken");
    drop(socket);
    let labels = [("endpoint", "/invoke"), ("status", "499")];
    until(&agent, "acp_agent_requests_total", &labels, 1.0).await;
    agent.stop().await;
}

#[tokio::test]
async fn a_request_keeps_its_callers_id_and_else_gets_one() {
    let agent = agent().await;
    let ask = async |id: &str| {
        let header = format!("X-Request-Id: {id}");
        let answer = raw(agent.addr(), &request("GET", "/auth", &[&header], b"")).await;
        let answer = Answer::parse(&answer);
        answer.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(ask("req-7").await, "req-7");
    let made = ask("not plain").await;
    assert_eq!(made.len(), 32);
    assert_ne!(ask("").await, made);
    agent.stop().await;
}
