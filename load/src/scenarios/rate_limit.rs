//! `rate-limit`: what limit there is, found out from outside, and whether it keeps what it tells.
//!
//! First one client asks by a plan, one request at a time (`limits::find`). Then what a plan of single
//! requests cannot show: many at the same moment, and twice the limit for a while by several clients.

mod at_once;
mod pressure;
mod tally;

use std::time::Duration;

use acp_conformance::limits::{self, Found, Means, Truth};
use acp_reports::load::{Cost, Defect, Generator, RateLimit, Recovery, Report, Told};
use hdrhistogram::Histogram;
use tokio_util::sync::CancellationToken;

use self::tally::Tally;
use super::Scenario;
use crate::limits::wire::Wire;
use crate::recorder::histogram;
use crate::run::{self, Job};
use crate::summary;
use crate::traffic::Traffic;
use crate::watch::{self, Course, Watch};

/// The scenario.
pub(super) static SCENARIO: Scenario = Scenario {
    name: "rate-limit",
    summary: "the limit, its window, burst, algorithm and scope, and whether what is told of it is true",
    attack: |job| Box::pin(attack(job)),
};

/// So many admitted in a row, or for so long, make it no limit.
const MOST: u64 = 5_000;
const ROW: Duration = Duration::from_secs(20);
/// So long is waited for service to return: an hour's window is not found.
const PATIENCE: Duration = Duration::from_secs(180);

/// What is tried on a limit that was found.
struct Trial<'t> {
    wire: &'t Wire,
    found: &'t Found,
    limit: u64,
    window: Duration,
    tally: Tally,
    section: RateLimit,
    defects: Vec<Defect>,
    notes: Vec<String>,
    /// How much later than due requests under pressure began, in microseconds.
    late: Histogram<u64>,
}

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    let body = traffic
        .inputs
        .first()
        .map(|input| Traffic::body(input, None, false));
    let wire = body.and_then(|body| {
        let tell = job.tell.clone();
        Wire::new(&job.target, &body, job.stop.clone(), tell)
    });
    let Some(wire) = wire else {
        report.error = Some("the agent's schema gave nothing that can be asked".to_owned());
        return report;
    };
    let watch = Watch::begin(job.load.threads);
    let over = CancellationToken::new();
    let progress = wire.progress.clone();
    let finding = async {
        let _over = over.clone().drop_guard();
        find(job, &traffic, wire, &mut report).await
    };
    let (late, lags, ()) = tokio::join!(
        finding,
        watch::loop_lag(over.clone()),
        progress.goes_on(over.clone())
    );
    let mut signs = watch.so_far();
    signs.loop_lag = lags;
    let latency_p50 = report.latency_ms.figures.map_or(0.0, |it| it.p50 * 1000.0) as u64;
    let course = Course {
        lag_p99: late.value_at_quantile(0.99),
        latency_p50,
        ..Course::default()
    };
    let why = watch::doubts(&signs, &course);
    report.generator = Generator {
        trusted: why.is_none(),
        why,
        schedule_lag_ms: (!late.is_empty()).then(|| summary::latency(&late)),
        ..summary::usage(&signs)
    };
    report
}

/// Finds the limit, tries it, and fills in all that comes of it; how late what was due began.
async fn find(job: &Job, traffic: &Traffic, mut wire: Wire, report: &mut Report) -> Histogram<u64> {
    let means = Means {
        addresses: wire.addresses,
        keys: wire.keys,
        most: MOST,
        row: ROW,
        patience: PATIENCE,
    };
    let found = limits::find(&mut wire, &means).await;
    let truth = limits::judge(&found);
    let mut trial = Trial {
        wire: &wire,
        found: &found,
        limit: found.limit.unwrap_or(1),
        window: found.window.unwrap_or_default(),
        tally: Tally::new(),
        section: section(&found, &truth),
        defects: truth.defects,
        notes: Vec::new(),
        late: histogram(),
    };
    found.log.iter().for_each(|seen| trial.tally.add(seen));
    if found.window.is_some() {
        trial.run(job, traffic).await;
    }
    let Trial {
        tally,
        mut section,
        defects,
        notes,
        late,
        ..
    } = trial;
    report.defects = defects;
    report.defects.extend(tally.unavailable());
    report.notes.extend(found.notes.iter().cloned());
    report.notes.extend(notes);
    section.cost = Cost {
        requests: tally.total(),
        duration_s: wire.elapsed().as_secs_f64(),
    };
    section.course = tally.course(section.scope, found.window);
    tally.fill(report, wire.elapsed());
    report.users = wire.addresses.max(wire.keys) as u64;
    report.interrupted = job.stop.is_cancelled();
    report.rate_limit = Some(section);
    late
}

impl Trial<'_> {
    async fn run(&mut self, job: &Job, traffic: &Traffic) {
        let stop = &job.stop;
        if !stop.is_cancelled() {
            self.inside_a_stream(traffic).await;
        }
        if !stop.is_cancelled() {
            self.wire
                .progress
                .begins("asking many at the same moment, from a full allowance");
            self.at_once(stop).await;
        }
        if !stop.is_cancelled() {
            self.press(job.pressure, stop).await;
        }
    }

    fn defect(&mut self, name: &str, count: u64, message: String) {
        self.defects.push(Defect {
            name: name.to_owned(),
            message,
            count,
        });
    }
}

fn section(found: &Found, truth: &Truth) -> RateLimit {
    let seconds = |time: Duration| time.as_secs_f64();
    let told = found.log.iter().find(|seen| seen.told.limit.is_some());
    let [limit, window, algorithm, scope] = found.sure;
    RateLimit {
        limit: found.limit,
        window_s: found.window.map(seconds),
        algorithm: found.algorithm,
        burst: found.burst,
        scope: found.scope,
        over_admitted: truth.over_admitted,
        retry_after: truth.retry_after,
        window_interval_s: found
            .window_between
            .map(|(from, to)| [seconds(from), seconds(to)]),
        window_begins_with_a_request: found.begins_with_a_request,
        confidence: acp_reports::load::Confidence {
            limit,
            window,
            algorithm,
            scope,
        },
        told: told.map(|seen| Told {
            by: "RateLimit headers".to_owned(),
            limit: seen.told.limit.unwrap_or_default(),
            window_s: seen.told.window.map(seconds),
            remaining_truthful: truth.remaining,
            reset_truthful: truth.reset,
        }),
        recovery: found.recovery.map(|(after, at_once)| Recovery {
            after_s: seconds(after),
            told_s: truth.told_wait.map(seconds),
            at_once,
        }),
        ..RateLimit::default()
    }
}
