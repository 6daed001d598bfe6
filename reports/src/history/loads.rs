//! The load runs of one agent in one scenario: where its figures go.

use super::html::{Event, Figure, Run, Turn, figure};
use super::{Group, checks, when};
use crate::LoadReport;
use crate::load::Model;
use crate::load::words::{ms, per_second, rate, seconds, share};
use crate::text;

/// Of what happened, no more than this is told.
const LISTED: usize = 200;

pub(super) fn figures(group: &Group<'_, LoadReport>) -> Vec<Figure> {
    type Of = fn(&LoadReport) -> Option<f64>;
    type Say = fn(f64) -> String;
    let in_ms: Say = |value| format!("{} ms", ms(value));
    let rows: [(&str, Of, Say); 9] = [
        ("answered well", |it| Some(it.throughput_rps), rate),
        ("median", |it| Some(it.latency_ms.figures?.p50), in_ms),
        ("p99", |it| Some(it.latency_ms.figures?.p99), in_ms),
        ("p99.9", |it| Some(it.latency_ms.figures?.p999), in_ms),
        (
            "failed",
            |it| Some(it.requests.failed as f64 / it.requests.total.max(1) as f64),
            share,
        ),
        ("hit rate", |it| it.cache.as_ref()?.known_hit_rate(), share),
        (
            "limit found",
            |it| it.rate_limit.as_ref()?.limit.map(|it| it as f64),
            per_second,
        ),
        ("capacity", |it| Some(it.capacity.as_ref()?.max_rps), rate),
        (
            "first event, p95",
            |it| Some(it.stream.as_ref()?.first_event_ms.figures?.p95),
            in_ms,
        ),
    ];
    let figures = rows.into_iter().map(|(name, of, say)| {
        // What came to nothing has no figures.
        let values = group
            .runs
            .iter()
            .map(|it| of(it).filter(|_| it.requests.total > 0));
        figure(name, &values.collect::<Vec<_>>(), say)
    });
    figures.filter(Figure::is_known).collect()
}

/// What changed from one run to the next, the latest first: verdicts, and how load was made.
pub(super) fn events(group: &Group<'_, LoadReport>) -> Vec<Event> {
    let pairs = group.runs.windows(2).rev();
    pairs
        .filter_map(|pair| event(pair[0], pair[1]))
        .take(LISTED)
        .collect()
}

fn event(before: &LoadReport, after: &LoadReport) -> Option<Event> {
    let mut facts = Vec::new();
    let mut differs = |what: &str, of: &dyn Fn(&LoadReport) -> String| {
        let (one, other) = (of(before), of(after));
        if one != other {
            facts.push(format!(
                "{what}: {} → {}",
                text::clip(&one, 80),
                text::clip(&other, 80)
            ));
        }
    };
    differs("the agent's version", &|it| {
        it.target
            .agent_version
            .clone()
            .unwrap_or_else(|| "none".to_owned())
    });
    differs("load", &load);
    differs("measured", &|it| seconds(it.duration_s.round()));
    differs("trusted", &|it| {
        if it.generator.trusted { "yes" } else { "no" }.to_owned()
    });
    differs("verdict", &|it| checks::verdict(it.verdict).0.to_owned());
    let names = |report: &LoadReport| -> Vec<String> {
        let missed = report.thresholds.iter().filter(|it| !it.holds);
        let missed = missed.map(|it| it.expression.clone());
        missed
            .chain(report.defects.iter().map(|it| it.name.clone()))
            .collect()
    };
    let (was, is) = (names(before), names(after));
    let only = |some: &[String], others: &[String]| -> Vec<(String, String)> {
        let own = some.iter().filter(|it| !others.contains(it)).take(LISTED);
        own.map(|it| (text::clip(it, 80), String::new())).collect()
    };
    let (broke, mended) = (only(&is, &was), only(&was, &is));
    let mut turns = Vec::new();
    if !broke.is_empty() {
        turns.push(Turn {
            class: "bad",
            name: "broke",
            rules: broke,
        });
    }
    if !mended.is_empty() {
        turns.push(Turn {
            class: "good",
            name: "mended",
            rules: mended,
        });
    }
    if facts.is_empty() && turns.is_empty() {
        return None;
    }
    Some(Event {
        when: when(&after.started_at),
        facts,
        turns,
    })
}

fn load(report: &LoadReport) -> String {
    match (report.model, report.rate) {
        (Model::Open, Some(aim)) => format!("{} on {} connections", rate(aim), report.users),
        (Model::Open, None) => format!("{} connections", report.users),
        (Model::Closed, _) => format!("{} users", report.users),
    }
}

/// The latest runs, the last first.
pub(super) fn runs(group: &Group<'_, LoadReport>) -> Vec<Run> {
    let latest = group.runs.iter().rev().take(LISTED);
    latest
        .map(|run| {
            let (word, class) = checks::verdict(run.verdict);
            let figures = run.latency_ms.figures;
            let time =
                |value: Option<f64>| value.map_or("-".to_owned(), |it| format!("{} ms", ms(it)));
            Run {
                when: when(&run.started_at),
                version: text::clip(run.target.agent_version.as_deref().unwrap_or("-"), 40),
                class,
                verdict: word,
                cells: vec![
                    text::clip(&load(run), 60),
                    text::clip(&rate(run.throughput_rps), 24),
                    text::clip(&time(figures.map(|it| it.p50)), 24),
                    text::clip(&time(figures.map(|it| it.p99)), 24),
                    crate::load::share_of(run.requests.failed, run.requests.total),
                    if run.generator.trusted { "yes" } else { "NO" }.to_owned(),
                ],
            }
        })
        .collect()
}

/// The heads of those cells.
pub(super) const HEADS: [&str; 6] = ["load", "well", "p50", "p99", "failed", "trusted"];

#[cfg(test)]
mod tests {
    use super::super::groups;
    use super::*;
    use crate::Verdict;
    use crate::load::Threshold;

    fn run(day: u32, p99: f64, holds: bool) -> LoadReport {
        let mut report = LoadReport::new("cache", "http://127.0.0.1:8000");
        report.started_at = format!("2026-11-{day:02}T10:00:00Z");
        report.requests.total = 10;
        report.latency_ms.figures = Some(crate::load::Figures {
            p99,
            ..Default::default()
        });
        report.thresholds = vec![Threshold {
            expression: "p99<50ms".to_owned(),
            holds,
            ..Threshold::default()
        }];
        report.verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        report
    }

    #[test]
    fn a_threshold_that_is_missed_again_is_told_with_its_day() {
        let runs = [run(1, 4.0, true), run(2, 60.0, false), run(3, 5.0, true)];
        let groups = groups(&runs);
        let events = events(&groups[0]);
        let told: Vec<_> = events
            .iter()
            .map(|it| (it.when.as_str(), it.turns[0].name))
            .collect();
        assert_eq!(
            told,
            [
                ("2026-11-03 10:00", "mended"),
                ("2026-11-02 10:00", "broke")
            ]
        );
        assert_eq!(events[0].facts, ["verdict: fail → pass"]);
    }

    #[test]
    fn figures_that_no_run_has_are_left_out() {
        let runs = [run(1, 4.0, true), run(2, 6.0, true)];
        let groups = groups(&runs);
        let names: Vec<_> = figures(&groups[0]).iter().map(Figure::name).collect();
        assert!(
            names.contains(&"p99") && !names.contains(&"hit rate"),
            "{names:?}"
        );
    }
}
