//! Hits and misses told apart by their latency alone: a guess, and labelled as one. Pure.

use hdrhistogram::Histogram;

use crate::recorder::histogram;

/// The share of the variance that lies between the two groups. A single bell has 0.64, an even
/// spread 0.75; two groups that are really apart have nearly all of it.
const APART: f64 = 0.85;
/// Groups whose means differ by less than this factor are one.
const FACTOR: f64 = 2.0;

/// Cuts a distribution into a fast and a slow part, where it clearly has two modes, by Otsu's
/// method on the logarithms: the cut is where the variance between the parts is greatest.
pub(super) fn split(times: &Histogram<u64>) -> Option<(Histogram<u64>, Histogram<u64>)> {
    let points: Vec<(u64, f64, f64)> = times
        .iter_recorded()
        .map(|it| {
            let value = it.value_iterated_to();
            let count = it.count_at_value() as f64;
            (value, (value.max(1) as f64).ln(), count)
        })
        .collect();
    let total: f64 = points.iter().map(|(_, _, count)| count).sum();
    let sum: f64 = points.iter().map(|(_, log, count)| log * count).sum();
    let mean = sum / total;
    let variance = points
        .iter()
        .map(|(_, log, count)| (log - mean).powi(2) * count);
    let variance = variance.sum::<f64>() / total;
    let (mut below, mut below_sum) = (0.0, 0.0);
    let mut best: Option<(f64, u64, f64)> = None;
    for (value, log, count) in points.iter().take(points.len().saturating_sub(1)) {
        below += count;
        below_sum += log * count;
        let above = total - below;
        let distance = (sum - below_sum) / above - below_sum / below;
        let between = below * above / (total * total) * distance * distance;
        if best.is_none_or(|(most, _, _)| between > most) {
            best = Some((between, *value, distance));
        }
    }
    let (between, cut, distance) = best?;
    if between < APART * variance || distance < FACTOR.ln() {
        return None;
    }
    let (mut fast, mut slow) = (histogram(), histogram());
    for it in times.iter_recorded() {
        let value = it.value_iterated_to();
        let part = if value <= cut { &mut fast } else { &mut slow };
        // It grows as it must: this does not fail.
        let _ = part.record_n(value, it.count_at_value());
    }
    Some((fast, slow))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;
    use crate::recorder::record;

    fn bell(histogram: &mut Histogram<u64>, median: f64, count: usize) {
        let mut chance = Chance::new(5, 0);
        for _ in 0..count {
            // Twelve fractions make a bell of variance 1 around 6.
            let bell: f64 = (0..12).map(|_| chance.fraction()).sum::<f64>() - 6.0;
            record(histogram, (median * (0.2 * bell).exp()) as u64);
        }
    }

    #[test]
    fn one_bell_is_not_cut() {
        let mut times = histogram();
        bell(&mut times, 2_000.0, 5_000);
        assert!(split(&times).is_none());
        assert!(split(&histogram()).is_none());
    }

    #[test]
    fn two_bells_are_cut_between_them() {
        let mut times = histogram();
        bell(&mut times, 500.0, 8_000);
        bell(&mut times, 20_000.0, 2_000);
        let (fast, slow) = split(&times).expect("it is there");
        assert_eq!((fast.len(), slow.len()), (8_000, 2_000));
    }
}
