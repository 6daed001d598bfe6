//! The sliding window: so many requests in any stretch of time as long as the window.

use std::{collections::VecDeque, time::Duration};

use super::Taken;
use crate::settings::Quota;

/// Up to so many requests a window, the time of each is kept. Beyond, times are rounded up to
/// a thousandth of the window, so that a client costs no more than 16 KiB: no more are
/// admitted for it, and a place may be free as much later.
const STAMPS: u32 = 1024;

/// The log of what was admitted within the last window, oldest first.
#[derive(Debug, Clone, Default)]
pub(super) struct SlidingWindow {
    admitted: VecDeque<Stamp>,
    used: u32,
}

#[derive(Debug, Clone)]
struct Stamp {
    nanos: u64,
    count: u32,
}

impl Stamp {
    fn leaves(&self, quota: Quota) -> Duration {
        Duration::from_nanos(self.nanos) + quota.window
    }
}

impl SlidingWindow {
    pub(super) fn take(&mut self, quota: Quota, now: Duration) -> Taken {
        while let Some(oldest) = self.admitted.front()
            && oldest.leaves(quota) <= now
        {
            self.used -= oldest.count;
            self.admitted.pop_front();
        }
        let admits = self.used < quota.requests;
        if admits {
            self.admit(stamp(quota, now));
        }
        let next = self.admitted.front().map(|oldest| oldest.leaves(quota));
        Taken {
            admits,
            remaining: quota.requests - self.used,
            more_in: next.unwrap_or_default().saturating_sub(now),
        }
    }

    fn admit(&mut self, nanos: u64) {
        self.used += 1;
        match self.admitted.back_mut() {
            // Or before it: who read the clock first need not come here first.
            Some(newest) if nanos <= newest.nanos => newest.count += 1,
            _ => self.admitted.push_back(Stamp { nanos, count: 1 }),
        }
    }

    #[cfg(test)]
    pub(super) fn stamps(&self) -> usize {
        self.admitted.len()
    }
}

/// The time that a request at `now` is noted under.
fn stamp(quota: Quota, now: Duration) -> u64 {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    let grain = match quota.requests <= STAMPS {
        true => 1,
        false => nanos(quota.window) / u64::from(STAMPS) + 1,
    };
    nanos(now).div_ceil(grain) * grain
}
