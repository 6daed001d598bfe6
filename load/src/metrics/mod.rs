//! A run in the metrics of others: as a text for Prometheus (`prometheus`), or pushed to an
//! OpenTelemetry collector (`otlp`). Both are loops over this list, which is one over `figures`.

mod otlp;
mod prometheus;

use acp_reports::Verdict;
use acp_reports::load::{Latency, Report, Unit};
use acp_reports::{escape, shorten};

use crate::figures;

pub use self::otlp::{Collector, PushError, Span, request};
pub use self::prometheus::exposition;

/// The most of a text of the agent's that becomes a label, in characters.
const LONGEST: usize = 120;

/// One metric, without the prefix that all have.
struct Metric {
    /// In words with dots between.
    name: String,
    help: String,
    unit: Measure,
    points: Vec<Point>,
}

/// What a metric is counted in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Measure {
    Number,
    Share,
    Seconds,
    Bytes,
}

struct Point {
    labels: Vec<(&'static str, String)>,
    value: Value,
}

enum Value {
    /// It may go up and down.
    Gauge(f64),
    /// It has been counted up from 0.
    Counter(u64),
    /// In milliseconds.
    Summary(Latency),
}

/// What a text of the agent's or the user's is as a label.
fn label(text: &str) -> String {
    escape(&shorten(text, LONGEST)).into_owned()
}

/// Whose metrics they are.
fn labels(report: &Report) -> Vec<(&'static str, String)> {
    let target = &report.target;
    let mut labels = vec![
        ("scenario", label(&report.scenario)),
        ("target", label(&target.url)),
    ];
    let agent = target.agent_id.as_deref().map(|id| ("agent", label(id)));
    let version = target.agent_version.as_deref();
    labels.extend(agent);
    labels.extend(version.map(|version| ("agent_version", label(version))));
    labels
}

fn metrics(report: &Report) -> Vec<Metric> {
    let mut all = counters(report);
    all.extend(distributions(report));
    for (name, unit, value) in figures::singles(report).filter(|it| it.2.is_finite()) {
        let (unit, value) = match unit {
            Unit::Ms => (Measure::Seconds, value / 1000.0),
            Unit::Seconds => (Measure::Seconds, value),
            Unit::Share => (Measure::Share, value),
            Unit::Bytes => (Measure::Bytes, value),
            _ => (Measure::Number, value),
        };
        let help = format!("The figure {name} of the run");
        all.push(Metric::gauge(name, help, unit, value));
    }
    let is = |holds: bool| f64::from(u8::from(holds));
    for (name, help, holds) in [
        (
            "trusted",
            "1 if the figures are the agent's, 0 if the generator was the bottleneck",
            report.generator.trusted,
        ),
        (
            "passed",
            "1 if the run passed, 0 if it failed or there is no verdict",
            report.verdict == Verdict::Pass,
        ),
    ] {
        all.push(Metric::gauge(
            name,
            help.to_owned(),
            Measure::Number,
            is(holds),
        ));
    }
    let thresholds = report.thresholds.iter().map(|it| Point {
        labels: vec![("expression", label(&it.expression))],
        value: Value::Gauge(is(it.holds)),
    });
    all.push(Metric {
        name: "threshold.holds".to_owned(),
        help: "1 if the threshold holds, 0 if it does not".to_owned(),
        unit: Measure::Number,
        points: thresholds.collect(),
    });
    all.retain(|metric| !metric.points.is_empty());
    all
}

fn counters(report: &Report) -> Vec<Metric> {
    let requests = &report.requests;
    let counter = |name: &str, help: &str, by, counts: &std::collections::BTreeMap<String, u64>| {
        let points = counts.iter().map(|(kind, count)| Point {
            labels: vec![(by, kind.clone())],
            value: Value::Counter(*count),
        });
        Metric {
            name: name.to_owned(),
            help: help.to_owned(),
            unit: Measure::Number,
            points: points.collect(),
        }
    };
    vec![
        counter(
            "answers",
            "Requests by the status of their answer; none for those without one",
            "status",
            &requests.by_status,
        ),
        counter(
            "failures",
            "Requests without a proper answer, by what went wrong",
            "kind",
            &requests.by_error,
        ),
    ]
}

fn distributions(report: &Report) -> Vec<Metric> {
    let summary = |name: String, help: String, points: Vec<Point>| Metric {
        name,
        help,
        unit: Measure::Seconds,
        points,
    };
    let mut all = Vec::new();
    for (name, latency) in figures::distributions(report) {
        let name = if name.is_empty() { "latency" } else { name };
        let help = format!("The distribution {name} of the run");
        all.push(summary(
            name.to_owned(),
            help,
            vec![Point::summary(Vec::new(), latency)],
        ));
    }
    let endpoints = report.endpoints.iter().map(|it| {
        let labels = vec![("endpoint", label(&it.name))];
        Point::summary(labels, it.latency_ms)
    });
    let help = "The latency by what was asked".to_owned();
    all.push(summary(
        "endpoint.latency".to_owned(),
        help,
        endpoints.collect(),
    ));
    all
}

impl Metric {
    fn gauge(name: &str, help: String, unit: Measure, value: f64) -> Self {
        let point = Point {
            labels: Vec::new(),
            value: Value::Gauge(value),
        };
        Self {
            name: name.to_owned(),
            help,
            unit,
            points: vec![point],
        }
    }
}

impl Point {
    fn summary(labels: Vec<(&'static str, String)>, latency: Latency) -> Self {
        let value = Value::Summary(latency);
        Self { labels, value }
    }
}

/// The quantiles of a summary, in seconds; the least and the greatest are 0 and 1.
fn quantiles(latency: &Latency) -> Vec<(f64, f64)> {
    let Some(it) = &latency.figures else {
        return Vec::new();
    };
    let all = [
        (0.0, it.min),
        (0.5, it.p50),
        (0.9, it.p90),
        (0.95, it.p95),
        (0.99, it.p99),
        (0.999, it.p999),
        (1.0, it.max),
    ];
    all.map(|(quantile, ms)| (quantile, ms / 1000.0)).to_vec()
}

/// The sum of a summary, in seconds.
fn sum(latency: &Latency) -> f64 {
    let mean = latency.figures.map_or(0.0, |figures| figures.mean);
    mean / 1000.0 * latency.count as f64
}
