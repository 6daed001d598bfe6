//! The token bucket: full at first, and filling up evenly over the window (GCRA).
//!
//! The algorithm is one comparison. `governor` has it too, and is what the tests hold this
//! against; but it does not tell an admitted request when there is more, which is owed to it.

use std::time::Duration;

use super::Taken;
use crate::settings::Quota;

#[derive(Debug, Clone, Default)]
pub(super) struct Bucket {
    /// When it is full again if nobody takes anything.
    full_at: Duration,
}

impl Bucket {
    pub(super) fn take(&mut self, quota: Quota, now: Duration) -> Taken {
        let token = token_time(quota);
        let capacity = token * quota.requests;
        let full_at = self.full_at.max(now) + token;
        let admits = full_at <= now + capacity;
        if admits {
            self.full_at = full_at;
        }
        let missing = self.full_at.saturating_sub(now);
        let rest = capacity.saturating_sub(missing).as_nanos() / token.as_nanos();
        let remaining = u32::try_from(rest).unwrap_or(u32::MAX);
        Taken {
            admits,
            remaining,
            more_in: missing.saturating_sub(token * (quota.requests - remaining - 1)),
        }
    }
}

/// The time in which one token flows in; rounded up, so that there are never too many.
fn token_time(quota: Quota) -> Duration {
    let nanos = quota.window.as_nanos().div_ceil(quota.requests.into());
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
