//! How the agent stands with a registry, and so what is due and when: pure, and told the time.

use std::time::Duration;

use tokio::time::Instant;

use super::call::{Errand, Outcome, Registration};
use crate::backoff;

/// The most that is waited after the first failure; it doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The least: luck makes no storm of tries.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// The most that is ever waited, whatever a registry asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The agent's standing with one registry.
#[derive(Debug)]
pub(super) struct Standing {
    interval: Duration,
    due: Instant,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Not registered, after so many tries.
    Out { failures: u32 },
    In {
        registration: Registration,
        news: News,
    },
}

/// What the registry has not been told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    Nothing,
    Now,
    /// It could not be told; again after the next heartbeat.
    WithNextBeat,
}

impl Standing {
    /// Nobody has been told anything, and the first registration is due.
    pub(super) fn new(interval: Duration, now: Instant) -> Self {
        Self {
            interval,
            due: now,
            stage: Stage::Out { failures: 0 },
        }
    }

    /// When the next registration or heartbeat is due.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Puts the next registration or heartbeat off, or brings it forward.
    pub(super) fn postpone(&mut self, due: Instant) {
        self.due = due;
    }

    /// What the next registration or heartbeat will be.
    pub(super) fn upcoming(&self) -> Errand {
        match self.stage {
            Stage::Out { .. } => Errand::Register,
            Stage::In { .. } => Errand::Beat,
        }
    }

    pub(super) fn registration(&self) -> Option<&Registration> {
        match &self.stage {
            Stage::Out { .. } => None,
            Stage::In { registration, .. } => Some(registration),
        }
    }

    /// What is to be done now, if anything.
    pub(super) fn next(&self, now: Instant) -> Option<Errand> {
        match &self.stage {
            _ if self.due <= now => Some(self.upcoming()),
            Stage::In { news, .. } if *news == News::Now => Some(Errand::Update),
            _ => None,
        }
    }

    /// How long an errand may take that begins now.
    pub(super) fn limit(&self, errand: Errand, now: Instant) -> Duration {
        let (least, most) = (Duration::from_secs(2), Duration::from_secs(10));
        match errand {
            Errand::Register | Errand::Beat => self.interval.clamp(least, most),
            // No update keeps a heartbeat waiting.
            Errand::Update => self.due.duration_since(now).clamp(least, most),
        }
    }

    /// The capabilities have changed. Where there is no registration the next one tells of it.
    pub(super) fn changed(&mut self) {
        if let Stage::In { news, .. } = &mut self.stage {
            *news = News::Now;
        }
    }

    /// Draws the conclusions from what has come, now, of an errand that began at `began`. `luck`, from
    /// 0 to 1, says how much of the longest pause is waited: agents that fail together do not come
    /// back together.
    pub(super) fn heard(&mut self, outcome: &Outcome, began: Instant, now: Instant, luck: f64) {
        match (outcome.errand, outcome.is_success) {
            (Errand::Register, _) => self.registered(outcome, began, now, luck),
            (Errand::Beat, true) => self.beaten(began, now),
            (Errand::Beat, false) => {
                self.stage = Stage::Out { failures: 0 };
                self.due = now + asked_for(outcome);
            }
            (Errand::Update, is_success) => self.updated(is_success),
        }
    }

    fn registered(&mut self, outcome: &Outcome, began: Instant, now: Instant, luck: f64) {
        if let (true, Some(registration)) = (outcome.is_success, &outcome.registration) {
            self.due = self.after(began, now);
            self.stage = Stage::In {
                registration: registration.clone(),
                news: News::Nothing,
            };
        } else if let Stage::Out { failures } = &mut self.stage {
            // No longer than a heartbeat's pause: so long is an agent missed for at most.
            let most = LONGEST_PAUSE.min(self.interval);
            let pause = backoff::pause(FIRST_PAUSE, most, *failures).mul_f64(luck);
            *failures = failures.saturating_add(1);
            let pause = pause.max(LEAST_PAUSE.min(most));
            self.due = now + pause.max(asked_for(outcome));
        }
    }

    /// Intervals are counted from one word to the next, not from an answer, however late that is:
    /// when it comes after the next word was due, that is due at once. What was missed is not made
    /// up for.
    fn after(&self, began: Instant, now: Instant) -> Instant {
        (began + self.interval).max(now)
    }

    fn beaten(&mut self, began: Instant, now: Instant) {
        // From when it was due, so that moments do not add up; unless that was long ago.
        let earliest = began.checked_sub(self.interval / 10).unwrap_or(began);
        self.due = self.after(self.due.clamp(earliest, began), now);
        if let Stage::In { news, .. } = &mut self.stage
            && *news == News::WithNextBeat
        {
            *news = News::Now;
        }
    }

    fn updated(&mut self, is_success: bool) {
        if let Stage::In { news, .. } = &mut self.stage {
            *news = match is_success {
                true => News::Nothing,
                false => News::WithNextBeat,
            };
        }
    }
}

