//! Drives for `/config`.

use serde_json::Value;

use super::driver::{Driver, Question};
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// How many connections a new configuration must be usable over (the profile's number).
const CONNECTIONS: usize = 20;
const CONCURRENT: usize = 16;

pub(super) async fn valid(driver: &Driver<'_>) -> Vec<Ask> {
    cases(driver, Step::Main, &driver.bank.configs).await
}

pub(super) async fn invalid(driver: &Driver<'_>) -> Vec<Ask> {
    cases(driver, Step::Main, &driver.bank.bad_configs).await
}

async fn cases(driver: &Driver<'_>, step: Step, cases: &[crate::cases::Case]) -> Vec<Ask> {
    let frame = driver.config_frame();
    let ask = |(key, case)| Question::case(step, key, case, &frame);
    driver
        .spread(cases.iter().enumerate().map(ask).collect())
        .await
}

pub(super) async fn shapes(driver: &Driver<'_>) -> Vec<Ask> {
    let bodies = ["{}", "{\"metadata\": {}}", "{\"configs\": {}}"];
    let ask = |(key, body): (usize, &str)| {
        let note = format!("a body without config: {body}");
        Question::new(Step::Main, key, note, Request::post("/config", body))
    };
    driver
        .spread(bodies.into_iter().enumerate().map(ask).collect())
        .await
}

/// Different configurations where there are some: an agent may name equal ones alike. Each alone,
/// then all together.
pub(super) async fn concurrent(driver: &Driver<'_>) -> Vec<Ask> {
    let frame = driver.config_frame();
    let all = |step| {
        let cases = driver.bank.configs.iter().take(CONCURRENT).enumerate();
        cases
            .map(|(key, case)| Question::case(step, key, case, &frame))
            .collect()
    };
    let mut asks = driver.in_turn(all(Step::Baseline)).await;
    asks.extend(driver.at_once(CONCURRENT, all(Step::Main)).await);
    asks
}

/// The id that a stored configuration was given.
pub(super) fn id_in(ask: &Ask) -> Option<String> {
    let is_stored = ask
        .answer()
        .is_some_and(|answer| matches!(answer.status, 200 | 201));
    let id = ask
        .json()
        .filter(|_| is_stored)?
        .get("config_id")?
        .as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}

/// Stores the simplest configuration, for what follows.
pub(super) async fn store(driver: &Driver<'_>) -> Option<Ask> {
    let case = driver.bank.configs.first()?;
    driver
        .ask(Question::case(Step::Setup, 0, case, &driver.config_frame()))
        .await
}

/// A member `config_id` for a request's body.
pub(super) fn member(id: &str) -> String {
    format!(", \"config_id\": {}", Value::from(id))
}

pub(super) async fn usable(driver: &Driver<'_>) -> Vec<Ask> {
    let Some(setup) = store(driver).await else {
        return Vec::new();
    };
    let mut asks = Vec::new();
    if let Some(id) = id_in(&setup) {
        let body = driver.bank.body_with(&member(&id));
        let questions = (0..CONNECTIONS).map(|key| {
            let note = format!("use the new configuration, connection {}", key + 1);
            Question::new(
                Step::Main,
                key,
                note,
                Request::post("/invoke", body.clone()),
            )
        });
        asks = driver.in_turn(questions.collect()).await;
    }
    asks.insert(0, setup);
    asks
}

pub(super) async fn unknown(driver: &Driver<'_>) -> Vec<Ask> {
    let setup = store(driver).await;
    let near = setup.as_ref().and_then(id_in).map(|id| format!("{id}0"));
    let made_up = (
        "invoke with a made-up id",
        "acp-tck-no-such-config".to_owned(),
    );
    let near = near.map(|id| ("invoke with an id that is one character off", id));
    let ids = [made_up].into_iter().chain(near);
    let questions = ids.enumerate().map(|(key, (note, id))| {
        let body = driver.bank.body_with(&member(&id));
        Question::new(Step::Main, key, note, Request::post("/invoke", body))
    });
    let mut asks = driver.in_turn(questions.collect()).await;
    asks.extend(setup);
    asks
}
