//! What only shows from within: that a panic tells nothing, and that work which nobody waits
//! for is not gone on with.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, HttpBody},
    response::Response,
};
use futures_util::FutureExt;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::Semaphore,
    task::JoinHandle,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{App, answer, enveloped};
use crate::{
    Settings,
    agent::Agent,
    faults::Fault,
    seams::Seam,
    visit::{Seat, Visit},
};

/// Not in the catalogue: a real panic also speaks through the process's panic hook.
static PANICS: Fault = Fault {
    name: "panics",
    summary: "a handler panics",
    trips: &[],
    seams: &[Seam::Output(|_, _, _| panic!("in src/secret.rs"))],
};

const STREAMS: [(&str, &str); 2] = [
    ("/invoke/stream", "\"status\":\"error\""),
    ("/invoke/advanced-stream", "\"event\":\"error\""),
];

/// So slow that nothing which waits for it ends while a test runs.
const FOR_EVER: Duration = Duration::from_secs(36_000);

fn agent(settings: Settings) -> Arc<Agent> {
    Agent::build(&settings).expect("an agent")
}

fn slow(request_timeout: Duration) -> Arc<Agent> {
    agent(Settings {
        request_timeout,
        stream_step: Duration::ZERO,
        slow_city: Some(("Atlantis".to_owned(), FOR_EVER)),
        ..Settings::unlimited()
    })
}

/// A connection to the agent, and what ends with it.
fn connect(agent: &Arc<Agent>) -> (DuplexStream, JoinHandle<()>) {
    let (client, server) = tokio::io::duplex(65536);
    let peer = SocketAddr::from(([127, 0, 0, 1], 1));
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned();
    let seat = Seat::of(
        (place.expect("a place"), TaskTracker::new().token()),
        CancellationToken::new(),
    );
    let visit = Visit::of(App::main(agent.clone()), peer, seat);
    let service =
        service_fn(move |request| answer(visit.clone(), request).map(Ok::<_, Infallible>));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let serving = tokio::spawn(async {
        let _ = serving.await;
    });
    (client, serving)
}

fn question(path: &str) -> Vec<u8> {
    let body = r#"{"input":{"city":"Atlantis"}}"#;
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    (head + body).into_bytes()
}

async fn ask(agent: &Arc<Agent>, path: &str) -> String {
    let (mut client, serving) = connect(agent);
    client.write_all(&question(path)).await.expect("taken");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("an answer");
    serving.await.expect("the connection ends");
    answer
}

#[tokio::test]
async fn a_panic_is_answered_like_any_other_failure() {
    let agent = agent(Settings {
        faults: vec![&PANICS],
        stream_step: Duration::ZERO,
        ..Settings::unlimited()
    });
    let answer = ask(&agent, "/invoke").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(
        answer.contains("EXECUTION_ERROR") && !answer.contains("secret"),
        "{answer}"
    );
    for (path, told) in STREAMS {
        let answer = ask(&agent, path).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n0\r\n\r\n"),
            "{answer}"
        );
        let ending = answer.rsplit("data: ").next().expect("an event");
        assert!(
            ending.contains(told) && ending.contains("EXECUTION_ERROR"),
            "{ending}"
        );
        assert!(!answer.contains("secret"), "{answer}");
    }
}

#[test]
fn a_refusal_in_the_frameworks_own_words_gets_the_envelope() {
    let worded = |status: u16, kind| {
        let answer = Response::builder().status(status);
        let answer = answer.header("content-type", kind).header("allow", "GET");
        enveloped(answer.body(Body::from("Invalid URL")).expect("an answer"))
    };
    for (status, kind, is_ours) in [
        (400, "text/plain; charset=utf-8", true),
        (426, "text/plain", true),
        (500, "text/plain", true),
        (200, "text/plain", false),
        (400, "application/json", false),
    ] {
        let answer = worded(status, kind);
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["allow"], "GET");
        let size = answer.body().size_hint().exact();
        assert_eq!(
            size != Some("Invalid URL".len() as u64),
            is_ours,
            "{status}"
        );
        let is_json = answer.headers()["content-type"] == "application/json";
        assert_eq!(is_json, is_ours || kind == "application/json");
    }
}

/// The work shares in the agent: whoever goes on with it still has a hold on it.
#[tokio::test]
async fn nothing_of_the_work_goes_on_after_its_time() {
    let agent = slow(Duration::from_millis(50));
    let answer = ask(&agent, "/invoke").await;
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert_eq!(Arc::strong_count(&agent), 1);
    for (path, told) in STREAMS {
        let answer = ask(&agent, path).await;
        let ending = answer.rsplit("data: ").next().expect("an event");
        assert!(
            ending.contains(told) && ending.contains("\"TIMEOUT\""),
            "{ending}"
        );
        assert_eq!(Arc::strong_count(&agent), 1, "{path}");
    }
}

#[tokio::test]
async fn nothing_of_the_work_goes_on_after_the_client_has_left() {
    let agent = slow(FOR_EVER);
    for path in ["/invoke", "/invoke/stream", "/invoke/advanced-stream"] {
        let (mut client, serving) = connect(&agent);
        let idle = Arc::strong_count(&agent);
        client.write_all(&question(path)).await.expect("taken");
        // There is one thread: when this looks, the connection has gone as far as it can.
        while Arc::strong_count(&agent) <= idle {
            tokio::task::yield_now().await;
        }
        drop(client);
        serving.await.expect("the connection ends");
        assert_eq!(Arc::strong_count(&agent), 1, "{path}");
    }
}
