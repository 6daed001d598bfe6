//! Rules on versions, cache and metrics, on answers that were never given.

use std::sync::Arc;

use super::find;
use crate::drive::{cache, observability, versions};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::made_up;
use crate::rule::Judgement;
use crate::settings::Facts;
use crate::wire::Request;

fn ask(topic: Topic, step: Step, key: usize, (status, body): (u16, &str)) -> Arc<Ask> {
    let kind = match topic {
        Topic::Metrics => "text/plain",
        _ => "application/json",
    };
    let answer = made_up::answer(status, &[("Content-Type", kind)], body);
    let exchange = made_up::exchange(Request::post("/invoke", "{}"), Ok(answer));
    Arc::new(made_up::ask(topic, step, key, exchange))
}

/// What a rule says: `fine`, `flawed`, or `open`.
fn said(rule: &str, asks: Vec<Arc<Ask>>) -> &'static str {
    let facts = Facts {
        cases: 1,
        ..Facts::default()
    };
    let evidence = Evidence::new(facts, asks, Default::default());
    match (find(rule).expect("a rule").judge)(&evidence) {
        Judgement::Judged(judged) if !judged.failures.is_empty() => "flawed",
        Judgement::Judged(judged) if judged.checked > 0 => "fine",
        _ => "open",
    }
}

/// Two versions stored under these ids, and a history of the first.
fn stored(ids: [&str; 2], history: &str) -> Vec<Arc<Ask>> {
    let stored = |key: usize| {
        let body = format!(
            r#"{{"config_id": "{}", "version": "v{}"}}"#,
            ids[key],
            key + 1
        );
        ask(Topic::ConfigVersions, Step::Setup, key, (201, &body))
    };
    let grown = versions::key::GROWN;
    let history = ask(Topic::ConfigVersions, Step::Main, grown, (200, history));
    vec![stored(0), stored(1), history]
}

#[test]
fn the_active_version_is_told_by_its_name_wherever_it_stands() {
    let grows = "config-versions.history-grows";
    let active = "config-versions.one-active";
    let v1 = r#"{"version": "v1", "active": false}"#;
    let v2 = r#"{"version": "v2", "active": true}"#;
    for (ids, history, told) in [
        (["a", "a"], format!("[{v1}, {v2}]"), ["fine", "fine"]),
        (["a", "a"], format!("[{v2}, {v1}]"), ["flawed", "fine"]),
        (["a", "a"], format!("[{v1}, {v1}]"), ["flawed", "flawed"]),
        (["a", "b"], format!("[{v1}]"), ["flawed", "open"]),
    ] {
        let asks = stored(ids, &history);
        assert_eq!(said(grows, asks.clone()), told[0], "{history}");
        assert_eq!(said(active, asks), told[1], "{history}");
    }
}

#[test]
fn an_error_with_the_exact_time_of_another_is_served_again() {
    let error = |step, time: &str| {
        let body = format!(r#"{{"error": {{"timestamp": "{time}"}}}}"#);
        ask(Topic::Cache, step, cache::key::INVALID, (400, &body))
    };
    for (times, told) in [
        (["T10:00:00.123Z", "T10:00:00.123Z"], "flawed"),
        (["T10:00:00.123Z", "T10:00:00.145Z"], "fine"),
        // Whole seconds may well be the same.
        (["T10:00:00Z", "T10:00:00Z"], "fine"),
        (["T10:00:00.000Z", "T10:00:00.000Z"], "fine"),
    ] {
        let asks = vec![error(Step::Baseline, times[0]), error(Step::Main, times[1])];
        assert_eq!(said("cache.errors-not-cached", asks), told, "{times:?}");
    }
}

#[test]
fn an_invalid_input_that_is_taken_says_nothing_of_errors_in_the_cache() {
    let taken = |step, mark: bool| {
        let body = format!(r#"{{"output": {{"_from_cache": {mark}}}}}"#);
        ask(Topic::Cache, step, cache::key::INVALID, (200, &body))
    };
    let asks = vec![taken(Step::Baseline, false), taken(Step::Main, true)];
    assert_eq!(said("cache.errors-not-cached", asks), "open");
}

#[test]
fn without_marks_nothing_is_told_of_the_keys() {
    let invoked = |key, mark: bool| {
        let body = format!(r#"{{"output": {{"_from_cache": {mark}}}}}"#);
        ask(Topic::Cache, Step::Main, key, (200, &body))
    };
    let (same, alike) = (cache::key::SAME, cache::key::ALIKE);
    for (marks, told) in [
        ([true, false], "fine"),
        ([true, true], "flawed"),
        ([false, false], "open"),
    ] {
        let asks = vec![invoked(same, marks[0]), invoked(alike, marks[1])];
        assert_eq!(said("cache.distinct-inputs", asks), told, "{marks:?}");
    }
}

#[test]
fn falling_buckets_are_untrue_and_counters_without_an_endpoint_tell_nothing() {
    let scrape = |key, text: &str| ask(Topic::Metrics, Step::Main, key, (200, text));
    let buckets = |narrow: u8| {
        format!(
            "# TYPE h histogram\nh_bucket{{le=\"1\"}} {narrow}\nh_bucket{{le=\"+Inf\"}} 2\nh_count 2\n"
        )
    };
    let by = |label: &str| format!("acp_agent_requests_total{{{label}=\"/x\"}} 1\n");
    for (text, told) in [
        (by("endpoint") + &buckets(1), "fine"),
        (by("endpoint") + &buckets(3), "flawed"),
        (by("path") + &buckets(3), "open"),
    ] {
        let keys = [observability::key::BEFORE, observability::key::AFTER];
        let asks = keys.map(|key| scrape(key, &text)).to_vec();
        assert_eq!(said("metrics.counts-true", asks.clone()), told, "{text}");
        assert_eq!(said("metrics.exposition", asks), "fine", "{text}");
    }
}
