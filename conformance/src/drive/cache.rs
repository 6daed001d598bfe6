//! Drives for the cache: what is asked again, and what only looks like it.

use std::fmt::Display;
use std::time::Duration;

use serde_json::{Value, json};

use super::config::{id_in, member};
use super::driver::{Driver, Question};
use super::{fresh, invoke};
use crate::cases::Case;
use crate::evidence::{Ask, Step};
use crate::wire::Request;

/// Longer than this no entry's end is waited for.
pub const LONGEST_TTL: Duration = Duration::from_secs(15);
/// What is added to a time to live before its end is looked at: clocks and ways differ.
const SLACK: Duration = Duration::from_millis(500);

/// How often what was asked for too early is asked for again.
const STORED_SINCE_ASKED: usize = 3;
/// What lies between two errors, so that their times differ.
const BETWEEN_ERRORS: Duration = Duration::from_millis(20);

/// The keys of what is asked; what it is compared with has the same key, under
/// [`Step::Baseline`].
pub mod key {
    /// The very same again.
    pub const SAME: usize = 0;
    /// The same with its members in another order.
    pub const REORDERED: usize = 1;
    /// The same under another configuration.
    pub const OTHER_CONFIG: usize = 2;
    /// The same under a new version of the configuration.
    pub const NEW_VERSION: usize = 3;
    /// What is invalid, again.
    pub const INVALID: usize = 4;
    /// What named a configuration that has since been stored.
    pub const STORED_SINCE: usize = 5;
    /// Inputs that are alike and not the same; one key each from here on.
    pub const ALIKE: usize = 100;
}

pub(super) async fn repeats(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    if let Some(input) = fresh::input(driver) {
        asks.extend(
            ask(
                driver,
                Step::Baseline,
                key::SAME,
                "a new input",
                &input,
                None,
            )
            .await,
        );
        for _ in 0..2 {
            asks.extend(
                ask(
                    driver,
                    Step::Main,
                    key::SAME,
                    "the same again",
                    &input,
                    None,
                )
                .await,
            );
        }
    }
    asks.extend(reordered(driver).await);
    asks.extend(under_configurations(driver).await);
    asks.extend(alike(driver).await);
    asks.extend(errors(driver).await);
    asks
}

async fn ask(
    driver: &Driver<'_>,
    step: Step,
    key: usize,
    note: &str,
    input: &impl Display,
    config: Option<&str>,
) -> Option<Ask> {
    let config = config.map(member).unwrap_or_default();
    let body = format!("{{\"input\": {input}{config}}}");
    let request = Request::post("/invoke", body);
    driver.ask(Question::new(step, key, note, request)).await
}

/// An input of two members at least, and the same in reverse; and one with an object in it that
/// has two.
async fn reordered(driver: &Driver<'_>) -> Vec<Ask> {
    let Some(base) = fresh::input(driver) else {
        return Vec::new();
    };
    let variants = fresh::all_variants(driver, &base).map(|(_, variant)| variant);
    let candidates: Vec<Value> = [base.clone()].into_iter().chain(variants).collect();
    let outer = candidates.iter().find(|input| is_turned(input));
    let is_inner = |input: &Value| {
        let mut members = input.as_object().into_iter().flatten();
        members.any(|(_, member)| is_turned(member))
    };
    let inner = candidates.iter().find(|input| is_inner(input));
    let inner = inner.filter(|inner| Some(*inner) != outer);
    let mut asks = Vec::new();
    for input in outer.into_iter().chain(inner) {
        let turned = invoke::reverse(input);
        for (step, note, input) in [
            (Step::Baseline, "a new input", input),
            (Step::Main, "the same, members in reverse", &turned),
        ] {
            asks.extend(ask(driver, step, key::REORDERED, note, input, None).await);
        }
    }
    asks
}

/// Whether it reads otherwise with the members of its objects in reverse. Told by the texts:
/// values are equal in any order.
fn is_turned(value: &Value) -> bool {
    let texts = [value, &invoke::reverse(value)].map(Value::to_string);
    texts[0] != texts[1]
}

/// One input under a configuration, twice; under another; and under a new version of the first.
async fn under_configurations(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    // What could not be asked is missing from the record, and the rules say so.
    let _ = tell_configurations(driver, &mut asks).await;
    asks
}

