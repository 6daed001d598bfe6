//! /ws, both directions.

mod socket;

use std::time::Duration;

use acp_reference_agent::{
    Running, Settings,
    settings::{Auth, Quota, Secret},
    start,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

use self::socket::Socket;
use crate::wire;

/// Longer than anything takes, on any machine.
const LONG: Duration = Duration::from_secs(60);

async fn agent_with(change: impl FnOnce(&mut Settings)) -> Running {
    let mut settings = Settings::unlimited();
    change(&mut settings);
    start(settings).await.expect("the agent starts")
}

/// An agent that does not finish while a test looks on.
async fn slow_agent() -> Running {
    agent_with(|settings| settings.slow_city = Some(("Atlantis".to_owned(), LONG * 10))).await
}

fn words(events: &[Value], key: &str) -> Vec<String> {
    let word = |event: &Value| event[key].as_str().unwrap_or_default().to_owned();
    events.iter().map(word).collect()
}

/// The same, without what differs from time to time.
fn settled(mut event: Value) -> Value {
    let members = event.as_object_mut().expect("an object");
    members.remove("id");
    members.remove("timestamp");
    if let Some(result) = members.get_mut("result").and_then(Value::as_object_mut) {
        result.remove("timestamp");
    }
    event
}

#[tokio::test]
async fn a_question_is_answered_in_the_words_of_each_stream() {
    let agent = wire::agent().await;
    let mut socket = Socket::to(&agent).await;
    for (vocabulary, path) in [
        ("status", "/invoke/stream"),
        ("event", "/invoke/advanced-stream"),
    ] {
        let input = json!({"city": "Oslo"});
        let message =
            json!({"type": "invoke", "id": "a", "vocabulary": vocabulary, "input": input});
        socket.say(message).await;
        let heard = socket.hear_all("a").await.into_iter().map(settled);
        let streamed = wire::post(&agent, path, &json!({"input": input})).await;
        let streamed = streamed.events().into_iter().map(settled);
        assert_eq!(heard.collect::<Vec<_>>(), streamed.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_configuration_is_used() {
    let agent = wire::agent().await;
    let config = json!({"config": {"units": "fahrenheit"}});
    let config = wire::post(&agent, "/config", &config).await.json();
    let mut socket = Socket::to(&agent).await;
    let id = &config["config_id"];
    socket
        .say(json!({"type": "invoke", "id": "a", "input": {"city": "Oslo"}, "config_id": id}))
        .await;
    let events = socket.hear_all("a").await;
    assert_eq!(words(&events, "event")[..2], ["start", "validating"]);
    assert_eq!(events.last().expect("one")["result"]["units"], "fahrenheit");
}

#[tokio::test]
async fn an_id_is_free_again_when_its_invocation_has_ended() {
    let agent = agent_with(|settings| settings.stream_step = Duration::ZERO).await;
    let mut socket = Socket::to(&agent).await;
    for _ in 0..20 {
        socket.invoke("a", "Oslo").await;
        let events = socket.hear_all("a").await;
        assert_eq!(events.last().expect("one")["event"], "complete");
    }
}

#[tokio::test]
async fn questions_are_answered_side_by_side_up_to_a_bound() {
    let agent = slow_agent().await;
    let mut socket = Socket::to(&agent).await;
    for n in 0..16 {
        socket.invoke(&format!("slow {n}"), "Atlantis").await;
    }
    socket.invoke("one more", "Oslo").await;
    let mut begun = 0;
    let refused = loop {
        let event = socket.hear().await;
        begun += usize::from(event["event"] == "start");
        if event["id"] == "one more" {
            break event;
        }
    };
    assert_eq!((begun, &refused["event"]), (16, &json!("error")));
    assert_eq!(refused["error"]["code"], "UNAVAILABLE");
    assert_eq!(*agent.open_streams().borrow(), 16);
    drop(socket);
    let mut open = agent.open_streams();
    let none = timeout(LONG, open.wait_for(|open| *open == 0)).await;
    none.expect("all end with their socket").expect("an agent");
}

#[tokio::test]
async fn what_is_called_off_ends_there() {
    let agent = slow_agent().await;
    let mut socket = Socket::to(&agent).await;
    for vocabulary in ["status", "event"] {
        socket
            .say(json!({"type": "invoke", "id": "a", "input": {"city": "Atlantis"}, "vocabulary": vocabulary}))
            .await;
        socket.hear().await;
        socket.say(json!({"type": "cancel", "id": "a"})).await;
        let events = socket.hear_all("a").await;
        let key = if vocabulary == "status" {
            "status"
        } else {
            "event"
        };
        assert_eq!(words(&events, key).last().expect("one"), "cancelled");
        // Nothing comes after it, and the id is free.
        socket.say(json!({"type": "ping"})).await;
        assert_eq!(socket.hear().await, json!({"type": "pong"}));
    }
    let mut open = agent.open_streams();
    let none = timeout(LONG, open.wait_for(|open| *open == 0)).await;
    none.expect("nothing goes on").expect("an agent");
}

#[tokio::test]
async fn an_invocation_that_cannot_be_answered_ends_in_an_error_with_its_id() {
    let agent = wire::agent().await;
    let mut socket = Socket::to(&agent).await;
    for (member, value, code) in [
        ("input", json!({"city": ""}), "INVALID_INPUT"),
        ("input", json!("Oslo"), "INVALID_INPUT"),
        ("config_id", json!("nobody"), "CONFIG_NOT_FOUND"),
        ("config_id", json!(7), "INVALID_INPUT"),
    ] {
        let mut message = json!({"type": "invoke", "id": "a", "input": {"city": "Oslo"}});
        message[member] = value;
        message["vocabulary"] = json!("status");
        socket.say(message).await;
        let error = socket.hear().await;
        assert_eq!(
            (&error["status"], &error["id"]),
            (&json!("error"), &json!("a"))
        );
        assert_eq!(error["error"]["code"], code);
    }
}

#[tokio::test]
async fn a_message_that_means_nothing_is_told_so_without_an_id() {
    let agent = slow_agent().await;
    let mut socket = Socket::to(&agent).await;
    socket.invoke("a", "Atlantis").await;
    let mut refused = async |message: &str| {
        socket.write(Message::text(message)).await;
        loop {
            let event = socket.hear().await;
            if event["id"].is_null() {
                assert_eq!(event["event"], "error");
                assert_eq!(event["error"]["code"], "INVALID_INPUT");
                return event["error"]["details"]["fields"][0]["path"].clone();
            }
        }
    };
    assert_eq!(refused("{").await, "");
    assert_eq!(refused("[]").await, "");
    assert_eq!(refused(&"[".repeat(10_000)).await, "");
    assert_eq!(refused(r#"{"type":"shout"}"#).await, "/type");
    assert_eq!(refused(r#"{"type":"cancel","id":"b"}"#).await, "/id");
    assert_eq!(refused(r#"{"type":"invoke","input":{}}"#).await, "/id");
    // An error with this id would be taken for the end of the first.
    assert_eq!(
        refused(r#"{"type":"invoke","id":"a","input":{}}"#).await,
        "/id"
    );
}

#[tokio::test]
async fn a_question_that_takes_too_long_ends_in_a_timeout() {
    let agent = agent_with(|settings| {
        settings.slow_city = Some(("Atlantis".to_owned(), LONG * 10));
        settings.request_timeout = Duration::from_secs(1);
    })
    .await;
    let mut socket = Socket::to(&agent).await;
    socket.invoke("a", "Atlantis").await;
    let events = socket.hear_all("a").await;
    assert_eq!(events.last().expect("one")["error"]["code"], "TIMEOUT");
}

#[tokio::test]
async fn each_message_is_taken_from_an_allowance() {
    let agent = agent_with(|settings| {
        settings.rate_limit_invoke = Some(Quota::a_minute(2));
        settings.rate_limit = Some(Quota::a_minute(1));
    })
    .await;
    // The first of the two.
    let mut socket = Socket::to(&agent).await;
    socket.invoke("a", "Oslo").await;
    socket.hear_all("a").await;
    socket.invoke("b", "Oslo").await;
    let refused = socket.hear_all("b").await;
    assert_eq!(refused[0]["error"]["code"], "RATE_LIMIT_EXCEEDED");
    for (message, told) in [
        ("{}", "INVALID_INPUT"),
        ("{}", "RATE_LIMIT_EXCEEDED"),
        (r#"{"type":"ping"}"#, "RATE_LIMIT_EXCEEDED"),
        (r#"{"type":"cancel","id":"a"}"#, "RATE_LIMIT_EXCEEDED"),
    ] {
        socket.write(Message::text(message)).await;
        assert_eq!(socket.hear().await["error"]["code"], told, "{message}");
    }
    let question = json!({"input": {"city": "Oslo"}});
    assert_eq!(wire::post(&agent, "/invoke", &question).await.status, 429);
}

#[tokio::test]
async fn only_those_who_may_ask_get_a_socket() {
    let agent = agent_with(|settings| {
        settings.auth = Auth::ApiKey;
        settings.api_keys = vec![(
            "me".to_owned(),
            Secret::of("open-sesame-open-sesame-open-sesame"),
        )];
    })
    .await;
    let url = format!("ws://{}/ws", agent.addr());
    let refused = connect_async(url).await.expect_err("no key was shown");
    assert!(refused.to_string().contains("401"), "{refused}");
}

#[tokio::test]
async fn what_cannot_be_read_closes_the_socket() {
    let agent = agent_with(|settings| settings.body_limit = 1000).await;
    for (message, code) in [
        (Message::text("x".repeat(1001)), CloseCode::Size),
        (Message::binary(vec![1, 2, 3]), CloseCode::Unsupported),
    ] {
        let mut socket = Socket::to(&agent).await;
        socket.write(message).await;
        assert_eq!(socket.closed().await, code);
    }
    assert_eq!(wire::get(&agent, "/health").await.status, 200);
}

#[tokio::test]
async fn a_client_may_close_at_any_time() {
    let agent = slow_agent().await;
    let mut socket = Socket::to(&agent).await;
    socket.invoke("a", "Atlantis").await;
    socket.hear().await;
    socket.0.close(None).await.expect("taken");
    while socket.next().await.is_some() {}
    let mut open = agent.open_streams();
    let none = timeout(LONG, open.wait_for(|open| *open == 0)).await;
    none.expect("all end with their socket").expect("an agent");
}

#[tokio::test]
async fn a_socket_outlives_a_drain_until_its_questions_are_answered() {
    let agent = agent_with(|settings| {
        settings.slow_city = Some(("Atlantis".to_owned(), LONG * 10));
        settings.request_timeout = LONG * 10;
        settings.shutdown_grace = LONG;
    })
    .await;
    let mut busy = Socket::to(&agent).await;
    let mut idle = Socket::to(&agent).await;
    busy.invoke("a", "Atlantis").await;
    assert_eq!(busy.hear().await["event"], "start");
    let stopping = tokio::spawn(agent.stop());
    assert_eq!(idle.closed().await, CloseCode::Away);
    busy.invoke("b", "Oslo").await;
    let refused = loop {
        let event = busy.hear().await;
        if event["id"] == "b" {
            break event;
        }
    };
    assert_eq!(refused["error"]["code"], "UNAVAILABLE");
    busy.say(json!({"type": "cancel", "id": "a"})).await;
    assert_eq!(busy.closed().await, CloseCode::Away);
    let stopped = timeout(LONG, stopping).await;
    stopped.expect("stopped in time").expect("stopped");
}

#[tokio::test]
async fn the_agent_does_not_wait_for_ever() {
    let agent = agent_with(|settings| {
        settings.slow_city = Some(("Atlantis".to_owned(), LONG * 10));
        settings.request_timeout = LONG * 10;
        settings.shutdown_grace = Duration::from_millis(100);
    })
    .await;
    let mut socket = Socket::to(&agent).await;
    socket.invoke("a", "Atlantis").await;
    socket.hear().await;
    let stopped = timeout(LONG, agent.stop()).await;
    stopped.expect("stopped after the grace");
}

#[tokio::test]
async fn a_socket_takes_the_place_of_a_connection() {
    let agent = agent_with(|settings| settings.max_connections = 1).await;
    let mut socket = Socket::to(&agent).await;
    let waiting = wire::get(&agent, "/health");
    let mut waiting = std::pin::pin!(waiting);
    let early = tokio::select! {
        answer = &mut waiting => Some(answer.status),
        () = async {
            for _ in 0..20 {
                socket.say(json!({"type": "ping"})).await;
                socket.hear().await;
            }
        } => None,
    };
    assert_eq!(early, None, "there is one place alone");
    drop(socket);
    let answer = timeout(LONG, waiting).await.expect("a place is free");
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_no_upgrade_is_refused_in_the_envelope() {
    let agent = wire::agent().await;
    let answer = wire::get(&agent, "/ws").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["code"], "INVALID_INPUT");
    assert_eq!(wire::post(&agent, "/ws", &json!({})).await.status, 405);
    let without = agent_with(|settings| settings.enable_streaming = false).await;
    assert_eq!(wire::get(&without, "/ws").await.status, 404);
}

#[tokio::test]
async fn a_page_from_elsewhere_is_not_let_in() {
    let agent = wire::agent().await;
    let upgrade = [
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for (origin, expected) in [
        ("http://evil.example", 400),
        ("null", 400),
        ("http://agent", 101),
    ] {
        let lines = upgrade.join("\r\n");
        let head =
            format!("GET /ws HTTP/1.1\r\nHost: agent\r\n{lines}\r\nOrigin: {origin}\r\n\r\n");
        let mut socket = TcpStream::connect(agent.addr()).await.expect("connected");
        socket.write_all(head.as_bytes()).await.expect("taken");
        let mut start = [0; 12];
        socket.read_exact(&mut start).await.expect("an answer");
        let status = String::from_utf8_lossy(&start[9..]).into_owned();
        assert_eq!(status, expected.to_string(), "{origin}");
    }
}
