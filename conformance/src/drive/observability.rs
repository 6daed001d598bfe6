//! Drives for `/metrics` and `/health`: scrapes with known requests between them, and probes
//! under load.

use std::time::Duration;

use futures_util::future;

use super::driver::{Driver, Listen, Question};
use super::fresh;
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// How long a count may lag behind the answer that it counts.
const COUNTING_TIME: Duration = Duration::from_millis(200);
/// How many unknown paths are asked for between two scrapes.
pub const UNKNOWN_PATHS: usize = 20;
/// How many invocations are under way at once while the health is asked for, and how often.
const LOAD: usize = 32;
const PROBES: usize = 5;

/// The keys of the scrapes, under [`Step::Main`].
pub mod key {
    /// The first.
    pub const BEFORE: usize = 0;
    /// After the known requests, which stand under [`Step::Disturb`](crate::evidence::Step::Disturb).
    pub const AFTER: usize = 1;
    /// After the unknown paths.
    pub const UNKNOWN: usize = 2;
}

pub(super) async fn metrics(driver: &Driver<'_>) -> Vec<Ask> {
    // What is counted when an answer has gone out is counted a little after it has come.
    driver.pause(COUNTING_TIME).await;
    let mut asks = driver.in_turn(vec![scrape(key::BEFORE)]).await;
    let is_there = |ask: &Ask| ask.answer().is_some_and(|answer| answer.is_success());
    if !asks.iter().any(is_there) {
        return asks;
    }
    asks.extend(driver.in_turn(known(driver)).await);
    driver.pause(COUNTING_TIME).await;
    asks.extend(driver.in_turn(vec![scrape(key::AFTER)]).await);
    let unknown = (0..UNKNOWN_PATHS).map(|number| {
        let (note, parent) = match number % 2 {
            0 => ("ask for an unknown path", ""),
            _ => ("ask for an unknown configuration", "/config"),
        };
        let request = Request::get(&format!("{parent}/{}", fresh::word(driver)));
        Question::new(Step::Setup, number, note, request)
    });
    asks.extend(driver.spread(unknown.collect()).await);
    driver.pause(COUNTING_TIME).await;
    asks.extend(driver.in_turn(vec![scrape(key::UNKNOWN)]).await);
    asks
}

fn scrape(key: usize) -> Question {
    Question::new(Step::Main, key, "scrape /metrics", Request::get("/metrics"))
}

/// So many requests of each kind that a count which is off by one or doubled shows.
fn known(driver: &Driver<'_>) -> Vec<Question> {
    let mut all = Vec::new();
    let mut add = |times: usize, note: &str, request: Request| {
        let question = |_| Question::new(Step::Disturb, 0, note, request.clone());
        all.extend((0..times).map(question));
    };
    add(3, "read /capabilities", Request::get("/capabilities"));
    add(2, "read /schema", Request::get("/schema"));
    add(
        4,
        "a valid invocation",
        Request::post("/invoke", driver.bank.simple_body()),
    );
    add(
        3,
        "an invocation without input",
        Request::post("/invoke", "{}"),
    );
    let streams = driver.probe.streams.iter().filter(|stream| !stream.by_flag);
    all.extend(streams.take(1).map(|stream| {
        let request = Request::post(&stream.path, driver.bank.simple_body());
        Question::new(Step::Disturb, 0, "a stream, to its end", request).listening(Listen::Stream)
    }));
    all
}

/// The health, asked for while many invocations are under way.
pub(super) async fn health(driver: &Driver<'_>) -> Vec<Ask> {
    let invocation = |key| {
        let request = Request::post("/invoke", driver.bank.simple_body());
        Question::new(Step::Disturb, key, "an invocation, for load", request)
    };
    let probe = |key| {
        Question::new(
            Step::Main,
            key,
            "read /health under load",
            Request::get("/health"),
        )
    };
    let load = driver.at_once(LOAD, (0..LOAD * PROBES).map(invocation).collect());
    let probes = driver.in_turn((0..PROBES).map(probe).collect());
    let (load, probes) = future::join(load, probes).await;
    load.into_iter().chain(probes).collect()
}
