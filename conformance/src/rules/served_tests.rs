//! Rules on versions, cache and metrics, on answers that were never given.

use std::sync::Arc;
use std::time::Duration;

use super::find;
use crate::drive::{cache, observability, versions};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::made_up;
use crate::params::Params;
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

#[test]
fn a_refusal_that_was_waited_out_has_been_counted() {
    let scrape = |key, text: &str| ask(Topic::Metrics, Step::Main, key, (200, text));
    let text = |ok: u32, refused: u32| {
        let all = ok + refused;
        format!(
            "# TYPE acp_agent_requests_total counter\n\
             acp_agent_requests_total{{endpoint=\"/invoke\",status=\"200\"}} {ok}\n\
             acp_agent_requests_total{{endpoint=\"/invoke\",status=\"429\"}} {refused}\n\
             # TYPE acp_agent_request_duration_seconds histogram\n\
             acp_agent_request_duration_seconds_bucket{{endpoint=\"/invoke\",le=\"+Inf\"}} {all}\n\
             acp_agent_request_duration_seconds_sum{{endpoint=\"/invoke\"}} 1\n\
             acp_agent_request_duration_seconds_count{{endpoint=\"/invoke\"}} {all}\n"
        )
    };
    let asked = |step, status, began| {
        let answer = made_up::answer(status, &[], "");
        let mut exchange = made_up::exchange(Request::post("/invoke", "{}"), Ok(answer));
        exchange.began = Duration::from_secs(began);
        Arc::new(made_up::ask(Topic::Metrics, step, 0, exchange))
    };
    let mut asks = vec![
        scrape(observability::key::BEFORE, &text(5, 0)),
        asked(Step::Disturb, 200, 2),
        scrape(observability::key::AFTER, &text(6, 1)),
    ];
    assert_eq!(said("metrics.counts-true", asks.clone()), "flawed");
    asks.push(asked(Step::WaitedOut, 429, 1));
    // After the second scrape, for one that nobody has counted yet.
    asks.push(asked(Step::WaitedOut, 429, 3));
    assert_eq!(said("metrics.counts-true", asks), "fine");
}

#[test]
fn what_is_not_waited_for_and_what_nobody_tells_is_unseen_not_beside_the_point() {
    let long = Params {
        cache_ttl: Some(Duration::from_secs(300)),
        rate_limit: Some((10, Duration::from_secs(60))),
        ..Params::default()
    };
    for (rule, params) in [
        ("cache.ttl", &long),
        ("cache.ttl", &Params::default()),
        ("rate-limit.recovers", &long),
        ("rate-limit.recovers", &Params::default()),
        ("rate-limit.as-declared", &Params::default()),
        ("lifecycle.request-timeout", &Params::default()),
        ("descriptor.valid", &Params::default()),
    ] {
        let facts = Facts {
            cases: 1,
            params: params.clone(),
            ..Facts::default()
        };
        let evidence = Evidence::new(facts, Vec::new(), Default::default());
        let judgement = (find(rule).expect("a rule").judge)(&evidence);
        assert!(
            matches!(judgement, Judgement::Unseen(_)),
            "{rule}: {judgement:?}"
        );
    }
}