fn asked_for(outcome: &Outcome) -> Duration {
    outcome.retry_after.unwrap_or_default().min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    const INTERVAL: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);

    fn outcome(errand: Errand, status: u16) -> Outcome {
        let is_success = status == 200;
        let given = Registration {
            id: "reg".to_owned(),
            goodbye: None,
        };
        Outcome {
            status: StatusCode::from_u16(status).ok(),
            is_success,
            registration: (is_success && errand == Errand::Register).then_some(given),
            ..Outcome::silence(errand)
        }
    }

    /// Registered just now.
    fn registered() -> (Standing, Instant) {
        let now = Instant::now();
        let mut standing = Standing::new(INTERVAL, now);
        assert_eq!(standing.next(now), Some(Errand::Register));
        standing.heard(&outcome(Errand::Register, 200), now, now, 1.0);
        (standing, now)
    }

    #[test]
    fn the_first_heartbeat_is_due_an_interval_after_the_registration() {
        let (standing, now) = registered();
        assert_eq!(standing.next(now), None);
        assert_eq!(standing.due(), now + INTERVAL);
        assert_eq!(standing.next(now + INTERVAL), Some(Errand::Beat));
    }

    #[test]
    fn tries_grow_rarer_up_to_a_bound_and_never_end() {
        let mut now = Instant::now();
        let mut standing = Standing::new(INTERVAL, now);
        let mut pauses = Vec::new();
        for _ in 0..200 {
            standing.heard(&outcome(Errand::Register, 500), now, now, 1.0);
            pauses.push(standing.due() - now);
            now = standing.due();
            assert_eq!(standing.next(now), Some(Errand::Register));
        }
        assert_eq!(pauses[..4], [1, 2, 4, 8].map(|halves| halves * SECOND / 2));
        assert!(pauses[7..].iter().all(|pause| *pause == INTERVAL));
    }

    #[test]
    fn luck_never_makes_a_storm() {
        let now = Instant::now();
        let mut standing = Standing::new(INTERVAL, now);
        for _ in 0..10 {
            standing.heard(&outcome(Errand::Register, 500), now, now, 0.0);
            assert_eq!(standing.due() - now, LEAST_PAUSE);
        }
        let mut hasty = Standing::new(Duration::from_millis(1), now);
        hasty.heard(&outcome(Errand::Register, 500), now, now, 0.5);
        assert_eq!(hasty.due() - now, Duration::from_millis(1));
    }

    #[test]
    fn heartbeats_keep_their_rate_however_long_each_takes() {
        let (mut standing, begun) = registered();
        for beat in 1..=5 {
            let sent = begun + beat * INTERVAL;
            let answered = sent + beat * 6 * SECOND;
            assert_eq!(standing.next(sent), Some(Errand::Beat));
            standing.heard(&outcome(Errand::Beat, 200), sent, answered, 1.0);
            assert_eq!(standing.due(), begun + (beat + 1) * INTERVAL);
        }
    }

    #[test]
    fn a_registration_that_is_answered_late_puts_no_heartbeat_off() {
        let begun = Instant::now();
        let mut standing = Standing::new(INTERVAL, begun);
        let answered = begun + 8 * SECOND;
        standing.heard(&outcome(Errand::Register, 200), begun, answered, 1.0);
        assert_eq!(standing.due(), begun + INTERVAL);
    }

    #[test]
    fn what_a_stall_has_missed_is_not_made_up_for() {
        let (mut standing, begun) = registered();
        let (sent, late) = (begun + INTERVAL, begun + 10 * INTERVAL);
        standing.heard(&outcome(Errand::Beat, 200), sent, late, 1.0);
        assert_eq!(standing.next(late), Some(Errand::Beat));
        standing.heard(&outcome(Errand::Beat, 200), late, late, 1.0);
        assert_eq!(standing.due(), late + INTERVAL);
    }

    #[test]
    fn a_failed_heartbeat_makes_it_register_at_once() {
        for failed in [outcome(Errand::Beat, 404), Outcome::silence(Errand::Beat)] {
            let (mut standing, begun) = registered();
            let now = begun + INTERVAL;
            standing.heard(&failed, now, now, 1.0);
            assert_eq!(standing.next(now), Some(Errand::Register));
            assert!(standing.registration().is_none());
        }
    }

    #[test]
    fn a_registry_is_left_alone_as_long_as_it_asks_within_bounds() {
        for (asked, waited) in [(7, 7), (3600, 60)] {
            for errand in [Errand::Register, Errand::Beat] {
                let now = Instant::now();
                let mut standing = Standing::new(INTERVAL, now);
                let refused = Outcome {
                    retry_after: Some(asked * SECOND),
                    ..outcome(errand, 503)
                };
                standing.heard(&refused, now, now, 0.0);
                assert_eq!(standing.due() - now, waited * SECOND);
                assert_eq!(standing.upcoming(), Errand::Register);
            }
        }
    }

    #[test]
    fn a_change_is_told_once_and_again_after_the_next_heartbeat_if_that_fails() {
        let (mut standing, begun) = registered();
        standing.changed();
        standing.changed();
        assert_eq!(standing.next(begun), Some(Errand::Update));
        standing.heard(&outcome(Errand::Update, 500), begun, begun, 1.0);
        assert_eq!(standing.next(begun), None);
        let now = begun + INTERVAL;
        assert_eq!(standing.next(now), Some(Errand::Beat));
        standing.heard(&outcome(Errand::Beat, 200), now, now, 1.0);
        assert_eq!(standing.next(now), Some(Errand::Update));
        standing.heard(&outcome(Errand::Update, 200), now, now, 1.0);
        assert_eq!(standing.next(now), None);
    }

    #[test]
    fn a_change_without_a_registration_is_for_the_next_one_to_tell() {
        let now = Instant::now();
        let mut standing = Standing::new(INTERVAL, now);
        standing.changed();
        standing.heard(&outcome(Errand::Register, 200), now, now, 1.0);
        assert_eq!(standing.next(now), None);
    }

    #[test]
    fn an_update_keeps_no_heartbeat_waiting() {
        let (standing, begun) = registered();
        let limit = |after| standing.limit(Errand::Update, begun + after);
        assert_eq!(limit(Duration::ZERO), 10 * SECOND);
        assert_eq!(limit(25 * SECOND), 5 * SECOND);
        assert_eq!(standing.limit(Errand::Beat, begun), 10 * SECOND);
    }
}
