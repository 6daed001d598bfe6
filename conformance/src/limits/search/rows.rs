//! What rows of requests showed: how many were admitted, when service returned, and what of it.

use std::time::Duration;

use super::looks::{Client, Outcome, Seen};

/// A row of requests, one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) number: u32,
    /// How many were admitted.
    pub(super) admitted: u64,
    /// When the first of them was sent, and the last received.
    pub(super) began: Duration,
    pub(super) ended: Duration,
    /// Whether the row ended because of refusals.
    pub(super) is_full: bool,
}

/// Service that returned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Return {
    /// When the last that was refused was sent.
    pub(super) from: Duration,
    /// When the first that was admitted was sent, and received.
    pub(super) sent: Duration,
    pub(super) to: Duration,
}

/// What the split showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    pub(super) first: Return,
    /// When the rest was drained.
    pub(super) rest: Row,
    pub(super) second: Return,
    /// How many came back at once, the first included.
    pub(super) back: u64,
}

impl Split {
    /// The window's length, as this shows it: least, and most.
    pub(super) fn window(&self) -> (Duration, Duration) {
        let least = self.second.from.saturating_sub(self.first.to);
        (least, self.second.to.saturating_sub(self.first.from))
    }

    /// Whether only what was used at the first return came back at the second.
    pub(super) fn slides(&self) -> bool {
        2 * self.back <= self.rest.admitted + 2
    }

    /// Whether the first return was sooner after the first use than a window.
    pub(super) fn is_late(&self, row: &Row) -> bool {
        let whole = self.first.to.saturating_sub(row.began);
        whole < self.window().0.mul_f64(0.97)
    }

    /// How far apart the uses were, as a share of the window.
    pub(super) fn apart(&self) -> f64 {
        let apart = self.rest.began.saturating_sub(self.first.to);
        apart.as_secs_f64() / self.window().1.as_secs_f64().max(1e-9)
    }
}

/// Whether the rest came back evenly since the first return, and not all of it at a time before.
///
/// Counted by windows, the first return is at most a window after the first use, so that what is
/// left of the window after half of that time is at least the other half.
pub(super) fn comes_one_by_one(first_row: &Row, first: Return, rest: Row, second: Return) -> bool {
    let apart = rest.began.saturating_sub(first.to);
    let left = second.to.saturating_sub(rest.ended);
    let is_few = 2 * (rest.admitted + 1) < first_row.admitted;
    left < apart.mul_f64(0.9) || (is_few && left < apart.mul_f64(1.5))
}

pub(super) fn is_admitted(seen: &&Seen) -> bool {
    seen.outcome == Outcome::Admitted && seen.client == Client::default()
}

/// Refusals that were followed by one that was admitted, in the first row.
pub(super) fn interleaved(log: &[Seen]) -> u64 {
    let last = log
        .iter()
        .rposition(|seen| seen.outcome == Outcome::Admitted);
    let refused = log[..last.unwrap_or(0)].iter();
    refused
        .filter(|seen| seen.outcome == Outcome::Refused)
        .count() as u64
}
