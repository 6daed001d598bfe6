//! Drives for HTTP itself: paths, methods, connections, sizes.

use super::driver::{Driver, Listen, Question};
use crate::evidence::{Ask, Step};
use crate::wire::{Manner, Request};

/// An origin that no agent has reason to trust (RFC 2606 keeps `.invalid` free).
pub const FOREIGN_ORIGIN: &str = "https://acp-tck.invalid";
/// The size of a body that no agent has to take, in bytes: the profile's 16 MiB.
const OVERSIZED: usize = 16 << 20;
const DROPPED_REQUESTS: usize = 5;

pub(super) async fn unknown_path(driver: &Driver<'_>) -> Vec<Ask> {
    let path = "/acp-tck-no-such-path";
    let body = driver.bank.simple_body();
    let questions = vec![
        Question::new(
            Step::Main,
            0,
            "read a path that is not there",
            Request::get(path),
        ),
        Question::new(
            Step::Main,
            1,
            "post to a path that is not there",
            Request::post(path, body),
        ),
        Question::new(
            Step::Main,
            2,
            "read a path below a known one",
            Request::get(&format!("/schema{path}")),
        ),
    ];
    driver.in_turn(questions).await
}

pub(super) async fn wrong_method(driver: &Driver<'_>) -> Vec<Ask> {
    let pairs = [
        ("DELETE", "/auth"),
        ("DELETE", "/schema"),
        ("DELETE", "/capabilities"),
        ("DELETE", "/invoke"),
        ("DELETE", "/config"),
        ("GET", "/invoke"),
        ("POST", "/schema"),
    ];
    let ask = |(key, (method, path)): (usize, (&str, &str))| {
        Question::new(
            Step::Main,
            key,
            format!("{method} {path}"),
            Request::bare(method, path),
        )
    };
    driver
        .spread(pairs.into_iter().enumerate().map(ask).collect())
        .await
}

/// A `GET` and a `HEAD` of each path that answers `GET`, under one key.
pub(super) async fn head(driver: &Driver<'_>) -> Vec<Ask> {
    let documents = ["/auth", "/schema", "/capabilities"];
    let paths = documents
        .into_iter()
        .chain(driver.probe.extra_paths.iter().copied());
    let questions = paths.enumerate().flat_map(|(key, path)| {
        [
            Question::new(
                Step::Baseline,
                key,
                format!("GET {path}"),
                Request::get(path),
            ),
            Question::new(
                Step::Main,
                key,
                format!("HEAD {path}"),
                Request::bare("HEAD", path),
            ),
        ]
    });
    driver.in_turn(questions.collect()).await
}

pub(super) async fn cors(driver: &Driver<'_>) -> Vec<Ask> {
    let from_afar = |request: Request| request.with_header("Origin", FOREIGN_ORIGIN);
    let preflight = Request::bare("OPTIONS", "/invoke")
        .with_header("Access-Control-Request-Method", "POST")
        .with_header("Access-Control-Request-Headers", "content-type");
    let invoke = Request::post("/invoke", driver.bank.simple_body());
    let asks = [
        ("read from a foreign page", Request::get("/capabilities")),
        ("ask leave for a foreign page", preflight),
        ("invoke from a foreign page", invoke),
    ];
    let questions = asks
        .into_iter()
        .enumerate()
        .map(|(key, (note, request))| Question::new(Step::Main, key, note, from_afar(request)));
    driver.in_turn(questions.collect()).await
}

pub(super) async fn keep_alive(driver: &Driver<'_>) -> Vec<Ask> {
    let invoke = Request::post("/invoke", driver.bank.simple_body());
    let requests = [Request::get("/capabilities"), invoke, Request::get("/auth")];
    let questions = requests.into_iter().enumerate().map(|(key, request)| {
        let note = format!("request {} on one connection", key + 1);
        Question::new(Step::Main, key, note, request)
    });
    driver.converse(questions.collect()).await
}

pub(super) async fn oversized(driver: &Driver<'_>) -> Vec<Ask> {
    // Built in a block: what it is built of weighs as much as it does.
    let body = {
        let padding = "x".repeat(OVERSIZED);
        let members = format!(", \"metadata\": {{\"padding\": \"{padding}\"}}");
        driver.bank.body_with(&members)
    };
    let questions = vec![
        Question::new(
            Step::Main,
            0,
            "post a body of 16 MiB",
            Request::post("/invoke", body),
        ),
        Question::new(
            Step::After,
            0,
            "ask whether it still answers",
            Request::get("/auth"),
        ),
    ];
    driver.in_turn(questions).await
}

pub(super) async fn abort(driver: &Driver<'_>) -> Vec<Ask> {
    let body = driver.bank.simple_body();
    let half = Manner::Drops(body.len() / 2);
    let declared = Manner::Declares(body.len() + 10);
    let post = |manner| Request::post("/invoke", body.clone()).in_manner(manner);
    let disturb = |note, request| Question::new(Step::Disturb, 0, note, request).beneath();
    let mut questions = Vec::new();
    for _ in 0..DROPPED_REQUESTS {
        questions.push(disturb("drop the connection in mid-request", post(half)));
    }
    questions.push(disturb("drop it after the head", post(Manner::Drops(0))));
    questions.push(disturb("declare more than is sent", post(declared)));
    let half_read = disturb("drop it in mid-answer", Request::get("/schema"));
    questions.push(half_read.listening(Listen::FirstPiece));
    let mut asks = driver.in_turn(questions).await;
    let after = vec![
        Question::new(
            Step::After,
            0,
            "ask whether it still answers",
            Request::get("/auth"),
        ),
        Question::new(
            Step::After,
            1,
            "ask whether it still works",
            Request::post("/invoke", body),
        ),
    ];
    asks.extend(driver.in_turn(after).await);
    asks
}
