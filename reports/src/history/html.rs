//! The history as a page.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;

use super::checks::Open;
use super::{Group, History, Member, checks, groups, loads};
use crate::chart::Spark;
use crate::{LoadReport, Report, html, text, words};

const TEMPLATE: &str = concat!(
    include_str!("../html/parts.html"),
    include_str!("history.html")
);
/// No more agents, profiles and scenarios than this have a part of their own.
const GROUPS: usize = 100;
/// Of the addresses of one agent, so many are named.
const URLS: usize = 3;

#[derive(Serialize)]
struct View {
    title: String,
    parts: Vec<Part>,
    left_out: usize,
}

/// Runs of one kind.
#[derive(Serialize)]
struct Part {
    anchor: String,
    kind: &'static str,
    name: String,
    span: String,
    verdict: &'static str,
    class: &'static str,
    figures: Vec<Figure>,
    open: Vec<Open>,
    events: Vec<Event>,
    heads: [&'static str; 6],
    runs: Vec<Run>,
    total: usize,
}

/// A figure from run to run.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    name: &'static str,
    spark: Option<Spark>,
    first: String,
    last: String,
    least: String,
    most: String,
    is_known: bool,
}

impl Figure {
    pub(super) fn is_known(&self) -> bool {
        self.is_known
    }

    #[cfg(test)]
    pub(super) fn name(&self) -> &'static str {
        self.name
    }
}

/// What changed with a run.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    pub(super) when: String,
    pub(super) facts: Vec<String>,
    pub(super) turns: Vec<Turn>,
}

/// What became of some rules.
#[derive(Debug, Serialize)]
pub(super) struct Turn {
    /// How it looks.
    pub(super) class: &'static str,
    /// What it is called.
    pub(super) name: &'static str,
    /// Each with what is said of it, if anything.
    pub(super) rules: Vec<(String, String)>,
}

/// A run's row.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    pub(super) when: String,
    pub(super) version: String,
    pub(super) verdict: &'static str,
    pub(super) class: &'static str,
    pub(super) cells: Vec<String>,
}

/// A figure of each run, in the order of time.
pub(super) fn figure(
    name: &'static str,
    values: &[Option<f64>],
    say: impl Fn(f64) -> String,
) -> Figure {
    let known = || values.iter().flatten().copied().filter(|it| it.is_finite());
    let say = |value: Option<f64>| value.map_or("-".to_owned(), |it| text::clip(&say(it), 24));
    let first = say(known().next());
    let last = say(known().next_back());
    let summary = format!("{name}: from {first} to {last} in {} runs", values.len());
    Figure {
        name,
        spark: Spark::of(values, summary),
        first,
        last,
        least: say(known().reduce(f64::min)),
        most: say(known().reduce(f64::max)),
        is_known: known().next().is_some(),
    }
}

pub(super) fn write(history: &History, out: &mut dyn io::Write) -> io::Result<()> {
    let page = html::render(TEMPLATE, view(history))?;
    out.write_all(page.as_bytes())
}

fn view(history: &History) -> View {
    let checks = groups(&history.checks);
    let loads = groups(&history.loads);
    let checks = checks.iter().map(check);
    let loads = loads.iter().map(load);
    let mut parts: Vec<Part> = checks.chain(loads).take(GROUPS).collect();
    for (number, part) in parts.iter_mut().enumerate() {
        part.anchor = format!("part-{number}");
    }
    View {
        title: words::count(history.len(), "run of ACP agents", "runs of ACP agents"),
        parts,
        left_out: history.left_out,
    }
}

fn check(group: &Group<'_, Report>) -> Part {
    let last = group.runs.last().map(|run| checks::verdict(run.verdict));
    let (verdict, class) = last.unwrap_or_default();
    Part {
        anchor: String::new(),
        kind: "check",
        name: group.name.clone(),
        span: span(group),
        verdict,
        class,
        figures: checks::figures(group),
        open: checks::open(group),
        events: checks::events(group),
        heads: checks::HEADS,
        runs: checks::runs(group),
        total: group.runs.len(),
    }
}

