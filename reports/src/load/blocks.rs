//! What is shown of a load report: titled blocks of labelled lines and tables.
//!
//! Terminal and Markdown draw the same blocks, so that neither knows a figure that the
//! other does not. Texts are not yet escaped here; whoever draws them does that.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::words::{LATENCY_HEAD, latency_row, ms, per_second, rate, seconds, share};
use super::{Capacity, CapacityRun, Endpoint, Latency, Report, Soak, Stream, Trend};

/// What a block is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Requests,
    Latency,
    Endpoints,
    Cache,
    Limit,
    Streams,
    Capacity,
    Drift,
    Generator,
}

/// A part of the report under a title of its own.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) kind: Kind,
    pub(super) title: &'static str,
    /// A label, and what stands beside it.
    pub(super) rows: Vec<(&'static str, String)>,
    pub(super) table: Option<Table>,
}

/// Cells under a head; the first column is text, the others are numbers.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) head: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// Every block that the report has something for, in order.
pub(super) fn all(report: &Report) -> Vec<Block> {
    let mut blocks = vec![requests(report), latency(report)];
    blocks.extend(endpoints(&report.endpoints));
    let cache = report.cache.as_ref();
    blocks.extend(cache.map(|it| super::cache_block::of(it, report.model)));
    blocks.extend(report.rate_limit.as_ref().map(super::limit_block::of));
    blocks.extend(report.stream.as_ref().map(stream));
    blocks.extend(report.capacity.as_ref().map(capacity));
    blocks.extend(report.soak.as_ref().map(soak));
    blocks.push(generator(report));
    blocks
}

/// What was done, and to whom: the lines under the heading of the report.
pub(super) fn head(report: &Report) -> Vec<(&'static str, String)> {
    let url = &report.target.url;
    let url = url.strip_suffix('/').unwrap_or(url);
    let mut rows = vec![("agent", url.to_owned())];
    if let Some(id) = &report.target.agent_id {
        let version = report.target.agent_version.as_deref();
        let version = version.unwrap_or("(gives no version)");
        rows.push(("", format!("{id} {version}")));
    }
    let warm_up = match report.warm_up_s {
        zero if zero <= 0.0 => String::new(),
        warm_up => format!(" after {} of warm-up", seconds(warm_up)),
    };
    let began = match report.started_at.as_str() {
        "" => String::new(),
        began => format!("{}, ", began_at(began)),
    };
    let lasted = seconds(report.duration_s);
    let run = format!("{began}seed {}, {lasted}{warm_up}", report.seed);
    rows.push(("run", run));
    rows.push(("load", load(report)));
    if !report.asked.is_empty() {
        rows.push(("asked", listed(&report.asked)));
    }
    rows
}

/// To the millisecond, whatever the clock had.
fn began_at(began: &str) -> String {
    let time = began.parse::<jiff::Timestamp>();
    time.map_or(began.to_owned(), |it| {
        it.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    })
}

fn load(report: &Report) -> String {
    let aim = match (report.model, report.rate) {
        (super::Model::Open, Some(aim)) => format!(
            "open model, {} on up to {} connections",
            rate(aim),
            report.users
        ),
        (super::Model::Open, None) => format!("open model, {} connections", report.users),
        (super::Model::Closed, _) => format!("closed model, {} users", report.users),
    };
    match report.plan.as_str() {
        "" => aim,
        plan => format!("{aim}; plan: {plan}"),
    }
}

/// How many were answered well. To meet a limit is no answer of use, though it is as it should be: the
/// rate does not count it.
fn well(report: &Report) -> String {
    let ok = report.requests.ok;
    let rate = rate(report.throughput_rps);
    let refusals = report.requests.by_status.get("429");
    match (refusals, &report.rate_limit) {
        (Some(refused), Some(_)) => format!(
            "{ok}: {} admitted, {rate}; {refused} refused, as they should be",
            ok.saturating_sub(*refused)
        ),
        _ => format!("{ok}, {rate}"),
    }
}

fn listed(named: &BTreeMap<String, impl Display>) -> String {
    let each = named.iter().map(|(name, value)| format!("{name}: {value}"));
    each.collect::<Vec<_>>().join(", ")
}

/// How many were counted. What was sent to be refused is in none of these counts, and in what was due.
fn total(report: &Report) -> String {
    let total = report.requests.total;
    match report.invalid {
        Some(invalid) => format!("{total}, and {} invalid ones beside them", invalid.sent),
        None => total.to_string(),
    }
}

