//! Drives for what a configuration changes: the same inputs without one, and under several.

use super::config::{id_in, member};
use super::driver::{Driver, Question};
use crate::evidence::{Ask, Step};
use crate::volatile;
use crate::wire::Request;

/// How many configurations and inputs are tried.
const CONFIGS: usize = 6;
const INPUTS: usize = 3;

/// A few inputs, each twice without a configuration and once under each of several; until one is
/// answered otherwise. The input is the key.
pub(super) async fn effect(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    // What could not be asked is missing from the record, and the rule says so.
    let _ = tell(driver, &mut asks).await;
    asks
}

async fn tell(driver: &Driver<'_>, asks: &mut Vec<Ask>) -> Option<()> {
    for key in 0..driver.bank.inputs.len().min(INPUTS) {
        for (step, note) in [
            (Step::Baseline, "without a configuration"),
            (Step::Again, "the same again"),
        ] {
            asks.push(invoke(driver, step, key, note, "").await?);
        }
    }
    let frame = driver.config_frame();
    for (number, config) in driver.bank.configs.iter().take(CONFIGS).enumerate() {
        let question = Question::case(Step::Setup, number, config, &frame);
        let stored = driver.ask(question).await?;
        let id = id_in(&stored);
        asks.push(stored);
        let Some(id) = id else {
            continue;
        };
        for key in 0..driver.bank.inputs.len().min(INPUTS) {
            let note = format!("under the configuration {}", config.text);
            asks.push(invoke(driver, Step::Main, key, &note, &member(&id)).await?);
        }
        let (baselines, others) = (of(asks, Step::Baseline), of(asks, Step::Main));
        let differs = |ask: &&Ask| {
            let mut plain = baselines.iter();
            let plain = plain.find(|plain| plain.about.key == ask.about.key);
            plain.is_some_and(|plain| says_otherwise(plain, ask))
        };
        if others.iter().any(differs) {
            break;
        }
    }
    Some(())
}

fn of(asks: &[Ask], step: Step) -> Vec<&Ask> {
    asks.iter().filter(|ask| ask.about.step == step).collect()
}

/// Whether two answers are different outputs, what is volatile by its form aside.
pub fn says_otherwise(left: &Ask, right: &Ask) -> bool {
    let none = volatile::Paths::new();
    let output = |ask: &Ask| {
        let is_success = ask.answer().is_some_and(|answer| answer.status == 200);
        let output = ask.json().filter(|_| is_success)?.get("output")?;
        Some(volatile::steady(output, &none))
    };
    output(left)
        .zip(output(right))
        .is_some_and(|(left, right)| left != right)
}

async fn invoke(
    driver: &Driver<'_>,
    step: Step,
    key: usize,
    note: &str,
    members: &str,
) -> Option<Ask> {
    let input = &driver.bank.inputs.get(key)?.text;
    let body = format!("{{\"input\": {input}{members}}}");
    let request = Request::post("/invoke", body);
    driver.ask(Question::new(step, key, note, request)).await
}
