//! What is served again.

use std::time::{Duration, Instant};

use acp_reference_agent::{Running, Settings, start};
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};

use super::{
    shown::{Shown, holds_and_fails},
    wire::{Answer, get, post, raw, request},
};

/// Long enough to ask twice in it however slow the machine is, short enough to wait for.
const TTL: Duration = Duration::from_secs(2);

pub(crate) const SHOWN: &[Shown] = &[
    ("marks-hits-false", every_hit_is_marked),
    ("marks-the-first-hit-only", every_hit_is_marked),
    ("marks-hits-beside-the-output", every_hit_is_marked),
    ("cuts-a-recommendation-from-first-hits", hits_equal_misses),
    ("rounds-numbers-in-first-hits", hits_equal_misses),
    ("keys-by-order-of-members", order_makes_no_miss),
    ("sorts-only-outer-members", order_makes_no_miss),
    ("keys-without-config", configs_are_kept_apart),
    ("keys-by-version-without-id", ids_are_kept_apart),
    ("keys-by-id-without-version", versions_are_kept_apart),
    ("lower-cases-keys", inputs_are_kept_apart),
    ("sorts-lists-in-keys", inputs_are_kept_apart),
    (
        "remembers-unknown-configs",
        a_config_is_found_once_it_is_there,
    ),
    ("serves-refusals-again", refusals_are_made_anew),
    ("never-forgets-answers", answers_go_in_time),
    ("renews-answers-with-each-hit", answers_go_in_time),
];

fn fails(question: &str, answer: &Value) -> Result<(), String> {
    Err(format!("{question}: {answer}"))
}

async fn output(agent: &Running, body: &Value) -> Value {
    let answer = post(agent, "/invoke", body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["output"].clone()
}

async fn store(agent: &Running, id: &str, config: Value) {
    let answer = post(
        agent,
        "/config",
        &json!({"config_id": id, "config": config}),
    )
    .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn is_hit(output: &Value) -> bool {
    output["_from_cache"] == json!(true)
}

/// An output without the mark.
fn bare(mut output: Value) -> Value {
    let members = output.as_object_mut().expect("an object");
    members.shift_remove("_from_cache");
    output
}

fn every_hit_is_marked(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let body = json!({"input": {"city": "Oslo"}});
        let miss = output(&agent, &body).await;
        if miss.get("_from_cache").is_some() {
            return fails("a miss is marked", &miss);
        }
        for _ in 0..3 {
            let hit = output(&agent, &body).await;
            if !is_hit(&hit) {
                return fails("a hit is not marked", &hit);
            }
        }
        Ok(())
    }
    .boxed()
}

fn hits_equal_misses(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let body = json!({"input": {"city": "Zürich", "tags": ["a", "b"]}});
        let miss = output(&agent, &body).await;
        let hit = output(&agent, &body).await;
        match bare(hit.clone()) == miss {
            true => Ok(()),
            false => fails("a hit differs from its miss", &hit),
        }
    }
    .boxed()
}

