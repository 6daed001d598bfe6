//! The versions of a configuration.

use acp_reference_agent::{Running, Settings, faults, start};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use serde_json::{Value, json};

use super::{
    shown::{Question, Shown, holds_and_fails},
    wire::{Answer, agent, get, post, raw, request},
};

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

async fn store(agent: &Running, body: Value) -> Value {
    let answer = post(agent, "/config", &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn roll_back(agent: &Running, id: &str, version: &str) -> Answer {
    let path = format!("/config/{id}/rollback");
    post(agent, &path, &json!({"version": version})).await
}

/// The names of the versions, the active ones marked.
async fn history(agent: &Running, id: &str) -> Vec<String> {
    let answer = get(agent, &format!("/config/{id}/history")).await.json();
    let entries = answer["history"].as_array().expect("a history").iter();
    let mark = |entry: &Value| if entry["active"] == true { "*" } else { "" };
    let name = |entry: &Value| entry["version"].as_str().expect("a name").to_owned();
    entries.map(|entry| name(entry) + mark(entry)).collect()
}

async fn active(agent: &Running, id: &str) -> Vec<String> {
    let mut names = history(agent, id).await;
    names.retain(|name| name.ends_with('*'));
    names
}

/// What `/invoke` takes the configuration's language to be.
async fn language(agent: &Running, id: &str) -> Value {
    let body = json!({"input": {"city": "Oslo"}, "config_id": id});
    post(agent, "/invoke", &body).await.json()["output"]["language"].take()
}

/// A configuration with a German version and after it a French one.
async fn two_versions(agent: &Running) -> String {
    let first = store(agent, json!({"config": {"language": "de"}})).await;
    let id = first["config_id"].as_str().expect("an id").to_owned();
    store(
        agent,
        json!({"config": {"language": "fr"}, "config_id": id}),
    )
    .await;
    id
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

fn refused(answer: &Answer, status: u16, code: &str, field: &str) {
    let error = answer.json()["error"].take();
    assert_eq!(
        (answer.status, &error["code"]),
        (status, &json!(code)),
        "{error}"
    );
    assert_eq!(error["details"]["fields"][0]["path"], field, "{error}");
}

#[tokio::test]
async fn a_version_is_told_as_it_was_stored() {
    let agent = agent().await;
    let metadata = json!({"who": "me"});
    let body = json!({"config_id": "a", "version": "x", "config": {"units": "celsius"}, "metadata": metadata});
    let stored = store(&agent, body.clone()).await;
    let created_at = &stored["created_at"];
    let expected =
        json!({"config_id": "a", "status": "created", "version": "x", "created_at": created_at});
    assert_eq!(stored, expected);
    let read = get(&agent, "/config/a").await.json();
    let mut expected = body;
    expected["created_at"] = created_at.clone();
    expected["active"] = json!(true);
    assert_eq!(read, expected);
    let entry = json!({
        "version": "x", "config": {"units": "celsius"}, "created_at": created_at, "active": true,
    });
    let history = get(&agent, "/config/a/history").await.json();
    assert_eq!(history, json!({"config_id": "a", "history": [entry]}));
    let back = roll_back(&agent, "a", "x").await;
    let expected =
        json!({"config_id": "a", "version": "x", "status": "active", "created_at": created_at});
    assert_eq!((back.status, back.json()), (200, expected));
    agent.stop().await;
}

#[tokio::test]
async fn a_rollback_reaches_invoke_and_the_streams() {
    let agent = agent().await;
    let id = two_versions(&agent).await;
    let body = json!({"input": {"city": "Oslo"}, "config_id": id});
    for (version, expected) in [("v1", "de"), ("v2", "fr")] {
        roll_back(&agent, &id, version).await;
        assert_eq!(language(&agent, &id).await, expected);
        for path in ["/invoke/stream", "/invoke/advanced-stream"] {
            let events = post(&agent, path, &body).await.events();
            let last = events.last().expect("an event");
            assert_eq!(last["result"]["language"], expected);
        }
        let read = get(&agent, &format!("/config/{id}")).await.json();
        assert_eq!(
            (&read["version"], &read["config"]["language"]),
            (&json!(version), &json!(expected))
        );
    }
    store(
        &agent,
        json!({"config": {"language": "es"}, "config_id": id}),
    )
    .await;
    assert_eq!(language(&agent, &id).await, "es");
    agent.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_the_field_named() {
    let agent = agent().await;
    store(
        &agent,
        json!({"config": {}, "config_id": "a", "version": "x"}),
    )
    .await;
    let long = "x".repeat(129);
    let note = json!({"note": "x".repeat(4096)});
    for (body, field) in [
        (
            json!({"config": {}, "config_id": "a", "version": "x"}),
            "/version",
        ),
        (json!({"config": {}, "version": long}), "/version"),
        (json!({"config": {}, "version": ""}), "/version"),
        (json!({"config": {}, "version": 2}), "/version"),
        (json!({"config": {}, "config_id": long}), "/config_id"),
        (json!({"config": {}, "config_id": ""}), "/config_id"),
        (json!({"config": {}, "metadata": note}), "/metadata"),
        (
            json!({"config": {"units": "kelvin"}, "config_id": "a"}),
            "/config/units",
        ),
    ] {
        refused(
            &post(&agent, "/config", &body).await,
            400,
            "INVALID_INPUT",
            field,
        );
    }
    for (body, field) in [
        (json!({}), "/version"),
        (json!([]), ""),
        (json!({"version": null}), "/version"),
        (json!({"version": 1}), "/version"),
        (json!({"version": ""}), "/version"),
        (json!({"version": long}), "/version"),
    ] {
        refused(
            &post(&agent, "/config/a/rollback", &body).await,
            400,
            "INVALID_INPUT",
            field,
        );
    }
    assert_eq!(history(&agent, "a").await, ["x*"]);
    agent.stop().await;
}

#[tokio::test]
async fn an_unknown_id_is_not_found_wherever_it_is_asked_for() {
    let agent = agent().await;
    for id in ["b", "%00", "%ff", "a%2fb", "v1"] {
        for path in [format!("/config/{id}"), format!("/config/{id}/history")] {
            refused(
                &get(&agent, &path).await,
                404,
                "CONFIG_NOT_FOUND",
                "/config_id",
            );
        }
        refused(
            &roll_back(&agent, id, "v1").await,
            404,
            "CONFIG_NOT_FOUND",
            "/config_id",
        );
    }
    store(&agent, json!({"config": {}, "config_id": "a/b"})).await;
    assert_eq!(
        get(&agent, "/config/a%2Fb").await.json()["config_id"],
        "a/b"
    );
    agent.stop().await;
}

#[tokio::test]
async fn the_three_paths_take_their_own_methods_alone() {
    let agent = agent().await;
    store(&agent, json!({"config": {}, "config_id": "a"})).await;
    for (method, path, allow) in [
        ("POST", "/config/a", "GET,HEAD"),
        ("DELETE", "/config/a", "GET,HEAD"),
        ("POST", "/config/a/history", "GET,HEAD"),
        ("GET", "/config/a/rollback", "POST"),
    ] {
        let answer = Answer::parse(&raw(agent.addr(), &request(method, path, &[], b"")).await);
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)));
    }
    for path in ["/config/a", "/config/a/history"] {
        let head = Answer::parse(&raw(agent.addr(), &request("HEAD", path, &[], b"")).await);
        assert_eq!((head.status, head.body.len()), (200, 0));
    }
    agent.stop().await;
}

#[tokio::test]
async fn a_full_store_refuses_and_forgets_nothing() {
    let settings = Settings {
        config_limit: 2,
        ..Settings::unlimited()
    };
    let agent = start(settings).await.expect("the agent starts");
    let id = two_versions(&agent).await;
    for body in [
        json!({"config": {}}),
        json!({"config": {}, "config_id": id}),
    ] {
        let answer = post(&agent, "/config", &body).await;
        let code = answer.json()["error"]["code"].take();
        assert_eq!((answer.status, code), (503, json!("UNAVAILABLE")));
    }
    assert_eq!(history(&agent, &id).await, ["v1", "v2*"]);
    assert_eq!(roll_back(&agent, &id, "v1").await.status, 200);
    agent.stop().await;
}

#[tokio::test]
async fn of_versions_stored_at_once_none_is_lost() {
    let agent = agent().await;
    let body = json!({"config": {}, "config_id": "a"});
    let stored = join_all((0..30).map(|_| store(&agent, body.clone()))).await;
    let mut given: Vec<_> = stored.iter().map(|one| one["version"].clone()).collect();
    given.sort_by_key(|name| name.as_str().map(|name| (name.len(), name.to_owned())));
    let expected: Vec<_> = (1..=30).map(|number| json!(format!("v{number}"))).collect();
    assert_eq!(given, expected);
    let listed = history(&agent, "a").await;
    assert_eq!((listed.len(), listed[29].as_str()), (30, "v30*"));
    assert_eq!(active(&agent, "a").await, ["v30*"]);
    agent.stop().await;
}

#[tokio::test]
async fn an_agent_does_not_start_on_a_file_that_is_not_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "not a database").expect("a file");
    let settings = Settings {
        store_path: Some(path.clone()),
        ..Settings::unlimited()
    };
    let error = start(settings)
        .await
        .expect_err("not a database")
        .to_string();
    assert!(
        error.ends_with("notes.txt: it is not an SQLite database"),
        "{error}"
    );
    assert_eq!(std::fs::read(&path).expect("a file"), b"not a database");
}