fn load(group: &Group<'_, LoadReport>) -> Part {
    let last = group.runs.last().map(|run| checks::verdict(run.verdict));
    let (verdict, class) = last.unwrap_or_default();
    Part {
        anchor: String::new(),
        kind: "load",
        name: group.name.clone(),
        span: span(group),
        verdict,
        class,
        figures: loads::figures(group),
        open: Vec::new(),
        events: loads::events(group),
        heads: loads::HEADS,
        runs: loads::runs(group),
        total: group.runs.len(),
    }
}

/// How many runs, when, and where, if not always at the same place.
fn span<R: Member>(group: &Group<'_, R>) -> String {
    let at = |run: Option<&&R>| run.map(|run| super::when(run.began())).unwrap_or_default();
    let (first, last) = (at(group.runs.first()), at(group.runs.last()));
    let count = words::count(group.runs.len(), "run", "runs");
    let urls: BTreeSet<&str> = group.runs.iter().map(|run| run.url()).collect();
    let places = match urls.len() {
        0 | 1 => String::new(),
        number => {
            let named = urls.iter().take(URLS).map(|url| text::clip(url, 200));
            let rest = if number > URLS { ", …" } else { "" };
            let named = named.collect::<Vec<_>>().join(", ");
            format!("; at {number} addresses: {named}{rest}")
        }
    };
    match first == last {
        true => format!("{count}, {last}{places}"),
        false => format!("{count}, from {first} to {last}{places}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, Status, sample};

    fn written(history: &History) -> String {
        let mut out = Vec::new();
        history
            .write_html(&mut out)
            .expect("a vector takes everything");
        String::from_utf8(out).expect("the page is UTF-8")
    }

    fn run(day: u32, status: Status) -> Report {
        let mut report = sample::clean();
        report.started_at = format!("2026-11-{day:02}T10:00:00Z");
        report
            .results
            .push(sample::finding("sse.data-is-json", Level::Must, status));
        report.summary = crate::Summary::of(&report.results);
        report
    }

    #[test]
    fn runs_over_time_stand_in_a_page() {
        let mut history = History::default();
        history.add_check(run(2, Status::Fail));
        history.add_check(run(1, Status::Pass));
        let mut load = LoadReport::new("cache", "http://127.0.0.1:8000");
        load.started_at = "2026-11-03T10:00:00Z".to_owned();
        load.requests.total = 1;
        history.add_load(load);
        insta::assert_snapshot!(html::without_style(&written(&history)));
    }

    #[test]
    fn an_agent_that_was_at_several_addresses_is_said_to_be() {
        let mut history = History::default();
        for port in 1..=5 {
            let mut report = run(port, Status::Pass);
            report.target.url = format!("http://127.0.0.1:{port}");
            history.add_check(report);
        }
        let page = written(&history);
        assert!(page.contains("5 addresses") && page.contains("127.0.0.1:3, …"));
    }

    #[test]
    fn what_an_agent_says_is_text_and_no_markup() {
        let nasty = "</script><script>owned()</script><img src=x onerror=owned()>\"'>\u{1b}[2J";
        let mut history = History::default();
        for status in [Status::Pass, Status::Fail] {
            let mut report = run(1, status);
            report.target.agent_id = Some(nasty.to_owned());
            report.target.agent_version = Some(format!("{status:?}{nasty}"));
            report.started_at = nasty.to_owned();
            report.results[0].message = nasty.to_owned();
            history.add_check(report);
            let mut load = LoadReport::new(nasty, nasty);
            load.requests.total = 1;
            load.target.agent_version = Some(format!("{status:?}{nasty}"));
            history.add_load(load);
        }
        let page = written(&history);
        assert!(!page.contains("<img") && !page.contains("<script>o") && !page.contains('\u{1b}'));
        assert_eq!(page.matches("</script>").count(), 1);
    }

    #[test]
    fn a_long_history_makes_a_page_that_can_be_opened() {
        let mut history = History::default();
        for number in 0..2_000 {
            let status = if number % 2 == 0 {
                Status::Pass
            } else {
                Status::Fail
            };
            history.add_check(run(1, status));
        }
        let page = written(&history);
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
        assert!(page.contains("2000 runs"));
    }
}
