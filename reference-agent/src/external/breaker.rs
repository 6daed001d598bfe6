//! The circuit breaker: a service that keeps failing is left alone for a while.
//!
//! It does no I/O and reads no clock.

use std::time::{Duration, Instant};

/// How often the service may fail in a row.
const PATIENCE: u32 = 5;

/// How long it is left alone then, before one request finds out whether it is back.
const PAUSE: Duration = Duration::from_secs(10);

/// Whether the service is asked at all.
#[derive(Debug)]
pub(crate) struct Breaker {
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is asked; so often it has failed in a row.
    Closed { failures: u32 },
    /// It is left alone until then.
    Open { until: Instant },
    /// One request is finding out.
    HalfOpen,
}

/// Leave to ask the service once. What came of it is told to [`Breaker::close`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// One of many.
    Ordinary,
    /// The one request that finds out.
    Probe,
}

/// What came of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Good,
    Bad,
    /// Nobody waited for the answer: it says nothing of the service.
    Unknown,
}

impl Breaker {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Closed { failures: 0 },
        }
    }

    /// Leave to ask, or how long not to.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Leave, Duration> {
        match self.state {
            State::Closed { .. } => Ok(Leave::Ordinary),
            State::Open { until } if until <= now => {
                self.state = State::HalfOpen;
                Ok(Leave::Probe)
            }
            State::Open { until } => Err(until - now),
            State::HalfOpen => Err(PAUSE),
        }
    }

    /// Takes note of what came of asking.
    pub(crate) fn close(&mut self, leave: Leave, outcome: Outcome, now: Instant) {
        let open = State::Open { until: now + PAUSE };
        self.state = match (self.state, leave, outcome) {
            (State::Closed { .. }, _, Outcome::Good) | (_, Leave::Probe, Outcome::Good) => {
                State::Closed { failures: 0 }
            }
            (State::Closed { failures }, _, Outcome::Bad) => match failures + 1 {
                PATIENCE => open,
                failures => State::Closed { failures },
            },
            (_, Leave::Probe, Outcome::Bad) => open,
            // The next one finds out.
            (State::HalfOpen, Leave::Probe, Outcome::Unknown) => State::Open { until: now },
            // Asked before the circuit was opened: old news.
            (state, ..) => state,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that has just opened, and when.
    fn opened() -> (Breaker, Instant) {
        let (mut breaker, now) = (Breaker::new(), Instant::now());
        for _ in 0..PATIENCE {
            assert_eq!(breaker.admit(now), Ok(Leave::Ordinary));
            breaker.close(Leave::Ordinary, Outcome::Bad, now);
        }
        (breaker, now)
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let (mut breaker, now) = opened();
        assert_eq!(breaker.admit(now), Err(PAUSE));
        let later = now + PAUSE / 4;
        assert_eq!(breaker.admit(later), Err(PAUSE - PAUSE / 4));
    }

    #[test]
    fn a_success_between_them_begins_the_count_anew() {
        let (mut breaker, now) = (Breaker::new(), Instant::now());
        for turn in 0..PATIENCE * 3 {
            let outcome = match turn % PATIENCE {
                0 => Outcome::Good,
                _ => Outcome::Bad,
            };
            breaker.close(Leave::Ordinary, outcome, now);
            assert_eq!(breaker.admit(now), Ok(Leave::Ordinary));
        }
    }

    #[test]
    fn after_the_pause_one_request_alone_finds_out() {
        let (mut breaker, now) = opened();
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(Leave::Probe));
        assert!(breaker.admit(later).is_err());
        breaker.close(Leave::Probe, Outcome::Good, later);
        assert_eq!(breaker.admit(later), Ok(Leave::Ordinary));
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_another_pause() {
        let (mut breaker, now) = opened();
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(Leave::Probe));
        breaker.close(Leave::Probe, Outcome::Bad, later);
        assert_eq!(breaker.admit(later), Err(PAUSE));
        assert_eq!(breaker.admit(later + PAUSE), Ok(Leave::Probe));
    }

    #[test]
    fn a_probe_that_nobody_waited_for_makes_room_for_another() {
        let (mut breaker, now) = opened();
        let later = now + PAUSE;
        assert_eq!(breaker.admit(later), Ok(Leave::Probe));
        breaker.close(Leave::Probe, Outcome::Unknown, later);
        assert_eq!(breaker.admit(later), Ok(Leave::Probe));
    }

    #[test]
    fn what_was_asked_before_it_opened_changes_nothing() {
        for outcome in [Outcome::Good, Outcome::Bad, Outcome::Unknown] {
            let (mut breaker, now) = opened();
            breaker.close(Leave::Ordinary, outcome, now + PAUSE / 2);
            assert_eq!(breaker.admit(now), Err(PAUSE));
            assert_eq!(breaker.admit(now + PAUSE), Ok(Leave::Probe));
            breaker.close(Leave::Ordinary, outcome, now + PAUSE);
            assert!(
                breaker.admit(now + PAUSE).is_err(),
                "the probe is under way"
            );
        }
    }
}
