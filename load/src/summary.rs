//! From a tape to a report: what was measured, in the report's words. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::load::{
    Arrivals, Curve, Defect, Endpoint, Figures, Generator, Latency, Model as ReportModel, Report,
    Requests, Slice as ReportSlice,
};
use hdrhistogram::Histogram;

use crate::attack::{Load, Model, Standing, Taken};
use crate::hlog::encoded;
use crate::hot::Trouble;
use crate::recorder::{Series, Slice, Tally, Tape};
use crate::watch::{self, Course, Signs};

/// A rate is kept up if no more than this share of it is missing, or no more than chance may have it: the number
/// of those who come in a time varies by its root.
const MISSING: f64 = 0.01;

/// Fills in what every scenario has.
pub(crate) fn fill(report: &mut Report, load: &Load, taken: &Taken, endpoints: &[String]) {
    let tape = &taken.tape;
    report.model = match load.model {
        Model::Closed(_) => ReportModel::Closed,
        Model::Open { .. } => ReportModel::Open,
    };
    report.users = load.users as u64;
    report.rate = matches!(load.model, Model::Open { .. }).then(|| load.plan().mean());
    report.plan = load.plan().to_string();
    report.duration_s = taken.measured.as_secs_f64();
    report.warm_up_s = load.warm_up.as_secs_f64();
    report.seed = load.seed;
    report.requests = requests(&tape.tallies);
    report.throughput_rps = per_second(taken.end.ok, taken.end.at);
    let whole = tape.whole(Series::Latency);
    report.latency_ms = latency(&whole);
    report.curve = curve(&whole);
    report.curves = curves(tape);
    let service = tape.whole(Series::Service);
    report.service_ms = (!service.is_empty()).then(|| latency(&service));
    report.invalid = (tape.invalid.sent > 0).then_some(tape.invalid);
    report.endpoints = by_endpoint(tape, endpoints);
    report.arrivals = arrivals(load, taken);
    report.generator = generator(load, taken, &whole);
    report.interrupted = taken.was_stopped;
    report.slices = slices(tape, taken.measured);
    report.histograms = histograms(tape);
    if tape.warm_up > 0 {
        let count = tape.warm_up;
        report
            .notes
            .push(format!("the warm-up made {count} requests more"));
    }
    let after = report.requests.ok.saturating_sub(taken.end.ok);
    if share(after, report.requests.ok) > MISSING {
        report.notes.push(format!(
            "{after} answers came after the end of the plan: they count, but not in the rate"
        ));
    }
    match taken.abandoned {
        0 => {}
        count if taken.was_stopped => report.notes.push(format!(
            "{count} requests were under way when the run ended, and count nowhere"
        )),
        count => unfinished(report, count),
    }
}

/// Answers that go on and on are no answers: what was waited for, long after the run, and in vain, failed.
fn unfinished(report: &mut Report, count: u64) {
    let requests = &mut report.requests;
    requests.total += count;
    requests.failed += count;
    *requests.by_status.entry("none".to_owned()).or_default() += count;
    *requests
        .by_error
        .entry("unfinished".to_owned())
        .or_default() += count;
    report.defects.push(Defect {
        name: "never-ends".to_owned(),
        message: format!("{count} answers did not end, however long the run waited for them"),
        count,
    });
}

fn requests<'t>(tallies: impl IntoIterator<Item = &'t Tally>) -> Requests {
    let mut requests = Requests::default();
    for tally in tallies {
        requests.ok += tally.ok;
        requests.failed += tally.failed;
        for (status, count) in tally.statuses() {
            let name = match status {
                0 => "none".to_owned(),
                status => status.to_string(),
            };
            *requests.by_status.entry(name).or_default() += count;
        }
        for (name, count) in &tally.errors {
            *requests.by_error.entry((*name).to_owned()).or_default() += count;
        }
    }
    requests.total = requests.ok + requests.failed;
    requests
}

fn per_second(count: u64, time: Duration) -> f64 {
    match time.is_zero() {
        true => 0.0,
        false => count as f64 / time.as_secs_f64(),
    }
}

/// A distribution of microseconds in a few figures, in milliseconds.
pub(crate) fn latency(histogram: &Histogram<u64>) -> Latency {
    let ms = |micros: u64| micros as f64 / 1000.0;
    let at = |quantile| ms(histogram.value_at_quantile(quantile).min(histogram.max()));
    let figures = (!histogram.is_empty()).then(|| Figures {
        min: ms(histogram.min()),
        mean: histogram.mean() / 1000.0,
        stdev: histogram.stdev() / 1000.0,
        p50: at(0.5),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: ms(histogram.max()),
    });
    Latency {
        count: histogram.len(),
        figures,
    }
}

