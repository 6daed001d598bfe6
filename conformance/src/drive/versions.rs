//! Drives for the versions of a configuration.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::config::{id_in, member};
use super::driver::{Driver, Question};
use crate::cases::Case;
use crate::evidence::{Ask, Step};
use crate::volatile;
use crate::wire::Request;

/// How many configurations are tried to find two that are answered differently.
const TRIED: usize = 6;
/// A version, and an id, that nobody has.
const UNKNOWN: &str = "acp-tck-no-such-version";

/// The keys of what is asked under [`Step::Main`] and [`Step::After`].
pub mod key {
    /// After the second version was stored.
    pub const GROWN: usize = 1;
    /// The rollback to the first version.
    pub const ROLLBACK: usize = 2;
    /// After it.
    pub const ROLLED_BACK: usize = 3;
    /// The rollback to a version that was never stored.
    pub const UNKNOWN_VERSION: usize = 4;
    /// The rollback of an id that was never given out.
    pub const UNKNOWN_ID: usize = 5;
    /// After both.
    pub const UNCHANGED: usize = 6;
    /// What the second of the two configurations is answered alone, under
    /// [`Step::Baseline`](crate::evidence::Step::Baseline): beside the first's.
    pub const SECOND: usize = 100;
}

/// A configuration stored twice under one id, rolled back, and rolled back wrongly; after each
/// step its history, and what `/invoke` answers, each time to another input, so that no cache
/// has a say in it.
pub(super) async fn versions(driver: &Driver<'_>) -> Vec<Ask> {
    let mut asks = Vec::new();
    // What could not be asked is missing from the record, and the rules say so.
    let _ = tell(driver, &mut asks).await;
    asks
}

async fn tell(driver: &Driver<'_>, asks: &mut Vec<Ask>) -> Option<()> {
    let [first, second] = pair(driver, asks).await?;
    let stored = store(driver, 0, &first, None).await?;
    let (id, named) = (id_in(&stored), version_in(&stored));
    asks.push(stored);
    let id = id?;
    asks.push(store(driver, 1, &second, Some(&id)).await?);
    asks.push(history(driver, key::GROWN, &id).await?);
    let listed = asks.last().and_then(Ask::json).and_then(first_version);
    let version = named.or(listed)?;
    asks.push(invoke(driver, Step::After, key::GROWN, &id).await?);
    asks.push(roll_back(driver, key::ROLLBACK, &id, &version).await?);
    asks.push(history(driver, key::ROLLED_BACK, &id).await?);
    for _ in 0..2 {
        asks.push(invoke(driver, Step::After, key::ROLLED_BACK, &id).await?);
    }
    asks.push(roll_back(driver, key::UNKNOWN_VERSION, &id, UNKNOWN).await?);
    asks.push(roll_back(driver, key::UNKNOWN_ID, UNKNOWN, &version).await?);
    asks.push(history(driver, key::UNCHANGED, &id).await?);
    asks.push(invoke(driver, Step::After, key::UNCHANGED, &id).await?);
    Some(())
}

/// Two configurations under which the same input is answered differently, each stored alone,
/// and what is answered under each.
async fn pair(driver: &Driver<'_>, asks: &mut Vec<Ask>) -> Option<[Case; 2]> {
    let mut configs = driver.bank.configs.iter().take(TRIED);
    let first = configs.next()?;
    let id = id_in(&store(driver, 0, first, None).await?)?;
    let answer = invoke(driver, Step::Baseline, 0, &id).await?;
    let again = invoke(driver, Step::Again, 0, &id).await?;
    let changing = volatile::differing(output(&answer)?, output(&again)?);
    let steady = |ask: &Ask| output(ask).map(|output| volatile::steady(output, &changing));
    for second in configs {
        let other = id_in(&store(driver, 1, second, None).await?)?;
        let differing = invoke(driver, Step::Baseline, key::SECOND, &other).await?;
        if steady(&answer) == steady(&differing) {
            continue;
        }
        asks.extend([answer, again, differing]);
        for at in [key::GROWN, key::ROLLED_BACK, key::UNCHANGED] {
            asks.push(invoke(driver, Step::Baseline, at, &id).await?);
            asks.push(invoke(driver, Step::Baseline, key::SECOND + at, &other).await?);
        }
        return Some([first.clone(), second.clone()]);
    }
    None
}

/// The output of an invocation that succeeded.
fn output(ask: &Ask) -> Option<&Value> {
    ask.json()?.get("output")
}

fn version_in(ask: &Ask) -> Option<String> {
    Some(ask.json()?.get("version")?.as_str()?.to_owned())
}

/// The entries of a history: an array, or a member of an object.
#[must_use]
pub fn entries(history: &Value) -> Option<&Vec<Value>> {
    let members = ["history", "versions"].into_iter();
    let list = members.filter_map(|name| history.get(name)).next();
    list.unwrap_or(history).as_array()
}

fn first_version(history: &Value) -> Option<String> {
    let first = entries(history)?.first()?;
    Some(first.get("version")?.as_str()?.to_owned())
}

async fn store(driver: &Driver<'_>, key: usize, case: &Case, id: Option<&str>) -> Option<Ask> {
    let mut body = json!({"config": case.value});
    let mut note = "store a configuration";
    if let Some(id) = id {
        body["config_id"] = id.into();
        note = "store a second version under the same id";
    }
    let request = Request::post("/config", body.to_string());
    driver
        .ask(Question::new(Step::Setup, key, note, request))
        .await
}

/// The key chooses the input, so that what is asked after each step is new to a cache.
async fn invoke(driver: &Driver<'_>, step: Step, key: usize, id: &str) -> Option<Ask> {
    let inputs = &driver.bank.inputs;
    let input = inputs.get(key % key::SECOND % inputs.len().max(1))?;
    let body = format!("{{\"input\": {}{}}}", input.text, member(id));
    let note = "invoke under the configuration";
    driver
        .ask(Question::new(
            step,
            key,
            note,
            Request::post("/invoke", body),
        ))
        .await
}

async fn history(driver: &Driver<'_>, key: usize, id: &str) -> Option<Ask> {
    let request = Request::get(&format!("{}/history", path(id)));
    driver
        .ask(Question::new(Step::Main, key, "read the history", request))
        .await
}

async fn roll_back(driver: &Driver<'_>, key: usize, id: &str, version: &str) -> Option<Ask> {
    let body = json!({"version": version}).to_string();
    let request = Request::post(&format!("{}/rollback", path(id)), body);
    let note = format!("roll {id} back to {version}");
    driver
        .ask(Question::new(Step::Main, key, note, request))
        .await
}

/// All but what stands in a path as it is (RFC 3986, 2.3); an agent's ids may hold anything.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn path(id: &str) -> String {
    let id = utf8_percent_encode(id, ENCODED);
    format!("/config/{id}")
}
