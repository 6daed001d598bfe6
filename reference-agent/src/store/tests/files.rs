//! Which files the store takes up, which it leaves alone, and who may share one.

use std::fs;

use rusqlite::Connection;

use super::{add, at, folder, names};

#[tokio::test]
async fn what_one_store_writes_the_other_over_the_same_file_sees_at_once() {
    let folder = folder();
    let path = folder.path().join("configs");
    let (one, other) = (at(&path).expect("a store"), at(&path).expect("a store"));
    for number in 1..=20 {
        add(&one, "a", None).await.expect("stored");
        let active = other.find("a").expect("read").expect("there");
        assert_eq!(active.version, format!("v{number}"));
        other
            .roll_back("a".to_owned(), "v1".to_owned())
            .await
            .expect("there");
        assert_eq!(one.find("a").expect("read").expect("there").version, "v1");
    }
}

#[tokio::test]
async fn a_file_is_taken_up_where_it_was_left() {
    let folder = folder();
    let path = folder.path().join("configs");
    let store = at(&path).expect("a store");
    add(&store, "a", None).await.expect("stored");
    add(&store, "a", None).await.expect("stored");
    store
        .roll_back("a".to_owned(), "v1".to_owned())
        .await
        .expect("there");
    drop(store);
    let store = at(&path).expect("a store");
    assert_eq!(names(&store, "a"), ["v1*", "v2"]);
    assert_eq!(store.count(), 1);
}

#[tokio::test]
async fn a_new_file_can_be_opened_by_many_at_once() {
    let folder = folder();
    for round in 0..10 {
        let path = folder.path().join(round.to_string());
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| at(&path).expect("a store"));
            }
        });
    }
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_left_as_it_is() {
    let folder = folder();
    let path = folder.path().join("file");
    let database = |sql: &str| {
        fs::remove_file(&path).ok();
        let connection = Connection::open(&path).expect("a database");
        connection.execute_batch(sql).expect("SQL");
        connection.close().expect("closed");
        fs::read(&path).expect("a file")
    };
    let newer = "PRAGMA application_id = 0x41435063; PRAGMA user_version = 7; CREATE TABLE t (a)";
    for (bytes, reason) in [
        (b"text".to_vec(), "not an SQLite database"),
        (b"text ".repeat(30), "not an SQLite database"),
        (b"text ".repeat(3000), "not an SQLite database"),
        (database("CREATE TABLE t (a)"), "another program"),
        (database("PRAGMA user_version = 1"), "another program"),
        (
            database(newer),
            "a newer agent has written it (schema 7; this agent knows 1)",
        ),
    ] {
        fs::write(&path, &bytes).expect("a file");
        let error = at(&path).expect_err(reason).to_string();
        assert!(error.contains(reason) && !error.contains('\n'), "{error}");
        assert!(error.contains("file"), "{error}");
        assert_eq!(fs::read(&path).expect("a file"), bytes, "{reason}");
        fs::remove_file(&path).expect("gone");
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_is_told_in_one_line() {
    let folder = folder();
    for (path, reason) in [
        (folder.path().to_owned(), "it is a folder"),
        (folder.path().join("no/configs"), "its folder is not there"),
    ] {
        let error = at(&path).expect_err(reason).to_string();
        let expected = format!("cannot keep configurations in {}: {reason}", path.display());
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_that_goes_to_a_file_which_is_not_there() {
    let folder = folder();
    let path = folder.path().join("configs");
    let store = at(&path).expect("a store");
    add(&store, "a", None).await.expect("stored");
    fs::rename(&path, folder.path().join("elsewhere")).expect("moved");
    add(&store, "a", None).await.expect_err("it is gone");
    fs::write(&path, b"").expect("another file");
    add(&store, "a", None).await.expect_err("it is another");
    fs::rename(folder.path().join("elsewhere"), &path).expect("moved back");
    add(&store, "a", None).await.expect("stored");
}
