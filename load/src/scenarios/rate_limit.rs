//! `rate-limit`: what limit there is, found out from outside, and whether it keeps what it tells.
//!
//! First one client asks by a plan, one request at a time (`limits::find`). Then what a plan of single
//! requests cannot show: many at the same moment, and twice the limit for a while by several clients.

use std::time::{Duration, Instant};

use acp_reports::load::{
    Algorithm, Cost, Defect, Fairness, Pressure, RateLimit, Recovery, Report, Scope, Told,
};
use hdrhistogram::Histogram;

use super::Scenario;
use crate::hot::Prepared;
use crate::inlet::Reading;
use crate::limits::course::{Moment, course};
use crate::limits::wire::{self, Wire};
use crate::limits::{self, Client, Found, Means, Outcome, Truth};
use crate::recorder::{histogram, micros, record};
use crate::run::{self, Job};
use crate::summary;
use crate::traffic::{Traffic, say};

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
/// So long it is asked for twice the limit.
const PRESSED: Duration = Duration::from_secs(60);
const TIMES: f64 = 2.0;
/// So many requests at the same moment at most, and so many lanes of requests under pressure.
const AT_ONCE: u64 = 200;
const LANES: u32 = 8;

async fn attack(job: &Job) -> Report {
    let mut report = run::blank(job, SCENARIO.name);
    let Some(traffic) = run::learn(job, &mut report).await else {
        return report;
    };
    let body = traffic
        .inputs
        .first()
        .map(|input| Traffic::body(input, None, false));
    let wire = body.and_then(|body| Wire::new(&job.target, &body, job.stop.clone()));
    let Some(mut wire) = wire else {
        report.error = Some("the agent's schema gave nothing that can be asked".to_owned());
        return report;
    };
    let means = Means {
        addresses: wire.addresses,
        keys: wire.keys,
        most: MOST,
        row: ROW,
        patience: PATIENCE,
    };
    let found = limits::find(&mut wire, &means).await;
    let truth = limits::judge(&found);
    let mut tally = Tally::new();
    tally.add_log(&found);
    let mut section = section(&found, &truth);
    report.defects = truth.defects;
    report.notes.extend(found.notes.iter().cloned());
    if let Some(window) = found.window.filter(|_| !job.stop.is_cancelled()) {
        let limit = found.limit.unwrap_or(1);
        inside_a_stream(&traffic, &mut wire, &mut tally, &mut report).await;
        at_once(
            &wire,
            limit,
            window,
            &found,
            &mut tally,
            &mut report,
            &mut section,
        )
        .await;
        if !job.stop.is_cancelled() {
            let time = PRESSED.min(job.load.plan().length());
            press(&wire, &found, limit, window, time, &mut tally, &mut section).await;
            judge_pressure(&section, &mut report);
        }
    }
    section.cost = Cost {
        requests: tally.total(),
        duration_s: wire.elapsed().as_secs_f64(),
    };
    section.course = course(&tally.moments, section.scope, found.window);
    tally.fill(&mut report, wire.elapsed());
    report.users = wire.addresses.max(wire.keys) as u64;
    report.interrupted = job.stop.is_cancelled();
    report.rate_limit = Some(section);
    report
}

/// What came of all requests.
struct Tally {
    by_status: std::collections::BTreeMap<String, u64>,
    admitted: u64,
    refused: u64,
    other: u64,
    latency: Histogram<u64>,
    moments: Vec<Moment>,
}

impl Tally {
    fn new() -> Self {
        Self {
            by_status: std::collections::BTreeMap::new(),
            admitted: 0,
            refused: 0,
            other: 0,
            latency: histogram(),
            moments: Vec::new(),
        }
    }

    fn note(&mut self, client: Client, at: Duration, outcome: Outcome) {
        self.moments.push(Moment {
            client,
            at,
            outcome,
        });
    }

    fn total(&self) -> u64 {
        self.admitted + self.refused + self.other
    }

    fn add(&mut self, status: u16, outcome: Outcome, took: Duration) {
        let name = match status {
            0 => "none".to_owned(),
            status => status.to_string(),
        };
        *self.by_status.entry(name).or_default() += 1;
        match outcome {
            Outcome::Admitted => {
                self.admitted += 1;
                record(&mut self.latency, micros(took));
            }
            Outcome::Refused => self.refused += 1,
            Outcome::Other => self.other += 1,
        }
    }

    fn add_log(&mut self, found: &Found) {
        for seen in &found.log {
            let took = seen.received.saturating_sub(seen.sent);
            self.add(seen.status, seen.outcome, took);
            self.note(seen.client, seen.sent, seen.outcome);
        }
    }