async fn tell_configurations(driver: &Driver<'_>, asks: &mut Vec<Ask>) -> Option<()> {
    let input = fresh::input(driver)?;
    let [first, second] = [driver.bank.configs.first()?, driver.bank.configs.get(1)?];
    let id = stored(driver, asks, first, None).await?;
    // One id for two configurations is one configuration: another rule judges that.
    let other = stored(driver, asks, second, None)
        .await
        .filter(|other| *other != id)?;
    let key = key::OTHER_CONFIG;
    for step in [Step::Baseline, Step::Again] {
        let note = "an input under a configuration";
        asks.push(ask(driver, step, key, note, &input, Some(&id)).await?);
    }
    let note = "the same under another configuration";
    asks.push(ask(driver, Step::Main, key, note, &input, Some(&other)).await?);
    // Where ids cannot be stored under again, there are no versions.
    if stored(driver, asks, second, Some(&id)).await? == id {
        let note = "the same under a new version of the configuration";
        asks.push(
            ask(
                driver,
                Step::Main,
                key::NEW_VERSION,
                note,
                &input,
                Some(&id),
            )
            .await?,
        );
    }
    Some(())
}

async fn stored(
    driver: &Driver<'_>,
    asks: &mut Vec<Ask>,
    case: &Case,
    id: Option<&str>,
) -> Option<String> {
    let mut body = json!({"config": case.value});
    if let Some(id) = id {
        body["config_id"] = id.into();
    }
    let request = Request::post("/config", body.to_string());
    let question = Question::new(Step::Setup, asks.len(), "store a configuration", request);
    let ask = driver.ask(question).await?;
    let stored = id_in(&ask);
    asks.push(ask);
    stored
}

async fn alike(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    let Some(input) = fresh::input(driver) else {
        return asks;
    };
    asks.extend(
        ask(
            driver,
            Step::Baseline,
            key::ALIKE,
            "a new input",
            &input,
            None,
        )
        .await,
    );
    for (number, (how, variant)) in fresh::variants(driver, &input).into_iter().enumerate() {
        let key = key::ALIKE + number;
        asks.extend(ask(driver, Step::Main, key, &how, &variant, None).await);
    }
    asks
}

/// What fails, twice; and a configuration that is asked for before it is there.
async fn errors(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    let bad = &driver.bank.bad_inputs;
    let of_an_object = bad.iter().find(|case| case.value.is_object());
    if let Some(case) = of_an_object.or(bad.first()) {
        let note = "an invalid input";
        for step in [Step::Baseline, Step::Main] {
            asks.extend(ask(driver, step, key::INVALID, note, &case.value, None).await);
            driver.pause(BETWEEN_ERRORS).await;
        }
    }
    let Some(input) = fresh::input(driver) else {
        return asks;
    };
    let Some(config) = driver.bank.configs.first() else {
        return asks;
    };
    let id = format!("acp-tck-{}", fresh::word(driver));
    let key = key::STORED_SINCE;
    let note = "a configuration that is not there yet";
    asks.extend(ask(driver, Step::Baseline, key, note, &input, Some(&id)).await);
    // An agent may choose its ids itself; then there is nothing to see.
    if stored(driver, &mut asks, config, Some(&id)).await.as_ref() == Some(&id) {
        let note = "the same after it was stored";
        // What is kept answers each time; a worker that does not know of it answers now and then.
        for _ in 0..STORED_SINCE_ASKED {
            asks.extend(ask(driver, Step::Main, key, note, &input, Some(&id)).await);
        }
    }
    asks
}

/// An entry half way through its time, and after it: by the same clock that the agent has. That a
/// use gives an entry its whole time again shows where the time is longer than twice [`SLACK`].
pub(super) async fn time_to_live(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    let launched = driver.settings.facts.launched;
    if launched.is_some_and(|terms| terms.is_quick) {
        return asks;
    }
    let ttl = driver.probe.cache_ttl().filter(|ttl| *ttl <= LONGEST_TTL);
    let (Some(ttl), Some(input)) = (ttl, fresh::input(driver)) else {
        return asks;
    };
    let kept = tokio::time::Instant::now();
    asks.extend(ask(driver, Step::Baseline, 0, "a new input", &input, None).await);
    tokio::time::sleep_until(kept + ttl / 2).await;
    asks.extend(
        ask(
            driver,
            Step::Again,
            0,
            "half way through its time",
            &input,
            None,
        )
        .await,
    );
    // From the answer on, as the entry may have been made at its very end.
    let made = asks
        .first()
        .map_or(Duration::ZERO, |ask| ask.exchange.elapsed);
    tokio::time::sleep_until(kept + made + ttl + SLACK).await;
    asks.extend(ask(driver, Step::Main, 0, "after its time", &input, None).await);
    asks
}
