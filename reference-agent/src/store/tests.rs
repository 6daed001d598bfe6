//! The store by itself: what it keeps, and what it refuses.

mod files;

use std::{collections::BTreeSet, path::Path, sync::Arc};

use futures_util::future::join_all;
use rusqlite::Connection;
use serde_json::json;
use tempfile::TempDir;

use super::{Draft, Store, write::MOST_VERSIONS};
use crate::{
    failure::Failure,
    settings::{Error, Settings},
};

fn in_memory() -> Store {
    Store::open(&Settings::default()).expect("a store")
}

fn at(path: &Path) -> Result<Store, Error> {
    Store::open(&Settings {
        store_path: Some(path.to_owned()),
        ..Settings::default()
    })
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn draft(id: &str, version: Option<&str>) -> Draft {
    Draft {
        config_id: id.to_owned(),
        version: version.map(str::to_owned),
        config: json!({"language": "de"}),
        metadata: None,
    }
}

async fn add(store: &Store, id: &str, version: Option<&str>) -> Result<String, Failure> {
    let stored = store.add(draft(id, version)).await?;
    Ok(stored.version)
}

/// The names of an id's versions, the active ones marked.
fn names(store: &Store, id: &str) -> Vec<String> {
    let history = store.history(id).expect("a history");
    let mark = |is_active| if is_active { "*" } else { "" };
    let named = history
        .iter()
        .map(|one| format!("{}{}", one.version, mark(one.is_active)));
    named.collect()
}

#[tokio::test]
async fn versions_without_a_name_get_the_next_free_number() {
    let store = in_memory();
    for (wanted, given) in [
        (None, "v1"),
        (Some("v3"), "v3"),
        (None, "v4"),
        (Some("x"), "x"),
        (None, "v5"),
    ] {
        assert_eq!(add(&store, "a", wanted).await.expect("stored"), given);
    }
    assert_eq!(names(&store, "a"), ["v1", "v3", "v4", "x", "v5*"]);
}

#[tokio::test]
async fn a_name_is_taken_once_under_each_id() {
    let store = in_memory();
    add(&store, "a", Some("x")).await.expect("stored");
    let refusal = add(&store, "a", Some("x")).await.expect_err("taken");
    assert_eq!(refusal.error()["details"]["fields"][0]["path"], "/version");
    assert_eq!(refusal.status(), 400);
    add(&store, "b", Some("x")).await.expect("another id");
    assert_eq!(
        (names(&store, "a"), names(&store, "b")),
        (vec!["x*".to_owned()], vec!["x*".to_owned()])
    );
}

#[tokio::test]
async fn what_was_stored_is_what_is_read() {
    let store = in_memory();
    let id = "\0 an id/é";
    let metadata = json!({"who": "me\0"});
    let draft = Draft {
        metadata: Some(metadata.clone()),
        ..draft(id, None)
    };
    let stored = store.add(draft).await.expect("stored");
    let read = store.active(id).expect("read").expect("there");
    assert_eq!(
        (read.config, read.metadata),
        (json!({"language": "de"}), Some(metadata))
    );
    assert_eq!(
        (read.version, read.created_at),
        (stored.version, stored.created_at)
    );
    assert!(read.is_active);
    let active = store.find(id).expect("read").expect("there");
    assert_eq!(
        (
            active.version.as_str(),
            active.preferences.language.as_str()
        ),
        ("v1", "de")
    );
    assert!(store.find("\0").expect("read").is_none());
}

#[tokio::test]
async fn a_rollback_changes_which_version_is_active_and_nothing_else() {
    let store = in_memory();
    for _ in 0..3 {
        add(&store, "a", None).await.expect("stored");
    }
    let first = store.history("a").expect("a history").swap_remove(0);
    let active = store
        .roll_back("a".to_owned(), "v1".to_owned())
        .await
        .expect("there");
    assert_eq!(
        (active.version, active.created_at),
        (first.version, first.created_at)
    );
    assert_eq!(names(&store, "a"), ["v1*", "v2", "v3"]);
    for (id, version, field) in [("a", "v4", "/version"), ("b", "v1", "/config_id")] {
        let refusal = store
            .roll_back(id.to_owned(), version.to_owned())
            .await
            .expect_err("unknown");
        assert_eq!(
            (refusal.status().as_u16(), refusal.code()),
            (404, "CONFIG_NOT_FOUND")
        );
        assert_eq!(refusal.error()["details"]["fields"][0]["path"], field);
        assert_eq!(names(&store, "a"), ["v1*", "v2", "v3"]);
    }
    assert_eq!(add(&store, "a", None).await.expect("stored"), "v4");
    assert_eq!(names(&store, "a"), ["v1", "v2", "v3", "v4*"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_versions_stored_at_once_none_is_lost() {
    let folder = folder();
    let path = folder.path().join("configs");
    // Two stores over one file are to each other what two processes are.
    let stores = [(); 2].map(|()| Arc::new(at(&path).expect("a store")));
    let adding = (0..60).map(|number| {
        let store = stores[number % 2].clone();
        tokio::spawn(async move { add(&store, "a", None).await.expect("stored") })
    });
    let given: BTreeSet<String> = join_all(adding)
        .await
        .into_iter()
        .map(|name| name.expect("no panic"))
        .collect();
    assert_eq!(given.len(), 60, "each has a name of its own");
    let mut expected: Vec<String> = (1..=60).map(|number| format!("v{number}")).collect();
    expected[59].push('*');
    for store in &stores {
        assert_eq!(names(store, "a"), expected);
        assert_eq!(store.count(), 1);
    }
}

#[tokio::test]
async fn one_version_more_than_the_limit_is_refused_and_none_is_forgotten() {
    let settings = Settings {
        config_limit: 3,
        ..Settings::default()
    };
    let store = Store::open(&settings).expect("a store");
    for id in ["a", "b", "b"] {
        add(&store, id, None).await.expect("stored");
    }
    for id in ["a", "c"] {
        let refusal = add(&store, id, None).await.expect_err("full");
        assert_eq!(
            (refusal.status().as_u16(), refusal.code()),
            (503, "UNAVAILABLE")
        );
    }
    assert_eq!(
        (names(&store, "a"), names(&store, "b")),
        (
            vec!["v1*".to_owned()],
            vec!["v1".to_owned(), "v2*".to_owned()]
        )
    );
    assert_eq!(store.count(), 2);
    store
        .roll_back("b".to_owned(), "v1".to_owned())
        .await
        .expect("nothing is added");
}

#[tokio::test]
async fn a_configuration_has_only_so_many_versions() {
    let store = in_memory();
    for _ in 0..MOST_VERSIONS {
        add(&store, "a", None).await.expect("stored");
    }
    let refusal = add(&store, "a", None).await.expect_err("full");
    assert_eq!(
        (refusal.status().as_u16(), refusal.code()),
        (400, "INVALID_INPUT")
    );
    assert_eq!(
        refusal.error()["details"]["fields"][0]["path"],
        "/config_id"
    );
    assert_eq!(names(&store, "a").len(), MOST_VERSIONS as usize);
    add(&store, "b", None).await.expect("another id");
}

#[tokio::test]
async fn configurations_are_listed_page_by_page() {
    let store = in_memory();
    for id in ["c", "a", "b", "a"] {
        add(&store, id, None).await.expect("stored");
    }
    let page = |after: Option<&str>, limit| -> Vec<_> {
        let page = store.list(after, limit).expect("a page").into_iter();
        page.map(|one| (one.config_id, one.version, one.versions))
            .collect()
    };
    let entry = |id: &str, version: &str, versions| (id.to_owned(), version.to_owned(), versions);
    assert_eq!(page(None, 2), [entry("a", "v2", 2), entry("b", "v1", 1)]);
    assert_eq!(page(Some("b"), 2), [entry("c", "v1", 1)]);
    assert_eq!(page(Some("c"), usize::MAX), []);
    assert_eq!((page(None, usize::MAX).len(), store.count()), (3, 3));
}

#[tokio::test]
async fn the_tables_allow_one_active_version_and_it_exists() {
    let folder = folder();
    let path = folder.path().join("configs");
    let store = at(&path).expect("a store");
    add(&store, "a", None).await.expect("stored");
    let raw = Connection::open(&path).expect("a connection");
    for wrong in [
        "INSERT INTO config VALUES ('a', 1)",
        "INSERT INTO config VALUES ('b', 1)",
        "INSERT INTO version VALUES ('a', 1, 'x', '{}', NULL, '')",
        "INSERT INTO version VALUES ('a', 2, 'v1', '{}', NULL, '')",
        "UPDATE config SET active_seq = 2",
        "UPDATE config SET active_seq = NULL",
        "DELETE FROM version",
    ] {
        raw.execute(wrong, []).expect_err(wrong);
    }
    assert_eq!(names(&store, "a"), ["v1*"]);
}

#[tokio::test]
async fn a_store_that_fails_is_a_failure_of_the_agent_that_tells_nothing() {
    let folder = folder();
    let path = folder.path().join("configs");
    let store = at(&path).expect("a store");
    add(&store, "a", None).await.expect("stored");
    let raw = Connection::open(&path).expect("a connection");
    raw.execute_batch("PRAGMA foreign_keys = OFF; UPDATE version SET config = '{'")
        .expect("broken");
    let failed = |failure: Failure| {
        assert_eq!(
            (failure.status().as_u16(), failure.code()),
            (500, "EXECUTION_ERROR")
        );
        assert_eq!(failure.error()["details"], json!({}));
    };
    failed(store.find("a").expect_err("not JSON"));
    failed(store.history("a").expect_err("not JSON"));
    raw.execute_batch("DROP TABLE config; DROP TABLE version; DROP TABLE tally")
        .expect("broken");
    failed(store.find("a").expect_err("no table"));
    failed(add(&store, "a", None).await.expect_err("no table"));
    failed(
        store
            .roll_back("a".to_owned(), "v1".to_owned())
            .await
            .expect_err("no table"),
    );
    assert_eq!(store.count(), 0);
}

#[tokio::test]
async fn who_reads_does_not_wait_for_who_writes_and_who_writes_does() {
    let folder = folder();
    let path = folder.path().join("configs");
    let store = Arc::new(at(&path).expect("a store"));
    add(&store, "a", None).await.expect("stored");
    let other = Connection::open(&path).expect("a connection");
    other
        .execute_batch("BEGIN IMMEDIATE; UPDATE tally SET configs = configs")
        .expect("locked");
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { add(&store, "a", None).await }
    });
    assert_eq!(
        (names(&store, "a"), store.count()),
        (vec!["v1*".to_owned()], 1)
    );
    other.execute_batch("COMMIT").expect("unlocked");
    assert_eq!(waiting.await.expect("no panic").expect("stored"), "v2");
}

#[test]
fn a_lock_that_others_hold_too_long_is_for_the_client_to_wait_out() {
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    let failure = Failure::from(rusqlite::Error::SqliteFailure(busy, None));
    assert_eq!(
        (failure.status().as_u16(), failure.code()),
        (503, "UNAVAILABLE")
    );
}
