//! From a tape to a report: what was measured, in the report's words. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::load::{
    Arrivals, Curve, Endpoint, Figures, Generator, Latency, Model as ReportModel, Report, Requests,
    Slice as ReportSlice,
};
use hdrhistogram::Histogram;

use crate::attack::{Load, Model, Taken};
use crate::hlog::encoded;
use crate::hot::Trouble;
use crate::recorder::{Series, Slice, Tally, Tape};
use crate::watch::{self, Course, Signs};

/// A rate is kept up if no more than this share of it is missing.
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
    report.throughput_rps = per_second(report.requests.ok, taken.measured);
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
    if taken.abandoned > 0 {
        let count = taken.abandoned;
        report.notes.push(format!(
            "{count} requests were under way when the run ended, and count nowhere"
        ));
    }
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
    let tape = &taken.tape;
    let intended = tape.started + tape.dropped;
    let aimed = match taken.was_stopped {
        true => load.plan().at(Duration::ZERO),
        false => load.plan().mean(),
    };
    let started_rps = per_second(tape.started, taken.measured);
    let late = share(tape.late, tape.started);
    let why = if tape.dropped > 0 {
        let (dropped, users) = (tape.dropped, load.users);
        Some(format!(
            "{dropped} requests waited for one of the {users} connections until too many did; the agent was too slow, or more --users are needed"
        ))
    } else if late > 0.5 && started_rps < aimed * (1.0 - MISSING) {
        let users = load.users;
        Some(format!(
            "{:.1} % of the requests began late, since all {users} connections were busy",
            late * 100.0
        ))
    } else {
        None
    };
    Some(Arrivals {
        intended,
        dropped: tape.dropped,
        started_rps,
        kept_up: why.is_none(),
        why,
    })
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
