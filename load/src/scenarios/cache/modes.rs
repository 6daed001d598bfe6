//! Hits and misses told apart by their latency alone: a guess, and labelled as one. Pure.
//!
//! What is looked for is an empty valley, however few stand on one side of it. The variance between
//! the sides, which is more usual, sees two groups only where both are large.

use hdrhistogram::Histogram;

use crate::recorder::histogram;

/// Fewer are strays, and no group.
const LEAST: u64 = 5;
/// The valley's upper edge is at least so many times its lower one.
const FACTOR: f64 = 2.5;
/// For each that stands in the valley, so many must stand on either side.
const CLEAR: u64 = 20;
/// How wide a valley must be, as a logarithm, times how many stand on its smaller side. Of a tail
/// that falls as 1/x the last `n` leave a gap of `w` with chance `exp(-n w)`: a
/// chance of one in three million, and of one in two thousand for 1/√x, which is
/// heavier than latencies are.
const WEIGHT: f64 = 15.0;
/// More than so many on the smaller side say no more: then the widest valley is the one.
const PLENTY: u64 = 20;

/// Cuts a distribution into a fast and a slow part, where there is a valley between them.
pub(super) fn split(times: &Histogram<u64>) -> Option<(Histogram<u64>, Histogram<u64>)> {
    let cut = valley(times)?;
    let (mut fast, mut slow) = (histogram(), histogram());
    for it in times.iter_recorded() {
        let value = it.value_iterated_to();
        let is_fast = (value as f64) < cut;
        let part = if is_fast { &mut fast } else { &mut slow };
        // It grows as it must: this does not fail.
        let _ = part.record_n(value, it.count_at_value());
    }
    Some((fast, slow))
}

/// The middle of the valley that says the most, if there is one.
fn valley(times: &Histogram<u64>) -> Option<f64> {
    let points = times.iter_recorded();
    let points = points.map(|it| (it.value_iterated_to().max(1) as f64, it.count_at_value()));
    let points: Vec<(f64, u64)> = points.collect();
    let mut below = 0;
    let mut best: Option<(f64, f64)> = None;
    for (index, (low, count)) in points.iter().enumerate() {
        below += count;
        let mut within = 0;
        for (high, count) in &points[index + 1..] {
            let smaller = below.min(times.len() - below - within);
            if smaller < LEAST || within * CLEAR > smaller {
                break;
            }
            let weight = smaller.min(PLENTY) as f64 * (high / low).ln();
            let is_valley = high / low >= FACTOR && weight >= WEIGHT;
            if is_valley && best.is_none_or(|(most, _)| weight > most) {
                best = Some((weight, (low * high).sqrt()));
            }
            within += count;
        }
    }
    best.map(|(_, middle)| middle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use crate::recorder::record;

    /// How often each distribution is drawn, from another seed each time.
    const SEEDS: u64 = 40;

    type Drawn = fn(&mut Chance) -> f64;

    /// Around 0, of variance 1.
    fn bell(chance: &mut Chance) -> f64 {
        (-2.0 * (1.0 - chance.fraction()).ln()).sqrt()
            * (std::f64::consts::TAU * chance.fraction()).cos()
    }

    /// So many times of each, in microseconds.
    fn drawn(seed: u64, parts: &[(u64, Drawn)]) -> Histogram<u64> {
        let mut times = histogram();
        let mut chance = Chance::new(seed, 0);
        for (count, draw) in parts {
            for _ in 0..*count {
                record(&mut times, draw(&mut chance) as u64);
            }
        }
        times
    }

    #[test]
    fn one_mode_is_not_cut_however_heavy_its_tail_is() {
        let all: [(&str, Drawn); 7] = [
            ("narrow", |it| 2_000.0 * (0.2 * bell(it)).exp()),
            ("log-normal", |it| 2_000.0 * (bell(it)).exp()),
            ("wide log-normal", |it| 2_000.0 * (2.0 * bell(it)).exp()),
            ("even", |it| 1_000.0 + 50_000.0 * it.fraction()),
            ("exponential", |it| 100.0 + 20_000.0 * it.exponential()),
            ("1/x", |it| 500.0 / (1.0 - it.fraction())),
            ("constant", |_| 50_000.0),
        ];
        for (name, draw) in all {
            for seed in 0..SEEDS {
                for count in [0, 1, 12, 100, 3_000] {
                    let times = drawn(seed, &[(count, draw)]);
                    assert!(split(&times).is_none(), "{name}, seed {seed}, {count}");
                }
            }
        }
    }

    #[test]
    fn two_modes_are_cut_between_them_however_few_one_has() {
        let hit: Drawn = |it| 870.0 * (0.4 * bell(it)).exp();
        let miss: Drawn = |it| 52_000.0 * (0.1 * bell(it)).exp();
        for (hits, misses) in [(8_000, 2_000), (5_000, 60), (600, 10), (7, 900), (40, 40)] {
            for seed in 0..SEEDS {
                let times = drawn(seed, &[(hits, hit), (misses, miss)]);
                let (fast, slow) = split(&times).expect("it is there");
                assert_eq!((fast.len(), slow.len()), (hits, misses), "seed {seed}");
            }
        }
    }

    #[test]
    fn a_hits_long_tail_does_not_hide_misses_and_strays_are_none() {
        let hit: Drawn = |it| 500.0 + 400.0 * it.exponential();
        let slow_hit: Drawn = |it| 6_000.0 + 3_000.0 * it.fraction();
        let in_between: Drawn = |_| 25_000.0;
        let miss: Drawn = |it| 50_000.0 + 2_000.0 * it.exponential();
        let beyond: Drawn = |_| 1_500_000.0;
        let parts = [
            (5_000, hit),
            (20, slow_hit),
            (2, in_between),
            (60, miss),
            (4, beyond),
        ];
        for seed in 0..SEEDS {
            let (_, slow) = split(&drawn(seed, &parts)).expect("it is there");
            assert!((64..=66).contains(&slow.len()), "{}", slow.len());
            // Four are too few to be called misses.
            let strays = [(5_000, hit), (4, beyond)];
            assert!(split(&drawn(seed, &strays)).is_none(), "seed {seed}");
        }
    }
}
