//! Twice the limit for a while, by several clients: is the limit kept, and is it fair?

use std::time::Duration;

use acp_conformance::limits::{Client, Found, Outcome, Seen};
use acp_reports::load::{Algorithm, Fairness, Pressure, Scope};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Trial;
use crate::recorder::{histogram, micros, record};
use crate::summary;

/// So long it is asked for twice the limit, if nobody says how long: a minute; where windows are longer, so many of
/// them, after which a limit by any algorithm must have refused somebody; and never longer than that.
const PRESSED: Duration = Duration::from_secs(60);
const WINDOWS: f64 = 2.6;
const LONGEST: Duration = Duration::from_secs(300);
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
    pub(super) async fn press(&mut self, told: Option<Duration>, stop: &CancellationToken) {
        let time = told.unwrap_or_else(|| long_enough(self.window));
        let clients = clients(self.found.scope, self.wire.addresses, self.wire.keys);
        let stage = format!(
            "asking for twice the limit, for {:.1} s",
            time.as_secs_f64()
        );
        self.wire.progress.begins(&stage);
        if clients.len() > 1 {
            // One has just used up its allowance: only from full ones are their shares comparable.
            let silence = tokio::time::sleep(self.window.mul_f64(1.1));
            let _ = stop.run_until_cancelled(silence).await;
        }
        if stop.is_cancelled() {
            return;
        }
        let began = tokio::time::Instant::now();
        let answers = self.ask_for_twice(&clients, began + time, stop).await;
        let took = began.elapsed();
        let is_by_request = self.found.begins_with_a_request == Some(true)
            && clients.iter().all(|client| {
                let theirs = answers.iter().filter(|seen| seen.client == *client);
                is_by_request(theirs, shortest(self.found, self.window))
            });
        // What is refused with 503 has a defect of its own.
        let lost = answers.iter().filter(|it| it.outcome == Outcome::Other);
        let lost = lost.count() as u64;
        let (mut pressure, by_client) = self.pressed(&clients, answers);
        pressure.duration_s = took.as_secs_f64();
        let each = admissible(
            self.found.algorithm,
            is_by_request,
            took.as_secs_f64() / shortest(self.found, self.window).as_secs_f64().max(1e-9),
            self.limit,
        );
        pressure.admissible = clients.len() as u64 * each;
        self.judge_pressure(&pressure, lost);
        if pressure.is_too_short() {
            let note = format!(
                "{:.1} s at twice the limit are too short to tell whether it holds: it takes {:.0} s (--duration)",
                pressure.duration_s,
                self.window.mul_f64(WINDOWS).as_secs_f64().ceil()
            );
            self.notes.push(note);
        }
        self.section.pressure = Some(pressure);
        match clients.len() {
            1 => {
                let note = "fairness was not looked at: it takes two clients, each with an allowance of its own";
                self.notes.push(note.to_owned());
            }
            _ => self.judge_fairness(by_client),
        }
    }

    /// All that each client is answered when it asks for twice its allowance until then.
    async fn ask_for_twice(
        &mut self,
        clients: &[Client],
        end: Instant,
        stop: &CancellationToken,
    ) -> Vec<Seen> {
        let wire = self.wire;
        let pause = self.window.div_f64(self.limit as f64 * TIMES);
        let began = Instant::now();
        let lanes = clients
            .iter()
            .flat_map(|client| (0..LANES).map(move |lane| (*client, lane)));
        let lanes = lanes.filter_map(|(client, lane)| {
            let mut line = wire.line(client)?;
            Some(async move {
                let (mut answers, mut late) = (Vec::new(), histogram());
                let mut due = began + pause * lane;
                // An agent that is slow to answer must not make it longer.
                while due < end && Instant::now() < end + pause * LANES {
                    let is_awaited = Instant::now() < due;
                    let wait = tokio::time::sleep_until(due);
                    if stop.run_until_cancelled(wait).await.is_none() {
                        break;
                    }
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
        let mut answers = Vec::new();
        for (answered, late) in futures_util::future::join_all(lanes).await {
            answers.extend(answered);
            // Both grow as they must: this does not fail.
            let _ = self.late.add(&late);
        }
        answers
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
            match seen.as_due() {
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

    fn judge_pressure(&mut self, pressure: &Pressure, lost: u64) {
        let excess = pressure.admitted.saturating_sub(pressure.admissible);
        if excess > 0 {
            let message = format!(
                "at {TIMES} times the limit {} are admitted where {} are right",
                pressure.admitted, pressure.admissible
            );
            self.defect("over-admits-under-pressure", excess, message);
        }
        if lost > 0 {
            let message = format!(
                "{lost} requests at {TIMES} times the limit are neither admitted nor refused"
            );
            self.defect("fails-under-pressure", lost, message);
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

/// Two with an allowance each, by the scope that was found; one alone where there are no two that are known to be.
fn clients(scope: Scope, addresses: usize, keys: usize) -> Vec<Client> {
    let first = Client::default();
    match scope {
        Scope::Address if addresses > 1 => vec![first, Client { address: 1, key: 0 }],
        Scope::Key if keys > 1 => vec![first, Client { address: 0, key: 1 }],
        _ => vec![first],
    }
}

/// How long twice the limit is asked for if nobody says so.
fn long_enough(window: Duration) -> Duration {
    window.mul_f64(WINDOWS).max(PRESSED).min(LONGEST)
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
    fn the_clients_are_those_that_the_limit_takes_for_two() {
        let others = |scope, addresses, keys| clients(scope, addresses, keys)[1..].to_vec();
        let at_another_address = Client { address: 1, key: 0 };
        let with_another_key = Client { address: 0, key: 1 };
        assert_eq!(others(Scope::Address, 2, 2), [at_another_address]);
        assert_eq!(others(Scope::Key, 2, 2), [with_another_key]);
        for (scope, addresses, keys) in [
            (Scope::Address, 1, 2),
            (Scope::Key, 2, 1),
            (Scope::Global, 2, 2),
            (Scope::Unknown, 2, 2),
        ] {
            assert_eq!(others(scope, addresses, keys), [], "{scope:?}");
        }
    }

    #[test]
    fn twice_the_limit_is_asked_for_a_minute_or_until_somebody_must_be_refused() {
        let of = |seconds| long_enough(Duration::from_secs(seconds)).as_secs();
        assert_eq!([of(1), of(60), of(600)], [60, 156, 300]);
        for algorithm in [
            Algorithm::FixedWindow,
            Algorithm::SlidingWindow,
            Algorithm::TokenBucket,
        ] {
            let asked = (WINDOWS * TIMES * 10.0) as u64;
            assert!(
                admissible(algorithm, false, WINDOWS, 10) < asked,
                "{algorithm:?}"
            );
        }
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
