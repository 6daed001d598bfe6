//! A run's stretches of time as they are drawn: rates a second, and no more of them than a chart
//! has room for.

use crate::load::{Latency, Slice};

/// No more points than this are drawn.
const POINTS: usize = 240;

/// A stretch of time, with what is drawn of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Point {
    /// In seconds of the measured time.
    pub(super) from: f64,
    pub(super) to: f64,
    /// Requests a second.
    pub(super) ok: f64,
    pub(super) failed: f64,
    pub(super) limited: f64,
    pub(super) hits: Option<f64>,
    pub(super) misses: Option<f64>,
    pub(super) users: Option<f64>,
    pub(super) memory: Option<f64>,
    /// The slowest of those put together.
    pub(super) latency: Times,
    pub(super) gap: Times,
}

/// Some percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Times {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
}

impl Point {
    /// Its middle.
    pub(super) fn at(&self) -> f64 {
        f64::midpoint(self.from, self.to)
    }

    /// Hits as a share of what is known.
    pub(super) fn hit_rate(&self) -> Option<f64> {
        let (hits, misses) = (self.hits?, self.misses?);
        (hits + misses > 0.0).then(|| hits / (hits + misses))
    }
}

/// The points of a run, in order, without those that no run can have.
pub(super) fn points(slices: &[Slice]) -> Vec<Point> {
    let is_real = |slice: &&Slice| {
        let end = slice.at_s + slice.length_s;
        slice.at_s >= 0.0 && slice.length_s > 0.0 && end < 1e9
    };
    let mut real: Vec<&Slice> = slices.iter().filter(is_real).collect();
    real.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    let group = real.len().div_ceil(POINTS).max(1);
    real.chunks(group).map(together).collect()
}

fn together(slices: &[&Slice]) -> Point {
    let from = slices.first().map_or(0.0, |slice| slice.at_s);
    let to = slices.last().map_or(0.0, |it| it.at_s + it.length_s);
    let length: f64 = slices.iter().map(|slice| slice.length_s).sum();
    let rate = |number: fn(&Slice) -> u64| {
        let sum: f64 = slices.iter().map(|slice| number(slice) as f64).sum();
        sum / length
    };
    let known = |number: fn(&Slice) -> Option<u64>| slices.iter().any(|it| number(it).is_some());
    let last = |number: fn(&Slice) -> Option<u64>| {
        let mut from_last = slices.iter().rev();
        from_last.find_map(|it| number(it)).map(|it| it as f64)
    };
    Point {
        from,
        to,
        ok: rate(|it| it.ok),
        failed: rate(|it| it.failed),
        limited: rate(|it| it.limited.unwrap_or(0)),
        hits: known(|it| it.hits).then(|| rate(|it| it.hits.unwrap_or(0))),
        misses: known(|it| it.misses).then(|| rate(|it| it.misses.unwrap_or(0))),
        users: last(|it| it.users),
        memory: last(|it| it.memory_bytes),
        latency: slowest(slices.iter().map(|it| Some(it.latency_ms))),
        gap: slowest(slices.iter().map(|it| it.gap_ms)),
    }
}

fn slowest(all: impl Iterator<Item = Option<Latency>>) -> Times {
    let figures = all.filter_map(|it| it?.figures);
    figures.fold(Times::default(), |so_far, it| Times {
        p50: greater(so_far.p50, it.p50),
        p99: greater(so_far.p99, it.p99),
        max: greater(so_far.max, it.max),
    })
}

fn greater(so_far: Option<f64>, value: f64) -> Option<f64> {
    Some(so_far.map_or(value, |so_far| so_far.max(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(at_s: f64, ok: u64) -> Slice {
        Slice {
            at_s,
            length_s: 0.5,
            ok,
            ..Slice::default()
        }
    }

    #[test]
    fn counts_become_rates_in_the_order_of_time() {
        let points = points(&[slice(0.5, 20), slice(0.0, 10)]);
        let rates: Vec<_> = points.iter().map(|it| (it.at(), it.ok)).collect();
        assert_eq!(rates, [(0.25, 20.0), (0.75, 40.0)]);
        assert_eq!(points[0].hits, None);
    }

    #[test]
    fn many_slices_are_put_together_and_lose_no_request() {
        let slices: Vec<_> = (0..1_000)
            .map(|it| slice(f64::from(it) * 0.5, 10))
            .collect();
        let points = points(&slices);
        assert_eq!(points.len(), 200);
        let all: f64 = points.iter().map(|it| it.ok * (it.to - it.from)).sum();
        assert!((all - 10_000.0).abs() < 1e-6, "{all}");
    }

    #[test]
    fn a_slice_without_a_length_is_no_point() {
        let mut odd = slice(0.0, 1);
        odd.length_s = 0.0;
        assert!(points(&[odd, slice(1e300, 1), slice(-1.0, 1)]).is_empty());
    }
}
