//! A trend in the size of a word.

use serde::Serialize;

/// A line without an axis, in a place of 100 by 100, that goes from run to run.
#[derive(Debug, Serialize)]
pub(crate) struct Spark {
    path: String,
    /// Where it ends.
    end: String,
    /// What it shows, for those who do not see it.
    summary: String,
}

/// Of more values than this, neighbours are put together: the last of each group stands.
const MOST: usize = 200;
/// What is kept free above and below the line, for its width.
const MARGIN: f64 = 8.0;

impl Spark {
    /// From values in order, none where a run has none; nothing for fewer than two.
    pub(crate) fn of(values: &[Option<f64>], summary: String) -> Option<Self> {
        let group = values.len().div_ceil(MOST).max(1);
        let values: Vec<Option<f64>> = values
            .chunks(group)
            .map(|group| {
                group
                    .iter()
                    .rev()
                    .flatten()
                    .copied()
                    .find(|it| it.is_finite())
            })
            .collect();
        let known = || values.iter().flatten().copied();
        if known().count() < 2 {
            return None;
        }
        let least = known().fold(f64::INFINITY, f64::min);
        let most = known().fold(f64::NEG_INFINITY, f64::max);
        let last = (values.len() - 1) as f64;
        let mut path = String::new();
        let mut end = String::new();
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let x = index as f64 / last * 100.0;
            // What does not change runs through the middle.
            let part = match most - least {
                span if span > 0.0 && span.is_finite() => (value - least) / span,
                _ => 0.5,
            };
            let y = MARGIN + (1.0 - part) * (100.0 - 2.0 * MARGIN);
            let letter = if path.is_empty() { 'M' } else { 'L' };
            path.push_str(&format!("{letter}{x:.1} {y:.1}"));
            end = format!("M{x:.1} {y:.1}h0");
        }
        Some(Self { path, end, summary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_goes_from_the_first_run_to_the_last() {
        let spark = Spark::of(&[Some(1.0), None, Some(3.0)], String::new()).expect("a line");
        assert_eq!(spark.path, "M0.0 92.0L100.0 8.0");
        assert_eq!(spark.end, "M100.0 8.0h0");
    }

    #[test]
    fn one_run_is_no_trend_and_what_does_not_change_is_level() {
        assert!(Spark::of(&[Some(1.0)], String::new()).is_none());
        assert!(Spark::of(&[None, Some(f64::NAN)], String::new()).is_none());
        let level = Spark::of(&[Some(7.0), Some(7.0)], String::new()).expect("a line");
        assert_eq!(level.path, "M0.0 50.0L100.0 50.0");
    }

    #[test]
    fn thousands_of_runs_make_no_long_line() {
        let values: Vec<_> = (0..5_000).map(|it| Some(f64::from(it))).collect();
        let spark = Spark::of(&values, String::new()).expect("a line");
        assert!(spark.path.matches('L').count() <= MOST);
    }
}
