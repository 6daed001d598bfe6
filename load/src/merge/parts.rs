//! The parts of a merged report, each by itself.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::load::{
    self, Arrivals, Cache, Curve, Defect, Endpoint, Generator, Invalid, Latency, Report, Requests,
    Slice, Stream,
};
use hdrhistogram::Histogram;

use crate::hlog::{Log, LogError, encoded};
use crate::summary::{curve, latency};
use crate::threshold::Threshold;

/// What files claim may be more than there is room for.
pub(super) fn sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

pub(super) fn plans(all: &[&Report]) -> String {
    let mut plans: Vec<&str> = Vec::new();
    for report in all {
        if !report.plan.is_empty() && !plans.contains(&report.plan.as_str()) {
            plans.push(&report.plan);
        }
    }
    match (plans.as_slice(), all.len()) {
        ([], _) => String::new(),
        ([plan], count) => format!("{count} times {plan}"),
        (plans, _) => plans.join(" and "),
    }
}

pub(super) fn requests<'r>(all: impl Iterator<Item = &'r Requests>) -> Requests {
    let mut sum = Requests::default();
    let add = |sum: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>| {
        for (name, count) in more {
            let sum = sum.entry(name.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
    };
    for requests in all {
        sum.total = sum.total.saturating_add(requests.total);
        sum.ok = sum.ok.saturating_add(requests.ok);
        sum.failed = sum.failed.saturating_add(requests.failed);
        add(&mut sum.by_status, &requests.by_status);
        add(&mut sum.by_error, &requests.by_error);
    }
    sum
}

pub(super) fn invalid(one: Invalid, other: Invalid) -> Invalid {
    Invalid {
        sent: one.sent.saturating_add(other.sent),
        refused: one.refused.saturating_add(other.refused),
        accepted: one.accepted.saturating_add(other.accepted),
        server_errors: one.server_errors.saturating_add(other.server_errors),
        unanswered: one.unanswered.saturating_add(other.unanswered),
    }
}

/// Of an endpoint the report holds no histogram: its figures are left out.
pub(super) fn endpoints(all: &[&Report]) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for endpoint in all.iter().flat_map(|it| &it.endpoints) {
        match endpoints.iter_mut().find(|it| it.name == endpoint.name) {
            Some(known) => {
                known.requests = requests([&known.requests, &endpoint.requests].into_iter());
                let count = known.latency_ms.count;
                known.latency_ms.count = count.saturating_add(endpoint.latency_ms.count);
            }
            None => endpoints.push(Endpoint {
                latency_ms: Latency {
                    figures: None,
                    ..endpoint.latency_ms
                },
                ..endpoint.clone()
            }),
        }
    }
    endpoints
}

pub(super) fn arrivals(all: &[&Report]) -> Option<Arrivals> {
    let known: Vec<&Arrivals> = all.iter().filter_map(|it| it.arrivals.as_ref()).collect();
    if known.is_empty() {
        return None;
    }
    Some(Arrivals {
        intended: sum(known.iter().map(|it| it.intended)),
        dropped: sum(known.iter().map(|it| it.dropped)),
        started_rps: known.iter().map(|it| it.started_rps).sum(),
        kept_up: known.iter().all(|it| it.kept_up),
        why: known.iter().find_map(|it| it.why.clone()),
    })
}

/// Trusted if each is; of shares the worst.
pub(super) fn generator(reports: &[(String, Report)]) -> Generator {
    let all = || reports.iter().map(|(_, report)| &report.generator);
    let doubts = reports
        .iter()
        .filter(|(_, report)| !report.generator.trusted);
    let doubts = doubts.map(|(file, report)| {
        let why = report.generator.why.as_deref();
        format!("{file}: {}", why.unwrap_or("not trusted"))
    });
    let doubts: Vec<String> = doubts.collect();
    Generator {
        cpu_share: all().map(|it| it.cpu_share).fold(0.0, f64::max),
        late_share: all().map(|it| it.late_share).fold(0.0, f64::max),
        trusted: doubts.is_empty(),
        why: (!doubts.is_empty()).then(|| doubts.join("; ")),
        schedule_lag_ms: None,
        loop_lag_ms: None,
        memory_bytes: all().filter_map(|it| it.memory_bytes).max(),
    }
}

pub(super) fn defects(all: &[&Report]) -> Vec<Defect> {
    let mut defects: Vec<Defect> = Vec::new();
    for defect in all.iter().flat_map(|it| &it.defects) {
        match defects.iter_mut().find(|it| it.name == defect.name) {
            Some(known) => known.count = known.count.saturating_add(defect.count),
            None => defects.push(defect.clone()),
        }
    }
    defects
}

pub(super) type Totals = BTreeMap<String, Histogram<u64>>;

pub(super) fn figures(whole: &mut Report, totals: &Totals) {
    if let Some(total) = totals.get("latency") {
        whole.latency_ms = latency(total);
        whole.curve = curve(total);
    }
    whole.service_ms = totals.get("service").map(latency);
    let others = totals.iter().filter(|(name, _)| *name != "latency");
    let curves = others.map(|(name, total)| (name.clone(), curve(total)));
    let curves: BTreeMap<String, Vec<Curve>> = curves.collect();
    whole.curves = curves;
    let texts = totals.iter();
    let texts = texts.filter_map(|(name, total)| Some((name.clone(), encoded(total)?)));
    whole.histograms = texts.collect();
}

fn of(totals: &Totals, name: &str) -> Latency {
    totals.get(name).map(latency).unwrap_or_default()
}

pub(super) fn cache(all: &[&Report], totals: &Totals) -> Option<Cache> {
    let known: Vec<&Cache> = all.iter().filter_map(|it| it.cache.as_ref()).collect();
    let first = *known.first()?;
    let sum = |of: fn(&Cache) -> u64| sum(known.iter().map(|it| of(it)));
    let (hits, misses) = (sum(|it| it.hits), sum(|it| it.misses));
    let number = |it: &Cache| it.hits as f64 + it.misses as f64;
    let answers: f64 = known.iter().map(|it| number(it)).sum();
    let expected: f64 = known
        .iter()
        .map(|it| it.expected_hit_rate * number(it))
        .sum();
    let median = |name: &str| Some(of(totals, name).figures?.p50);
    let speed_up = median("miss").zip(median("hit"));
    Some(Cache {
        hits,
        misses,
        hit_rate: if answers > 0.0 {
            hits as f64 / answers
        } else {
            0.0
        },
        hit_rate_unknown: answers == 0.0,
        // Of several generators on one cache the truth is above it: each warms it for the others.
        expected_hit_rate: if answers > 0.0 {
            expected / answers
        } else {
            0.0
        },
        hit_latency_ms: of(totals, "hit"),
        miss_latency_ms: of(totals, "miss"),
        wrong_answers: sum(|it| it.wrong_answers),
        inferred: known.iter().any(|it| it.inferred),
        marker: first.marker.clone(),
        speed_up: speed_up
            .map(|(miss, hit)| miss / hit)
            .filter(|it| it.is_finite()),
        stampedes: sum(|it| it.stampedes),
        largest_stampede: known
            .iter()
            .map(|it| it.largest_stampede)
            .max()
            .unwrap_or(0),
        popularity: first.popularity.clone(),
    })
}

pub(super) fn stream(all: &[&Report], totals: &Totals) -> Option<Stream> {
    let known: Vec<&Stream> = all.iter().filter_map(|it| it.stream.as_ref()).collect();
    known.first()?;
    let sum = |of: fn(&Stream) -> u64| sum(known.iter().map(|it| of(it)));
    let violations = known.iter().filter_map(|it| it.first_violation.clone());
    Some(Stream {
        opened: sum(|it| it.opened),
        completed: sum(|it| it.completed),
        broken: sum(|it| it.broken),
        events: sum(|it| it.events),
        first_event_ms: of(totals, "first_event"),
        gap_ms: of(totals, "gap"),
        complete_ms: of(totals, "complete"),
        most_at_once: sum(|it| it.most_at_once),
        left: sum(|it| it.left),
        slow: sum(|it| it.slow),
        first_violation: violations.min_by(|one, other| one.at_s.total_cmp(&other.at_s)),
    })
}

/// Stretches of the same time become one. Where runs were cut otherwise there are none.
pub(super) fn slices(all: &[&Report]) -> Result<Vec<Slice>, LogError> {
    let length = |report: &&Report| report.slices.first().map(|it| it.length_s.to_bits());
    let first = all.first().and_then(length);
    if first.is_none() || !all.iter().all(|report| length(report) == first) {
        return Ok(Vec::new());
    }
    let mut together: BTreeMap<Duration, Vec<&Slice>> = BTreeMap::new();
    for slice in all.iter().flat_map(|it| &it.slices) {
        let at = Duration::try_from_secs_f64(slice.at_s).unwrap_or_default();
        together.entry(at).or_default().push(slice);
    }
    together
        .into_values()
        .map(|slices| slice(&slices))
        .collect()
}

fn slice(all: &[&Slice]) -> Result<Slice, LogError> {
    let known = |of: fn(&Slice) -> Option<u64>| {
        all.iter()
            .filter_map(|it| of(it))
            .reduce(u64::saturating_add)
    };
    let logs: Vec<Log> = all.iter().map(|it| Log::of_slice(it)).collect();
    let totals = Log::merge(&logs)?.totals()?;
    let texts = totals.iter();
    let texts = texts.filter_map(|(name, total)| Some((name.clone(), encoded(total)?)));
    Ok(Slice {
        at_s: all.first().map_or(0.0, |it| it.at_s),
        length_s: all.first().map_or(0.0, |it| it.length_s),
        ok: sum(all.iter().map(|it| it.ok)),
        failed: sum(all.iter().map(|it| it.failed)),
        limited: known(|it| it.limited),
        hits: known(|it| it.hits),
        misses: known(|it| it.misses),
        users: known(|it| it.users),
        // One agent, looked at by several.
        memory_bytes: all.iter().filter_map(|it| it.memory_bytes).max(),
        latency_ms: of(&totals, "latency"),
        gap_ms: totals.get("gap").map(latency),
        histograms: texts.collect(),
    })
}

pub(super) fn notes(all: &[&Report], whole: &Report) -> Vec<String> {
    let mut notes = vec![format!(
        "merged of {} reports: counts and histograms are added, figures made anew from them",
        all.len()
    )];
    let mut left_out = Vec::new();
    if !whole.endpoints.is_empty() {
        left_out.push("the latency by what was asked");
    }
    if all.iter().any(|it| it.baseline.is_some()) {
        left_out.push("the comparisons with a baseline");
    }
    if all.iter().any(|it| it.generator.loop_lag_ms.is_some()) {
        left_out.push("the generators' lags");
    }
    if whole.slices.is_empty() && all.iter().any(|it| !it.slices.is_empty()) {
        left_out.push("the stretches of time, which are of different lengths");
    }
    if !left_out.is_empty() {
        notes.push(format!("left out: {}", left_out.join(", ")));
    }
    if whole.stream.is_some() {
        notes.push("streams at once: the sum of what each had at most".to_owned());
    }
    for note in all.iter().flat_map(|it| &it.notes) {
        if !notes.contains(note) && notes.len() < 100 {
            notes.push(note.clone());
        }
    }
    notes
}

/// Each threshold once, held against the whole.
pub(super) fn thresholds(all: &[&Report], whole: &Report) -> Vec<load::Threshold> {
    let mut thresholds: Vec<load::Threshold> = Vec::new();
    for asked in all.iter().flat_map(|it| &it.thresholds) {
        if thresholds
            .iter()
            .any(|it| it.expression == asked.expression)
        {
            continue;
        }
        match asked.expression.parse::<Threshold>() {
            Ok(threshold) => thresholds.push(threshold.judge(whole)),
            // What cannot be read holds nothing.
            Err(_) => thresholds.push(load::Threshold {
                value: None,
                holds: false,
                ..asked.clone()
            }),
        }
    }
    thresholds
}
