//! Runs of a few requests, put together.

use std::collections::BTreeMap;

use acp_reports::load::{Cache, Report, Slice, Stream};
use hdrhistogram::Histogram;

use super::{MergeError, merge};
use crate::hlog::encoded;
use crate::summary::{curve, latency};
use crate::threshold::Threshold;

fn histogram(values: &[u64]) -> Histogram<u64> {
    let mut histogram = crate::recorder::histogram();
    for value in values {
        crate::recorder::record(&mut histogram, *value);
    }
    histogram
}

fn named(name: &str, values: &[u64]) -> BTreeMap<String, String> {
    let text = encoded(&histogram(values)).expect("text");
    [(name.to_owned(), text)].into()
}

/// A run of three requests, each in a slice of its own.
fn run(values: [u64; 3]) -> Report {
    let mut report = Report::new("mixed", "http://127.0.0.1:8000");
    report.started_at = "2026-11-22T10:00:00Z".to_owned();
    report.duration_s = 30.0;
    report.users = 10;
    report.throughput_rps = 0.1;
    report.requests.total = 4;
    report.requests.ok = 3;
    report.requests.failed = 1;
    report.requests.by_status = [("200".to_owned(), 3), ("503".to_owned(), 1)].into();
    report.latency_ms = latency(&histogram(&values));
    report.histograms = named("latency", &values);
    for (number, value) in values.into_iter().enumerate() {
        report.slices.push(Slice {
            at_s: number as f64 * 10.0,
            length_s: 10.0,
            ok: 1,
            histograms: named("latency", &[value]),
            ..Slice::default()
        });
    }
    report
}

fn merged(reports: Vec<Report>) -> Result<Report, MergeError> {
    let named = reports.into_iter().enumerate();
    let named: Vec<_> = named.map(|(at, it)| (format!("{at}.json"), it)).collect();
    merge(&named)
}

#[test]
fn figures_are_those_of_all_values_together() {
    let whole = merged(vec![run([1_000, 2_000, 3_000]), run([500, 70_000, 4_000])]);
    let whole = whole.expect("they can be merged");
    let all = histogram(&[1_000, 2_000, 3_000, 500, 70_000, 4_000]);
    assert_eq!(whole.latency_ms, latency(&all));
    assert_eq!(whole.curve, curve(&all));
    assert_eq!(
        (whole.users, whole.requests.total, whole.requests.failed),
        (20, 8, 2)
    );
    assert_eq!(whole.requests.by_status["200"], 6);
    assert!((whole.throughput_rps - 0.2).abs() < 1e-9);
    assert_eq!(whole.slices.len(), 3);
    assert_eq!(whole.slices[1].ok, 2);
    assert_eq!(
        whole.slices[1].latency_ms,
        latency(&histogram(&[2_000, 70_000]))
    );
    // It can be merged again, and be a baseline.
    let again = merged(vec![whole.clone(), run([1, 1, 1])]).expect("they can be merged");
    assert_eq!(again.latency_ms.count, 9);
}

#[test]
fn thresholds_are_held_against_the_whole() {
    let mut one = run([1_000, 1_000, 1_000]);
    one.thresholds = vec!["p50<5ms".parse::<Threshold>().expect("one").judge(&one)];
    let other = run([9_000, 9_000, 9_000]);
    let mut third = other.clone();
    third.thresholds.clone_from(&one.thresholds);
    let whole = merged(vec![one, other, third]).expect("they can be merged");
    assert_eq!(whole.thresholds.len(), 1);
    assert!(!whole.thresholds[0].holds);
    assert_eq!(whole.verdict, acp_reports::Verdict::Fail);
}

#[test]
fn hits_and_streams_are_added_and_their_rates_made_anew() {
    let with = |hits, misses, gap| {
        let mut report = run([1, 2, 3]);
        report.scenario = "cache".to_owned();
        report.cache = Some(Cache {
            hits,
            misses,
            expected_hit_rate: 0.5,
            ..Cache::default()
        });
        report.stream = Some(Stream {
            opened: 2,
            ..Stream::default()
        });
        report.histograms.extend(named("gap", &[gap]));
        report
    };
    let whole = merged(vec![with(3, 1, 1_000), with(1, 3, 9_000)]).expect("merged");
    let cache = whole.cache.expect("a cache");
    assert_eq!(
        (cache.hits, cache.hit_rate, cache.expected_hit_rate),
        (4, 0.5, 0.5)
    );
    let stream = whole.stream.expect("streams");
    assert_eq!((stream.opened, stream.gap_ms.count), (4, 2));
    assert!(whole.curves.contains_key("gap"));
}

#[test]
fn what_does_not_belong_together_is_refused_and_said() {
    type Change = fn(&mut Report);
    let changes: [(Change, &str); 7] = [
        (
            |it| {
                drop(
                    it.slices[0]
                        .histograms
                        .insert("gap".to_owned(), "!".to_owned()),
                )
            },
            "cannot be read",
        ),
        (
            |it| it.scenario = "stream".to_owned(),
            "the scenario is stream",
        ),
        (
            |it| it.target.agent_version = Some("2".to_owned()),
            "version is 2",
        ),
        (
            |it| it.started_at = "2026-11-22T11:00:00Z".to_owned(),
            "same time",
        ),
        (|it| it.histograms.clear(), "no histograms"),
        (|it| it.requests.total = 0, "came to nothing"),
        (
            |it| it.scenario = "rate-limit".to_owned(),
            "finds a limit by itself",
        ),
    ];
    for (change, told) in changes {
        let mut other = run([1, 2, 3]);
        change(&mut other);
        let error = merged(vec![run([1, 2, 3]), other]).expect_err("they differ");
        let error = error.to_string();
        assert!(
            error.starts_with("1.json: ") && error.contains(told),
            "{error}"
        );
    }
    assert!(matches!(merge(&[]), Err(MergeError::Nothing)));
}

#[test]
fn runs_that_were_cut_otherwise_keep_their_histograms_and_lose_their_slices() {
    let mut other = run([1, 2, 3]);
    other.slices[0].length_s = 7.0;
    let whole = merged(vec![run([1, 2, 3]), other]).expect("they can be merged");
    assert!(whole.slices.is_empty());
    assert_eq!(whole.latency_ms.count, 6);
    assert!(
        whole
            .notes
            .iter()
            .any(|it| it.contains("different lengths"))
    );
}