    /// A refusal is an answer as it should be; only admitted requests enter the latency.
    fn fill(self, report: &mut Report, took: Duration) {
        report.requests.total = self.total();
        report.requests.ok = self.admitted + self.refused;
        report.requests.failed = self.other;
        report.duration_s = took.as_secs_f64();
        report.throughput_rps = self.admitted as f64 / took.as_secs_f64().max(1e-9);
        report.latency_ms = summary::latency(&self.latency);
        report.requests.by_status = self.by_status;
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
        }),
        recovery: found.recovery.map(|(after, at_once)| Recovery {
            after_s: seconds(after),
            told_s: truth.told_wait.map(seconds),
            at_once,
        }),
        ..RateLimit::default()
    }
}

/// Asks a stream while the client is refused: a refusal must be an answer, not an event of a stream.
async fn inside_a_stream(
    traffic: &Traffic,
    wire: &mut Wire,
    tally: &mut Tally,
    report: &mut Report,
) {
    let (Some((path, is_flagged)), Some(input)) = (&traffic.stream, traffic.inputs.first()) else {
        return;
    };
    let body = Traffic::body(input, None, *is_flagged);
    let question = wire
        .first()
        .and_then(|target| Prepared::post(target, path, body));
    let line = wire.line(Client::default());
    let (Some(question), Some(mut line)) = (question, line) else {
        return;
    };
    // As often as the limit allows, until a refusal of either kind comes.
    for _ in 0..AT_ONCE {
        let (at, began) = (wire.elapsed(), Instant::now());
        let answer = say(&mut line, &question, Reading::Kept).await;
        tally.add(answer.status, wire::outcome(&answer), began.elapsed());
        tally.note(Client::default(), at, wire::outcome(&answer));
        let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
        let refuses = ["rate_limit", "rate limit", "too many requests", "429"];
        if answer.status == 200 && refuses.iter().any(|word| text.contains(word)) {
            report.defects.push(Defect {
                name: "refusal-inside-stream".to_owned(),
                message: format!("POST {path} answers 200 and tells of the limit in the stream: a client that goes by the status never backs off"),
                count: 1,
            });
            return;
        }
        if wire::outcome(&answer) != Outcome::Admitted {
            return;
        }
    }
}

/// Many at the same moment, from a full allowance: who counts after looking admits too many.
async fn at_once(
    wire: &Wire,
    limit: u64,
    window: Duration,
    found: &Found,
    tally: &mut Tally,
    report: &mut Report,
    section: &mut RateLimit,
) {
    // Of a window by the clock, two may be touched; an estimate looks back at one more.
    tokio::time::sleep(window.mul_f64(2.1)).await;
    let number = (limit + limit.div_ceil(2) + 2).min(AT_ONCE.max(limit + 2));
    let began = Instant::now();
    // One comes first: the agent's count of the time before is then over for all the others.
    let first = futures_util::future::join_all(asks(wire, 1)).await;
    let rest = futures_util::future::join_all(asks(wire, number - 1)).await;
    let answers: Vec<_> = first.into_iter().chain(rest).collect();
    let took = began.elapsed().as_secs_f64();
    let admitted = answers
        .iter()
        .filter(|it| it.2 == Outcome::Admitted)
        .count() as u64;
    for (at, status, outcome, took) in answers {
        tally.add(status, outcome, took);
        tally.note(Client::default(), at, outcome);
    }
    let refilled = match found.algorithm {
        Algorithm::FixedWindow if found.begins_with_a_request == Some(false) => limit,
        Algorithm::FixedWindow => 0,
        _ => (took / window.as_secs_f64() * limit as f64).ceil() as u64,
    };
    let over = admitted.saturating_sub(limit + refilled);
    if over > 0 {
        section.over_admitted = section.over_admitted.max(over);
        report.defects.push(Defect {
            name: "over-admits-at-once".to_owned(),
            message: format!("{admitted} of {number} requests at the same moment are admitted where the limit is {limit}: it is looked at before it is counted"),
            count: over,
        });
    }
}

/// When it was asked, the status, what became of it, and how long it took.
type Answered = (Duration, u16, Outcome, Duration);

/// So many questions of the first client, each on a line of its own.
fn asks(wire: &Wire, number: u64) -> impl Iterator<Item = impl Future<Output = Answered>> {
    (0..number).filter_map(move |_| {
        let mut line = wire.line(Client::default())?;
        Some(async move {
            let (at, began) = (wire.elapsed(), Instant::now());
            let answer = say(&mut line, wire.question(), Reading::Kept).await;
            (at, answer.status, wire::outcome(&answer), began.elapsed())
        })
    })
}

