//! What a run looks like while it goes on: a glance at the tape. Pure.

use crate::recorder::{Recorder, Series, Tape};

/// A run at one moment, warm-up aside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Glance {
    /// Requests that ended well so far.
    pub ok: u64,
    /// Requests that failed so far.
    pub failed: u64,
    /// Of the last whole slice and the one that is being written: the median latency, in
    /// milliseconds.
    pub p50_ms: f64,
    /// And the 99th percentile.
    pub p99_ms: f64,
    /// How many streams are open.
    pub open: u64,
    /// Answers from the cache so far, and computed ones.
    pub hits: (u64, u64),
}

/// Looks at it.
#[must_use]
pub fn glance(recorder: &Recorder) -> Glance {
    let mut glance = recorder.with(|tape| of(tape));
    glance.open = recorder.open();
    glance
}

fn of(tape: &Tape) -> Glance {
    let (ok, failed) = tape.counts();
    let mut recent = crate::recorder::histogram();
    for slice in tape.slices.last().into_iter().chain([&tape.current]) {
        if let Some(latency) = slice.of(Series::Latency) {
            // The first grows as it must: this does not fail.
            let _ = recent.add(latency);
        }
    }
    let ms = |quantile| recent.value_at_quantile(quantile) as f64 / 1000.0;
    let slices = tape.slices.iter().chain([&tape.current]);
    let hits = slices.fold((0, 0), |(hits, misses), it| {
        (hits + it.hits, misses + it.misses)
    });
    Glance {
        ok,
        failed,
        p50_ms: ms(0.5),
        p99_ms: ms(0.99),
        open: 0,
        hits,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::recorder::{Sample, Verdict};

    #[test]
    fn a_glance_counts_all_and_times_what_is_recent() {
        let second = Duration::from_secs(1);
        let recorder = Recorder::new(1, false, second);
        for (at, ms) in [(0, 100), (1, 10), (2, 20)] {
            let sample = Sample {
                endpoint: 0,
                status: 200,
                trouble: None,
                verdict: Verdict::Ok,
                hit: Some(true),
                latency: Duration::from_millis(ms),
                service: Duration::ZERO,
            };
            recorder.with(|tape| tape.add(&sample, second * at, 1));
        }
        let glance = glance(&recorder);
        assert_eq!((glance.ok, glance.failed, glance.hits), (3, 0, (3, 0)));
        assert!(glance.p99_ms < 21.0, "{glance:?}");
    }
}
