//! What stands in the page: the run in the words and the order of a reader.

use serde::Serialize;

use super::charts::{self, Courses};
use super::course::Point;
use super::gates::{Beside, Gate, beside, gates};
use crate::chart::Chart;
use crate::load::blocks::{self, Block, Kind};
use crate::load::words::{self, figure, ms, per_second, rate, seconds, share};
use crate::load::{Baseline, Model, Report, Unit};
use crate::{Verdict, text};

/// Of lists that a file may make long, this many entries are shown.
const LISTED: usize = 100;

/// The whole page.
#[derive(Serialize)]
pub(super) struct View {
    title: String,
    verdict: &'static str,
    headline: String,
    detail: String,
    scenario: String,
    facts: Vec<(&'static str, String)>,
    distrust: Option<String>,
    cards: Vec<Card>,
    thresholds: Vec<Gate>,
    baseline: Option<Beside>,
    defects: Vec<Defect>,
    sections: Vec<Section>,
    stretches: Vec<[String; 6]>,
    notes: Vec<String>,
    left_out: usize,
    tool: String,
}

/// A figure that is read first.
#[derive(Serialize)]
struct Card {
    name: &'static str,
    value: String,
    unit: String,
    /// What became of it since the earlier run.
    change: Option<String>,
    state: &'static str,
}

#[derive(Serialize)]
struct Defect {
    name: String,
    message: String,
    count: u64,
}

/// A part under a title, with its charts.
#[derive(Serialize)]
struct Section {
    title: &'static str,
    anchor: String,
    rows: Vec<(&'static str, String)>,
    head: Vec<&'static str>,
    table: Vec<Vec<String>>,
    charts: Vec<Chart>,
}

impl View {
    pub(super) fn of(report: &Report) -> Self {
        let said = words::verdict(report);
        let (headline, detail) = said.split_once(": ").unwrap_or((&said, ""));
        let agent = report.target.agent_id.as_deref().unwrap_or("an agent");
        let scenario = text::clip(&report.scenario, 40);
        let courses = Courses::of(report);
        let has_run = report.requests.total > 0;
        let generator = &report.generator;
        let why = generator.why.as_deref();
        let why = why.unwrap_or("the generator was too slow");
        let notes = report.notes.iter().take(LISTED);
        let tool = report.tool.as_ref();
        let tool = tool.map(|it| format!("{} {}", it.name, it.version));
        Self {
            title: format!("{headline}: {scenario} of {}", text::clip(agent, 160)),
            verdict: match report.verdict {
                Verdict::Pass => "pass",
                Verdict::Fail => "fail",
                Verdict::Error => "error",
            },
            headline: headline.to_owned(),
            detail: detail.to_owned(),
            scenario,
            facts: facts(report),
            distrust: (!generator.trusted).then(|| text::clip(why, text::SENTENCE)),
            cards: if has_run { cards(report) } else { Vec::new() },
            thresholds: gates(&report.thresholds),
            baseline: report.baseline.as_ref().map(beside),
            defects: defects(report),
            sections: if has_run {
                sections(report, &courses)
            } else {
                Vec::new()
            },
            stretches: courses.now.iter().map(stretch).collect(),
            notes: notes.map(|it| text::clip(it, text::SENTENCE)).collect(),
            left_out: report.notes.len().saturating_sub(LISTED),
            tool: text::clip(tool.as_deref().unwrap_or("acp-tck"), 160),
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let target = &report.target;
    let agent = target.agent_id.as_deref().map(|id| {
        let version = target.agent_version.as_deref();
        format!("{id} {}", version.unwrap_or("(gives no version)"))
    });
    let known = |text: &String| (!text.is_empty()).then(|| text.clone());
    let load = match (report.model, report.rate) {
        (Model::Open, Some(aim)) => {
            format!("{} on up to {} connections", rate(aim), report.users)
        }
        (Model::Open, None) => format!("{} connections", report.users),
        (Model::Closed, _) => match report.users {
            1 => "1 user, who waits for each answer".to_owned(),
            users => format!("{users} users, each waiting for its answer"),
        },
    };
    let warm_up = (report.warm_up_s > 0.0).then(|| seconds(report.warm_up_s));
    let facts = [
        ("Agent", agent),
        ("At", Some(target.url.clone())),
        ("Load", Some(load)),
        ("Plan", known(&report.plan)),
        ("Measured", Some(seconds(report.duration_s))),
        ("Warm-up", warm_up),
        ("Run", known(&crate::words::moment(&report.started_at))),
        ("Seed", Some(report.seed.to_string())),
    ];
    let known = facts.into_iter();
    known
        .filter_map(|(name, value)| Some((name, text::clip(&value?, text::SENTENCE))))
        .collect()
}

/// The figures that every run has, after the one that its scenario is about.
fn cards(report: &Report) -> Vec<Card> {
    let change = |name: &str| change(report.baseline.as_ref()?, name);
    let card = |name, metric: &str, unit: &str, value: String| {
        let (change, state) = change(metric).unzip();
        Card {
            name,
            value: text::clip(&value, 24),
            unit: text::clip(unit, 40),
            change,
            state: state.unwrap_or("same"),
        }
    };
    let mut cards: Vec<Card> = special(report)
        .into_iter()
        .map(|(name, metric, unit, value)| card(name, metric, &unit, value))
        .collect();
    let throughput = per_second(report.throughput_rps);
    cards.push(card("answered well", "rps", "a second", throughput));
    if let Some(figures) = report.latency_ms.figures {
        cards.push(card("median latency", "p50", "ms", ms(figures.p50)));
        cards.push(card("p99", "p99", "ms", ms(figures.p99)));
        cards.push(card("p99.9", "p999", "ms", ms(figures.p999)));
    }
    let failed = blocks::share_of(report.requests.failed, report.requests.total);
    cards.push(card("failed", "errors", "of requests", failed));
    cards
}

/// A card: its name, the metric of the baseline, the unit, the value.
type Special = (&'static str, &'static str, String, String);

fn special(report: &Report) -> Vec<Special> {
    let mut cards = Vec::new();
    if let Some(cache) = &report.cache {
        cards.push((
            "hit rate",
            "hit_rate",
            "of answers".to_owned(),
            cache.known_hit_rate().map_or("not known".to_owned(), share),
        ));
    }
    if let Some(limit) = report.rate_limit.as_ref() {
        let (value, unit) = match (limit.limit, limit.window_s) {
            (Some(limit), Some(window)) => (limit.to_string(), format!("in {}", seconds(window))),
            (Some(limit), None) => (limit.to_string(), String::new()),
            (None, _) => ("none met".to_owned(), String::new()),
        };
        cards.push(("limit found", "", unit, value));
    }
    if let Some(stream) = &report.stream {
        let broken = blocks::share_of(stream.broken, stream.opened);
        cards.push(("broken streams", "", "of those opened".to_owned(), broken));
    }
    if let Some(capacity) = &report.capacity {
        let value = per_second(capacity.max_rps);
        let is_confirmed = capacity.interval_rps.is_some();
        let note = if is_confirmed { "" } else { ", not confirmed" };
        let unit = format!("requests a second{note}");
        cards.push(("capacity", "", unit, value));
    }
    cards
}

/// What became of a figure since the earlier run, if that can be told from noise.
fn change(baseline: &Baseline, name: &str) -> Option<(String, &'static str)> {
    let metric = baseline.metrics.iter().find(|it| it.name == name)?;
    let before = figure(metric.unit, metric.before);
    let state = match (metric.regressed, metric.significant) {
        (true, _) => "regressed",
        (false, true) => "changed",
        (false, false) => "noise",
    };
    let change = match (metric.unit, state) {
        (_, "noise") => "no sure change".to_owned(),
        (Unit::Share, _) => format!("{:+.1} points", metric.change * 100.0),
        _ => format!("{:+.1} %", metric.change * 100.0),
    };
    Some((text::clip(&format!("{change} from {before}"), 60), state))
}

fn defects(report: &Report) -> Vec<Defect> {
    let shown = report.defects.iter().take(LISTED);
    shown
        .map(|it| Defect {
            name: text::clip(&it.name, 80),
            message: text::clip(&it.message, text::SENTENCE),
            count: it.count,
        })
        .collect()
}

fn sections(report: &Report, courses: &Courses) -> Vec<Section> {
    let mut blocks = blocks::all(report);
    // What a reader looks for first.
    blocks.sort_by_key(|block| match block.kind {
        Kind::Cache | Kind::Limit | Kind::Streams | Kind::Capacity | Kind::Drift => 0,
        Kind::Latency => 1,
        Kind::Requests => 2,
        Kind::Endpoints => 3,
        Kind::Generator => 4,
    });
    let sections = blocks.into_iter().enumerate();
    sections
        .map(|(number, block)| {
            let charts = drawn(report, courses, block.kind);
            section(number, block, charts)
        })
        .collect()
}

fn section(number: usize, block: Block, charts: Vec<Chart>) -> Section {
    let clip = |text: &String| text::clip(text, text::SENTENCE);
    let (head, rows) = match block.table {
        Some(table) => (table.head, table.rows),
        None => (Vec::new(), Vec::new()),
    };
    let table = rows.iter().take(LISTED);
    Section {
        title: block.title,
        anchor: format!("part-{number}"),
        rows: block
            .rows
            .iter()
            .map(|(label, it)| (*label, clip(it)))
            .collect(),
        head,
        table: table.map(|row| row.iter().map(clip).collect()).collect(),
        charts,
    }
}

fn drawn(report: &Report, courses: &Courses, kind: Kind) -> Vec<Chart> {
    let limit = report.rate_limit.as_ref();
    let charts = match kind {
        Kind::Latency => vec![
            charts::latency_curve(report),
            charts::latency_course(courses),
        ],
        Kind::Requests => vec![
            charts::throughput(report, courses),
            charts::limited(courses),
            charts::users(courses),
        ],
        Kind::Cache => vec![
            charts::hits(courses),
            charts::hit_rate(report, courses),
            charts::hit_curves(report),
        ],
        Kind::Limit => vec![
            limit.and_then(charts::admissions),
            limit.and_then(charts::fullness),
        ],
        Kind::Streams => vec![charts::stream_curves(report), charts::gap_course(courses)],
        Kind::Capacity => vec![report.capacity.as_ref().and_then(charts::capacity)],
        Kind::Drift => vec![charts::memory(courses)],
        Kind::Endpoints | Kind::Generator => Vec::new(),
    };
    charts.into_iter().flatten().collect()
}

/// The row of a stretch of time, for those who read rather than look.
fn stretch(point: &Point) -> [String; 6] {
    let time = |value: Option<f64>| value.map_or("-".to_owned(), ms);
    let cells = [
        seconds(point.from),
        per_second(point.ok),
        per_second(point.failed),
        time(point.latency.p50),
        time(point.latency.p99),
        point.hit_rate().map_or("-".to_owned(), share),
    ];
    cells.map(|cell| text::clip(&cell, 24))
}
