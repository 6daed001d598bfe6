//! How a figure drifts over hours: a slope that a few outliers do not move, with an interval.
//!
//! Theil and Sen: the median of the slopes between all pairs of points; its interval by the variance of
//! Kendall's S (Sen 1968). Points of a soak follow each other, so that neighbours are alike; what is
//! told of noise is therefore held to the number of points that are worth as much as independent ones.

use acp_reports::load::Trend;

/// More points than these are put together by medians of neighbours: pairs grow with their square.
const MOST: usize = 400;
/// With fewer, an interval says nothing.
const LEAST: usize = 8;
/// The normal distribution's for 95 %.
const Z: f64 = 1.96;

/// The trend of points (hours, value); `None` if there are too few, or none at different times.
#[must_use]
pub fn trend(points: &[(f64, f64)]) -> Option<Trend> {
    let is_number = |(at, value): &&(f64, f64)| at.is_finite() && value.is_finite();
    let points: Vec<_> = points.iter().filter(is_number).copied().collect();
    let points = thinned(&points);
    if points.len() < LEAST {
        return None;
    }
    let mut slopes = slopes(&points);
    slopes.sort_by(f64::total_cmp);
    let per_hour = median(&slopes)?;
    let at: Vec<_> = points.iter().map(|(at, _)| *at).collect();
    let rests: Vec<_> = points
        .iter()
        .map(|(at, value)| value - per_hour * at)
        .collect();
    let interval = interval(&slopes, points.len(), alike(&rests));
    let start = median(&sorted(&rests))?;
    let (first, last) = (at.first()?, at.last()?);
    Some(Trend {
        per_hour,
        interval,
        from: start + per_hour * first,
        to: start + per_hour * last,
        points: points.len() as u64,
        drifts: interval[0] > 0.0 || interval[1] < 0.0,
    })
}

/// At most [`MOST`] points: medians of neighbours.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let each = points.len().div_ceil(MOST).max(1);
    let groups = points.chunks(each).filter_map(|group| {
        let at: Vec<_> = group.iter().map(|(at, _)| *at).collect();
        let values: Vec<_> = group.iter().map(|(_, value)| *value).collect();
        Some((median(&sorted(&at))?, median(&sorted(&values))?))
    });
    groups.collect()
}

fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let pairs = points
        .iter()
        .enumerate()
        .flat_map(|(index, one)| points[index + 1..].iter().map(move |other| (one, other)));
    let pairs = pairs.filter(|(one, other)| other.0 > one.0);
    pairs
        .map(|(one, other)| (other.1 - one.1) / (other.0 - one.0))
        .collect()
}

/// The slopes so many ranks from the median as chance alone could make.
fn interval(slopes: &[f64], points: usize, alike: f64) -> [f64; 2] {
    let n = points as f64;
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0 * alike).sqrt();
    let count = slopes.len() as f64;
    let ranks = Z * deviation;
    let low = ((count - ranks) / 2.0).floor().max(0.0) as usize;
    let high = ((count + ranks) / 2.0).ceil() as usize;
    let at = |rank: usize| slopes[rank.min(slopes.len() - 1)];
    [at(low), at(high)]
}

/// By how much neighbours that are alike widen the variance: (1 + r) / (1 − r), with r the correlation
/// of each point's rest with the next one's.
fn alike(rests: &[f64]) -> f64 {
    let mean = rests.iter().sum::<f64>() / rests.len() as f64;
    let apart: Vec<_> = rests.iter().map(|rest| rest - mean).collect();
    let whole: f64 = apart.iter().map(|it| it * it).sum();
    let next: f64 = apart.windows(2).map(|pair| pair[0] * pair[1]).sum();
    if whole <= 0.0 {
        return 1.0;
    }
    let r = (next / whole).clamp(0.0, 0.9);
    (1.0 + r) / (1.0 - r)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

/// Of sorted values.
fn median(values: &[f64]) -> Option<f64> {
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values.get(middle).copied(),
        _ => Some((values.get(middle.checked_sub(1)?)? + values.get(middle)?) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng};

    use super::*;

    /// Points over so many hours: a line, and noise of about one unit.
    fn points(seed: u64, count: u32, slope: f64) -> Vec<(f64, f64)> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut noise = || {
            // Twelve uniform numbers make a normal one.
            let sum: f64 = (0..12)
                .map(|_| f64::from(random.next_u32()) / f64::from(u32::MAX))
                .sum();
            sum - 6.0
        };
        let at = |number: u32| 2.0 * f64::from(number) / f64::from(count);
        (0..count)
            .map(|number| (at(number), 50.0 + slope * at(number) + noise()))
            .collect()
    }

    #[test]
    fn a_line_is_found_as_it_is() {
        let line: Vec<_> = (0..20)
            .map(|it| (f64::from(it), 3.0 + 2.0 * f64::from(it)))
            .collect();
        let found = trend(&line).expect("a trend");
        assert!((found.per_hour - 2.0).abs() < 1e-9);
        assert!((found.from - 3.0).abs() < 1e-9 && (found.to - 41.0).abs() < 1e-9);
        assert!(found.drifts);
    }

    #[test]
    fn noise_is_no_drift_and_a_drift_is_seen_through_it() {
        let mut alarms = 0;
        for seed in 0..40 {
            let still = trend(&points(seed, 120, 0.0)).expect("a trend");
            alarms += u32::from(still.drifts);
            let rising = trend(&points(seed, 120, 1.0)).expect("a trend");
            assert!(rising.drifts && rising.interval[0] > 0.0, "{rising:?}");
        }
        // One in twenty is to be expected.
        assert!(alarms <= 6, "{alarms} of 40");
    }

    #[test]
    fn outliers_do_not_move_it() {
        let mut spoilt = points(1, 100, 1.0);
        for index in [3, 40, 77, 98] {
            spoilt[index].1 = 10_000.0;
        }
        let found = trend(&spoilt).expect("a trend");
        assert!((found.per_hour - 1.0).abs() < 0.6, "{found:?}");
    }

    #[test]
    fn a_walk_at_random_is_seldom_taken_for_a_drift() {
        let mut alarms = 0;
        for seed in 0..40 {
            let mut level = 0.0;
            let noise = points(seed, 120, 0.0);
            let walk = noise.iter().map(|(at, value)| {
                level = 0.7 * level + (value - 50.0);
                (*at, level)
            });
            alarms += u32::from(trend(&walk.collect::<Vec<_>>()).is_some_and(|it| it.drifts));
        }
        assert!(alarms <= 8, "{alarms} of 40");
    }

    #[test]
    fn many_points_are_put_together_and_too_few_tell_nothing() {
        let found = trend(&points(1, 5_000, 1.0)).expect("a trend");
        assert!(found.points <= 400, "{}", found.points);
        assert!((found.per_hour - 1.0).abs() < 0.2, "{found:?}");
        assert_eq!(trend(&points(1, 7, 1.0)), None);
        assert_eq!(trend(&[(1.0, 1.0); 20]), None);
    }
}
