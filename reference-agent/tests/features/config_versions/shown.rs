//! What each rule asks of the versions of a configuration, and which faults show there.

use acp_reference_agent::{Running, Settings, faults, start};
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::json;

use super::{active, history, language, roll_back, store, two_versions};
use crate::shown::{Question, Shown, holds_and_fails};

/// What each rule asks.
const QUESTIONS: [(&str, Question); 4] = [
    ("config-versions.history-grows", grows),
    ("config-versions.one-active", one_active),
    ("config-versions.rollback", rollback),
    ("config-versions.rollback-unknown-404", unknown),
];

pub(crate) const SHOWN: &[Shown] = &[
    ("mints-an-id-for-each-store", grows),
    ("lists-only-the-active-version", grows),
    ("lists-the-newest-version-first", grows),
    ("mixes-histories", grows),
    ("keeps-the-previous-version-active", one_active),
    ("rollback-leaves-two-active", one_active),
    ("rollback-leaves-none-active", one_active),
    ("history-knows-no-rollback", one_active),
    ("rollback-adds-a-copy", one_active),
    ("rolls-back-in-name-only", rollback),
    ("rollback-takes-effect-late", rollback),
    ("rollback-misses-configs-in-use", rollback),
    ("rolls-back-to-unknown-versions", unknown),
    ("takes-unknown-versions-for-the-newest", unknown),
    ("failed-rollback-switches", unknown),
    ("rolls-back-unknown-configs", unknown),
    ("calls-unknown-versions-invalid", unknown),
];

fn expect<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("{found:?} and not {expected:?}")),
    }
}

fn grows(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        store(&agent, json!({"config": {}})).await;
        let id = two_versions(&agent).await;
        let names = history(&agent, &id).await;
        agent.stop().await;
        let names: Vec<_> = names
            .iter()
            .map(|name| name.trim_end_matches('*'))
            .collect();
        expect(names, vec!["v1", "v2"])
    }
    .boxed()
}

fn one_active(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let id = two_versions(&agent).await;
        let names = history(&agent, &id).await;
        if !names.iter().any(|name| name.starts_with("v2")) {
            // Not the question asked here.
            return expect(names, vec!["v1*".to_owned()]);
        }
        expect(active(&agent, &id).await, vec!["v2*".to_owned()])?;
        roll_back(&agent, &id, "v1").await;
        let active = active(&agent, &id).await;
        agent.stop().await;
        expect(active, vec!["v1*".to_owned()])
    }
    .boxed()
}

fn rollback(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let id = two_versions(&agent).await;
        language(&agent, &id).await;
        expect(roll_back(&agent, &id, "v1").await.status, 200)?;
        let language = language(&agent, &id).await;
        agent.stop().await;
        expect(language, json!("de"))
    }
    .boxed()
}

fn unknown(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let id = two_versions(&agent).await;
        for version in ["v2", "v1"] {
            roll_back(&agent, &id, version).await;
            // When a rollback takes effect is another question.
            language(&agent, &id).await;
            let before = (history(&agent, &id).await, language(&agent, &id).await);
            for (id, version) in [(id.as_str(), "v9"), ("cfg_0", "v1")] {
                let answer = roll_back(&agent, id, version).await;
                let code = answer.json()["error"]["code"].take();
                expect((answer.status, code), (404, json!("CONFIG_NOT_FOUND")))?;
            }
            let after = (history(&agent, &id).await, language(&agent, &id).await);
            expect(after, before)?;
        }
        agent.stop().await;
        Ok(())
    }
    .boxed()
}

#[tokio::test]
async fn each_fault_shows() {
    holds_and_fails(SHOWN, Settings::unlimited).await;
}

#[tokio::test]
async fn no_fault_shows_where_another_rule_asks() {
    for (name, _) in SHOWN {
        let fault = faults::find(name).expect("a fault");
        for (rule, ask) in QUESTIONS
            .iter()
            .filter(|(rule, _)| !fault.trips.contains(rule))
        {
            let settings = Settings {
                faults: vec![fault],
                ..Settings::unlimited()
            };
            let faulty = start(settings).await.expect("the agent starts");
            let answer = ask(faulty).await;
            assert_eq!(answer, Ok(()), "{name} at the question of {rule}");
        }
    }
}
