//! The scenario `cache`, against the reference agent and its faults.

use std::time::Duration;

use acp_load::traffic::Popularity;
use acp_reference_agent as reference;

use crate::common::{Agent, job, run};

#[tokio::test]
async fn hits_and_misses_are_the_agents_own_and_none_is_wrong() {
    let agent = Agent::start(&[]).await;
    let report = run(&job(&agent).await, "cache").await;
    assert_eq!(report.error, None);
    let cache = report.cache.expect("it is there");
    assert_eq!(cache.wrong_answers, 0, "{:?}", report.defects);
    assert!(cache.hits > 0 && cache.misses > 0, "{cache:?}");
    assert_eq!(cache.hits + cache.misses, report.requests.ok);
    assert_eq!(cache.marker.as_deref(), Some("output/_from_cache: true"));
    let note = report.notes.iter().find(|note| note.contains("counters"));
    assert!(
        note.expect("it is there").ends_with("the same as was seen"),
        "{note:?}"
    );
}

#[tokio::test]
async fn in_sequence_each_key_is_computed_once() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.popularity = Popularity::Sequential;
    job.traffic.keys = 12;
    // One user, so that no key can be asked for by two at once.
    job.load.users = 1;
    let cache = run(&job, "cache").await.cache.expect("it is there");
    // One of the twelve was asked beforehand, to learn how hits are marked.
    assert_eq!(cache.misses, 11, "{cache:?}");
    assert_eq!(cache.stampedes, 0);
}

#[tokio::test]
async fn wrong_answers_are_found_whatever_makes_them_wrong() {
    for fault in [
        "cuts-a-recommendation-from-first-hits",
        "rounds-numbers-in-first-hits",
        "keys-without-config",
    ] {
        let agent = Agent::start(&[fault]).await;
        let report = run(&job(&agent).await, "cache").await;
        let cache = report.cache.expect("it is there");
        assert!(cache.wrong_answers > 0, "{fault}");
        assert_eq!(report.defects[0].name, "wrong-answers");
    }
}

#[tokio::test]
async fn without_marks_nothing_is_claimed_but_what_latency_shows() {
    let settings = reference::Settings {
        enable_caching: false,
        ..reference::Settings::unlimited()
    };
    let agent = Agent::with(settings).await;
    let mut job = job(&agent).await;
    job.load.warm_up = Duration::from_millis(100);
    let cache = run(&job, "cache").await.cache.expect("it is there");
    assert!(cache.inferred);
    assert_eq!(cache.marker, None);
}