pub(crate) fn curve(histogram: &Histogram<u64>) -> Vec<Curve> {
    if histogram.is_empty() {
        return Vec::new();
    }
    // Five steps each time the distance to 100 % halves, as HdrHistogram's own plots have it.
    let mut count = 0;
    let points = histogram.iter_quantiles(5).map(|point| {
        count += point.count_since_last_iteration();
        Curve {
            percentile: point.quantile_iterated_to() * 100.0,
            ms: point.value_iterated_to().min(histogram.max()) as f64 / 1000.0,
            count,
        }
    });
    points.collect()
}

/// Those of all that was measured besides the latency.
fn curves(tape: &Tape) -> BTreeMap<String, Vec<Curve>> {
    let others = Series::ALL.into_iter().filter(|it| *it != Series::Latency);
    let all = others.map(|series| (series.name().to_owned(), curve(&tape.whole(series))));
    all.filter(|(_, curve)| !curve.is_empty()).collect()
}

fn by_endpoint(tape: &Tape, endpoints: &[String]) -> Vec<Endpoint> {
    if endpoints.len() < 2 {
        return Vec::new();
    }
    let named = endpoints.iter().zip(&tape.tallies);
    named
        .map(|(name, tally)| Endpoint {
            name: name.clone(),
            requests: requests([tally]),
            latency_ms: latency(&tally.latency),
        })
        .collect()
}

fn arrivals(load: &Load, taken: &Taken) -> Option<Arrivals> {
    let Model::Open { .. } = load.model else {
        return None;
    };
    let (tape, end) = (&taken.tape, &taken.end);
    let intended = tape.started + tape.dropped;
    // Of what waited at the end, some began after it, and the rest was given up.
    let began_after = end.waiting.saturating_sub(tape.dropped - end.dropped);
    let began = tape.started.saturating_sub(began_after);
    let why = not_kept_up(load, taken);
    Some(Arrivals {
        intended,
        dropped: tape.dropped,
        started_rps: per_second(began, end.at),
        kept_up: why.is_none(),
        why,
    })
}

/// Why the rate was not kept up, if it was not. What was asked and answered after the end of the plan says
/// nothing of it: it was served when nothing more came.
fn not_kept_up(load: &Load, taken: &Taken) -> Option<String> {
    let (tape, end, users) = (&taken.tape, &taken.end, load.users);
    if tape.dropped > 0 {
        let why = why_dropped(load, taken);
        return Some(format!(
            "{why}; the agent was too slow, or more --users are needed"
        ));
    }
    let (intended, waiting) = (tape.started, end.waiting);
    let few = (intended as f64 * MISSING).max((intended as f64).sqrt());
    if waiting as f64 > few {
        return Some(format!(
            "{waiting} of {intended} requests still waited for one of the {users} connections at the end; the agent was too slow, or more --users are needed"
        ));
    }
    let (before, after) = growth(load, taken)?;
    Some(format!(
        "requests came faster than they were answered: {before} were unanswered half way, {after} at the end"
    ))
}

/// Until the end of the plan arrivals are dropped because too many wait; those that wait still, a timeout
/// after it, are given up.
fn why_dropped(load: &Load, taken: &Taken) -> String {
    let (too_many, users) = (taken.end.dropped, load.users);
    let given_up = taken.tape.dropped.saturating_sub(too_many);
    let waited = format!("requests waited for one of the {users} connections");
    let at_the_end = match taken.was_stopped {
        true => "until the run was ended",
        false => "until they were given up, a timeout after the end",
    };
    match (too_many, given_up) {
        (_, 0) => format!("{too_many} {waited} until too many did"),
        (0, _) => format!("{given_up} {waited} {at_the_end}"),
        _ => format!("{too_many} {waited} until too many did, and {given_up} {at_the_end}"),
    }
}

/// How many were unanswered half way and at the end, if they became more by more than chance may have it:
/// where there are enough connections, it is the agent in which they wait.
fn growth(load: &Load, taken: &Taken) -> Option<(u64, u64)> {
    let half = taken.half.filter(|_| !load.plan().has_stages())?;
    let end = &taken.end;
    let service = taken.tape.whole(Series::Service).value_at_quantile(0.5);
    // What takes longer than half the run becomes more all the time, however well it is served.
    if Duration::from_micros(service) > end.at - half.at {
        return None;
    }
    let unanswered = |it: &Standing| it.waiting + it.under_way;
    let (before, after) = (unanswered(&half), unanswered(end));
    let came = taken.tape.started as f64 / 2.0;
    let more = after.saturating_sub(before) as f64;
    (more > (came * MISSING).max(2.0 * came.sqrt())).then_some((before, after))
}

fn generator(load: &Load, taken: &Taken, whole: &Histogram<u64>) -> Generator {
    let (tape, signs) = (&taken.tape, &taken.signs);
    let is_open = matches!(load.model, Model::Open { .. });
    let exhausted = tape.tallies.iter().filter_map(|tally| {
        let name = Trouble::Exhausted.name();
        tally.errors.get(name).copied()
    });
    let course = Course {
        lag_p99: if is_open {
            tape.lag.value_at_quantile(0.99)
        } else {
            0
        },
        latency_p50: whole.value_at_quantile(0.5),
        dropped_share: share(tape.dropped, tape.started + tape.dropped),
        exhausted: exhausted.sum(),
    };
    let why = watch::doubts(signs, &course);
    Generator {
        late_share: share(tape.late, tape.started),
        trusted: why.is_none(),
        why,
        schedule_lag_ms: is_open.then(|| latency(&tape.lag)),
        ..usage(signs)
    }
}

