//! Scenes of a process: its start, what it heeds, its end, and the time that a request may take.

use std::time::Duration;

use futures_util::future;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::life::mark;
use super::stage::{Stage, ask};
use super::{Known, Scenes};
use crate::drive::Question;
use crate::evidence::{Ask, Step, Topic};
use crate::launch::STOP_TIME;
use crate::wire::{Client, End, Exchange, Reading, Request, Watch};

/// How long an agent may go on taking requests after SIGTERM: the word has to spread.
pub(crate) const TURNING_TIME: Duration = Duration::from_secs(1);
/// A little more than it has for its end, so that late is not taken for never.
const LAST_PATIENCE: Duration = Duration::from_millis(500);
/// Between two tries to get new work done, and how many there are.
const TRY_PAUSE: Duration = Duration::from_millis(500);
const TRIES: usize = 4;
/// So long until a request has surely been taken in.
const TAKEN: Duration = Duration::from_millis(300);
/// How long the first event of a stream is waited for.
const FIRST_EVENT: Duration = Duration::from_secs(5);

/// Asks of one scene, as they are gathered.
type Asks = Vec<Ask>;

/// The keys of what is in flight when SIGTERM is sent, under [`Step::Main`]; 0 is the first look.
pub(crate) mod key {
    /// An invocation that takes its time.
    pub(crate) const SLOW: usize = 1;
    /// A stream that has begun.
    pub(crate) const STREAM: usize = 2;
}

/// From the start to the end.
pub(super) async fn lifetime(scenes: &Scenes<'_>, stage: &mut Stage) -> Asks {
    let mut asks: Asks = stage.ready().await.into_iter().collect();
    if stage.life().at(mark::READY).is_none() {
        return asks;
    }
    let Some(known) = scenes.known().await else {
        return asks;
    };
    let read = Question::new(
        Step::Capabilities,
        0,
        "what it says that it is",
        Request::get("/capabilities"),
    );
    asks.extend(scenes.driver(stage, &known).in_turn(vec![read]).await);
    asks.extend(stop(scenes, stage, &known).await);
    asks
}

/// SIGTERM with work in flight, and new work after it.
async fn stop(scenes: &Scenes<'_>, stage: &mut Stage, known: &Known) -> Asks {
    let limits = stage.client.limits();
    let (slow, stream) = in_flight(scenes, known);
    let (begun, first_event) = oneshot::channel();
    let client = stage.client.clone();
    let working = async {
        let slow = maybe(slow, |request| client.exchange(request));
        let stream = async {
            sleep(TAKEN).await;
            maybe(stream, |request| until_its_end(&client, request, begun)).await
        };
        future::join(slow, stream).await
    };
    let ending = async {
        // There may be no stream; then the sender is gone, and there is nothing to wait for.
        let _ = timeout(FIRST_EVENT, first_event).await;
        sleep(TAKEN / 10).await;
        stage.terminate();
        let stopped = Instant::now();
        let new_work = new_work(&client, known, stopped);
        let (new_work, ()) = future::join(new_work, stage.end(STOP_TIME + LAST_PATIENCE)).await;
        new_work
    };
    let in_time = timeout(limits.stream, working);
    let (worked, new_work) = future::join(in_time, ending).await;
    let (slow, stream) = worked.unwrap_or_default();
    let mut asks = Asks::new();
    let notes = [
        (key::SLOW, "under way at SIGTERM: an invocation", slow),
        (key::STREAM, "under way at SIGTERM: a stream", stream),
    ];
    for (key, note, exchange) in notes {
        asks.extend(exchange.map(|exchange| {
            let mut ask = ask(Topic::Lifetime, Step::Main, note, exchange);
            ask.about.key = key;
            ask.about.wants_stream = key == self::key::STREAM;
            ask
        }));
    }
    let note = "new work after SIGTERM";
    let new_work = new_work.into_iter();
    asks.extend(new_work.map(|exchange| ask(Topic::Lifetime, Step::After, note, exchange)));
    asks
}

/// What to have under way: the slow input if there is one, and a stream if there are any; with
/// neither, an invocation that may or may not take its time.
fn in_flight(scenes: &Scenes<'_>, known: &Known) -> (Option<Request>, Option<Request>) {
    let slow = &scenes.settings.facts.params.slow_input;
    let slow = slow.as_ref().map(|input| {
        let body = serde_json::json!({ "input": input });
        Request::post("/invoke", body.to_string())
    });
    let stream = known.probe.streams.first().map(|stream| {
        let flag = if stream.by_flag {
            ", \"stream\": true"
        } else {
            ""
        };
        Request::post(&stream.path, known.bank.body_with(flag))
    });
    let plain = || Request::post("/invoke", known.bank.simple_body());
    let any = slow.or_else(|| stream.is_none().then(plain));
    match known.bank.inputs.is_empty() {
        true => (any, None),
        false => (any, stream),
    }
}

async fn maybe<F: Future<Output = Exchange>>(
    request: Option<Request>,
    send: impl FnOnce(Request) -> F,
) -> Option<Exchange> {
    match request {
        Some(request) => Some(send(request).await),
        None => None,
    }
}

/// A stream to its end; says when it has begun.
async fn until_its_end(client: &Client, request: Request, begun: oneshot::Sender<()>) -> Exchange {
    let mut begun = Some(begun);
    let mut watch = move |_: &[u8]| {
        if let Some(begun) = begun.take() {
            // Nobody may be waiting any more.
            let _ = begun.send(());
        }
        Watch::Go
    };
    client
        .exchange_reading(request, Reading::Stream(&mut watch))
        .await
}

/// New work, after the time that an agent has to close its door; until nobody listens.
async fn new_work(client: &Client, known: &Known, stopped: Instant) -> Vec<Exchange> {
    let mut exchanges = Vec::new();
    tokio::time::sleep_until(stopped + TURNING_TIME).await;
    for _ in 0..TRIES {
        let request = match known.bank.inputs.is_empty() {
            true => Request::get("/capabilities"),
            false => Request::post("/invoke", known.bank.simple_body()),
        };
        let exchange = client.exchange(request).await;
        if matches!(exchange.end, End::Unreachable(_)) {
            break;
        }
        exchanges.push(exchange);
        sleep(TRY_PAUSE).await;
    }
    exchanges
}

/// An input that takes longer than a request may.
pub(super) async fn request_timeout(scenes: &Scenes<'_>, stage: &mut Stage) -> Asks {
    let mut asks: Asks = stage.ready().await.into_iter().collect();
    let params = &scenes.settings.facts.params;
    let (Some(input), Some(known)) = (&params.slow_input, scenes.known().await) else {
        return asks;
    };
    let body = serde_json::json!({ "input": input });
    let request = Request::post("/invoke", body.to_string());
    let question = Question::new(Step::After, 0, "an input that takes too long", request);
    asks.extend(scenes.driver(stage, &known).in_turn(vec![question]).await);
    asks
}
