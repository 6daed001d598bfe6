//! How long a client may be silent: it is pinged once, and if that stirs nothing, it is gone.
//!
//! It reads no clock.

use std::time::{Duration, Instant};

/// Shorter than what proxies allow a connection that nothing passes over.
const PATIENCE: Duration = Duration::from_secs(30);

/// What has been heard of a client, and when.
#[derive(Debug)]
pub(super) struct Silence {
    since: Instant,
    has_pinged: bool,
}

/// What to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Ping,
    Close,
}

impl Silence {
    pub(super) fn since(now: Instant) -> Self {
        Self {
            since: now,
            has_pinged: false,
        }
    }

    /// Something has come from the client, be it a pong.
    pub(super) fn broken(&mut self, now: Instant) {
        *self = Self::since(now);
    }

    /// When something is to be done about it.
    pub(super) fn due(&self) -> Instant {
        self.since + PATIENCE
    }

    /// What is to be done, now that it is due.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        if self.has_pinged {
            return Step::Close;
        }
        self.since = now;
        self.has_pinged = true;
        Step::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_client_is_pinged_once_and_then_closed() {
        let begun = Instant::now();
        let mut silence = Silence::since(begun);
        assert_eq!(silence.due(), begun + PATIENCE);
        assert_eq!(silence.step(silence.due()), Step::Ping);
        assert_eq!(silence.due(), begun + PATIENCE * 2);
        assert_eq!(silence.step(silence.due()), Step::Close);
    }

    #[test]
    fn a_client_that_answers_pings_stays() {
        let mut now = Instant::now();
        let mut silence = Silence::since(now);
        for _ in 0..3 {
            now = silence.due();
            assert_eq!(silence.step(now), Step::Ping);
            silence.broken(now);
        }
    }
}