fn order_makes_no_miss(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let place = |location: &str| {
            let text = format!(r#"{{"input": {{"city": "Thule", "location": {location}}}}}"#);
            serde_json::from_str::<Value>(&text).expect("JSON")
        };
        let first = place(r#"{"latitude": 70, "longitude": 20.0}"#);
        output(&agent, &first).await;
        let other = output(&agent, &place(r#"{"longitude": 2e1, "latitude": 70.0}"#)).await;
        match is_hit(&other) {
            true => Ok(()),
            false => fails("another order is a miss", &other),
        }
    }
    .boxed()
}

/// Asks under configurations of which each next one must not get the last one's answer.
async fn units(agent: &Running, config_id: Option<&str>) -> Value {
    let body = json!({"input": {"city": "Oslo"}, "config_id": config_id});
    output(agent, &body).await["units"].clone()
}

fn configs_are_kept_apart(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        store(&agent, "warm", json!({"units": "fahrenheit"})).await;
        let [none, warm] = [units(&agent, None).await, units(&agent, Some("warm")).await];
        match (none.as_str(), warm.as_str()) {
            (Some("celsius"), Some("fahrenheit")) => Ok(()),
            _ => fails("a configuration gets another's answer", &warm),
        }
    }
    .boxed()
}

fn ids_are_kept_apart(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        store(&agent, "cold", json!({})).await;
        store(&agent, "warm", json!({"units": "fahrenheit"})).await;
        let cold = units(&agent, Some("cold")).await;
        let warm = units(&agent, Some("warm")).await;
        match (cold.as_str(), warm.as_str()) {
            (Some("celsius"), Some("fahrenheit")) => Ok(()),
            _ => fails("an id gets another's answer", &warm),
        }
    }
    .boxed()
}

fn versions_are_kept_apart(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        store(&agent, "mine", json!({})).await;
        let old = units(&agent, Some("mine")).await;
        store(&agent, "mine", json!({"units": "fahrenheit"})).await;
        let new = units(&agent, Some("mine")).await;
        match (old.as_str(), new.as_str()) {
            (Some("celsius"), Some("fahrenheit")) => Ok(()),
            _ => fails("a version gets another's answer", &new),
        }
    }
    .boxed()
}

fn inputs_are_kept_apart(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        for input in [
            json!({"city": "Oslo", "tags": ["a", "b"]}),
            json!({"city": "OSLO", "tags": ["a", "b"]}),
            json!({"city": "Oslo", "tags": ["b", "a"]}),
        ] {
            let answer = output(&agent, &json!({"input": input})).await;
            if is_hit(&answer) || answer["city"] != input["city"] || answer["tags"] != input["tags"]
            {
                return fails("an input gets another's answer", &answer);
            }
        }
        Ok(())
    }
    .boxed()
}

fn a_config_is_found_once_it_is_there(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let body = json!({"input": {"city": "Oslo"}, "config_id": "late"});
        let unknown = post(&agent, "/invoke", &body).await;
        assert_eq!(unknown.status, 404, "{}", unknown.text());
        store(&agent, "late", json!({})).await;
        let known = post(&agent, "/invoke", &body).await;
        match known.status {
            200 => Ok(()),
            _ => fails("the error is remembered", &known.json()),
        }
    }
    .boxed()
}

fn refusals_are_made_anew(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let time = |answer: &Answer| answer.json()["error"]["timestamp"].clone();
        let body = json!({"input": {"city": 7}});
        let first = post(&agent, "/invoke", &body).await;
        assert_eq!(first.status, 400, "{}", first.text());
        // Until the clock has gone on by the millisecond that it shows.
        let deadline = Instant::now() + Duration::from_secs(2);
        while Instant::now() < deadline {
            if time(&post(&agent, "/invoke", &body).await) != time(&first) {
                return Ok(());
            }
        }
        fails("the refusal is an old one", &first.json())
    }
    .boxed()
}

/// Asks again and again: hits come first, but not for ever.
fn answers_go_in_time(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    async move {
        let body = json!({"input": {"city": "Oslo"}});
        let miss = output(&agent, &body).await;
        let asked = Instant::now();
        loop {
            let is_late = asked.elapsed() > 3 * TTL;
            let answer = output(&agent, &body).await;
            if !is_hit(&answer) {
                assert_ne!(answer["timestamp"], miss["timestamp"]);
                return Ok(());
            }
            if is_late {
                return fails("an old answer is still served", &answer);
            }
            tokio::time::sleep(TTL / 20).await;
        }
    }
    .boxed()
}

#[tokio::test]
async fn each_fault_shows() {
    let (lasting, passing) = SHOWN.split_at(SHOWN.len() - 2);
    holds_and_fails(lasting, Settings::unlimited).await;
    let with_ttl = || Settings {
        cache_ttl: TTL,
        ..Settings::unlimited()
    };
    holds_and_fails(passing, with_ttl).await;
}

