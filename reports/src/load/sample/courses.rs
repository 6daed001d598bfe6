//! What sample runs looked like over time, and by percentile.

use super::super::{Curve, Slice};
use super::{latency, rounded};

/// Nine of ten under two milliseconds, and a long tail.
pub(crate) fn curve() -> Vec<Curve> {
    let mut points: Vec<_> = (0..=50)
        .map(|step| {
            let nines = f64::from(step) / 10.0;
            let left = 10_f64.powf(-nines);
            Curve {
                percentile: rounded(100.0 * (1.0 - left)),
                ms: rounded(0.6 + 0.9 * nines + 0.02 * left.recip().powf(0.7)),
                count: (15_000.0 * (1.0 - left)) as u64,
            }
        })
        .collect();
    if let Some(last) = points.last_mut() {
        (last.percentile, last.count) = (100.0, 15_000);
    }
    points
}

/// A coarse curve of so many samples.
pub(super) fn counted(samples: u64) -> Vec<Curve> {
    let point = |percentile: f64, ms| Curve {
        percentile,
        ms,
        count: (samples as f64 * percentile / 100.0) as u64,
    };
    vec![
        point(0.0, 0.4),
        point(50.0, 0.8),
        point(99.0, 8.0),
        point(100.0, 80.0),
    ]
}

/// Three stretches of a run on a cache.
pub(super) fn slices() -> Vec<Slice> {
    let slice = |number: u32| Slice {
        at_s: f64::from(number) * 0.5,
        length_s: 0.5,
        ok: 250 - u64::from(number),
        failed: u64::from(number),
        hits: Some(200),
        misses: Some(50),
        users: Some(64),
        latency_ms: latency(250, 0.8 + 0.1 * f64::from(number)),
        histograms: [("latency".to_owned(), "HISTFAAA".to_owned())].into(),
        ..Slice::default()
    };
    (0..3).map(slice).collect()
}
