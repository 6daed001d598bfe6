//! The start and the end.

use std::{net::SocketAddr, time::Duration};

use acp_reference_agent::{Running, Settings, Stopped, faults, start};
use futures_util::future::BoxFuture;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};

use super::{
    shown::{Shown, holds_and_fails},
    wire::{self, Answer},
};

type Holds = Result<(), String>;

pub(crate) const SHOWN: &[Shown] = &[
    ("ignores-its-agent-id", is_who_it_is_told_to_be),
    ("ignores-its-version", is_who_it_is_told_to_be),
    ("takes-35-seconds-to-start", answers_at_once),
    ("drops-work-when-stopped", finishes_its_work),
    ("takes-new-work-while-stopping", takes_no_new_work),
    ("never-exits", comes_to_an_end),
    ("crashes-on-its-way-out", comes_to_an_end),
    ("never-times-out", times_out),
    ("calls-a-timeout-an-execution-error", times_out),
    ("calls-a-timeout-unavailable", times_out),
];

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who waits so long waits for ever.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// An agent for which Atlantis takes so long.
fn slow(time: Duration) -> Settings {
    Settings {
        agent_id: "agent-under-test".to_owned(),
        version: "9.8.7".to_owned(),
        slow_city: Some(("Atlantis".to_owned(), time)),
        ..Settings::unlimited()
    }
}

fn of_timeouts(shown: &Shown) -> bool {
    let fault = faults::find(shown.0).expect("a fault");
    fault.trips.contains(&"lifecycle.request-timeout")
}

#[tokio::test]
async fn each_fault_of_the_start_and_the_end_shows() {
    let shown: Vec<_> = SHOWN
        .iter()
        .copied()
        .filter(|one| !of_timeouts(one))
        .collect();
    holds_and_fails(&shown, || slow(Duration::from_secs(2))).await;
}

#[tokio::test]
async fn each_fault_of_timeouts_shows() {
    let shown: Vec<_> = SHOWN.iter().copied().filter(of_timeouts).collect();
    let settings = || Settings {
        request_timeout: Duration::from_millis(200),
        ..slow(Duration::from_secs(4))
    };
    holds_and_fails(&shown, settings).await;
}

fn holds(condition: bool, wrong: impl ToString) -> Holds {
    match condition {
        true => Ok(()),
        false => Err(wrong.to_string()),
    }
}

fn is_who_it_is_told_to_be(agent: Running) -> BoxFuture<'static, Holds> {
    Box::pin(async move {
        let known = wire::get(&agent, "/capabilities").await.json();
        let is_told = known["agent_id"] == "agent-under-test" && known["version"] == "9.8.7";
        holds(is_told, &known)
    })
}

fn answers_at_once(agent: Running) -> BoxFuture<'static, Holds> {
    Box::pin(async move {
        let answer = wire::get(&agent, "/health/ready").await;
        holds(answer.status == 200, answer.status)
    })
}

fn finishes_its_work(agent: Running) -> BoxFuture<'static, Holds> {
    Box::pin(async move {
        let work = in_flight(&agent).await;
        agent.stop().await;
        let bytes = read_to_end(work).await;
        holds(bytes.starts_with(b"HTTP/1.1 200 "), "no answer")
    })
}

fn takes_no_new_work(agent: Running) -> BoxFuture<'static, Holds> {
    Box::pin(async move {
        let addr = agent.addr();
        let work = tokio::spawn(read_to_end(in_flight(&agent).await));
        tokio::spawn(agent.stop());
        while asked(addr).await {
            holds(!work.is_finished(), "new work was taken to the end")?;
        }
        Ok(())
    })
}

fn comes_to_an_end(agent: Running) -> BoxFuture<'static, Holds> {
    Box::pin(async move {
        let stopped = timeout(Duration::from_secs(6), agent.stop()).await;
        holds(stopped == Ok(Stopped::Cleanly), format!("{stopped:?}"))
    })
}

fn times_out(agent: Running) -> BoxFuture<'static, Holds> {
    Box::pin(async move {
        let question = json!({"input": {"city": "Atlantis"}});
        let answer = wire::post(&agent, "/invoke", &question).await;
        let code = answer.json()["error"]["code"].clone();
        holds(answer.status == 504 && code == "TIMEOUT", answer.status)
    })
}

/// A request about the slow city.
fn question(path: &str) -> Vec<u8> {
    let body = json!({"input": {"city": "Atlantis"}}).to_string();
    let json = ["Content-Type: application/json"];
    wire::request("POST", path, &json, body.as_bytes())
}

/// A connection over which these bytes were sent, and have been taken.
async fn sent(agent: &Running, bytes: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(agent.addr())
        .await
        .expect("a connection");
    socket.write_all(bytes).await.expect("bytes are taken");
    // Connections are served in the order in which they come: what came before these has
    // been read when they are answered.
    for _ in 0..5 {
        assert_eq!(wire::get(agent, "/health").await.status, 200);
    }
    socket
}

/// A request that the agent is at work on.
async fn in_flight(agent: &Running) -> TcpStream {
    sent(agent, &question("/invoke")).await
}

async fn read_to_end(mut socket: TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end like any other.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut all))
        .await
        .expect("an end");
    all
}

