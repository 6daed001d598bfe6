//! Twice the limit for a while, by several clients: is the limit kept, and is it fair?

use std::time::{Duration, Instant};

use acp_reports::load::{Algorithm, Fairness, Pressure, Scope};

use super::Trial;
use super::at_once::Answered;
use crate::inlet::Reading;
use crate::limits::Outcome;
use crate::limits::{Client, Found, wire};
use crate::recorder::{histogram, micros, record};
use crate::summary;
use crate::traffic::say;

/// So long it is asked for twice the limit, at most.
const PRESSED: Duration = Duration::from_secs(60);
const TIMES: f64 = 2.0;
/// So many lanes of requests has each client.
const LANES: u32 = 8;
/// Clients who ask for the same get shares that are more even than this: of two, one does not get
/// twice as much as the other.
const FAIR: f64 = 0.9;
/// With fewer admitted than this for each, shares say nothing.
const TELLING: u64 = 5;

impl Trial<'_> {
    /// Twice the limit by each client, for a while.
    pub(super) async fn press(&mut self, time: Duration) {
        let time = PRESSED.min(time);
        let wire = self.wire;
        let clients = self.clients();
        let pause = self.window.div_f64(self.limit as f64 * TIMES);
        if clients.len() > 1 {
            // One has just used up its allowance: only from full ones are their shares comparable.
            tokio::time::sleep(self.window.mul_f64(1.1)).await;
        }
        let began = tokio::time::Instant::now();
        let lanes = clients
            .iter()
            .flat_map(|client| (0..LANES).map(move |lane| (*client, lane)));
        let lanes = lanes.filter_map(|(client, lane)| {
            let mut line = wire.line(client)?;
            Some(async move {
                let (mut answers, mut late) = (Vec::new(), histogram());
                let mut due = began + pause * lane;
                while due < began + time {
                    let is_awaited = tokio::time::Instant::now() < due;
                    tokio::time::sleep_until(due).await;
                    if is_awaited {
                        // The runtime's timers go by whole milliseconds, rounded up.
                        let lag = due.elapsed().saturating_sub(Duration::from_millis(1));
                        record(&mut late, micros(lag));
                    }
                    let asked = Instant::now();
                    let answer = say(&mut line, wire.question(), Reading::Kept).await;
                    answers.push((answer.status, wire::outcome(&answer), asked.elapsed()));
                    due += pause * LANES;
                }
                (client, answers, late)
            })
        });
        let lanes = futures_util::future::join_all(lanes).await;
        let took = began.elapsed();
        let mut answers = Vec::new();
        for (client, answered, late) in lanes {
            answers.push((client, answered));
            // Both grow as they must: this does not fail.
            let _ = self.late.add(&late);
        }
        let (mut pressure, by_client) = self.pressed(&clients, answers);
        pressure.duration_s = took.as_secs_f64();
        pressure.admissible =
            self.apart(&clients) * admissible(self.found, self.limit, self.window, took);
        self.judge_pressure(&pressure);
        self.section.pressure = Some(pressure);
        if clients.len() > 1 {
            self.judge_fairness(by_client);
        }
    }

    fn clients(&self) -> Vec<Client> {
        match (self.wire.addresses > 1, self.wire.keys > 1) {
            (true, _) => vec![Client::default(), Client { address: 1, key: 0 }],
            (_, true) => vec![Client::default(), Client { address: 0, key: 1 }],
            _ => vec![Client::default()],
        }
    }

    /// How many allowances the clients have between them.
    fn apart(&self, clients: &[Client]) -> u64 {
        match (self.found.scope, self.wire.addresses > 1) {
            (Scope::Global, _) | (Scope::Key, true) | (Scope::Address, false) => 1,
            _ => clients.len() as u64,
        }
    }

    /// What came of the requests under pressure, and how many of each client's were admitted.
    fn pressed(
        &mut self,
        clients: &[Client],
        answers: Vec<(Client, Vec<Answered>)>,
    ) -> (Pressure, Vec<u64>) {
        let (mut admitted_ms, mut refused_ms) = (histogram(), histogram());
        let mut by_client = vec![0_u64; clients.len()];
        let mut pressure = Pressure {
            times: TIMES,
            ..Pressure::default()
        };
        for (client, answers) in answers {
            for (status, outcome, took) in answers {
                self.tally.add(status, outcome, took);
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

    fn judge_pressure(&mut self, pressure: &Pressure) {
        let excess = pressure.admitted.saturating_sub(pressure.admissible);
        if excess > 0 {
            let message = format!(
                "at {TIMES} times the limit {} are admitted where {} are right",
                pressure.admitted, pressure.admissible
            );
            self.defect("over-admits-under-pressure", excess, message);
        }
        if pressure.other > 0 {
            let message = format!(
                "{} requests at {TIMES} times the limit are neither admitted nor refused",
                pressure.other
            );
            self.defect("fails-under-pressure", pressure.other, message);
        }
    }

    /// All clients asked for the same, at the same time.
    fn judge_fairness(&mut self, admitted: Vec<u64>) {
        let index = jain(&admitted);
        if let Some(message) = unfair(&admitted, index) {
            self.defect("unfair", 0, message);
        }
        self.section.fairness = Some(Fairness { admitted, index });
    }
}

fn unfair(admitted: &[u64], index: f64) -> Option<String> {
    let all: u64 = admitted.iter().sum();
    let is_unfair = index < FAIR && all >= TELLING * admitted.len() as u64;
    is_unfair.then(|| {
        let shares: Vec<String> = admitted.iter().map(u64::to_string).collect();
        let shares = shares.join(" and ");
        format!("clients that ask for the same are admitted {shares} times: the limit is not shared fairly (Jain's index {index:.2})")
    })
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

/// Jain's index of fairness: 1 for equal shares, 1/n where one of n has all.
fn jain(admitted: &[u64]) -> f64 {
    let sum: f64 = admitted.iter().map(|it| *it as f64).sum();
    let squares: f64 = admitted.iter().map(|it| (*it as f64).powi(2)).sum();
    match squares > 0.0 {
        true => sum * sum / (admitted.len() as f64 * squares),
        false => 1.0,
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

    #[test]
    fn unequal_shares_are_unfair_if_there_are_enough_of_them() {
        let is_unfair = |admitted: &[u64]| unfair(admitted, jain(admitted)).is_some();
        assert!(is_unfair(&[20, 2]) && is_unfair(&[12, 0]));
        assert!(!is_unfair(&[20, 15]) && !is_unfair(&[4, 0]) && !is_unfair(&[9]));
    }
}
