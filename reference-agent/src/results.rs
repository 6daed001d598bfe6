//! The cache of answers: by everything that an answer hangs on, for a time, up to a size.
//!
//! Who asks for what is being computed already waits for that, and the computation goes on for
//! as long as anybody waits: so one who leaves takes nothing from the others. An error is told
//! to all who waited, and is not kept.

#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ahash::RandomState;
use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use moka::sync::Cache;

use crate::{
    failure::Failure,
    invoke::{Configured, Job},
    preferences::Preferences,
    settings::Settings,
};

/// What an entry takes beside its texts, about: the bookkeeping of the cache.
const OVERHEAD: usize = 256;

/// All that an answer hangs on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The input as canonical JSON (RFC 8785).
    pub(crate) input: Arc<str>,
    pub(crate) config: Option<Configured>,
    /// What that version said when the answer was computed: an id that is given up and taken
    /// again may say something else under the same version.
    pub(crate) preferences: Preferences,
}

impl Key {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            input: job.canonical.clone(),
            config: job.config.clone(),
            preferences: job.preferences.clone(),
        }
    }

    /// How many bytes an answer takes under this key.
    fn weight(&self, answer: &Bytes) -> u32 {
        let config = self.config.as_ref();
        let config = config.map_or(0, |config| config.id.len() + config.version.len());
        let bytes = OVERHEAD + self.input.len() + config + answer.len();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }
}

/// The written `output` of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) output: Bytes,
    /// Whether it was computed for an earlier request.
    pub(crate) from_cache: bool,
}

/// What comes of a computation.
pub(crate) type Computed = Result<Bytes, Failure>;

type Flight = Shared<BoxFuture<'static, Computed>>;
type Weak = WeakShared<BoxFuture<'static, Computed>>;

/// Answers that were computed before, and those that are being computed.
pub(crate) struct Results {
    shelf: Arc<Shelf>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Shelf {
    kept: Cache<Key, Bytes, RandomState>,
    size: u64,
    under_way: Mutex<UnderWay>,
}

#[derive(Default)]
struct UnderWay {
    flights: HashMap<Key, (u64, Weak)>,
    count: u64,
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").finish_non_exhaustive()
    }
}

impl Results {
    pub(crate) fn of(settings: &Settings) -> Self {
        let kept = Cache::builder()
            .time_to_live(settings.cache_ttl)
            .weigher(|key: &Key, answer: &Bytes| key.weight(answer))
            .max_capacity(settings.cache_size)
            .build_with_hasher(RandomState::new());
        Self {
            shelf: Arc::new(Shelf {
                kept,
                size: settings.cache_size,
                under_way: Mutex::default(),
            }),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// What is kept under a key.
    pub(crate) fn recall(&self, key: &Key) -> Option<Bytes> {
        self.shelf.kept.get(key)
    }

    /// The answer that was kept, or that is being computed, or else is computed now.
    pub(crate) async fn find<F>(
        &self,
        key: Key,
        recalled: Option<Bytes>,
        compute: impl FnOnce() -> F,
    ) -> Result<Found, Failure>
    where
        F: Future<Output = Computed> + Send + 'static,
    {
        if let Some(output) = recalled {
            return Ok(self.hit(output));
        }
        let flight = match Shelf::join(&self.shelf, key, compute) {
            Joined::Landed(output) => return Ok(self.hit(output)),
            Joined::UnderWay(flight) => flight,
        };
        self.misses.fetch_add(1, Ordering::Relaxed);
        let output = flight.await?;
        Ok(Found {
            output,
            from_cache: false,
        })
    }

    pub(crate) fn hit(&self, output: Bytes) -> Found {
        self.hits.fetch_add(1, Ordering::Relaxed);
        Found {
            output,
            from_cache: true,
        }
    }

    /// Forgets everything; what is being computed now will not be kept either.
    pub(crate) fn flush(&self) {
        let mut under_way = self.shelf.under_way();
        under_way.flights.clear();
        self.shelf.kept.invalidate_all();
    }

    /// How many answers came from the cache.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How many were not there.
    pub(crate) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }
}

/// Where the answer to a question is to come from.
enum Joined {
    Landed(Bytes),
    UnderWay(Flight),
}

impl Shelf {
    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn join<F>(shelf: &Arc<Self>, key: Key, compute: impl FnOnce() -> F) -> Joined
    where
        F: Future<Output = Computed> + Send + 'static,
    {
        let mut under_way = shelf.under_way();
        let flight = under_way.flights.get(&key);
        if let Some(flight) = flight.and_then(|(_, flight)| flight.upgrade()) {
            return Joined::UnderWay(flight);
        }
        // It may have landed since the asker looked.
        if let Some(output) = shelf.kept.get(&key) {
            return Joined::Landed(output);
        }
        under_way.count += 1;
        let number = under_way.count;
        let ticket = Ticket {
            shelf: shelf.clone(),
            key: key.clone(),
            number,
        };
        let work = compute();
        let flight = async move {
            let computed = work.await;
            if let Ok(output) = &computed {
                ticket.land(output);
            }
            computed
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.flights.insert(key, (number, weak));
        }
        Joined::UnderWay(flight)
    }
}

/// The entry of one computation among those under way: gone when the computation is over, or
/// is dropped as nobody waits for it any more.
struct Ticket {
    shelf: Arc<Shelf>,
    key: Key,
    number: u64,
}

impl Ticket {
    /// Keeps what was computed, if it is wanted still, and would not fill the cache alone.
    fn land(&self, output: &Bytes) {
        let mut under_way = self.shelf.under_way();
        let fits = u64::from(self.key.weight(output)) <= self.shelf.size;
        if self.remove_from(&mut under_way) && fits {
            self.shelf.kept.insert(self.key.clone(), output.clone());
        }
    }

    /// Whether the entry was there, and is no more.
    fn remove_from(&self, under_way: &mut UnderWay) -> bool {
        let entry = under_way.flights.get(&self.key);
        let is_mine = entry.is_some_and(|(number, _)| *number == self.number);
        is_mine && under_way.flights.remove(&self.key).is_some()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.remove_from(&mut self.shelf.under_way());
    }
}
