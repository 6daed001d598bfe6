//! A report pushed to an OpenTelemetry collector: OTLP over HTTP, in its JSON encoding
//! (opentelemetry.io/docs/specs/otlp).

use std::sync::Arc;
use std::time::Duration;

use acp_reports::load::Report;
use serde_json::{Value as Json, json};

use super::{Measure, Metric, Point, Value, labels, metrics, quantiles, sum};
use crate::hot::{Line, Prepared};
use crate::inlet::Reading;
use crate::target::{Target, TargetError, Wishes};
use crate::traffic::say;

/// Where collectors take metrics, below their base URL.
const PATH: &str = "/v1/metrics";
/// How long one may take over it.
const PATIENCE: Duration = Duration::from_secs(10);
/// "Cumulative", as the protocol numbers it.
const CUMULATIVE: u8 = 2;

/// From when to when a run was, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub began: u64,
    /// When it ended.
    pub ended: u64,
}

/// Why the metrics did not get there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Nobody answers.
    #[error("the collector at {url} does not answer: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// The kind of trouble.
        why: &'static str,
    },
    /// It does not want them.
    #[error("the collector at {url} answers {status} to the metrics, not 200")]
    Refused {
        /// Where.
        url: String,
        /// With what.
        status: u16,
    },
    /// It took some of them.
    #[error("the collector at {url} rejected {count} of the metrics")]
    Rejected {
        /// Where.
        url: String,
        /// How many.
        count: u64,
    },
}

/// A collector, found before the run, so that a wrong name is told at once.
pub struct Collector(Arc<Target>);

impl Collector {
    /// Finds it by its base URL: `http://localhost:4318`.
    ///
    /// # Errors
    /// If that is none, or its name is not known.
    pub async fn find(url: url::Url) -> Result<Self, TargetError> {
        let mut wishes = Wishes::of(url);
        wishes.timeout = PATIENCE;
        Target::find(&wishes).await.map(Self)
    }

    /// Pushes the metrics of a report, once.
    ///
    /// # Errors
    /// If they did not all get there.
    pub async fn push(&self, report: &Report, span: Span) -> Result<(), PushError> {
        let url = format!("{}{PATH}", self.0.url.as_str().trim_end_matches('/'));
        let body = request(report, span).to_string();
        let unreachable = |why| PushError::Unreachable {
            url: url.clone(),
            why,
        };
        let prepared = Prepared::post(&self.0, PATH, body).ok_or_else(|| unreachable("no URL"))?;
        let mut line = Line::new(self.0.clone(), 0);
        let answer = say(&mut line, &prepared, Reading::Kept).await;
        if let Some(trouble) = answer.trouble {
            return Err(unreachable(trouble.name()));
        }
        let status = answer.status;
        if !answer.is_well() {
            return Err(PushError::Refused { url, status });
        }
        // Numbers of 64 bits are texts in this JSON, but not every collector knows that.
        let rejected = answer.json().and_then(|it| {
            let count = it.pointer("/partialSuccess/rejectedDataPoints")?;
            count.as_u64().or_else(|| count.as_str()?.parse().ok())
        });
        match rejected {
            Some(count) if count > 0 => Err(PushError::Rejected { url, count }),
            _ => Ok(()),
        }
    }
}

/// The request for a collector: an `ExportMetricsServiceRequest`.
#[must_use]
pub fn request(report: &Report, span: Span) -> Json {
    let tool = report.tool.as_ref();
    let mut resource = vec![("service.name", "acp-tck".to_owned())];
    resource.extend(tool.map(|tool| ("service.version", tool.version.clone())));
    let whose = labels(report);
    let metrics: Vec<Json> = metrics(report)
        .iter()
        .map(|metric| one(metric, &whose, span))
        .collect();
    json!({"resourceMetrics": [{
        "resource": {"attributes": attributes(&resource)},
        "scopeMetrics": [{"scope": {"name": "acp-tck/load"}, "metrics": metrics}],
    }]})
}

fn one(metric: &Metric, whose: &[(&'static str, String)], span: Span) -> Json {
    let unit = match metric.unit {
        Measure::Seconds => "s",
        Measure::Bytes => "By",
        Measure::Share | Measure::Number => "1",
    };
    let points = metric.points.iter();
    let points: Vec<Json> = points.map(|it| point(it, whose, span)).collect();
    let (kind, data) = match metric.points.first().map(|point| &point.value) {
        Some(Value::Counter(_)) => (
            "sum",
            json!({"aggregationTemporality": CUMULATIVE, "isMonotonic": true, "dataPoints": points}),
        ),
        Some(Value::Summary(_)) => ("summary", json!({"dataPoints": points})),
        _ => ("gauge", json!({"dataPoints": points})),
    };
    json!({
        "name": format!("acp.load.{}", metric.name),
        "description": metric.help,
        "unit": unit,
        kind: data,
    })
}

fn point(point: &Point, whose: &[(&'static str, String)], span: Span) -> Json {
    let labels: Vec<_> = whose.iter().chain(&point.labels).cloned().collect();
    let mut json = json!({
        "attributes": attributes(&labels),
        "startTimeUnixNano": span.began.to_string(),
        "timeUnixNano": span.ended.to_string(),
    });
    match &point.value {
        Value::Gauge(value) => json["asDouble"] = json!(value),
        Value::Counter(count) => json["asInt"] = json!(count.to_string()),
        Value::Summary(latency) => {
            json["count"] = json!(latency.count.to_string());
            json["sum"] = json!(sum(latency));
            let quantiles = quantiles(latency).into_iter();
            json["quantileValues"] = quantiles
                .map(|(quantile, value)| json!({"quantile": quantile, "value": value}))
                .collect();
        }
    }
    json
}

fn attributes(pairs: &[(&'static str, String)]) -> Json {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}

#[cfg(test)]
mod tests {
    use acp_reports::load::{Figures, Latency};
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::metrics::v1::metric::Data;

    use super::*;

    #[test]
    fn the_protocols_own_types_read_it_with_nothing_lost() {
        let mut report = Report::new("cache", "http://localhost:8000/");
        report.requests.by_status.insert("200".to_owned(), 3);
        report.latency_ms = Latency {
            count: 3,
            figures: Some(Figures {
                mean: 2.0,
                p99: 5.5,
                ..Figures::default()
            }),
        };
        let span = Span {
            began: 1_790_000_000_000_000_000,
            ended: 1_790_000_010_000_000_000,
        };
        let json = request(&report, span);
        let read: ExportMetricsServiceRequest =
            serde_json::from_value(json.clone()).expect("what the protocol says");
        let metrics = &read.resource_metrics[0].scope_metrics[0].metrics;
        let named = |name: &str| {
            let metric = metrics.iter().find(|metric| metric.name == name);
            metric.and_then(|it| it.data.clone()).expect("it is there")
        };
        let Data::Summary(latency) = named("acp.load.latency") else {
            panic!("no summary")
        };
        let point = &latency.data_points[0];
        assert_eq!((point.count, point.time_unix_nano), (3, span.ended));
        let p99 = point.quantile_values.iter().find(|it| it.quantile == 0.99);
        assert_eq!(p99.map(|it| it.value), Some(0.0055));
        let Data::Sum(answers) = named("acp.load.answers") else {
            panic!("no sum")
        };
        assert!(answers.is_monotonic && answers.aggregation_temporality == 2);
        // What the types write again has all that was in it.
        let again = serde_json::to_value(&read).expect("JSON");
        let again = &again["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
        assert_eq!(again.as_array().map(Vec::len), Some(metrics.len()));
    }
}