fn requests(report: &Report) -> Block {
    let requests = &report.requests;
    let failed = share_of(requests.failed, requests.total);
    let mut rows = vec![
        ("total", total(report)),
        ("ok", well(report)),
        ("failed", format!("{} ({failed})", requests.failed)),
    ];
    if !requests.by_status.is_empty() {
        rows.push(("status", listed(&requests.by_status)));
    }
    if !requests.by_error.is_empty() {
        rows.push(("errors", listed(&requests.by_error)));
    }
    if let Some(invalid) = report.invalid {
        rows.push((
            "invalid",
            format!(
                "{} sent on purpose: {} refused, {} accepted, {} answered 5xx, {} unanswered",
                invalid.sent,
                invalid.refused,
                invalid.accepted,
                invalid.server_errors,
                invalid.unanswered
            ),
        ));
    }
    if let Some(arrivals) = &report.arrivals {
        rows.push(("arrivals", self::arrivals(arrivals)));
    }
    Block {
        kind: Kind::Requests,
        title: "Requests",
        rows,
        table: None,
    }
}

fn arrivals(arrivals: &super::Arrivals) -> String {
    let dropped = share_of(arrivals.dropped, arrivals.intended);
    let started = rate(arrivals.started_rps);
    let kept = match (arrivals.kept_up, &arrivals.why) {
        (true, _) => "the rate was kept up".to_owned(),
        (false, Some(why)) => format!("THE RATE WAS NOT KEPT UP: {why}"),
        (false, None) => "THE RATE WAS NOT KEPT UP".to_owned(),
    };
    format!(
        "{} due, {} dropped ({dropped}), {started} begun; {kept}",
        arrivals.intended, arrivals.dropped
    )
}

fn latency(report: &Report) -> Block {
    let mut rows = vec![latency_row("latency", &report.latency_ms)];
    rows.extend(
        report
            .service_ms
            .as_ref()
            .map(|service| latency_row("service", service)),
    );
    Block {
        kind: Kind::Latency,
        title: "Latency of what was answered well, in ms",
        rows: Vec::new(),
        table: Some(table(rows)),
    }
}

fn table(rows: Vec<Vec<String>>) -> Table {
    Table {
        head: LATENCY_HEAD.to_vec(),
        rows,
    }
}

/// Distributions by name, as a table.
pub(super) fn distributions(named: &[(&str, &Latency)]) -> Table {
    let rows = named
        .iter()
        .map(|(name, latency)| latency_row(name, latency));
    table(rows.collect())
}

fn endpoints(endpoints: &[Endpoint]) -> Option<Block> {
    if endpoints.is_empty() {
        return None;
    }
    let named: Vec<_> = endpoints
        .iter()
        .map(|it| (it.name.as_str(), &it.latency_ms))
        .collect();
    let failed = endpoints.iter().filter(|it| it.requests.failed > 0);
    let failed = failed.map(|it| format!("{}: {}", it.name, it.requests.failed));
    let failed = failed.collect::<Vec<_>>().join(", ");
    let rows = match failed.as_str() {
        "" => Vec::new(),
        _ => vec![("failed", failed)],
    };
    Some(Block {
        kind: Kind::Endpoints,
        title: "By what was asked, in ms",
        rows,
        table: Some(distributions(&named)),
    })
}

fn stream(stream: &Stream) -> Block {
    let mut rows = vec![
        (
            "streams",
            format!(
                "{} opened, {} completed, {} broken",
                stream.opened, stream.completed, stream.broken
            ),
        ),
        (
            "at once",
            format!(
                "{} at most; {} events in all",
                stream.most_at_once, stream.events
            ),
        ),
    ];
    if stream.left + stream.slow > 0 {
        let clients = format!("{} left half way, {} read slowly", stream.left, stream.slow);
        rows.push(("clients", clients));
    }
    if let Some(violation) = &stream.first_violation {
        let when = seconds(violation.at_s);
        let at_once = violation.at_once;
        let message = &violation.message;
        rows.push((
            "violation",
            format!("first at {at_once} at once, after {when}: {message}"),
        ));
    }
    Block {
        kind: Kind::Streams,
        title: "Streams, in ms",
        rows,
        table: Some(distributions(&[
            ("first event", &stream.first_event_ms),
            ("gap", &stream.gap_ms),
            ("whole", &stream.complete_ms),
        ])),
    }
}

