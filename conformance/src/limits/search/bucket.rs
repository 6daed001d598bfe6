//! The size and the rate of a bucket, from a record that begins when it is full.
//!
//! Of a bucket of size B that fills at rate r, the n-th request, t after the first, is admitted if
//! n ≤ B + r·t. So each that was admitted bounds r from below, each that was refused from above,
//! for every B; one B alone has rates that fit all of a record that is long enough.

use std::time::Duration;

use super::looks::{Client, Outcome, Seen};

/// A size, and the rates that fit it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fit {
    pub(super) size: u64,
    /// In tokens per second: least, and most.
    pub(super) rate: (f64, f64),
}

impl Fit {
    /// The time in which it fills up from nothing: least, and most.
    pub(super) fn window(&self) -> (Duration, Duration) {
        let time = |rate: f64| {
            let seconds = self.size as f64 / rate;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        };
        (time(self.rate.1), time(self.rate.0))
    }
}

/// Every size that fits, with its rates; the ones with the widest rates first.
pub(super) fn fits(log: &[Seen]) -> Vec<Fit> {
    let log = log.iter().filter(|seen| seen.client == Client::default());
    let log: Vec<&Seen> = log
        .skip_while(|it| it.outcome != Outcome::Admitted)
        .collect();
    let refused = log.iter().position(|it| it.outcome == Outcome::Refused);
    let before = log[..refused.unwrap_or(0)].iter();
    let most = before.filter(|it| it.outcome == Outcome::Admitted).count() as u64;
    let mut fits: Vec<_> = (1..=most).filter_map(|size| fit(&log, size)).collect();
    fits.sort_by(|one, other| width(other).total_cmp(&width(one)));
    fits
}

fn width(fit: &Fit) -> f64 {
    (fit.rate.1 - fit.rate.0) / fit.rate.1
}

fn fit(log: &[&Seen], size: u64) -> Option<Fit> {
    let first = log.first()?;
    let (mut least, mut most) = (0.0_f64, f64::INFINITY);
    let mut admitted = 0_u64;
    for seen in log {
        match seen.outcome {
            Outcome::Admitted => {
                admitted += 1;
                let elapsed = seen.received.saturating_sub(first.sent).as_secs_f64();
                if admitted > size {
                    least = least.max((admitted - size) as f64 / elapsed.max(1e-9));
                }
            }
            Outcome::Refused => {
                let elapsed = seen.sent.saturating_sub(first.received).as_secs_f64();
                if admitted < size {
                    return None;
                }
                if elapsed > 0.0 {
                    most = most.min((admitted + 1 - size) as f64 / elapsed);
                }
            }
            Outcome::Other => {}
        }
    }
    let fits = least > 0.0 && most.is_finite() && least < most;
    fits.then_some(Fit {
        size,
        rate: (least, most),
    })
}
