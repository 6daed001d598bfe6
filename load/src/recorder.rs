//! What was measured, and where all users put it.
//!
//! One tape for all users: a request adds to it once, under a lock that is held for some
//! hundred instructions. A histogram for each user would take megabytes.

mod gaps;
mod tape;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

pub use self::gaps::Gaps;
pub use self::tape::{Sample, Series, Slice, Tally, Tape, Verdict};

/// The longest time that is told apart, in microseconds: an hour.
const LONGEST: u64 = 3_600_000_000;
/// Three significant digits, as the report has them.
const DIGITS: u8 = 3;

/// Where users put what they measured.
pub struct Recorder {
    tape: Mutex<Tape>,
    open: AtomicU64,
    most_open: AtomicU64,
    /// How many pieces of streams came in.
    heard: AtomicU64,
    /// Set when the warm-up is over.
    counts: AtomicBool,
}

impl Recorder {
    /// An empty one: for so many endpoints, with service times or not, in slices of this length.
    #[must_use]
    pub fn new(endpoints: usize, has_service: bool, slice_length: Duration) -> Self {
        Self {
            tape: Mutex::new(Tape::new(endpoints, has_service, slice_length)),
            open: AtomicU64::new(0),
            most_open: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            counts: AtomicBool::new(false),
        }
    }

    /// Writes or reads, alone.
    pub fn with<T>(&self, act: impl FnOnce(&mut Tape) -> T) -> T {
        // A tape is whole after each statement: whoever panicked left nothing half done.
        act(&mut self.tape.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the warm-up is over.
    pub fn counts(&self) -> bool {
        self.counts.load(Ordering::Relaxed)
    }

    /// The warm-up is over.
    pub fn begin_counting(&self) {
        self.counts.store(true, Ordering::Relaxed);
        self.most_open.store(self.open(), Ordering::Relaxed);
    }

    /// A stream is open.
    pub fn opened(&self) -> u64 {
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_open.fetch_max(open, Ordering::Relaxed);
        open
    }

    /// A stream is no longer open.
    pub fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// How many streams are open.
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// How many streams were open at once at most.
    pub fn most_open(&self) -> u64 {
        self.most_open.load(Ordering::Relaxed)
    }

    /// A piece of a stream came in.
    pub fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// How many pieces of streams came in, the warm-up's too.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }
}

/// A histogram that grows as it must: mostly it stays at some ten kilobytes, where one that is
/// ready for an hour takes 190.
#[must_use]
pub fn histogram() -> Histogram<u64> {
    let histogram = Histogram::new(DIGITS);
    let Ok(mut histogram) = histogram else {
        unreachable!("three digits are within the bounds of a histogram")
    };
    histogram.auto(true);
    histogram
}

/// Adds a time in microseconds; what is longer than an hour counts as one.
pub fn record(histogram: &mut Histogram<u64>, micros: u64) {
    // Not `saturating_record`, which cuts off what is above the histogram's present size. This one
    // grows, and fails for nothing within an hour.
    let _ = histogram.record(micros.clamp(1, LONGEST));
}

/// Adds so many of the same.
pub(crate) fn record_many(histogram: &mut Histogram<u64>, micros: u64, count: u64) {
    let _ = histogram.record_n(micros.clamp(1, LONGEST), count);
}

/// In whole microseconds.
#[must_use]
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_the_longest_time_and_a_microsecond_the_shortest() {
        let mut histogram = histogram();
        record(&mut histogram, u64::MAX);
        record(&mut histogram, 0);
        assert!(histogram.max() >= LONGEST && histogram.max() < LONGEST + LONGEST / 500);
        assert_eq!(histogram.min(), 1);
    }
}
