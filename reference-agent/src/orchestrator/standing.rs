//! How the agent stands with a registry, and so what is due and when: pure, and told the time.

use std::time::Duration;

use tokio::time::Instant;

use super::call::{Errand, Outcome, Registration};

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
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(10));
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

    /// Draws the conclusions from what has come of an errand. `luck`, from 0 to 1, says how
    /// much of the longest pause is waited: agents that fail together do not come back together.
    pub(super) fn heard(&mut self, outcome: &Outcome, now: Instant, luck: f64) {
        match (outcome.errand, outcome.is_success) {
            (Errand::Register, _) => self.registered(outcome, now, luck),
            (Errand::Beat, true) => self.beaten(now),
            (Errand::Beat, false) => {
                self.stage = Stage::Out { failures: 0 };
                self.due = now + asked_for(outcome);
            }
            (Errand::Update, is_success) => self.updated(is_success),
        }
    }

    fn registered(&mut self, outcome: &Outcome, now: Instant, luck: f64) {
        if let (true, Some(registration)) = (outcome.is_success, &outcome.registration) {
            self.due = now + self.interval;
            self.stage = Stage::In {
                registration: registration.clone(),
                news: News::Nothing,
            };
        } else if let Stage::Out { failures } = &mut self.stage {
            *failures = failures.saturating_add(1);
            // No longer than a heartbeat's pause: so long is an agent missed for at most.
            let most = LONGEST_PAUSE.min(self.interval);
            let pause = pause(*failures, most).mul_f64(luck);
            let pause = pause.max(LEAST_PAUSE.min(most));
            self.due = now + pause.max(asked_for(outcome));
        }
    }

    /// The next one is due an interval after this one was, however long this one took: unless
    /// that has passed already, as what was missed is not made up for.
    fn beaten(&mut self, now: Instant) {
        self.due += self.interval;
        if self.due <= now {
            self.due = now + self.interval;
        }
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

/// The longest pause after so many failures.
fn pause(failures: u32, most: Duration) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(most)
}

fn asked_for(outcome: &Outcome) -> Duration {
    outcome.retry_after.unwrap_or_default().min(LONGEST_PAUSE)
}
