//! Reports of generators that put one agent under load at the same time, in one report, without
//! loss: counts are added, and so are the histograms; every figure is made anew from these.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::load::{
    Arrivals, Cache, Curve, Defect, Endpoint, Generator, Invalid, Latency, Report, Requests, Slice,
    Stream,
};
use hdrhistogram::Histogram;

use crate::hlog::{Log, LogError, decoded, encoded};
use crate::scenarios::soak;
use crate::summary::{curve, latency};
use crate::threshold::Threshold;

/// Runs that began farther apart than this share of the shortest did not run at the same time.
const APART: f64 = 0.25;

/// Why reports cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("nothing to merge")]
    Nothing,
    /// Scenarios that look for one number.
    #[error(
        "{0}: a run of `{1}` finds a limit by itself and is no part of another; reports of mixed, cache, stream and soak can be merged"
    )]
    Scenario(String, String),
    /// One that did not come to figures.
    #[error("{0}: the run came to nothing: {1}")]
    Void(String, String),
    /// One differs from the first.
    #[error("{file}: not of the same load: {what} is {other}, and {first} in {first_file}")]
    Differs {
        /// The report that differs.
        file: String,
        /// In what.
        what: &'static str,
        /// What it says.
        other: String,
        /// What the first says.
        first: String,
        /// The first report.
        first_file: String,
    },
    /// Not at the same time.
    #[error(
        "{0}: began at {1}, and {2} at {3}: they did not run at the same time; compare such runs with --baseline"
    )]
    Apart(String, String, String, String),
    /// The figures of a run cannot be made from its histograms.
    #[error("{0}: has no histograms, so that nothing can be merged without loss")]
    Bare(String),
    /// A histogram that is none.
    #[error("{0}: its histogram of `{1}` cannot be read")]
    Unreadable(String, String),
    /// Histograms that cannot be added.
    #[error(transparent)]
    Log(#[from] LogError),
}

