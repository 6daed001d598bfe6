//! Rate limits: how many requests a client has had, and what it is told of it.
//!
//! What is remembered of a client is one small value behind a lock of its own, so that a
//! request is judged and counted in one step, whatever else is under way. A refused request
//! costs nothing. There are no more clients than the settings say: the one seen longest ago is
//! forgotten first, and all whose counts would be back at nothing are.

mod bucket;
mod fixed;
mod ruling;
mod sliding;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ahash::RandomState;
use moka::{policy::EvictionPolicy, sync::Cache};

use self::{bucket::Bucket, fixed::FixedWindow, sliding::SlidingWindow};
use crate::{
    auth::Identity,
    endpoints::Allowance,
    settings::{Algorithm, Client as ClientBy, Quota, Settings},
};

pub(crate) use self::ruling::Ruling;

/// Added to the longest window before a client is forgotten: the clock that forgets is read
/// a little later than the one that counts.
const LEEWAY: Duration = Duration::from_secs(1);

/// The limits of one agent.
#[derive(Debug)]
pub(crate) struct Limiter {
    began: Instant,
    by: ClientBy,
    ordinary: Option<Limit>,
    invoke: Option<Limit>,
    counts: Cache<Client, Arc<Counts>, RandomState>,
}

/// One of the two limits.
#[derive(Debug)]
struct Limit {
    name: &'static str,
    declared: Quota,
    /// The same, if no fault is at work.
    enforced: Quota,
    algorithm: Algorithm,
    refused: AtomicU64,
}

/// Whom requests are counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Client {
    V4([u8; 4]),
    /// The first half of the address: whoever has one address has all that share it.
    V6([u8; 8]),
    Known(Identity),
}

/// What one client has had, under each limit that there is.
#[derive(Debug)]
struct Counts {
    ordinary: Option<Mutex<Count>>,
    invoke: Option<Mutex<Count>>,
}

/// What one client has had under one limit.
#[derive(Debug, Clone)]
enum Count {
    Fixed(FixedWindow),
    Sliding(SlidingWindow),
    Bucket(Bucket),
}

/// What comes of one request to a [`Count`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Taken {
    admits: bool,
    /// How many more would be admitted right now.
    remaining: u32,
    /// The time until it is at least one more than that.
    more_in: Duration,
}

impl Limiter {
    pub(crate) fn of(settings: &Settings) -> Self {
        let limit = |name, quota: Option<Quota>| {
            quota.map(|declared| Limit {
                name,
                declared,
                enforced: enforced(settings, declared),
                algorithm: settings.rate_limit_algorithm,
                refused: AtomicU64::new(0),
            })
        };
        let ordinary = limit("default", settings.rate_limit);
        let invoke = limit("invoke", settings.rate_limit_invoke);
        let windows = [&ordinary, &invoke].into_iter().flatten();
        let longest = windows.map(|limit| limit.enforced.window).max();
        let counts = Cache::builder()
            .max_capacity(settings.rate_limit_clients as u64)
            // The default keeps whoever came often before: a newcomer would never be counted.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_idle(longest.unwrap_or_default() + LEEWAY)
            .build_with_hasher(RandomState::new());
        Self {
            began: Instant::now(),
            by: settings.rate_limit_by,
            ordinary,
            invoke,
            counts,
        }
    }

    /// Takes one request from a client's allowance; `None` where there is no limit.
    pub(crate) fn take(
        &self,
        allowance: Allowance,
        peer: IpAddr,
        identity: Option<&Identity>,
    ) -> Option<Ruling> {
        self.take_at(self.began.elapsed(), allowance, peer, identity)
    }

    /// How many requests have been refused under this allowance.
    pub(crate) fn refused(&self, allowance: Allowance) -> u64 {
        let limit = self.limit(allowance);
        limit.map_or(0, |limit| limit.refused.load(Ordering::Relaxed))
    }

    /// How many clients are remembered.
    pub(crate) fn clients(&self) -> u64 {
        self.counts.run_pending_tasks();
        self.counts.entry_count()
    }

    fn take_at(
        &self,
        now: Duration,
        allowance: Allowance,
        peer: IpAddr,
        identity: Option<&Identity>,
    ) -> Option<Ruling> {
        let limit = self.limit(allowance)?;
        let client = self.client(peer, identity);
        let counts = self
            .counts
            .get_with(client, || Arc::new(self.new_counts(now)));
        let count = match allowance {
            Allowance::Invoke => &counts.invoke,
            _ => &counts.ordinary,
        };
        let mut count = count
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = count.take(limit.enforced, now);
        drop(count);
        if !taken.admits {
            limit.refused.fetch_add(1, Ordering::Relaxed);
        }
        Some(limit.ruling(taken))
    }

    fn limit(&self, allowance: Allowance) -> Option<&Limit> {
        match allowance {
            Allowance::Exempt => None,
            Allowance::Ordinary => self.ordinary.as_ref(),
            Allowance::Invoke => self.invoke.as_ref(),
        }
    }

    fn client(&self, peer: IpAddr, identity: Option<&Identity>) -> Client {
        match (self.by, identity) {
            (ClientBy::Key, Some(identity)) => Client::Known(identity.clone()),
            _ => Client::at(peer),
        }
    }

    fn new_counts(&self, now: Duration) -> Counts {
        let count = |limit: &Option<Limit>| {
            let limit = limit.as_ref()?;
            Some(Mutex::new(Count::new(limit.algorithm, now)))
        };
        Counts {
            ordinary: count(&self.ordinary),
            invoke: count(&self.invoke),
        }
    }
}

impl Limit {
    fn ruling(&self, taken: Taken) -> Ruling {
        Ruling {
            admits: taken.admits,
            policy: self.name,
            limit: self.declared.requests,
            window: self.declared.window,
            remaining: taken.remaining,
            more_in: taken.more_in,
        }
    }
}

impl Client {
    fn at(peer: IpAddr) -> Self {
        // A socket that listens on both families shows version 4 as a part of version 6.
        match peer.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => Self::V6(network(address)),
        }
    }
}

fn enforced(settings: &Settings, mut quota: Quota) -> Quota {
    for fault in &settings.faults {
        fault.enforce(&mut quota);
    }
    quota
}

fn network(address: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = address.octets();
    [a, b, c, d, e, f, g, h]
}

impl Count {
    fn new(algorithm: Algorithm, now: Duration) -> Self {
        match algorithm {
            Algorithm::FixedWindow => Self::Fixed(FixedWindow::from(now)),
            Algorithm::SlidingWindow => Self::Sliding(SlidingWindow::default()),
            Algorithm::TokenBucket => Self::Bucket(Bucket::default()),
        }
    }

    /// Judges and counts a request at `now`, a time since the limiter began.
    fn take(&mut self, quota: Quota, now: Duration) -> Taken {
        match self {
            Self::Fixed(count) => count.take(quota, now),
            Self::Sliding(count) => count.take(quota, now),
            Self::Bucket(count) => count.take(quota, now),
        }
    }
}
