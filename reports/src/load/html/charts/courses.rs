//! A run's course beside the earlier one's, and what charts over time have in common.

use crate::chart::Scale;
use crate::load::Report;
use crate::load::html::course::{Point, points};
use crate::load::words::{per_second, seconds};

/// Fewer points make no course.
pub(super) const LEAST_POINTS: usize = 2;

/// A run's course, and the earlier one's.
pub(in crate::load::html) struct Courses {
    pub(in crate::load::html) now: Vec<Point>,
    pub(super) earlier: Vec<Point>,
}

impl Courses {
    pub(in crate::load::html) fn of(report: &Report) -> Self {
        let baseline = report.baseline.as_ref();
        let earlier = baseline.and_then(|it| it.earlier.as_ref());
        Self {
            now: points(&report.slices),
            earlier: earlier.map(|it| points(&it.slices)).unwrap_or_default(),
        }
    }

    pub(super) fn is_drawn(&self) -> bool {
        self.now.len() >= LEAST_POINTS
    }

    /// The axis of time: as long as the longer run.
    pub(super) fn time(&self) -> Scale {
        let all = self.now.iter().chain(&self.earlier);
        Scale::time(all.map(|point| point.to))
    }

    pub(super) fn both(&self, of: impl Fn(&Point) -> Option<f64>) -> Vec<f64> {
        let all = self.now.iter().chain(&self.earlier);
        all.filter_map(of).collect()
    }

    /// The tips of a chart over time.
    pub(super) fn tips<'c>(
        &'c self,
        told: impl Fn(&Point) -> String + 'c,
    ) -> impl Iterator<Item = ([f64; 2], String)> + 'c {
        self.now.iter().map(move |point| {
            let (from, to) = (seconds(point.from), seconds(point.to));
            (
                [point.from, point.to],
                format!("{from} to {to}: {}", told(point)),
            )
        })
    }
}

pub(super) fn along<'p>(
    points: &'p [Point],
    of: impl Fn(&Point) -> Option<f64> + 'p,
) -> impl Iterator<Item = (f64, Option<f64>)> + 'p {
    points.iter().map(move |point| (point.at(), of(point)))
}

/// A number on an axis: as short as it can be said.
pub(super) fn plain(value: f64) -> String {
    match value {
        huge if huge >= 1e6 => format!("{}M", per_second(huge / 1e6)),
        great if great >= 10_000.0 => format!("{:.0}k", great / 1e3),
        some => per_second(some),
    }
}

/// Milliseconds on an axis; from a second on, seconds.
pub(super) fn short_ms(value: f64) -> String {
    match value {
        tiny if tiny < 0.001 => format!("{tiny:e} ms"),
        great if great >= 1_000.0 => format!("{} s", plain(great / 1_000.0)),
        // Axes have 1, 2 and 5 times powers of ten: no digits that mean nothing.
        some => format!("{} ms", (some * 1_000.0).round() / 1_000.0),
    }
}
