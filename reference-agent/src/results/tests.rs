//! The cache by itself: who computes, who waits, and what is kept under which name.

use std::{convert::Infallible, future::pending, sync::atomic::AtomicUsize, time::Duration};

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::yield_now, time::timeout};

use super::*;

fn results() -> Results {
    Results::of(&Settings::unlimited())
}

fn key(input: &str) -> Key {
    Key {
        input: input.into(),
        config: None,
        preferences: Preferences::default(),
    }
}

/// Asks as `/invoke` does.
async fn ask(
    results: &Results,
    input: &str,
    work: impl Future<Output = Computed> + Send + 'static,
) -> Result<Found, Failure> {
    let key = key(input);
    let recalled = results.recall(&key);
    results.find(key, recalled, || work).await
}

async fn is_kept(results: &Results, input: &str) -> bool {
    let fresh = async { Ok("fresh".into()) };
    ask(results, input, fresh).await.expect("found").from_cache
}

#[tokio::test]
async fn fifty_who_ask_at_once_compute_once() {
    let results = Arc::new(results());
    let computed = Arc::new(AtomicUsize::new(0));
    let (start, started) = oneshot::channel::<Infallible>();
    let started = started.shared();
    let asking: Vec<_> = (0..50)
        .map(|_| {
            let (results, computed, started) = (results.clone(), computed.clone(), started.clone());
            let work = async move {
                computed.fetch_add(1, Ordering::Relaxed);
                let _ = started.await;
                Ok(Bytes::from("{}"))
            };
            tokio::spawn(async move { ask(&results, "a", work).await })
        })
        .collect();
    while results.misses() < 50 {
        yield_now().await;
    }
    drop(start);
    for one in asking {
        let found = one.await.expect("it ends").expect("found");
        assert!(!found.from_cache && &found.output[..] == b"{}");
    }
    assert_eq!(computed.load(Ordering::Relaxed), 1);
    assert!(is_kept(&results, "a").await);
    assert_eq!((results.hits(), results.misses()), (1, 50));
}

#[tokio::test]
async fn one_who_leaves_takes_nothing_from_the_others() {
    let results = Arc::new(results());
    let (finish, finished) = oneshot::channel();
    let first = {
        let results = results.clone();
        let work = async { Ok(finished.await.unwrap_or_default()) };
        tokio::spawn(async move { ask(&results, "a", work).await })
    };
    while results.misses() < 1 {
        yield_now().await;
    }
    let second = {
        let results = results.clone();
        tokio::spawn(async move { ask(&results, "a", pending()).await })
    };
    while results.misses() < 2 {
        yield_now().await;
    }
    first.abort();
    assert!(first.await.is_err_and(|error| error.is_cancelled()));
    finish
        .send(Bytes::from("{}"))
        .expect("it is still under way");
    let found = second.await.expect("it ends").expect("found");
    assert_eq!(&found.output[..], b"{}");
}

#[tokio::test]
async fn what_nobody_waits_for_is_dropped_and_begun_anew() {
    let results = results();
    let waited = timeout(Duration::ZERO, ask(&results, "a", pending())).await;
    assert!(waited.is_err());
    assert!(results.shelf.under_way().flights.is_empty());
    assert!(!is_kept(&results, "a").await);
}

#[tokio::test]
async fn an_error_is_told_and_not_kept() {
    let results = results();
    let wrong = ask(&results, "a", async { Err(Failure::execution()) }).await;
    let status = wrong.err().map(|failure| failure.status());
    assert_eq!(status, Some(StatusCode::INTERNAL_SERVER_ERROR));
    assert!(!is_kept(&results, "a").await);
    assert!(is_kept(&results, "a").await);
}

#[tokio::test]
async fn what_is_larger_than_the_cache_is_not_kept() {
    let settings = Settings {
        cache_size: 1024,
        ..Settings::unlimited()
    };
    let results = Results::of(&settings);
    let large = async { Ok(Bytes::from(vec![b' '; 1024])) };
    ask(&results, "large", large).await.expect("found");
    assert!(!is_kept(&results, "large").await);
    for n in 0..1000 {
        is_kept(&results, &format!("small {n}")).await;
    }
    results.shelf.kept.run_pending_tasks();
    assert!(results.shelf.kept.weighted_size() <= 1024);
}

#[tokio::test]
async fn a_flush_forgets_what_is_kept_and_what_is_under_way() {
    let results = Arc::new(results());
    assert!(!is_kept(&results, "a").await);
    let (finish, finished) = oneshot::channel();
    let slow = {
        let results = results.clone();
        let work = async { Ok(finished.await.unwrap_or_default()) };
        tokio::spawn(async move { ask(&results, "slow", work).await })
    };
    while results.misses() < 2 {
        yield_now().await;
    }
    results.flush();
    finish
        .send(Bytes::from("{}"))
        .expect("it is still under way");
    slow.await.expect("it ends").expect("found");
    assert!(!is_kept(&results, "slow").await);
    assert!(!is_kept(&results, "a").await);
}

#[test]
fn inputs_are_written_as_rfc_8785_says() {
    for (text, canonical) in [
        (
            r#"{"b":1,"a":{"d":2,"c":3}}"#,
            r#"{"a":{"c":3,"d":2},"b":1}"#,
        ),
        (
            "[1.0, 1e2, -0, -0.0, 1E30, 4.50, 2e-3]",
            "[1,100,0,0,1e+30,4.5,0.002]",
        ),
        (
            "[333333333.33333329, 0.000000000000000000000000001]",
            "[333333333.3333333,1e-27]",
        ),
        (
            r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#,
            r#""€$\u000f\nA'B\"\\\\\"/""#,
        ),
    ] {
        let value: Value = serde_json::from_str(text).expect("JSON");
        let written = serde_jcs::to_string(&value).expect("canonical JSON");
        assert_eq!(written, canonical);
    }
}

/// The example of section 3.2.3: the order is that of UTF-16, not of UTF-8.
#[test]
fn members_are_sorted_as_rfc_8785_says() {
    let value = json!({
        "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh",
        "1": "One", "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control",
        "\u{f6}": "Latin Small Letter O With Diaeresis",
    });
    let written = serde_jcs::to_string(&value).expect("canonical JSON");
    let sorted: Value = serde_json::from_str(&written).expect("JSON");
    let names: Vec<_> = sorted.as_object().expect("an object").keys().collect();
    assert_eq!(
        names,
        [
            "\r",
            "1",
            "\u{80}",
            "\u{f6}",
            "\u{20ac}",
            "\u{1f600}",
            "\u{fb33}"
        ]
    );
}
