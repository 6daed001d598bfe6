//! Twice the limit for a while, by several clients: is the limit kept, and is it fair?

use std::time::Duration;

use acp_conformance::limits::{Client, Found, Outcome, Seen};
use acp_reports::load::{Algorithm, Fairness, Pressure, Scope};

use super::Trial;
use crate::recorder::{histogram, micros, record};
use crate::summary;

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
                    answers.push(wire.ask_on(&mut line, wire.question(), client).await.0);
                    due += pause * LANES;
                }
                (answers, late)
            })
        });
        let lanes = futures_util::future::join_all(lanes).await;
        let took = began.elapsed();
        let mut answers = Vec::new();
        for (answered, late) in lanes {
            answers.extend(answered);
            // Both grow as they must: this does not fail.
            let _ = self.late.add(&late);
        }
        let is_by_request = self.found.begins_with_a_request == Some(true)
            && clients.iter().all(|client| {
                let theirs = answers.iter().filter(|seen| seen.client == *client);
                is_by_request(theirs, shortest(self.found, self.window))
            });
        let (mut pressure, by_client) = self.pressed(&clients, answers);
        pressure.duration_s = took.as_secs_f64();
        let each = admissible(
            self.found.algorithm,
            is_by_request,
            took.as_secs_f64() / shortest(self.found, self.window).as_secs_f64().max(1e-9),
            self.limit,
        );
        pressure.admissible = self.apart(&clients) * each;
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
    fn pressed(&mut self, clients: &[Client], answers: Vec<Seen>) -> (Pressure, Vec<u64>) {
        let (mut admitted_ms, mut refused_ms) = (histogram(), histogram());
        let mut by_client = vec![0_u64; clients.len()];
        let mut pressure = Pressure {
            times: TIMES,
            ..Pressure::default()
        };
        for seen in &answers {
            self.tally.add(seen);
            match seen.outcome {
                Outcome::Admitted => {
                    pressure.admitted += 1;
                    let place = clients.iter().position(|it| *it == seen.client);
                    by_client[place.unwrap_or(0)] += 1;
                    record(&mut admitted_ms, micros(seen.took()));
                }
                Outcome::Refused => {
                    pressure.refused += 1;
                    record(&mut refused_ms, micros(seen.took()));
                }
                Outcome::Other => pressure.other += 1,
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

/// The shortest that the window can be.
fn shortest(found: &Found, window: Duration) -> Duration {
    found.window_between.map_or(window, |(from, _)| from)
}

/// Whether the second window of these requests began no sooner than a window after the first of them: one by the
/// clock that began with the first request of all by chance does not do so again.
fn is_by_request<'s>(answers: impl Iterator<Item = &'s Seen>, window: Duration) -> bool {
    let mut answers: Vec<_> = answers.collect();
    answers.sort_by_key(|seen| seen.sent);
    let mut rest = answers.into_iter();
    let Some(first) = rest.find(|it| it.outcome == Outcome::Admitted) else {
        return true;
    };
    let again = rest
        .skip_while(|it| it.outcome != Outcome::Refused)
        .find(|it| it.outcome == Outcome::Admitted);
    again.is_none_or(|it| it.received.saturating_sub(first.sent) >= window)
}

/// How many a limit as it was found admits in so many windows' time at most.
fn admissible(algorithm: Algorithm, is_by_request: bool, windows: f64, limit: u64) -> u64 {
    let whole = windows.floor() as u64;
    match algorithm {
        // By the clock, the first window may have begun before, and end at once.
        Algorithm::FixedWindow if !is_by_request => limit * (whole + 2),
        Algorithm::FixedWindow | Algorithm::SlidingWindow => limit * (whole + 1),
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
        let of = |algorithm, is_by_request| admissible(algorithm, is_by_request, 2.5, 10);
        assert_eq!(of(Algorithm::FixedWindow, false), 40);
        assert_eq!(of(Algorithm::FixedWindow, true), 30);
        assert_eq!(of(Algorithm::SlidingWindow, false), 30);
        assert_eq!(of(Algorithm::TokenBucket, false), 35);
    }

    #[test]
    fn a_window_that_ends_sooner_after_the_first_request_is_one_by_the_clock() {
        let window = Duration::from_secs(2);
        let seen = |ms, outcome| Seen {
            outcome,
            ..Seen::nothing(Client::default(), Duration::from_millis(ms))
        };
        for (again, expected) in [(2_010, true), (900, false)] {
            let answers = [
                seen(again, Outcome::Admitted),
                seen(0, Outcome::Admitted),
                seen(10, Outcome::Admitted),
                seen(300, Outcome::Refused),
            ];
            assert_eq!(is_by_request(answers.iter(), window), expected, "{again}");
        }
        assert!(is_by_request([].iter(), window));
    }

    #[test]
    fn unequal_shares_are_unfair_if_there_are_enough_of_them() {
        let is_unfair = |admitted: &[u64]| unfair(admitted, jain(admitted)).is_some();
        assert!(is_unfair(&[20, 2]) && is_unfair(&[12, 0]));
        assert!(!is_unfair(&[20, 15]) && !is_unfair(&[4, 0]) && !is_unfair(&[9]));
    }
}
