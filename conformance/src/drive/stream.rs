//! Drives for the event streams.

use super::config;
use super::driver::{Driver, Listen, Question};
use crate::evidence::{Ask, Step};
use crate::probe::StreamPath;
use crate::wire::Request;

/// Streams take their time: of so many cases for a rule, one is streamed; but so many at least.
const CASES_PER_STREAM: usize = 10;
const FEWEST: usize = 4;
const LEAVERS: usize = 20;
/// Keys of streams that use a configuration.
pub const CONFIG_KEY: usize = 1_000_000;

/// A key: which path, and which of its inputs.
fn key(path: usize, input: usize) -> usize {
    path * 1_000 + input
}

/// Every input's stream, many at a time; beside it, what `/invoke` answers to it, twice, alone.
/// Then one stream a path with a stored configuration.
pub(super) async fn valid(driver: &Driver<'_>) -> Vec<Ask> {
    let count = count(driver);
    let inputs = driver.bank.inputs.iter().take(count).enumerate();
    let invoke = driver.invoke_frame();
    let asked: Vec<_> = inputs.clone().collect();
    let plain = |step| asked.iter().map(move |(input, case)| (*input, *case, step));
    let questions = plain(Step::Baseline)
        .chain(plain(Step::Again))
        .map(|(input, case, step)| Question::case(step, input, case, &invoke));
    let mut asks = driver.in_turn(questions.collect()).await;
    let mut streams = Vec::new();
    for (index, stream) in paths(driver) {
        let frame = driver.stream_frame(stream);
        streams.extend(
            inputs
                .clone()
                .map(|(n, case)| Question::case(Step::Main, key(index, n), case, &frame)),
        );
    }
    asks.extend(driver.spread_streams(streams).await);
    // Apart from the others, which are compared with what `/invoke` answers without one.
    if let Some(setup) = config::store(driver).await {
        if let Some(id) = config::id_in(&setup) {
            asks.extend(
                driver
                    .spread_streams(with_config(
                        driver,
                        "stream with a stored configuration",
                        &id,
                    ))
                    .await,
            );
        }
        asks.push(setup);
    }
    asks
}

/// Invalid inputs, no input at all, and a configuration that does not exist.
pub(super) async fn invalid(driver: &Driver<'_>) -> Vec<Ask> {
    let count = count(driver);
    let mut questions = Vec::new();
    for (index, stream) in paths(driver) {
        let frame = driver.stream_frame(stream);
        let cases = driver.bank.bad_inputs.iter().take(count).enumerate();
        questions
            .extend(cases.map(|(n, case)| Question::case(Step::Main, key(index, n), case, &frame)));
        if !stream.by_flag {
            let empty = Request::post(&stream.path, "{}");
            let note = "stream a body without input";
            let question = Question::new(Step::Main, key(index, count), note, empty);
            questions.push(question.listening(Listen::Stream));
        }
    }
    if !driver.bank.inputs.is_empty() {
        questions.extend(with_config(
            driver,
            "stream with an unknown configuration",
            "acp-tck-no-such-config",
        ));
    }
    driver.spread_streams(questions).await
}

/// Leavers on every path; then, whether the agent still answers, and streams to the end.
pub(super) async fn leave(driver: &Driver<'_>) -> Vec<Ask> {
    let open = |step, note: &str, (index, stream): (usize, &StreamPath), listen| {
        let request = Request::post(&stream.path, body(driver, stream, ""));
        Question::new(step, key(index, 0), note, request).listening(listen)
    };
    let leavers = paths(driver).flat_map(|path| {
        let leave = "leave after the first piece";
        (0..LEAVERS).map(move |_| open(Step::Disturb, leave, path, Listen::FirstPiece))
    });
    let mut asks = driver.spread_streams(leavers.collect()).await;
    let note = "ask whether it still answers";
    let answers = Question::new(Step::After, 0, note, Request::get("/auth"));
    asks.extend(driver.ask(answers).await);
    // Twice: an agent may notice that a client has left only when it next has something to say.
    for note in ["stream once more, to the end", "and again"] {
        let streams = paths(driver).map(|path| open(Step::After, note, path, Listen::Stream));
        asks.extend(driver.spread_streams(streams.collect()).await);
    }
    asks
}

fn with_config(driver: &Driver<'_>, note: &str, id: &str) -> Vec<Question> {
    let one = |(index, stream): (usize, &StreamPath)| {
        let body = body(driver, stream, &config::member(id));
        let request = Request::post(&stream.path, body);
        Question::new(Step::Main, CONFIG_KEY + index, note, request).listening(Listen::Stream)
    };
    paths(driver).map(one).collect()
}

fn body(driver: &Driver<'_>, stream: &StreamPath, members: &str) -> String {
    let flag = if stream.by_flag {
        ", \"stream\": true"
    } else {
        ""
    };
    driver.bank.body_with(&format!("{members}{flag}"))
}

fn paths<'a>(driver: &Driver<'a>) -> impl Iterator<Item = (usize, &'a StreamPath)> + use<'a> {
    driver.probe.streams.iter().enumerate()
}

fn count(driver: &Driver<'_>) -> usize {
    (driver.settings.facts.cases / CASES_PER_STREAM).max(FEWEST)
}