fn capacity(capacity: &Capacity) -> Block {
    let at_it = |run: &&CapacityRun| run.confirms && run.rate == capacity.max_rps;
    let confirming: Vec<_> = capacity.runs.iter().filter(at_it).collect();
    let confirmed = match capacity.interval_rps {
        Some(_) if capacity.max_rps > 0.0 => {
            let held = confirming.iter().filter(|run| run.holds).count();
            format!("held in {held} of {} runs", confirming.len())
        }
        _ => "not confirmed".to_owned(),
    };
    let mut rows = vec![
        ("objective", capacity.objective.clone()),
        (
            "holds up to",
            format!(
                "{} with {} users ({confirmed})",
                rate(capacity.max_rps),
                capacity.users
            ),
        ),
    ];
    let above = |run: &&CapacityRun| !run.holds && run.rate > capacity.max_rps;
    let failing = capacity.runs.iter().filter(above);
    if let Some(run) = failing.min_by(|one, other| one.rate.total_cmp(&other.rate)) {
        let why = run.why.as_deref().unwrap_or("the objective does not hold");
        rows.push(("fails at", format!("{}: {why}", rate(run.rate))));
    }
    let runs = capacity.runs.iter().map(|run| {
        let figures = run.latency_ms.figures;
        let holds = if run.holds { "holds" } else { "fails" };
        let kind = if run.confirms { "confirm" } else { "search" };
        vec![
            format!("{kind}, {holds}"),
            per_second(run.rate),
            per_second(run.throughput_rps),
            figures.map_or("-".to_owned(), |it| ms(it.p50)),
            figures.map_or("-".to_owned(), |it| ms(it.p99)),
            share(run.errors),
        ]
    });
    let runs: Vec<_> = runs.collect();
    Block {
        kind: Kind::Capacity,
        title: "Capacity",
        rows,
        table: (!runs.is_empty()).then_some(Table {
            head: vec!["run", "aim/s", "done/s", "p50", "p99", "errors"],
            rows: runs,
        }),
    }
}

fn soak(soak: &Soak) -> Block {
    let by = soak.memory_by.as_deref().unwrap_or("the agent");
    let memory = soak.memory_bytes.map(|trend| {
        let mib = |bytes: f64| bytes / (1024.0 * 1024.0);
        let in_mib = Trend {
            per_hour: mib(trend.per_hour),
            interval: trend.interval.map(mib),
            from: mib(trend.from),
            to: mib(trend.to),
            ..trend
        };
        format!("{} (by {by})", drift(in_mib, "MiB"))
    });
    let rows = [
        ("p50", soak.p50_ms.map(|trend| drift(trend, "ms"))),
        ("p99", soak.p99_ms.map(|trend| drift(trend, "ms"))),
        ("memory", memory),
    ];
    Block {
        kind: Kind::Drift,
        title: "Drift",
        rows: rows
            .into_iter()
            .map(|(label, text)| (label, text.unwrap_or_else(|| "not known".to_owned())))
            .collect(),
        table: None,
    }
}

fn drift(trend: Trend, unit: &str) -> String {
    let [low, high] = trend.interval;
    let verdict = match trend.drifts {
        true if trend.per_hour > 0.0 => "rises",
        true => "falls",
        false => "no drift that can be told from noise",
    };
    format!(
        "{verdict}: {:+.3} {unit}/h, 95 % between {low:+.3} and {high:+.3} ({} to {} {unit})",
        trend.per_hour,
        ms(trend.from),
        ms(trend.to)
    )
}

fn generator(report: &Report) -> Block {
    let generator = &report.generator;
    let trusted = match (generator.trusted, &generator.why) {
        (true, _) => "yes".to_owned(),
        (false, Some(why)) => format!("NO: {why}"),
        (false, None) => "NO".to_owned(),
    };
    let mut rows = vec![
        ("trusted", trusted),
        ("cpu", format!("{:.2} of a core", generator.cpu_share)),
        (
            "late",
            format!("{} of requests", share(generator.late_share)),
        ),
    ];
    let lags = [
        ("start lag", generator.schedule_lag_ms),
        ("timer lag", generator.loop_lag_ms),
    ];
    for (label, lag) in lags {
        if let Some(figures) = lag.and_then(|lag| lag.figures) {
            let text = format!(
                "p50 {} ms, p99 {} ms, max {} ms",
                ms(figures.p50),
                ms(figures.p99),
                ms(figures.max)
            );
            rows.push((label, text));
        }
    }
    if let Some(bytes) = generator.memory_bytes {
        rows.push(("memory", format!("{:.1} MiB", bytes as f64 / 1_048_576.0)));
    }
    Block {
        kind: Kind::Generator,
        title: "Generator",
        rows,
        table: None,
    }
}

/// A part as a share of a whole; of nothing there is none.
pub(crate) fn share_of(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        _ => share(part as f64 / whole as f64),
    }
}
