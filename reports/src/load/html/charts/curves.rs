//! Charts by percentile: each further nine as wide as the one before.

use super::courses::{plain, short_ms};
use crate::chart::{Chart, Plot, Scale};
use crate::load::words::ms;
use crate::load::{Curve, Report};

/// Fewer samples make no curve.
const LEAST: u64 = 10;
/// Of a curve that a file claims, no more points are drawn.
const MOST: usize = 1_000;

/// How slow the slowest are: this run's and the earlier one's.
pub(in crate::load::html) fn latency_curve(report: &Report) -> Option<Chart> {
    let mut named = vec![("one", "latency", report.curve.as_slice())];
    if let Some(service) = report.curves.get("service") {
        named.push(("two", "service: from when it was sent", service));
    }
    let earlier = report.baseline.as_ref().and_then(|it| it.earlier.as_ref());
    if let Some(earlier) = earlier {
        named.push(("one earlier", "latency, earlier run", &earlier.curve));
    }
    curves("Latency by percentile", &named)
}

/// How hits differ from misses.
pub(in crate::load::html) fn hit_curves(report: &Report) -> Option<Chart> {
    let of = |name: &str| {
        report
            .curves
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let named = [
        ("hits", "hits", of("hit")),
        ("misses", "misses", of("miss")),
    ];
    curves("Hits and misses by percentile", &named)
}

/// When events come, and how long they stay away.
pub(in crate::load::html) fn stream_curves(report: &Report) -> Option<Chart> {
    let of = |name: &str| {
        report
            .curves
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let earlier = report.baseline.as_ref().and_then(|it| it.earlier.as_ref());
    let earlier = earlier
        .and_then(|it| it.curves.get("gap"))
        .map(Vec::as_slice);
    let named = [
        ("one", "gap between events", of("gap")),
        ("two", "first event", of("first_event")),
        ("three", "whole stream", of("complete")),
        (
            "one earlier",
            "gap, earlier run",
            earlier.unwrap_or_default(),
        ),
    ];
    curves("Gaps between events", &named)
}

fn curves(title: &str, named: &[(&str, &str, &[Curve])]) -> Option<Chart> {
    let enough = |curve: &[Curve]| curve.last().is_some_and(|it| it.count >= LEAST);
    let drawn: Vec<_> = named.iter().filter(|(.., it)| enough(it)).collect();
    let first = drawn.first()?;
    let most = drawn.iter().filter_map(|(.., it)| Some(it.last()?.count));
    let across = Scale::nines(most.max()?);
    let times = drawn
        .iter()
        .flat_map(|(.., it)| it.iter().take(MOST).map(|it| it.ms));
    // What is faster than a microsecond is drawn as one.
    let up = Scale::log(times.map(|ms| ms.max(0.001)));
    let mut plot = Plot::new(title, across, up).named(
        plain,
        short_ms,
        "Across: percentile, each further nine as wide as the one before. Up: milliseconds, logarithmic.",
    );
    for (class, name, curve) in &drawn {
        let line = curve.iter().take(MOST);
        let line = line.map(|it| (it.percentile, Some(it.ms.max(0.001))));
        plot = plot.line(class, name, line);
    }
    let (.., curve) = first;
    let from = curve.iter().scan(0.0, |last, point| {
        let from = std::mem::replace(last, point.percentile);
        Some((from, point))
    });
    let tips = from.map(|(from, point)| {
        let percent = format!("{:.4}", point.percentile);
        let percent = percent
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned();
        let text = format!("{percent} %: at most {} ms ({})", ms(point.ms), point.count);
        ([from, point.percentile], text)
    });
    let summary = drawn.iter().map(|(_, name, curve)| {
        let last = curve.last().map_or(0.0, |it| it.ms);
        format!(
            "{name}: median {} ms, at most {} ms",
            ms(median(curve)),
            ms(last)
        )
    });
    let summary = summary.collect::<Vec<_>>().join("; ");
    Some(plot.tips(tips).finished(summary))
}

fn median(curve: &[Curve]) -> f64 {
    let half = curve.iter().find(|it| it.percentile >= 50.0);
    half.map_or(0.0, |it| it.ms)
}
