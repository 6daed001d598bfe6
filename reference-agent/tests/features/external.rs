//! /invoke-external, and the service behind it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use acp_reference_agent::{Running, Settings, start};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header_exists, method, path},
};

use crate::wire::{self, Answer};

/// An agent that asks this service, and never again.
async fn agent_asking(url: &str) -> Running {
    agent_with(url, |_| {}).await
}

async fn agent_with(url: &str, change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings {
        weather_url: Some(url.parse().expect("a URL")),
        weather_retries: 0,
        ..Settings::unlimited()
    };
    change(&mut settings);
    start(settings).await.expect("the agent starts")
}

async fn service(template: ResponseTemplate) -> MockServer {
    let service = MockServer::start().await;
    Mock::given(any())
        .respond_with(template)
        .mount(&service)
        .await;
    service
}

fn report(report: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(report)
}

async fn ask(agent: &Running, city: &str) -> Answer {
    let question = json!({"input": {"city": city}});
    wire::post(agent, "/invoke-external", &question).await
}

/// The envelope of a 502, in which nothing leaks.
fn refused(answer: &Answer) -> Value {
    assert_eq!(answer.status, 502, "{}", answer.text());
    assert!(!answer.text().contains("hush"), "{}", answer.text());
    let error = answer.json()["error"].take();
    assert_eq!(error["code"], "EXTERNAL_SERVICE_ERROR");
    error
}

async fn asked(service: &MockServer) -> usize {
    service.received_requests().await.unwrap_or_default().len()
}

#[tokio::test]
async fn the_advice_is_on_the_weather_that_the_service_tells() {
    let service = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/v1/location/S%C3%A3o%20Paulo"))
        .and(header_exists("x-request-id"))
        .respond_with(report(
            json!({"condition": "snow", "temperature": -12.34, "wind_kmh": 5, "more": []}),
        ))
        .mount(&service)
        .await;
    let agent = agent_asking(&service.uri()).await;
    let config = json!({"config": {"units": "fahrenheit", "include_forecast": true}});
    let config = wire::post(&agent, "/config", &config).await.json();
    let question = json!({"input": {"city": "São Paulo"}, "config_id": config["config_id"]});
    let answer = wire::post(&agent, "/invoke-external", &question).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["metadata"]["source"], "external");
    assert_eq!(answer["output"]["condition"], "snow");
    assert_eq!(answer["output"]["temperature"], json!(9.9));
    let schema = wire::get(&agent, "/schema").await.json();
    let problem = jsonschema::validate(&schema["output"], &answer["output"]);
    problem.expect("valid under the output schema");
}

#[tokio::test]
async fn a_callers_trace_goes_on_to_the_service() {
    let service = service(report(json!({"condition": "rain", "temperature": 7}))).await;
    let agent = agent_asking(&service.uri()).await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let header = format!("traceparent: 00-{trace}-00f067aa0ba902b7-01");
    let headers = [
        "Content-Type: application/json",
        "X-Request-Id: mine",
        &header,
    ];
    let body = br#"{"input":{"city":"Oslo"}}"#;
    let question = wire::request("POST", "/invoke-external", &headers, body);
    let answer = Answer::parse(&wire::raw(agent.addr(), &question).await);
    assert_eq!(answer.status, 200);
    let asked = service.received_requests().await.expect("requests");
    let told = |name: &str| asked[0].headers[name].to_str().expect("text").to_owned();
    assert!(told("traceparent").contains(trace));
    assert_eq!(told("x-request-id"), "mine");
}

#[tokio::test]
async fn a_question_is_judged_before_the_service_is_asked() {
    let service = service(ResponseTemplate::new(500)).await;
    let agent = agent_asking(&service.uri()).await;
    assert_eq!(ask(&agent, "").await.status, 400);
    let unknown = json!({"input": {"city": "Oslo"}, "config_id": "nobody"});
    let answer = wire::post(&agent, "/invoke-external", &unknown).await;
    assert_eq!(answer.json()["error"]["code"], "CONFIG_NOT_FOUND");
    assert_eq!(asked(&service).await, 0);
}

#[tokio::test]
async fn without_a_service_there_is_an_error() {
    let agent = wire::agent().await;
    let error = refused(&ask(&agent, "Oslo").await);
    assert_eq!(error["message"], "no weather service is configured");
}

#[tokio::test]
async fn what_may_pass_is_asked_again() {
    for status in [500, 503, 429] {
        let service = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(status))
            .up_to_n_times(2)
            .mount(&service)
            .await;
        Mock::given(any())
            .respond_with(report(json!({"condition": "rain", "temperature": 7})))
            .mount(&service)
            .await;
        let agent = agent_with(&service.uri(), |settings| settings.weather_retries = 2).await;
        assert_eq!(ask(&agent, "Oslo").await.status, 200);
        assert_eq!(asked(&service).await, 3);
    }
}

#[tokio::test]
async fn it_is_asked_again_only_so_often() {
    let service = service(ResponseTemplate::new(503).set_body_string("hush")).await;
    let agent = agent_with(&service.uri(), |settings| settings.weather_retries = 1).await;
    let error = refused(&ask(&agent, "Oslo").await);
    assert_eq!(error["details"], json!({"service_status": 503}));
    assert_eq!(asked(&service).await, 2);
}

