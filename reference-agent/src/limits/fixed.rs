//! The fixed window: so many requests in each; the first request after one begins the next.

use std::time::Duration;

use super::Taken;
use crate::settings::Quota;

#[derive(Debug, Clone)]
pub(super) struct FixedWindow {
    began: Duration,
    used: u32,
}

impl FixedWindow {
    pub(super) fn from(now: Duration) -> Self {
        Self {
            began: now,
            used: 0,
        }
    }

    pub(super) fn take(&mut self, quota: Quota, now: Duration) -> Taken {
        // Who read the clock first need not come here first.
        let now = now.max(self.began);
        if now >= self.began + quota.window {
            *self = Self::from(now);
        }
        let admits = self.used < quota.requests;
        self.used += u32::from(admits);
        Taken {
            admits,
            remaining: quota.requests - self.used,
            more_in: self.began + quota.window - now,
        }
    }
}
