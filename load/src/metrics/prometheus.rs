//! Prometheus's text format, version 0.0.4, as the textfile collector and the Pushgateway read it.

use std::fmt::Write;

use acp_reports::load::Report;

use super::{Measure, Metric, Value, labels, metrics, quantiles, sum};

/// A report as a text for Prometheus.
#[must_use]
pub fn exposition(report: &Report) -> String {
    let whose = labels(report);
    let mut text = String::new();
    for metric in metrics(report) {
        // Nothing fails that is written to a string.
        let _ = family(&mut text, &metric, &whose);
    }
    text
}

fn family(
    text: &mut String,
    metric: &Metric,
    whose: &[(&'static str, String)],
) -> Result<(), std::fmt::Error> {
    let name = name(metric);
    writeln!(text, "# HELP {name} {}", metric.help)?;
    let kind = match metric.points.first().map(|point| &point.value) {
        Some(Value::Counter(_)) => "counter",
        Some(Value::Summary(_)) => "summary",
        _ => "gauge",
    };
    writeln!(text, "# TYPE {name} {kind}")?;
    for point in &metric.points {
        let labels: Vec<_> = whose.iter().chain(&point.labels).cloned().collect();
        let shown = written(&labels);
        match &point.value {
            Value::Gauge(value) => writeln!(text, "{name}{shown} {value}")?,
            Value::Counter(count) => writeln!(text, "{name}{shown} {count}")?,
            Value::Summary(latency) => {
                for (quantile, seconds) in quantiles(latency) {
                    let mut labels = labels.clone();
                    labels.push(("quantile", quantile.to_string()));
                    writeln!(text, "{name}{} {seconds}", written(&labels))?;
                }
                writeln!(text, "{name}_sum{shown} {}", sum(latency))?;
                writeln!(text, "{name}_count{shown} {}", latency.count)?;
            }
        }
    }
    Ok(())
}

/// With the suffixes that are usual there.
fn name(metric: &Metric) -> String {
    let unit = match metric.unit {
        Measure::Seconds => "_seconds",
        Measure::Bytes => "_bytes",
        Measure::Share => "_ratio",
        Measure::Number => "",
    };
    let is_counter = |value: &Value| matches!(value, Value::Counter(_));
    let is_counter = metric
        .points
        .first()
        .is_some_and(|it| is_counter(&it.value));
    let total = if is_counter { "_total" } else { "" };
    format!("acp_load_{}{unit}{total}", metric.name.replace('.', "_"))
}

fn written(labels: &[(&'static str, String)]) -> String {
    let pairs = labels.iter().map(|(name, value)| {
        let value = value.replace('\\', r"\\").replace('"', "\\\"");
        format!("{name}=\"{value}\"")
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use acp_conformance::exposition::{Format, parse};
    use acp_reports::load::{Figures, Latency};

    use super::*;

    #[test]
    fn whatever_an_agent_calls_itself_each_line_is_well_formed() {
        let mut report = Report::new("mixed", "http://localhost:8000/");
        report.target.agent_id = Some("a\"b\\c\n# TYPE \u{1b}[31m".to_owned());
        report.requests.by_status.insert("200".to_owned(), 3);
        report.latency_ms = Latency {
            count: 3,
            figures: Some(Figures {
                mean: 2.0,
                p99: 5.5,
                ..Figures::default()
            }),
        };
        let text = exposition(&report);
        let (_, defects) = parse(&text, Format::Prometheus);
        assert!(defects.is_empty(), "{defects:?}\n{text}");
        assert!(!text.contains('\u{1b}'));
        let wanted = r#"acp_load_answers_total{scenario="mixed",target="http://localhost:8000/",agent="a\"b\\c\\n# TYPE \\u{1b}[31m",status="200"} 3"#;
        assert!(text.lines().any(|line| line == wanted), "{text}");
        assert!(text.contains("quantile=\"0.99\"} 0.0055\n"), "{text}");
        assert!(
            text.lines()
                .any(|line| line.starts_with("acp_load_latency_seconds_sum{")
                    && line.ends_with(" 0.006")),
            "{text}"
        );
    }
}
