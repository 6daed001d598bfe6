//! The check runs of one agent by one profile: how many rules hold, what broke when, and since when
//! it has been open.

use serde::Serialize;

use super::html::{Event, Figure, Run, Turn, figure};
use super::{Group, when};
use crate::diff::{Change, Comparison, Difference};
use crate::{Level, ProfileLevel, Report, Status, Verdict, text, words};

/// Of what happened and what is open, no more than this is told.
const LISTED: usize = 200;

/// A rule that does not hold, and since when.
#[derive(Debug, Serialize)]
pub(super) struct Open {
    rule: String,
    level: &'static str,
    status: &'static str,
    since: String,
    version: String,
    /// How many runs of those before the last, without a gap.
    runs: usize,
    message: String,
}

pub(super) fn figures(group: &Group<'_, Report>) -> Vec<Figure> {
    type Of = fn(&Report) -> f64;
    let rows: [(&str, Of); 4] = [
        ("rules that hold", |it| it.summary.pass as f64),
        ("rules that do not", |it| short_of(it) as f64),
        ("not covered", |it| not_covered(it) as f64),
        ("features certified", |it| {
            it.features
                .iter()
                .filter(|feature| feature.certified)
                .count() as f64
        }),
    ];
    let whole = |value: f64| format!("{value:.0}");
    let figures = rows.into_iter().map(|(name, of)| {
        // A run without an agent says nothing of it.
        let values = group
            .runs
            .iter()
            .map(|it| (!words::is_void(it)).then(|| of(it)));
        figure(name, &values.collect::<Vec<_>>(), whole)
    });
    let took = group.runs.iter().map(|it| Some(it.duration_ms));
    let took: Vec<_> = took.collect();
    figures
        .chain([figure("took", &took, words::duration)])
        .collect()
}

fn short_of(report: &Report) -> usize {
    let summary = report.summary;
    let known = summary.warn.saturating_add(summary.expected);
    summary.fail.saturating_add(known)
}

fn not_covered(report: &Report) -> usize {
    let summary = report.summary;
    summary.inconclusive.saturating_add(summary.skip)
}

/// What changed from one run to the next, the latest first.
pub(super) fn events(group: &Group<'_, Report>) -> Vec<Event> {
    let decided: Vec<&&Report> = group.runs.iter().filter(|it| !words::is_void(it)).collect();
    let pairs = decided.windows(2).rev();
    pairs
        .filter_map(|pair| event(pair[0], pair[1]))
        .take(LISTED)
        .collect()
}

fn event(before: &Report, after: &Report) -> Option<Event> {
    let comparison = Comparison::of(before, after);
    let of = |change: Change| -> Vec<(String, String)> {
        let members = comparison
            .differences
            .iter()
            .filter(|it| it.change == change);
        members.map(told).take(LISTED).collect()
    };
    let mut turns = Vec::new();
    for (change, class, name) in [
        (Change::Broke, "bad", "broke"),
        (Change::Mended, "good", "mended"),
        (Change::New, "quiet", "new"),
        (Change::Gone, "quiet", "gone"),
        (Change::Other, "quiet", "otherwise changed"),
        (Change::Undecided, "quiet", "not decided"),
    ] {
        let rules = of(change);
        if !rules.is_empty() {
            turns.push(Turn { class, name, rules });
        }
    }
    let mut facts = Vec::new();
    let version =
        |report: &Report| text::clip(report.target.agent_version.as_deref().unwrap_or("none"), 40);
    let mut differs = |what: &str, one: String, other: String| {
        if one != other {
            facts.push(format!("{what}: {one} → {other}"));
        }
    };
    differs("the agent's version", version(before), version(after));
    let tool = |report: &Report| text::clip(&report.tool.version, 40);
    differs("acp-tck", tool(before), tool(after));
    differs(
        "level",
        level(before.level).to_owned(),
        level(after.level).to_owned(),
    );
    differs(
        "verdict",
        verdict(before.verdict).0.to_owned(),
        verdict(after.verdict).0.to_owned(),
    );
    if turns.is_empty() && facts.is_empty() {
        return None;
    }
    Some(Event {
        when: when(&after.started_at),
        facts,
        turns,
    })
}

fn told(difference: &Difference) -> (String, String) {
    let said = match difference.change {
        Change::Broke | Change::Mended => {
            format!("{} ({})", difference.message, difference.because)
        }
        _ => difference.because.clone(),
    };
    (
        text::clip(&difference.rule, 80),
        text::clip(&said, text::SENTENCE),
    )
}