type Trait = (&'static str, fn(&Report) -> String);

const TRAITS: [Trait; 4] = [
    ("the scenario", |it| it.scenario.clone()),
    ("the agent", |it| {
        let id = it.target.agent_id.as_ref();
        id.unwrap_or(&it.target.url).clone()
    }),
    ("the agent's version", |it| {
        it.target.agent_version.clone().unwrap_or_default()
    }),
    ("the model", |it| format!("{:?}", it.model).to_lowercase()),
];

/// Merges reports, which come with the names of their files.
///
/// What cannot be made from counts and histograms is left out, and a note says so: the latency by
/// endpoint, the comparison with a baseline, the generators' lags.
///
/// # Errors
/// The first report that does not belong to the others.
pub fn merge(reports: &[(String, Report)]) -> Result<Report, MergeError> {
    let (_, first) = reports.first().ok_or(MergeError::Nothing)?;
    belong_together(reports)?;
    let all: Vec<&Report> = reports.iter().map(|(_, report)| report).collect();
    let logs: Vec<Log> = all.iter().map(|report| Log::whole(report)).collect();
    let totals = Log::merge(&logs)?.totals()?;
    let mut whole = Report::new(&first.scenario, &first.target.url);
    whole.tool.clone_from(&first.tool);
    whole.target.clone_from(&first.target);
    whole.started_at = all
        .iter()
        .map(|it| it.started_at.clone())
        .min()
        .unwrap_or_default();
    whole.model = first.model;
    whole.users = all.iter().map(|it| it.users).sum();
    whole.rate = all.iter().map(|it| it.rate).sum::<Option<f64>>();
    whole.plan = plans(&all);
    whole.duration_s = all.iter().map(|it| it.duration_s).fold(0.0, f64::max);
    whole.warm_up_s = all.iter().map(|it| it.warm_up_s).fold(0.0, f64::max);
    whole.seed = first.seed;
    whole.requests = requests(all.iter().map(|it| &it.requests));
    whole.throughput_rps = all.iter().map(|it| it.throughput_rps).sum();
    whole.invalid = all.iter().filter_map(|it| it.invalid).reduce(invalid);
    whole.endpoints = endpoints(&all);
    whole.arrivals = arrivals(&all);
    whole.interrupted = all.iter().any(|it| it.interrupted);
    whole.generator = generator(reports);
    whole.defects = defects(&all);
    figures(&mut whole, &totals);
    whole.cache = cache(&all, &totals);
    whole.stream = stream(&all, &totals);
    whole.slices = slices(&all)?;
    if first.soak.is_some() {
        whole.soak = Some(acp_reports::load::Soak {
            memory_by: first.soak.as_ref().and_then(|it| it.memory_by.clone()),
            ..soak::drifts(&whole.slices)
        });
    }
    whole.notes = notes(&all, &whole);
    whole.thresholds = thresholds(&all, &whole);
    whole.verdict = whole.judge();
    Ok(whole)
}

fn belong_together(reports: &[(String, Report)]) -> Result<(), MergeError> {
    let Some((first_file, first)) = reports.first() else {
        return Err(MergeError::Nothing);
    };
    for (file, report) in reports {
        let why = report.error.clone().filter(|_| report.requests.total == 0);
        if report.requests.total == 0 {
            let why = why.unwrap_or_else(|| "no request was made".to_owned());
            return Err(MergeError::Void(file.clone(), why));
        }
        if matches!(report.scenario.as_str(), "rate-limit" | "capacity") {
            let scenario = report.scenario.clone();
            return Err(MergeError::Scenario(file.clone(), scenario));
        }
        if report.requests.ok > 0 && report.histograms.is_empty() {
            return Err(MergeError::Bare(file.clone()));
        }
        if let Some(name) = unreadable(report) {
            return Err(MergeError::Unreadable(file.clone(), name));
        }
        for (what, of) in TRAITS {
            let (mine, theirs) = (of(first), of(report));
            if mine != theirs {
                return Err(MergeError::Differs {
                    file: file.clone(),
                    what,
                    other: acp_reports::shorten(&theirs, 80).into_owned(),
                    first: acp_reports::shorten(&mine, 80).into_owned(),
                    first_file: first_file.clone(),
                });
            }
        }
        if !at_the_same_time(first, report) {
            return Err(MergeError::Apart(
                file.clone(),
                report.started_at.clone(),
                first_file.clone(),
                first.started_at.clone(),
            ));
        }
    }
    Ok(())
}

/// What is no histogram would be lost without a word.
fn unreadable(report: &Report) -> Option<String> {
    let slices = report.slices.iter().flat_map(|slice| &slice.histograms);
    let mut all = report.histograms.iter().chain(slices);
    let (name, _) = all.find(|(_, text)| decoded(text).is_none())?;
    Some(acp_reports::shorten(name, 40).into_owned())
}

/// Whether two runs overlap by most of the shorter. What says no time is believed.
fn at_the_same_time(one: &Report, other: &Report) -> bool {
    let began = |report: &Report| report.started_at.parse::<jiff::Timestamp>().ok();
    let (Some(first), Some(second)) = (began(one), began(other)) else {
        return true;
    };
    let apart = second.duration_since(first).as_secs_f64().abs();
    let lasted = |report: &Report| report.warm_up_s + report.duration_s;
    // The program learns for a moment before it measures.
    apart <= (lasted(one).min(lasted(other)) * APART).max(5.0)
}

fn plans(all: &[&Report]) -> String {
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

fn requests<'r>(all: impl Iterator<Item = &'r Requests>) -> Requests {
    let mut sum = Requests::default();
    let add = |sum: &mut BTreeMap<String, u64>, more: &BTreeMap<String, u64>| {
        for (name, count) in more {
            *sum.entry(name.clone()).or_default() += count;
        }
    };
    for requests in all {
        sum.total += requests.total;
        sum.ok += requests.ok;
        sum.failed += requests.failed;
        add(&mut sum.by_status, &requests.by_status);
        add(&mut sum.by_error, &requests.by_error);
    }
    sum
}

fn invalid(one: Invalid, other: Invalid) -> Invalid {
    Invalid {
        sent: one.sent + other.sent,
        refused: one.refused + other.refused,
        accepted: one.accepted + other.accepted,
        server_errors: one.server_errors + other.server_errors,
        unanswered: one.unanswered + other.unanswered,
    }
}

/// Of an endpoint the report holds no histogram: its figures are left out.
fn endpoints(all: &[&Report]) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for endpoint in all.iter().flat_map(|it| &it.endpoints) {
        match endpoints.iter_mut().find(|it| it.name == endpoint.name) {
            Some(known) => {
                known.requests = requests([&known.requests, &endpoint.requests].into_iter());
                known.latency_ms.count += endpoint.latency_ms.count;
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

fn arrivals(all: &[&Report]) -> Option<Arrivals> {
    let known: Vec<&Arrivals> = all.iter().filter_map(|it| it.arrivals.as_ref()).collect();
    if known.is_empty() {
        return None;
    }
    Some(Arrivals {
        intended: known.iter().map(|it| it.intended).sum(),
        dropped: known.iter().map(|it| it.dropped).sum(),
        started_rps: known.iter().map(|it| it.started_rps).sum(),
        kept_up: known.iter().all(|it| it.kept_up),
        why: known.iter().find_map(|it| it.why.clone()),
    })
}

/// Trusted if each is; of shares the worst.
fn generator(reports: &[(String, Report)]) -> Generator {
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

fn defects(all: &[&Report]) -> Vec<Defect> {
    let mut defects: Vec<Defect> = Vec::new();
    for defect in all.iter().flat_map(|it| &it.defects) {
        match defects.iter_mut().find(|it| it.name == defect.name) {
            Some(known) => known.count += defect.count,
            None => defects.push(defect.clone()),
        }
    }
    defects
}

type Totals = BTreeMap<String, Histogram<u64>>;

fn figures(whole: &mut Report, totals: &Totals) {
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

fn cache(all: &[&Report], totals: &Totals) -> Option<Cache> {
    let known: Vec<&Cache> = all.iter().filter_map(|it| it.cache.as_ref()).collect();
    let first = *known.first()?;
    let sum = |of: fn(&Cache) -> u64| known.iter().map(|it| of(it)).sum::<u64>();
    let (hits, misses) = (sum(|it| it.hits), sum(|it| it.misses));
    let number = |it: &Cache| (it.hits + it.misses) as f64;
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

fn stream(all: &[&Report], totals: &Totals) -> Option<Stream> {
    let known: Vec<&Stream> = all.iter().filter_map(|it| it.stream.as_ref()).collect();
    known.first()?;
    let sum = |of: fn(&Stream) -> u64| known.iter().map(|it| of(it)).sum::<u64>();
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
fn slices(all: &[&Report]) -> Result<Vec<Slice>, LogError> {
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
    let known =
        |of: fn(&Slice) -> Option<u64>| all.iter().filter_map(|it| of(it)).reduce(|a, b| a + b);
    let logs: Vec<Log> = all.iter().map(|it| Log::of_slice(it)).collect();
    let totals = Log::merge(&logs)?.totals()?;
    let texts = totals.iter();
    let texts = texts.filter_map(|(name, total)| Some((name.clone(), encoded(total)?)));
    Ok(Slice {
        at_s: all.first().map_or(0.0, |it| it.at_s),
        length_s: all.first().map_or(0.0, |it| it.length_s),
        ok: all.iter().map(|it| it.ok).sum(),
        failed: all.iter().map(|it| it.failed).sum(),
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

fn notes(all: &[&Report], whole: &Report) -> Vec<String> {
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
fn thresholds(all: &[&Report], whole: &Report) -> Vec<acp_reports::load::Threshold> {
    let mut thresholds: Vec<acp_reports::load::Threshold> = Vec::new();
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
            Err(_) => thresholds.push(acp_reports::load::Threshold {
                value: None,
                holds: false,
                ..asked.clone()
            }),
        }
    }
    thresholds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = crate::recorder::histogram();
        for value in values {
            crate::recorder::record(&mut histogram, *value);
        }
        histogram
    }

    fn named(name: &str, values: &[u64]) -> BTreeMap<String, String> {
        let text = encoded(&histogram(values)).expect("text");
        [(name.to_owned(), text)].into()
    }

    /// A run of three requests, each in a slice of its own.
    fn run(values: [u64; 3]) -> Report {
        let mut report = Report::new("mixed", "http://127.0.0.1:8000");
        report.started_at = "2026-11-22T10:00:00Z".to_owned();
        report.duration_s = 30.0;
        report.users = 10;
        report.throughput_rps = 0.1;
        report.requests.total = 4;
        report.requests.ok = 3;
        report.requests.failed = 1;
        report.requests.by_status = [("200".to_owned(), 3), ("503".to_owned(), 1)].into();
        report.latency_ms = latency(&histogram(&values));
        report.histograms = named("latency", &values);
        for (number, value) in values.into_iter().enumerate() {
            report.slices.push(Slice {
                at_s: number as f64 * 10.0,
                length_s: 10.0,
                ok: 1,
                histograms: named("latency", &[value]),
                ..Slice::default()
            });
        }
        report
    }

    fn merged(reports: Vec<Report>) -> Result<Report, MergeError> {
        let named = reports.into_iter().enumerate();
        let named: Vec<_> = named.map(|(at, it)| (format!("{at}.json"), it)).collect();
        merge(&named)
    }

    #[test]
    fn figures_are_those_of_all_values_together() {
        let whole = merged(vec![run([1_000, 2_000, 3_000]), run([500, 70_000, 4_000])]);
        let whole = whole.expect("they can be merged");
        let all = histogram(&[1_000, 2_000, 3_000, 500, 70_000, 4_000]);
        assert_eq!(whole.latency_ms, latency(&all));
        assert_eq!(whole.curve, curve(&all));
        assert_eq!(
            (whole.users, whole.requests.total, whole.requests.failed),
            (20, 8, 2)
        );
        assert_eq!(whole.requests.by_status["200"], 6);
        assert!((whole.throughput_rps - 0.2).abs() < 1e-9);
        assert_eq!(whole.slices.len(), 3);
        assert_eq!(whole.slices[1].ok, 2);
        assert_eq!(
            whole.slices[1].latency_ms,
            latency(&histogram(&[2_000, 70_000]))
        );
        // It can be merged again, and be a baseline.
        let again = merged(vec![whole.clone(), run([1, 1, 1])]).expect("they can be merged");
        assert_eq!(again.latency_ms.count, 9);
    }

    #[test]
    fn thresholds_are_held_against_the_whole() {
        let mut one = run([1_000, 1_000, 1_000]);
        one.thresholds = vec!["p50<5ms".parse::<Threshold>().expect("one").judge(&one)];
        let other = run([9_000, 9_000, 9_000]);
        let mut third = other.clone();
        third.thresholds.clone_from(&one.thresholds);
        let whole = merged(vec![one, other, third]).expect("they can be merged");
        assert_eq!(whole.thresholds.len(), 1);
        assert!(!whole.thresholds[0].holds);
        assert_eq!(whole.verdict, acp_reports::Verdict::Fail);
    }

    #[test]
    fn hits_and_streams_are_added_and_their_rates_made_anew() {
        let with = |hits, misses, gap| {
            let mut report = run([1, 2, 3]);
            report.scenario = "cache".to_owned();
            report.cache = Some(Cache {
                hits,
                misses,
                expected_hit_rate: 0.5,
                ..Cache::default()
            });
            report.stream = Some(Stream {
                opened: 2,
                ..Stream::default()
            });
            report.histograms.extend(named("gap", &[gap]));
            report
        };
        let whole = merged(vec![with(3, 1, 1_000), with(1, 3, 9_000)]).expect("merged");
        let cache = whole.cache.expect("a cache");
        assert_eq!(
            (cache.hits, cache.hit_rate, cache.expected_hit_rate),
            (4, 0.5, 0.5)
        );
        let stream = whole.stream.expect("streams");
        assert_eq!((stream.opened, stream.gap_ms.count), (4, 2));
        assert!(whole.curves.contains_key("gap"));
    }

    #[test]
    fn what_does_not_belong_together_is_refused_and_said() {
        type Change = fn(&mut Report);
        let changes: [(Change, &str); 7] = [
            (
                |it| {
                    drop(
                        it.slices[0]
                            .histograms
                            .insert("gap".to_owned(), "!".to_owned()),
                    )
                },
                "cannot be read",
            ),
            (
                |it| it.scenario = "stream".to_owned(),
                "the scenario is stream",
            ),
            (
                |it| it.target.agent_version = Some("2".to_owned()),
                "version is 2",
            ),
            (
                |it| it.started_at = "2026-11-22T11:00:00Z".to_owned(),
                "same time",
            ),
            (|it| it.histograms.clear(), "no histograms"),
            (|it| it.requests.total = 0, "came to nothing"),
            (
                |it| it.scenario = "rate-limit".to_owned(),
                "finds a limit by itself",
            ),
        ];
        for (change, told) in changes {
            let mut other = run([1, 2, 3]);
            change(&mut other);
            let error = merged(vec![run([1, 2, 3]), other]).expect_err("they differ");
            let error = error.to_string();
            assert!(
                error.starts_with("1.json: ") && error.contains(told),
                "{error}"
            );
        }
        assert!(matches!(merge(&[]), Err(MergeError::Nothing)));
    }

    #[test]
    fn runs_that_were_cut_otherwise_keep_their_histograms_and_lose_their_slices() {
        let mut other = run([1, 2, 3]);
        other.slices[0].length_s = 7.0;
        let whole = merged(vec![run([1, 2, 3]), other]).expect("they can be merged");
        assert!(whole.slices.is_empty());
        assert_eq!(whole.latency_ms.count, 6);
        assert!(
            whole
                .notes
                .iter()
                .any(|it| it.contains("different lengths"))
        );
    }
}
