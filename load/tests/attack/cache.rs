//! The scenario `cache`, against the reference agent and its faults.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use acp_load::attack::Model;
use acp_load::plan::Plan;
use acp_load::traffic::Popularity;
use acp_reference_agent as reference;

use crate::common::{Agent, job, run};
use crate::stalling::SCHEMA;
use crate::stub;

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
    assert_eq!(cache.marker, None);
    assert_eq!(cache.inferred, cache.hits > 0, "{cache:?}");
    assert_eq!(cache.hit_rate_unknown, !cache.inferred, "{cache:?}");
    // Where all are alike, none is called a miss.
    assert_eq!(cache.hits > 0, cache.misses > 0, "{cache:?}");
}

/// Of three questions with one input two have a configuration, and the agent has one answer for all
/// three: what was computed for one is wrong for both others, each time.
#[tokio::test]
async fn each_answer_of_another_configuration_is_counted() {
    let agent = Agent::start(&["keys-without-config"]).await;
    let mut job = job(&agent).await;
    job.traffic.popularity = Popularity::Sequential;
    job.traffic.keys = 30;
    // One user: no question is asked by two at once.
    job.load.users = 1;
    job.load.model = Model::Closed(Plan::constant(1.0, Duration::from_millis(300)));
    let report = run(&job, "cache").await;
    let cache = report.cache.expect("it is there");
    // All but the first and the last round are whole.
    let in_rounds = (cache.hits.saturating_sub(60)) * 2 / 3;
    assert!(cache.wrong_answers >= in_rounds, "{cache:?}");
    assert!(cache.wrong_answers < cache.hits, "{cache:?}");
    assert_eq!(report.defects[0].count, cache.wrong_answers);
}

/// A second run meets the answers of the first: what these should be is not known.
#[tokio::test]
async fn hits_of_an_earlier_run_are_told_of_and_not_accused() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.popularity = Popularity::Sequential;
    let notes = async |job| {
        let report = run(job, "cache").await;
        assert_eq!(report.cache.expect("it is there").wrong_answers, 0);
        let about = |note: &String| note.contains("could not be checked");
        report.notes.into_iter().filter(about).count()
    };
    assert_eq!(notes(&job).await, 0);
    assert_eq!(notes(&job).await, 1);
}

/// The first three ask beforehand; then four users come at once, and each waits for the others.
#[tokio::test]
async fn a_key_that_all_users_compute_at_once_is_a_stampede() {
    let (asked, all) = (AtomicUsize::new(0), Barrier::new(4));
    let address = stub::serve(Arc::new(move |path, body| match path {
        "/schema" => Some((stub::JSON, SCHEMA.to_owned())),
        "/invoke" if !body.contains("\"stream\"") => {
            let turn = asked.fetch_add(1, Ordering::SeqCst);
            let is_crowd = (3..7).contains(&turn);
            if is_crowd {
                all.wait();
            }
            let is_hit = turn > 0 && !is_crowd;
            let text = format!("{{\"output\":\"sun\",\"cached\":{is_hit}}}");
            Some((stub::JSON, text))
        }
        _ => None,
    }));
    let mut job = stub::job_at(address).await;
    job.traffic.keys = 1;
    let report = run(&job, "cache").await;
    let cache = report.cache.expect("it is there");
    assert_eq!((cache.misses, cache.wrong_answers), (4, 0), "{cache:?}");
    assert_eq!((cache.stampedes, cache.largest_stampede), (1, 4));
}

/// As a language model's: each of its answers is another one, and is served from the cache for a while.
#[tokio::test]
async fn an_agent_that_computes_another_answer_each_time_is_not_accused() {
    let asked = Mutex::new(BTreeMap::<String, usize>::new());
    let address = stub::serve(Arc::new(move |path, body| match path {
        "/schema" => Some((stub::JSON, SCHEMA.to_owned())),
        "/invoke" if !body.contains("\"stream\"") => {
            let mut asked = asked.lock().expect("not poisoned");
            let asks = asked.entry(body.to_owned()).or_default();
            let (answer, turn) = (*asks / 12, *asks % 12);
            let is_hit = turn != 0;
            *asks += 1;
            let text = format!("{{\"output\":\"{answer}\",\"cached\":{is_hit}}}");
            Some((stub::JSON, text))
        }
        _ => None,
    }));
    let mut job = stub::job_at(address).await;
    job.traffic.keys = 5;
    let report = run(&job, "cache").await;
    let cache = report.cache.expect("it is there");
    assert!(cache.hits > 0 && cache.misses > 0, "{cache:?}");
    assert_eq!(cache.wrong_answers, 0, "{:?}", report.defects);
}

/// The last of the answers beforehand is a hit without a mark.
#[tokio::test]
async fn an_agent_that_marks_now_and_then_is_not_said_to_mark_nothing() {
    let agent = Agent::start(&["marks-the-first-hit-only"]).await;
    let report = run(&job(&agent).await, "cache").await;
    let cache = report.cache.expect("it is there");
    assert_eq!(cache.marker.as_deref(), Some("output/_from_cache: true"));
    assert!(!cache.inferred && !cache.hit_rate_unknown);
    let told = |note: &String| note.contains("is marked as a hit and the next is not");
    assert!(report.notes.iter().any(told), "{:?}", report.notes);
}

/// Two dozen questions at once are a crowd to this fault.
#[tokio::test]
async fn wrong_answers_among_many_are_found_there_and_not_before() {
    for (users, is_crowd) in [(4, false), (60, true)] {
        let agent = Agent::start(&["mixes-hits-in-a-crowd"]).await;
        let mut job = job(&agent).await;
        job.load.users = users;
        let plan = Plan::constant(users as f64, Duration::from_millis(500));
        job.load.model = Model::Closed(plan);
        let report = run(&job, "cache").await;
        let wrong = report.cache.expect("it is there").wrong_answers;
        assert_eq!(wrong > 0, is_crowd, "{:?}", report.defects);
        let named = report.defects.iter().any(|it| it.name == "wrong-answers");
        assert_eq!(named, is_crowd);
    }
}

/// By the agent's counters, read by this test and not by the scenario.
#[tokio::test]
async fn hits_and_misses_equal_the_agents_counters_exactly() {
    for popularity in [Popularity::Zipf(1.0), Popularity::Uniform] {
        let agent = Agent::start(&[]).await;
        let mut job = job(&agent).await;
        job.traffic.keys = 150;
        job.traffic.popularity = popularity;
        job.load.users = 32;
        job.load.model = Model::Closed(Plan::constant(32.0, Duration::from_millis(600)));
        let counted = async || {
            let hits = agent.metric("acp_agent_cache_hits_total", "").await;
            (hits, agent.metric("acp_agent_cache_misses_total", "").await)
        };
        assert_eq!(counted().await, (0, 0));
        let report = run(&job, "cache").await;
        let cache = report.cache.expect("it is there");
        assert_eq!(report.requests.failed, 0);
        // One question was asked three times beforehand: computed, and two hits.
        assert_eq!(counted().await, (cache.hits + 2, cache.misses + 1));
    }
}

/// Of a cache with room for one answer, keys in sequence would never hit.
#[tokio::test]
async fn the_expected_hit_rate_knows_the_size_that_is_said() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.popularity = Popularity::Sequential;
    job.cache.answers = Some(1);
    let cache = run(&job, "cache").await.cache.expect("it is there");
    assert_eq!(cache.expected_hit_rate, 0.0);
    assert!(cache.hit_rate > 0.0);
}
