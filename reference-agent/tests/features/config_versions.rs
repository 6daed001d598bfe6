//! The versions of a configuration.

mod shown;

use acp_reference_agent::{Running, Settings, start};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::wire::{Answer, agent, get, post, raw, request};

pub(crate) use self::shown::SHOWN;

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