#[tokio::test]
async fn no_retry_is_begun_that_cannot_end_in_time() {
    let service = service(ResponseTemplate::new(503)).await;
    let agent = agent_with(&service.uri(), |settings| {
        settings.weather_retries = 10;
        settings.weather_timeout = Duration::from_secs(30);
    })
    .await;
    refused(&ask(&agent, "Oslo").await);
    assert_eq!(asked(&service).await, 1);
}

#[tokio::test]
async fn a_city_that_the_service_does_not_know_is_asked_for_once() {
    let service = service(ResponseTemplate::new(404)).await;
    let agent = agent_with(&service.uri(), |settings| settings.weather_retries = 2).await;
    // More often than it takes to open the circuit: the service itself is well.
    for _ in 0..6 {
        let error = refused(&ask(&agent, "Atlantis").await);
        assert_eq!(error["details"], json!({"service_status": 404}));
    }
    assert_eq!(asked(&service).await, 6);
}

#[tokio::test]
async fn a_service_that_keeps_failing_is_left_alone() {
    let service = service(ResponseTemplate::new(500)).await;
    let agent = agent_asking(&service.uri()).await;
    for _ in 0..5 {
        let error = refused(&ask(&agent, "Oslo").await);
        assert_eq!(error["details"]["service_status"], 500);
    }
    let error = refused(&ask(&agent, "Oslo").await);
    let wait = error["details"]["retry_after_seconds"].as_u64();
    assert!(wait.is_some_and(|wait| wait >= 1), "{error}");
    assert_eq!(asked(&service).await, 5);
}

#[tokio::test]
async fn a_service_that_is_too_slow_is_given_up() {
    let slow = report(json!({"condition": "rain", "temperature": 7}));
    let service = service(slow.set_delay(Duration::from_secs(600))).await;
    let agent = agent_with(&service.uri(), |settings| {
        settings.weather_timeout = Duration::from_millis(50);
    })
    .await;
    let error = refused(&ask(&agent, "Oslo").await);
    assert_eq!(
        error["message"],
        "the weather service did not answer in time"
    );
}

#[tokio::test]
async fn however_often_it_is_asked_the_request_ends_in_time() {
    let service = service(ResponseTemplate::new(200).set_delay(Duration::from_secs(600))).await;
    let agent = agent_with(&service.uri(), |settings| {
        settings.weather_retries = 10;
        settings.weather_timeout = Duration::from_secs(600);
        settings.request_timeout = Duration::from_secs(2);
    })
    .await;
    refused(&ask(&agent, "Oslo").await);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    drop(listener);
    let agent = agent_asking(&format!("http://me:hush@{addr}")).await;
    let error = refused(&ask(&agent, "Oslo").await);
    assert_eq!(error["message"], "the weather service cannot be reached");
}

#[tokio::test]
async fn a_hostile_answer_does_no_harm() {
    let elsewhere = MockServer::start().await;
    let redirect = ResponseTemplate::new(302).insert_header("location", elsewhere.uri());
    let padded = format!(
        r#"{{"condition":"rain","temperature":7,"x":"{}"}}"#,
        "hush ".repeat(20_000)
    );
    let deep = format!(
        r#"{{"condition":"rain","temperature":7,"x":{}"#,
        "[".repeat(30_000)
    );
    let json = |body: String| ResponseTemplate::new(200).set_body_raw(body, "application/json");
    let weather = r#"{"condition":"rain","temperature":7}"#.to_owned();
    for (name, template) in [
        ("a redirect", redirect),
        ("an endless report", json(padded)),
        ("a deep report", json(deep)),
        (
            "a page",
            ResponseTemplate::new(200).set_body_raw(weather, "text/html"),
        ),
        ("nothing", ResponseTemplate::new(200)),
        (
            "no weather",
            report(json!({"condition": "hush", "temperature": 7})),
        ),
        (
            "no such heat",
            report(json!({"condition": "rain", "temperature": 1000})),
        ),
    ] {
        let service = service(template).await;
        let agent = agent_asking(&service.uri()).await;
        let error = refused(&ask(&agent, "Oslo").await);
        assert!(!error.to_string().contains("127.0.0.1"), "{name}: {error}");
        assert_eq!(wire::get(&agent, "/health").await.status, 200, "{name}");
    }
    assert_eq!(asked(&elsewhere).await, 0);
}

#[tokio::test]
async fn two_questions_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while let Ok(byte) = socket.read_u8().await {
                    head.push(byte);
                    if head.ends_with(b"\r\n\r\n") {
                        let body = r#"{"condition":"rain","temperature":7}"#;
                        let answer = format!(
                            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                            body.len(),
                        );
                        socket.write_all(answer.as_bytes()).await.expect("taken");
                    }
                }
            });
        }
    });
    let agent = agent_asking(&format!("http://{addr}")).await;
    for _ in 0..3 {
        assert_eq!(ask(&agent, "Oslo").await.status, 200);
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}
