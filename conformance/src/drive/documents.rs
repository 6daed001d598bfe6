//! Drives for what an agent says of itself.

use super::driver::{Driver, Listen, Question};
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// The paths at which streams are looked for, in the profile's order.
const STREAM_PATHS: &[&str] = &["/invoke/stream", "/invoke/advanced-stream"];

pub(super) async fn documents(driver: &Driver<'_>) -> Vec<Ask> {
    let mut auth = Request::get("/auth");
    auth.is_anonymous = true;
    let questions = vec![
        Question::new(Step::Auth, 0, "read /auth without credentials", auth),
        read(Step::Schema, "/schema"),
        read(Step::Capabilities, "/capabilities"),
        read(Step::Health, "/health"),
        read(Step::Root, "/"),
    ];
    driver.in_turn(questions).await
}

pub(super) async fn reread(driver: &Driver<'_>) -> Vec<Ask> {
    let questions = vec![
        read(Step::Schema, "/schema"),
        read(Step::Capabilities, "/capabilities"),
    ];
    driver.in_turn(questions).await
}

fn read(step: Step, path: &str) -> Question {
    Question::new(step, 0, format!("read {path}"), Request::get(path))
}

/// Key 0 is the dialect that asks `/invoke` for a stream by a flag.
pub(super) async fn discovery(driver: &Driver<'_>) -> Vec<Ask> {
    let told = driver.settings.facts.stream_path.as_deref();
    let known = STREAM_PATHS
        .iter()
        .copied()
        .filter(|path| told != Some(*path));
    let by_path = told
        .into_iter()
        .chain(known)
        .enumerate()
        .map(|(index, path)| {
            let note = format!("look for a stream at {path}");
            let request = Request::post(path, driver.bank.simple_body());
            Question::new(Step::Main, index + 1, note, request)
        });
    let flagged = Request::post("/invoke", driver.bank.body_with(", \"stream\": true"));
    let by_flag = Question::new(Step::Main, 0, "look for a stream by a flag", flagged);
    let questions = by_path
        .chain([by_flag])
        .map(|question| question.listening(Listen::FirstPiece))
        .collect();
    driver.spread(questions).await
}