/// Whether a new question is answered with a success.
async fn asked(addr: SocketAddr) -> bool {
    let Ok(mut socket) = TcpStream::connect(addr).await else {
        return false;
    };
    let body = br#"{"input":{"city":"Oslo"}}"#;
    let json = ["Content-Type: application/json"];
    let request = wire::request("POST", "/invoke", &json, body);
    let _ = socket.write_all(&request).await;
    read_to_end(socket).await.starts_with(b"HTTP/1.1 200 ")
}

/// Stops the agent; returns when it listens no more, with what ends when it has ended.
async fn stopping(agent: Running) -> JoinHandle<Stopped> {
    let addr = agent.addr();
    let stopping = tokio::spawn(agent.stop());
    let closed = async { while TcpStream::connect(addr).await.is_ok() {} };
    timeout(PATIENCE, closed).await.expect("the socket closes");
    stopping
}

async fn ended(stopping: JoinHandle<Stopped>) {
    let stopped = timeout(PATIENCE, stopping).await.expect("an end in time");
    assert_eq!(stopped.expect("no panic"), Stopped::Cleanly);
}

/// An agent that waits for ever for what is in flight.
async fn patient() -> Running {
    let settings = Settings {
        shutdown_grace: FOR_EVER,
        ..slow(Duration::from_secs(1))
    };
    start(settings).await.expect("the agent starts")
}

/// An agent that waits so long for what is in flight, which takes for ever.
async fn impatient(grace: Duration) -> Running {
    let settings = Settings {
        shutdown_grace: grace,
        request_timeout: 2 * FOR_EVER,
        ..slow(FOR_EVER)
    };
    start(settings).await.expect("the agent starts")
}

#[tokio::test]
async fn a_request_in_flight_is_answered_and_the_connection_closed() {
    let agent = patient().await;
    let work = in_flight(&agent).await;
    let stopping = stopping(agent).await;
    let answer = Answer::parse(&read_to_end(work).await);
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
    ended(stopping).await;
}

#[tokio::test]
async fn streams_in_flight_come_to_their_end() {
    for path in ["/invoke/stream", "/invoke/advanced-stream"] {
        let agent = patient().await;
        let mut open = agent.open_streams();
        let work = sent(&agent, &question(path)).await;
        open.wait_for(|open| *open == 1).await.expect("a stream");
        let stopping = stopping(agent).await;
        let answer = Answer::parse(&read_to_end(work).await);
        let last = answer.events().pop().expect("events");
        let kind = last.get("status").or(last.get("event")).cloned();
        assert_eq!(kind, Some(json!("complete")));
        assert!(answer.whole);
        ended(stopping).await;
    }
}

#[tokio::test]
async fn what_outlives_the_grace_is_cut() {
    for grace in [Duration::ZERO, Duration::from_millis(50)] {
        let agent = impatient(grace).await;
        let request = in_flight(&agent).await;
        let stream = sent(&agent, &question("/invoke/stream")).await;
        // Behind this one more waits, so that nobody reads the connection while it is served.
        let more = [question("/invoke"), question("/invoke")].concat();
        let two = sent(&agent, &more).await;
        ended(stopping(agent).await).await;
        assert_eq!(read_to_end(request).await, b"");
        assert_eq!(read_to_end(two).await, b"");
        let told = String::from_utf8(read_to_end(stream).await).expect("UTF-8");
        assert!(!told.contains("complete"), "{told}");
    }
}

#[tokio::test]
async fn connections_that_nobody_uses_are_not_waited_for() {
    let agent = patient().await;
    let fresh = sent(&agent, b"").await;
    let used = sent(&agent, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n").await;
    ended(stopping(agent).await).await;
    assert_eq!(read_to_end(fresh).await, b"");
    assert!(read_to_end(used).await.starts_with(b"HTTP/1.1 200 "));
}

#[tokio::test]
async fn new_work_over_an_open_connection_is_refused_and_only_liveness_holds() {
    let agent = patient().await;
    let asked = [
        (question("/invoke"), 503),
        (wire::request("GET", "/health/ready", &[], b"x"), 503),
        (wire::request("GET", "/health", &[], b"x"), 200),
    ];
    let mut halves = Vec::new();
    for (request, status) in asked {
        // The head is whole, so that this is a request in flight.
        let (most, last) = request.split_at(request.len() - 1);
        halves.push((sent(&agent, most).await, last.to_vec(), status));
    }
    let stopping = stopping(agent).await;
    for (mut socket, last, status) in halves {
        socket.write_all(&last).await.expect("the rest is taken");
        let answer = Answer::parse(&read_to_end(socket).await);
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("connection"), Some("close"));
        if last == b"}" {
            assert_eq!(answer.json()["error"]["code"], "UNAVAILABLE");
        }
    }
    ended(stopping).await;
}

/// Nobody knows whether the rest of a head will ever come.
#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let agent = patient().await;
    let fresh = sent(&agent, b"POST /invoke HTT").await;
    let two = b"GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nHos";
    let used = sent(&agent, two).await;
    ended(stopping(agent).await).await;
    assert_eq!(read_to_end(fresh).await, b"");
    assert!(read_to_end(used).await.starts_with(b"HTTP/1.1 200 "));
}
