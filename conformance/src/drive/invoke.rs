//! Drives for `/invoke`.

use serde_json::Value;

use super::driver::{Driver, Question};
use crate::cases::{Case, Class};
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// How many inputs are asked at the same time to see whether answers mix, and how often.
const CONCURRENT: usize = 8;
const ROUNDS: usize = 4;
/// How many inputs are asked with their keys in another order.
const REORDERED: usize = 5;

pub(super) async fn valid(driver: &Driver<'_>) -> Vec<Ask> {
    cases(driver, &driver.bank.inputs).await
}

pub(super) async fn invalid(driver: &Driver<'_>) -> Vec<Ask> {
    cases(driver, &driver.bank.bad_inputs).await
}

async fn cases(driver: &Driver<'_>, cases: &[Case]) -> Vec<Ask> {
    let frame = driver.invoke_frame();
    let ask = |(key, case)| Question::case(Step::Main, key, case, &frame);
    driver
        .spread(cases.iter().enumerate().map(ask).collect())
        .await
}

pub(super) async fn shapes(driver: &Driver<'_>) -> Vec<Ask> {
    let bodies = ["{}", "{\"metadata\": {}}", "{\"inputs\": {}}"];
    let ask = |(key, body): (usize, &str)| {
        let note = format!("a body without input: {body}");
        Question::new(Step::Main, key, note, Request::post("/invoke", body))
    };
    driver
        .spread(bodies.into_iter().enumerate().map(ask).collect())
        .await
}

/// Each input alone; then all together, in rounds; then alone again. An input is a key.
pub(super) async fn concurrent(driver: &Driver<'_>) -> Vec<Ask> {
    let frame = driver.invoke_frame();
    let inputs: Vec<&Case> = driver.bank.inputs.iter().take(CONCURRENT).collect();
    let all = |step| {
        let frame = &frame;
        inputs
            .iter()
            .enumerate()
            .map(move |(key, case)| Question::case(step, key, case, frame))
    };
    let mut asks = driver.in_turn(all(Step::Baseline).collect()).await;
    let together = (0..ROUNDS).flat_map(|_| all(Step::Main)).collect();
    asks.extend(driver.at_once(CONCURRENT, together).await);
    asks.extend(driver.in_turn(all(Step::Again).collect()).await);
    asks
}

/// Each input twice as it is, and once with its keys reversed, under one key.
pub(super) async fn order(driver: &Driver<'_>) -> Vec<Ask> {
    let frame = driver.invoke_frame();
    let inputs = driver
        .bank
        .inputs
        .iter()
        .filter_map(|case| Some((case, reversed(case)?)));
    let questions = inputs
        .take(REORDERED)
        .enumerate()
        .flat_map(|(key, (case, reversed))| {
            [
                Question::case(Step::Baseline, key, case, &frame),
                Question::case(Step::Again, key, case, &frame),
                Question::case(Step::Main, key, &reversed, &frame),
            ]
        });
    driver.in_turn(questions.collect()).await
}

/// The same instance with the keys of its objects in reverse, if that is another text.
fn reversed(case: &Case) -> Option<Case> {
    let value = reverse(&case.value);
    let text = value.to_string();
    let as_it_was = case.value.to_string();
    let differs = text != as_it_was;
    let name = format!("{}, keys reversed", case.name);
    differs.then_some(Case {
        name,
        text,
        value,
        class: Class::Valid,
    })
}

pub(super) fn reverse(value: &Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .rev()
                .map(|(name, member)| (name.clone(), reverse(member)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(reverse).collect()),
        scalar => scalar.clone(),
    }
}
