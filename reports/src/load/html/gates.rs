//! What decides a run, as it stands in the page: thresholds, and the run beside an earlier one.

use serde::Serialize;

use crate::load::words::{comparison, figure, share};
use crate::load::{Baseline, Metric, Threshold, Unit};
use crate::text;

/// Of thresholds and compared figures no more than this many are shown.
const MOST: usize = 200;

/// A threshold.
#[derive(Serialize)]
pub(super) struct Gate {
    expression: String,
    value: String,
    holds: bool,
}

/// A run beside an earlier one.
#[derive(Serialize)]
pub(super) struct Beside {
    file: String,
    allowed: String,
    confidence: String,
    began: Option<String>,
    differences: Vec<String>,
    metrics: Vec<Compared>,
}

/// A figure of two runs, with places for its interval: from 0 to 100, no change in the middle.
#[derive(Serialize)]
struct Compared {
    name: String,
    before: String,
    after: String,
    change: String,
    interval: String,
    state: &'static str,
    said: &'static str,
    low: String,
    width: String,
    at: String,
}

pub(super) fn gates(thresholds: &[Threshold]) -> Vec<Gate> {
    let shown = thresholds.iter().take(MOST);
    shown
        .map(|threshold| Gate {
            expression: text::clip(&threshold.expression, 80),
            value: match threshold.value {
                Some(value) => text::clip(&figure(threshold.unit, value), 40),
                None => text::clip(threshold.lack(), text::SENTENCE),
            },
            holds: threshold.holds,
        })
        .collect()
}

pub(super) fn beside(baseline: &Baseline) -> Beside {
    let metrics = || baseline.metrics.iter().take(MOST);
    let edges = metrics().flat_map(|it| [it.interval[0], it.interval[1], it.change]);
    let sizes = edges.map(f64::abs).filter(|size| size.is_finite());
    let farthest = sizes.fold(baseline.max_regression.max(0.01), f64::max);
    let began = baseline.earlier.as_ref().map(|it| &it.started_at);
    Beside {
        file: text::clip(&baseline.file, text::SENTENCE),
        allowed: share(baseline.max_regression),
        confidence: share(baseline.confidence),
        began: began
            .filter(|it| !it.is_empty())
            .map(|it| text::clip(it, 60)),
        differences: baseline
            .differences
            .iter()
            .take(20)
            .map(|it| text::clip(it, text::SENTENCE))
            .collect(),
        metrics: metrics().map(|it| compared(it, farthest)).collect(),
    }
}

fn compared(metric: &Metric, farthest: f64) -> Compared {
    let place = |change: f64| {
        let place = 50.0 + change / farthest * 48.0;
        if place.is_nan() {
            50.0
        } else {
            place.clamp(0.0, 100.0)
        }
    };
    // Of figures that are shares themselves the change is a difference.
    let unit = match metric.unit {
        Unit::Share => "points",
        _ => "%",
    };
    let percent = |share: f64| {
        let rounded = (share * 1_000.0).round() / 10.0;
        // There is no change by -0.
        let number = match rounded == 0.0 {
            true => "0.0".to_owned(),
            false => format!("{rounded:+.1}"),
        };
        text::clip(&format!("{number} {unit}"), 24)
    };
    let [low, high] = metric.interval;
    Compared {
        name: text::clip(&metric.name, 40),
        before: text::clip(&figure(metric.unit, metric.before), 24),
        after: text::clip(&figure(metric.unit, metric.after), 24),
        change: percent(metric.change),
        interval: format!("{} to {}", percent(low), percent(high)),
        state: match (metric.regressed, metric.significant) {
            (true, _) => "regressed",
            (false, true) => "changed",
            (false, false) => "noise",
        },
        said: comparison(metric),
        low: format!("{:.2}", place(low)),
        width: format!("{:.2}", (place(high) - place(low)).max(0.5)),
        at: format!("{:.2}", place(metric.change)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::sample;

    #[test]
    fn the_farthest_change_is_at_the_edge_and_none_in_the_middle() {
        let report = sample::cache();
        let baseline = report.baseline.expect("there is one");
        let beside = beside(&baseline);
        let at: Vec<_> = beside.metrics.iter().map(|it| it.at.as_str()).collect();
        assert_eq!(at[0], "50.00");
        let edges = beside.metrics.iter().map(|it| {
            let number = |text: &str| text.parse::<f64>().expect("a number");
            number(&it.low) + number(&it.width)
        });
        assert!((edges.fold(0.0, f64::max) - 98.0).abs() < 0.1);
        let states: Vec<_> = beside.metrics.iter().map(|it| it.state).collect();
        assert_eq!(states, ["noise", "regressed", "changed"]);
    }

    #[test]
    fn a_figure_that_the_run_lacks_is_said_to_be_missing() {
        let gates = gates(&[Threshold::default()]);
        assert!(!gates[0].holds);
        assert_eq!(gates[0].value, "the run has no such figure");
    }
}
