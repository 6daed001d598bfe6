//! Traces: continued from the caller, and sent to a collector.
#![cfg(feature = "otlp")]

use acp_reference_agent::{Settings, start};
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header, method, path},
};

use crate::wire::{agent, get, post, raw, request};

/// A collector, and an agent that sends to it.
async fn collector(status: u16) -> (MockServer, Settings) {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status);
    let traces = Mock::given(method("POST"))
        .and(path("/v1/traces"))
        .and(header("content-type", "application/x-protobuf"));
    traces.respond_with(answer).mount(&server).await;
    let settings = Settings {
        otlp_endpoint: Some(server.uri().parse().expect("a URL")),
        agent_id: "traced-agent".to_owned(),
        ..Settings::unlimited()
    };
    (server, settings)
}

fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|part| part == needle)
}

/// All that the collector has got.
async fn received(server: &MockServer) -> Vec<u8> {
    let requests = server.received_requests().await.expect("recorded");
    let bodies = requests.into_iter().map(|request| request.body);
    bodies.collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn spans_continue_the_callers_trace_and_leave_before_the_agent_ends() {
    let (server, settings) = collector(200).await;
    let agent = start(settings).await.expect("the agent starts");
    let traced = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    raw(
        agent.addr(),
        &request("GET", "/auth?key=hush", &[traced], b""),
    )
    .await;
    agent.stop().await;
    let sent = received(&server).await;
    let trace = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128.to_be_bytes();
    let parent = 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes();
    assert!(holds(&sent, &trace) && holds(&sent, &parent));
    for text in [
        "GET /auth",
        "http.route",
        "traced-agent",
        "http.response.status_code",
    ] {
        assert!(holds(&sent, text.as_bytes()), "{text}");
    }
    assert!(!holds(&sent, b"hush"));
}

#[tokio::test]
async fn a_trace_that_its_caller_does_not_sample_is_not_sent() {
    let (server, settings) = collector(200).await;
    let agent = start(settings).await.expect("the agent starts");
    let traced = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    raw(agent.addr(), &request("GET", "/auth", &[traced], b"")).await;
    agent.stop().await;
    assert!(received(&server).await.is_empty());
}

#[tokio::test]
async fn an_unknown_path_is_no_name_of_a_span() {
    let (server, settings) = collector(200).await;
    let agent = start(settings).await.expect("the agent starts");
    get(&agent, "/nowhere-at-all").await;
    agent.stop().await;
    let sent = received(&server).await;
    assert!(!sent.is_empty() && !holds(&sent, b"nowhere"));
}

#[tokio::test]
async fn a_collector_that_fails_or_is_gone_is_no_reason_to_fail() {
    let (server, failing) = collector(500).await;
    let gone = Settings {
        otlp_endpoint: Some("http://127.0.0.1:9".parse().expect("a URL")),
        ..Settings::unlimited()
    };
    for settings in [failing, gone] {
        let agent = start(settings).await.expect("the agent starts");
        let answer = post(&agent, "/invoke", &json!({"input": {"city": "Oslo"}})).await;
        assert_eq!(answer.status, 200);
        agent.stop().await;
    }
    drop(server);
}

#[tokio::test]
async fn without_a_collector_nothing_changes() {
    let agent = agent().await;
    assert_eq!(get(&agent, "/health").await.status, 200);
    agent.stop().await;
}