/// What does not hold in the last run, the oldest first.
pub(super) fn open(group: &Group<'_, Report>) -> Vec<Open> {
    let decided: Vec<&&Report> = group.runs.iter().filter(|it| !words::is_void(it)).collect();
    let Some((last, _)) = decided.split_last() else {
        return Vec::new();
    };
    let is_open = |status: Status, level: Level| match status {
        Status::Fail | Status::Warn | Status::Expected => true,
        Status::Inconclusive => level == Level::Must,
        Status::Pass | Status::Skip | Status::Error => false,
    };
    let findings = last
        .results
        .iter()
        .filter(|it| is_open(it.status, it.level));
    let mut open: Vec<(usize, Open)> = findings
        .map(|finding| {
            let was_open = |run: &&&&Report| {
                let mut results = run.results.iter();
                let found = results.find(|it| it.rule == finding.rule);
                found.is_some_and(|it| is_open(it.status, it.level))
            };
            let runs = decided.iter().rev().take_while(was_open).count();
            let first = decided[decided.len() - runs.max(1)];
            let told = Open {
                rule: text::clip(&finding.rule, 80),
                level: words::level(finding.level),
                status: words::status(finding.status),
                since: when(&first.started_at),
                version: text::clip(first.target.agent_version.as_deref().unwrap_or("-"), 40),
                runs,
                message: text::clip(&finding.message, text::SENTENCE),
            };
            (runs, told)
        })
        .collect();
    open.sort_by_key(|(runs, _)| std::cmp::Reverse(*runs));
    open.into_iter()
        .map(|(_, open)| open)
        .take(LISTED)
        .collect()
}

/// The latest runs, the last first.
pub(super) fn runs(group: &Group<'_, Report>) -> Vec<Run> {
    let latest = group.runs.iter().rev().take(LISTED);
    latest
        .map(|run| {
            let (word, class) = verdict(run.verdict);
            Run {
                when: when(&run.started_at),
                version: text::clip(run.target.agent_version.as_deref().unwrap_or("-"), 40),
                class,
                verdict: word,
                cells: vec![
                    level(run.level).to_owned(),
                    run.summary.pass.to_string(),
                    short_of(run).to_string(),
                    not_covered(run).to_string(),
                    run.seed.to_string(),
                    text::clip(&run.tool.version, 40),
                ],
            }
        })
        .collect()
}

/// The heads of those cells.
pub(super) const HEADS: [&str; 6] = ["level", "hold", "do not", "not covered", "seed", "acp-tck"];

pub(super) fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("pass", "pass"),
        Verdict::Fail => ("fail", "fail"),
        Verdict::Error => ("no verdict", "error"),
    }
}

fn level(level: ProfileLevel) -> &'static str {
    match level {
        ProfileLevel::Production => "production",
        ProfileLevel::Core => "core",
        ProfileLevel::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::super::groups;
    use super::*;
    use crate::sample;

    fn run(day: u32, status: Status) -> Report {
        let mut report = sample::clean();
        report.started_at = format!("2026-11-{day:02}T10:00:00Z");
        report.target.agent_version = Some(format!("1.{day}"));
        report.results = vec![sample::finding("a.x", Level::Must, status)];
        report
    }

    fn group(runs: &[Report]) -> Group<'_, Report> {
        let mut groups = groups(runs);
        groups.pop().expect("there are runs")
    }

    #[test]
    fn what_broke_is_told_with_its_day_and_since_when_it_has_been_open() {
        use Status::{Fail, Pass};
        let runs = [run(4, Fail), run(1, Pass), run(3, Fail), run(2, Pass)];
        let group = group(&runs);
        let events = events(&group);
        let broke = events.iter().find(|event| !event.turns.is_empty());
        let broke = broke.expect("something broke");
        assert_eq!(broke.when, "2026-11-03 10:00");
        assert_eq!(
            (broke.turns[0].name, broke.turns[0].rules[0].0.as_str()),
            ("broke", "a.x")
        );
        let open = open(&group);
        assert_eq!(
            (open[0].since.as_str(), open[0].runs),
            ("2026-11-03 10:00", 2)
        );
        assert_eq!(open[0].version, "1.3");
    }

    #[test]
    fn a_run_that_reached_no_agent_breaks_nothing() {
        let mut gone = sample::unreachable();
        gone.started_at = "2026-11-02T10:00:00Z".to_owned();
        gone.target.url = sample::clean().target.url;
        let runs = [run(1, Status::Pass), gone, run(3, Status::Pass)];
        let group = group(&runs);
        assert!(events(&group).iter().all(|event| event.turns.is_empty()));
        assert!(open(&group).is_empty());
        assert_eq!(super::runs(&group).len(), 3);
    }
}