/// Twice the limit by each client, for a while.
async fn press(
    wire: &Wire,
    found: &Found,
    limit: u64,
    window: Duration,
    time: Duration,
    tally: &mut Tally,
    section: &mut RateLimit,
) {
    let clients: Vec<Client> = match (wire.addresses > 1, wire.keys > 1) {
        (true, _) => vec![Client::default(), Client { address: 1, key: 0 }],
        (_, true) => vec![Client::default(), Client { address: 0, key: 1 }],
        _ => vec![Client::default()],
    };
    let pause = window.div_f64(limit as f64 * TIMES);
    let began = tokio::time::Instant::now();
    let lanes = clients
        .iter()
        .flat_map(|client| (0..LANES).map(move |lane| (*client, lane)));
    let lanes = lanes.filter_map(|(client, lane)| {
        let mut line = wire.line(client)?;
        let question = wire.question();
        Some(async move {
            let mut answers = Vec::new();
            let mut due = began + pause * lane;
            while due < began + time {
                tokio::time::sleep_until(due).await;
                let (at, asked) = (wire.elapsed(), Instant::now());
                let answer = say(&mut line, question, Reading::Kept).await;
                answers.push((at, answer.status, wire::outcome(&answer), asked.elapsed()));
                due += pause * LANES;
            }
            (client, answers)
        })
    });
    let answers = futures_util::future::join_all(lanes).await;
    let took = began.elapsed();
    let apart = match (found.scope, wire.addresses > 1) {
        (Scope::Global, _) | (Scope::Key, true) | (Scope::Address, false) => 1,
        _ => clients.len() as u64,
    };
    let (mut pressure, by_client) = pressed(&clients, answers, tally);
    pressure.duration_s = took.as_secs_f64();
    pressure.admissible = apart * admissible(found, limit, window, took);
    if clients.len() > 1 {
        let index = jain(&by_client);
        let admitted = by_client;
        section.fairness = Some(Fairness { admitted, index });
    }
    section.pressure = Some(pressure);
}

/// What came of the requests under pressure, and how many of each client's were admitted.
fn pressed(
    clients: &[Client],
    answers: Vec<(Client, Vec<Answered>)>,
    tally: &mut Tally,
) -> (Pressure, Vec<u64>) {
    let (mut admitted_ms, mut refused_ms) = (histogram(), histogram());
    let mut by_client = vec![0_u64; clients.len()];
    let mut pressure = Pressure {
        times: TIMES,
        ..Pressure::default()
    };
    for (client, answers) in answers {
        for (at, status, outcome, took) in answers {
            tally.add(status, outcome, took);
            tally.note(client, at, outcome);
            match outcome {
                Outcome::Admitted => {
                    pressure.admitted += 1;
                    let place = clients.iter().position(|it| *it == client);
                    by_client[place.unwrap_or(0)] += 1;
                    record(&mut admitted_ms, micros(took));
                }
                Outcome::Refused => {
                    pressure.refused += 1;
                    record(&mut refused_ms, micros(took));
                }
                Outcome::Other => pressure.other += 1,
            }
        }
    }
    pressure.admitted_ms = summary::latency(&admitted_ms);
    pressure.refused_ms = summary::latency(&refused_ms);
    (pressure, by_client)
}

/// How many a limit as it was found admits in so much time at most.
fn admissible(found: &Found, limit: u64, window: Duration, time: Duration) -> u64 {
    let windows = time.as_secs_f64() / window.as_secs_f64().max(1e-9);
    match found.algorithm {
        Algorithm::FixedWindow => limit * (windows.floor() as u64 + 2),
        Algorithm::SlidingWindow => limit * (windows.floor() as u64 + 1),
        _ => limit + (windows * limit as f64).ceil() as u64,
    }
}

/// Jain's index of fairness.
fn jain(admitted: &[u64]) -> f64 {
    let sum: f64 = admitted.iter().map(|it| *it as f64).sum();
    let squares: f64 = admitted.iter().map(|it| (*it as f64).powi(2)).sum();
    match squares > 0.0 {
        true => sum * sum / (admitted.len() as f64 * squares),
        false => 1.0,
    }
}

fn judge_pressure(section: &RateLimit, report: &mut Report) {
    let Some(pressure) = &section.pressure else {
        return;
    };
    let mut defect = |name: &str, count: u64, message: String| {
        report.defects.push(Defect {
            name: name.to_owned(),
            message,
            count,
        });
    };
    let excess = pressure.admitted.saturating_sub(pressure.admissible);
    if excess > 0 {
        let message = format!(
            "at {TIMES} times the limit {} are admitted where {} are right",
            pressure.admitted, pressure.admissible
        );
        defect("over-admits-under-pressure", excess, message);
    }
    if pressure.other > 0 {
        let message = format!(
            "{} requests at {TIMES} times the limit are neither admitted nor refused",
            pressure.other
        );
        defect("fails-under-pressure", pressure.other, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fairness_is_one_for_equals_and_one_of_n_where_one_has_all() {
        assert!((jain(&[7, 7, 7]) - 1.0).abs() < 1e-12);
        assert!((jain(&[9, 0, 0]) - 1.0 / 3.0).abs() < 1e-12);
        assert!((jain(&[0, 0]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn each_algorithm_admits_what_its_windows_do() {
        let of = |algorithm| {
            let found = Found {
                algorithm,
                ..Found::default()
            };
            let seconds = Duration::from_secs;
            admissible(&found, 10, seconds(2), seconds(5))
        };
        assert_eq!(of(Algorithm::FixedWindow), 40);
        assert_eq!(of(Algorithm::SlidingWindow), 30);
        assert_eq!(of(Algorithm::TokenBucket), 35);
    }
}