/// What the generator used, whoever drove it.
pub(crate) fn usage(signs: &Signs) -> Generator {
    Generator {
        cpu_share: signs.cpu_share,
        loop_lag_ms: Some(latency(&signs.loop_lag)),
        memory_bytes: (signs.memory > 0).then_some(signs.memory),
        ..Generator::default()
    }
}

/// 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    }
}

fn slices(tape: &Tape, measured: Duration) -> Vec<ReportSlice> {
    let length = tape.slice_length();
    let all = tape.slices.iter().chain([&tape.current]);
    let whole = all.filter(|slice| length * slice.number < measured);
    whole.map(|slice| one_slice(slice, length)).collect()
}

fn one_slice(slice: &Slice, length: Duration) -> ReportSlice {
    let knows_hits = slice.hits + slice.misses > 0;
    let named = slice.series.iter();
    let named = named.filter_map(|(series, it)| Some((series.name().to_owned(), encoded(it)?)));
    ReportSlice {
        at_s: (length * slice.number).as_secs_f64(),
        length_s: length.as_secs_f64(),
        ok: slice.ok,
        failed: slice.failed,
        limited: (slice.limited > 0).then_some(slice.limited),
        hits: knows_hits.then_some(slice.hits),
        misses: knows_hits.then_some(slice.misses),
        users: (slice.users > 0).then_some(slice.users),
        memory_bytes: slice.memory,
        latency_ms: slice.of(Series::Latency).map(latency).unwrap_or_default(),
        gap_ms: slice.of(Series::Gap).map(latency),
        histograms: named.collect(),
    }
}

fn histograms(tape: &Tape) -> BTreeMap<String, String> {
    let all = Series::ALL
        .iter()
        .map(|series| (series, tape.whole(*series)));
    let filled = all.filter(|(_, whole)| !whole.is_empty());
    let named = filled.filter_map(|(series, it)| Some((series.name().to_owned(), encoded(&it)?)));
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::Think;
    use crate::plan::Plan;
    use crate::recorder::Recorder;
    use crate::schedule::Spread;

    /// Two hundred requests in two seconds, of which so many were unanswered half way and at the end.
    fn course(before: u64, after: u64, waiting: u64) -> Option<String> {
        dropping(before, after, waiting, [0, 0])
    }

    /// The same, with so many dropped by the end of the plan, and in all.
    fn dropping(before: u64, after: u64, waiting: u64, dropped: [u64; 2]) -> Option<String> {
        let standing = |seconds, under_way, waiting| Standing {
            at: Duration::from_secs(seconds),
            under_way,
            waiting,
            ..Standing::default()
        };
        let recorder = Recorder::new(1, true, Duration::from_secs(1));
        let mut tape = recorder.with(|tape| tape.clone());
        tape.started = 200;
        tape.dropped = dropped[1];
        let end = Standing {
            dropped: dropped[0],
            ..standing(2, after, waiting)
        };
        let taken = Taken {
            tape,
            measured: end.at,
            half: Some(standing(1, before, 0)),
            end,
            signs: Signs::default(),
            abandoned: 0,
            most_open: 0,
            was_stopped: false,
        };
        let load = Load {
            model: Model::Open {
                plan: Plan::constant(100.0, end.at),
                spread: Spread::Even,
                backlog: 1000,
            },
            users: 64,
            warm_up: Duration::ZERO,
            think: Think::default(),
            seed: 0,
            threads: 1,
            dashboard: false,
        };
        not_kept_up(&load, &taken)
    }

    #[test]
    fn the_reason_of_a_drop_is_the_one_that_there_was() {
        let why = |dropped| dropping(0, 0, 0, dropped).expect("it is there");
        let too_many = why([7, 7]);
        assert!(too_many.starts_with("7 requests waited") && too_many.contains("too many"));
        let given_up = why([0, 288]);
        assert!(given_up.contains("288 requests") && given_up.contains("a timeout after the end"));
        assert!(!given_up.contains("too many"), "{given_up}");
        assert!(why([7, 9]).contains("and 2 until they were given up"));
    }

    #[test]
    fn a_rate_is_kept_up_if_neither_connections_nor_the_agent_have_a_growing_queue() {
        assert_eq!(course(0, 0, 0), None);
        assert_eq!(course(20, 30, 10), None);
        let for_connections = course(64, 64, 50).expect("it is there");
        assert!(for_connections.contains("50 of 200"), "{for_connections}");
        let in_the_agent = course(16, 40, 0).expect("it is there");
        assert!(
            in_the_agent.contains("16 were unanswered"),
            "{in_the_agent}"
        );
    }
}