#[tokio::test]
async fn without_a_cache_each_answer_is_computed() {
    let settings = Settings {
        enable_caching: false,
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let declared = get(&agent, "/capabilities").await.json()["cache"].clone();
    assert_eq!(declared, json!({"enabled": false}));
    for _ in 0..3 {
        let answer = output(&agent, &json!({"input": {"city": "Oslo"}})).await;
        assert!(answer.get("_from_cache").is_none());
    }
    agent.stop().await;
}

#[tokio::test]
async fn an_answer_holds_to_the_schema_however_it_came_to_be() {
    for seed in [
        Settings::unlimited(),
        Settings {
            enable_caching: false,
            ..Settings::unlimited()
        },
    ] {
        let agent = start(seed).await.expect("the agent starts");
        let schema = get(&agent, "/schema").await.json()["output"].clone();
        let body = json!({"input": {"city": "\"quoted\"\n", "tags": ["}"]}});
        for _ in 0..2 {
            let answer = output(&agent, &body).await;
            jsonschema::validate(&schema, &answer).expect("the output holds to its schema");
        }
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_body_that_was_judged_before_is_judged_by_its_type_and_its_config_again() {
    let agent = start(Settings::unlimited())
        .await
        .expect("the agent starts");
    store(&agent, "mine", json!({})).await;
    let body = json!({"input": {"city": "Oslo"}, "config_id": "mine"});
    assert_eq!(output(&agent, &body).await["units"], "celsius");
    let text = ["Content-Type: text/plain"];
    let bytes = request("POST", "/invoke", &text, body.to_string().as_bytes());
    let refused = Answer::parse(&raw(agent.addr(), &bytes).await);
    assert_eq!(refused.status, 415, "{}", refused.text());
    store(&agent, "mine", json!({"units": "fahrenheit"})).await;
    assert_eq!(output(&agent, &body).await["units"], "fahrenheit");
    agent.stop().await;
}

#[tokio::test]
async fn those_who_wait_for_one_answer_get_the_same() {
    let settings = Settings {
        slow_city: Some(("Atlantis".to_owned(), Duration::from_millis(300))),
        ..Settings::unlimited()
    };
    let agent = std::sync::Arc::new(start(settings).await.expect("the agent starts"));
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let agent = agent.clone();
            let body = json!({"input": {"city": "Atlantis"}});
            tokio::spawn(async move { bare(output(&agent, &body).await) })
        })
        .collect();
    let mut answers = Vec::new();
    for one in asking {
        answers.push(one.await.expect("an answer"));
    }
    // Computed once, they bear one time.
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn a_request_that_is_timed_out_leaves_nothing_behind() {
    let settings = Settings {
        slow_city: Some(("Atlantis".to_owned(), Duration::from_secs(3600))),
        request_timeout: Duration::from_millis(100),
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let body = json!({"input": {"city": "Atlantis"}});
    for _ in 0..3 {
        let late = post(&agent, "/invoke", &body).await;
        assert_eq!(late.json()["error"]["code"], "TIMEOUT", "{}", late.text());
    }
    agent.stop().await;
}

#[tokio::test]
async fn a_rollback_brings_the_old_answer_back() {
    let agent = start(Settings::unlimited())
        .await
        .expect("the agent starts");
    store(&agent, "mine", json!({"units": "celsius"})).await;
    assert_eq!(units(&agent, Some("mine")).await, "celsius");
    store(&agent, "mine", json!({"units": "fahrenheit"})).await;
    assert_eq!(units(&agent, Some("mine")).await, "fahrenheit");
    let back = post(&agent, "/config/mine/rollback", &json!({"version": "v1"})).await;
    assert_eq!(back.status, 200, "{}", back.text());
    assert_eq!(units(&agent, Some("mine")).await, "celsius");
    agent.stop().await;
}
