//! One side of a comparison, and how it is drawn anew: blocks of neighbouring slices of its runs.
//!
//! What ended after a run's last slice, and what was never answered, is the worst of it, and is drawn, too:
//! as so many parts as slices of the usual number of answers would be. A rate has no such parts.

use acp_reports::load::{Report, Slice};
use hdrhistogram::Histogram;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::{Drawn, LEAST_ABOVE};
use crate::figures::failed_of_due;
use crate::hlog::{decoded, rest};

/// One side of a comparison: runs, of slices.
pub(super) struct Side {
    runs: Vec<Vec<Part>>,
    /// Every value that occurs, in milliseconds, in order.
    values: Vec<f64>,
    pub(super) whole: f64,
}

/// What of a slice enters a figure: a fraction's two parts, or counts by the index of their value.
#[derive(Default)]
struct Part {
    above: f64,
    below: f64,
    counts: Vec<(usize, u64)>,
}

/// A run's histograms of one figure.
struct Measured {
    slices: Vec<Option<Histogram<u64>>>,
    rest: Option<Histogram<u64>>,
}

impl Measured {
    fn of(report: &Report, drawn: Drawn) -> Self {
        let name = drawn.series();
        let decode = |slice: &Slice| name.and_then(|name| decoded(slice.histograms.get(name)?));
        Self {
            slices: report.slices.iter().map(decode).collect(),
            rest: name.and_then(|name| rest(report, name)),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Histogram<u64>> {
        self.slices.iter().flatten().chain(&self.rest)
    }
}

impl Side {
    /// `None` if the runs do not have the figure.
    pub(super) fn of(reports: &[Report], drawn: Drawn) -> Option<Self> {
        let measured = reports.iter().map(|report| Measured::of(report, drawn));
        let measured: Vec<_> = measured.collect();
        let recorded = measured.iter().flat_map(Measured::all);
        let mut micros: Vec<u64> = recorded
            .flat_map(|it| it.iter_recorded().map(|it| it.value_iterated_to()))
            .collect();
        micros.sort_unstable();
        micros.dedup();
        let runs = reports.iter().zip(&measured);
        let runs = runs.map(|(report, measured)| parts(report, drawn, measured, &micros));
        let mut side = Self {
            runs: runs.collect(),
            values: micros.iter().map(|it| *it as f64 / 1_000.0).collect(),
            whole: 0.0,
        };
        if let Drawn::Percentile(_, quantile) = drawn {
            let all = side.runs.iter().flatten().flat_map(|part| &part.counts);
            let count: u64 = all.map(|(_, count)| *count).sum();
            if count as f64 * (1.0 - quantile) < LEAST_ABOVE {
                return None;
            }
        }
        let all: Vec<&Part> = side.runs.iter().flatten().collect();
        side.whole = side.figure(&all, drawn)?;
        Some(side)
    }

    /// The figure of some parts; `None` where nothing was measured.
    fn figure(&self, parts: &[&Part], drawn: Drawn) -> Option<f64> {
        match drawn {
            Drawn::Percentile(_, quantile) => self.percentile(parts, quantile),
            _ => {
                let below: f64 = parts.iter().map(|part| part.below).sum();
                let above: f64 = parts.iter().map(|part| part.above).sum();
                (below > 0.0).then(|| above / below)
            }
        }
    }

    fn percentile(&self, parts: &[&Part], quantile: f64) -> Option<f64> {
        let mut counts = vec![0_u64; self.values.len()];
        for (index, count) in parts.iter().flat_map(|part| &part.counts) {
            counts[*index] += count;
        }
        let total: u64 = counts.iter().sum();
        let wanted = (total as f64 * quantile).ceil().max(1.0) as u64;
        let mut so_far = 0;
        let found = counts.iter().position(|count| {
            so_far += count;
            so_far >= wanted
        });
        found.map(|index| self.values[index])
    }

    /// The figure of this side drawn anew.
    pub(super) fn draw(&self, drawn: Drawn, random: &mut ChaCha8Rng) -> Option<f64> {
        let mut parts = Vec::new();
        for _ in &self.runs {
            let run = &self.runs[below(random, self.runs.len())];
            // Blocks of the cube root of the number of slices: the usual length.
            let block = (run.len() as f64).cbrt().ceil() as usize;
            let until = parts.len() + run.len();
            while parts.len() < until {
                let begin = below(random, run.len());
                let length = block.min(until - parts.len());
                parts.extend((begin..begin + length).map(|index| &run[index % run.len()]));
            }
        }
        self.figure(&parts, drawn)
    }
}

fn below(random: &mut ChaCha8Rng, bound: usize) -> usize {
    let drawn = random.next_u64() % bound.max(1) as u64;
    usize::try_from(drawn).unwrap_or_default()
}

/// The parts of a run: its slices, and its rest.
fn parts(report: &Report, drawn: Drawn, measured: &Measured, micros: &[u64]) -> Vec<Part> {
    let slices = report.slices.iter().zip(&measured.slices);
    let slices = slices.map(|(slice, it)| part(slice, drawn, it.as_ref(), micros));
    let mut parts: Vec<Part> = slices.collect();
    let rest = match drawn {
        Drawn::Errors => unanswered(report),
        _ => counted(drawn, measured.rest.as_ref(), micros),
    };
    parts.extend(dealt(rest, &parts));
    parts
}

/// What failed after the last slice, or was dropped, and of how many.
fn unanswered(report: &Report) -> Part {
    let (failed, due) = failed_of_due(report);
    let sum = |of: fn(&Slice) -> u64| report.slices.iter().map(of).fold(0, u64::saturating_add);
    let above = failed.saturating_sub(sum(|it| it.failed)) as f64;
    let below = due.saturating_sub(sum(|it| it.ok.saturating_add(it.failed))) as f64;
    Part {
        above: above.min(below),
        below,
        counts: Vec::new(),
    }
}

/// A rest as so many parts as slices of the usual number would be, and all alike: as one it would be there twice in
/// one draw and not at all in the next.
fn dealt(rest: Part, slices: &[Part]) -> Vec<Part> {
    let number = |part: &Part| {
        let counted: u64 = part.counts.iter().map(|(_, count)| *count).sum();
        part.below.max(counted as f64)
    };
    let whole = number(&rest);
    if whole <= 0.0 {
        return Vec::new();
    }
    let usual = slices.iter().map(number).sum::<f64>() / slices.len().max(1) as f64;
    let most = slices.len().max(1);
    let parts = (whole / usual.max(1.0)).round().max(1.0);
    let parts = (parts as usize).min(most);
    let share = |part: usize, (index, count): (usize, u64), before: u64| {
        // Of so many in a row, every `parts`-th is this part's.
        let up_to = |end: u64| end.saturating_add((parts - 1 - part) as u64) / parts as u64;
        let mine = up_to(before.saturating_add(count)) - up_to(before);
        (mine > 0).then_some((index, mine))
    };
    let one = |part: usize| {
        let mut before = 0;
        let counts = rest.counts.iter().filter_map(|it| {
            let mine = share(part, *it, before);
            before = before.saturating_add(it.1);
            mine
        });
        Part {
            above: rest.above / parts as f64,
            below: rest.below / parts as f64,
            counts: counts.collect(),
        }
    };
    (0..parts).map(one).collect()
}

fn part(slice: &Slice, drawn: Drawn, histogram: Option<&Histogram<u64>>, micros: &[u64]) -> Part {
    let (above, below) = match drawn {
        Drawn::PerSecond => (slice.ok as f64, slice.length_s),
        Drawn::Errors => (slice.failed as f64, (slice.ok + slice.failed) as f64),
        Drawn::HitRate => {
            let hits = slice.hits.unwrap_or(0) as f64;
            (hits, hits + slice.misses.unwrap_or(0) as f64)
        }
        Drawn::Mean(_) | Drawn::Percentile(..) => return counted(drawn, histogram, micros),
    };
    Part {
        above,
        below,
        counts: Vec::new(),
    }
}

/// A part by its histogram.
fn counted(drawn: Drawn, histogram: Option<&Histogram<u64>>, micros: &[u64]) -> Part {
    let counts = histogram.into_iter().flat_map(|it| it.iter_recorded());
    let counts: Vec<_> = counts
        .filter_map(|it| {
            let index = micros.binary_search(&it.value_iterated_to()).ok()?;
            Some((index, it.count_at_value()))
        })
        .collect();
    let (above, below) = match drawn {
        Drawn::Mean(_) => {
            let each = counts
                .iter()
                .map(|(index, count)| micros[*index] as f64 * *count as f64);
            let number: u64 = counts.iter().map(|(_, count)| *count).sum();
            (each.sum::<f64>() / 1_000.0, number as f64)
        }
        _ => (0.0, 0.0),
    };
    Part {
        above,
        below,
        counts,
    }
}

#[cfg(test)]
mod tests {
    use acp_reports::load::Arrivals;

    use super::*;
    use crate::hlog::encoded;
    use crate::recorder::{histogram, record};

    fn text(values: impl Iterator<Item = u64>) -> String {
        let mut histogram = histogram();
        values.for_each(|value| record(&mut histogram, value));
        encoded(&histogram).expect("text")
    }

    /// Ten slices of ten answers, 1 to 10 ms; then a hundred and fifty more, 101 to 250 ms.
    fn run() -> Report {
        let mut report = Report::new("stream", "");
        let early = || (1..=10).map(|ms| ms * 1_000);
        for number in 0..10_u32 {
            report.slices.push(Slice {
                at_s: f64::from(number),
                length_s: 1.0,
                ok: 10,
                histograms: [("latency".to_owned(), text(early()))].into(),
                ..Slice::default()
            });
        }
        let early = (0..10).flat_map(|_| early());
        let all = early.chain((101..=250).map(|ms| ms * 1_000));
        report.histograms = [("latency".to_owned(), text(all))].into();
        report.requests.total = 250;
        report.requests.ok = 250;
        report
    }

    fn whole(report: &Report, drawn: Drawn) -> f64 {
        let side = Side::of(std::slice::from_ref(report), drawn);
        side.expect("the run has the figure").whole
    }

    #[test]
    fn what_ended_after_the_last_slice_is_drawn_from_and_is_in_no_rate() {
        let report = run();
        let p50 = whole(&report, Drawn::Percentile("latency", 0.5));
        assert!((p50 - 125.0).abs() < 1.0, "{p50}");
        let mean = whole(&report, Drawn::Mean("latency"));
        let expected = (100.0 * 5.5 + 150.0 * 175.5) / 250.0;
        assert!((mean - expected).abs() < 1.0, "{mean}");
        assert!((whole(&report, Drawn::PerSecond) - 10.0).abs() < 1e-9);
    }

    #[test]
    fn what_failed_after_the_last_slice_or_was_dropped_is_an_error() {
        let mut report = run();
        report.requests.total = 300;
        report.requests.failed = 50;
        report.arrivals = Some(Arrivals {
            intended: 400,
            dropped: 100,
            ..Arrivals::default()
        });
        assert!((whole(&report, Drawn::Errors) - 150.0 / 400.0).abs() < 1e-9);
    }

    #[test]
    fn a_rest_is_dealt_into_parts_that_are_alike_and_lose_nothing() {
        let slice = |_| Part {
            counts: vec![(0, 10)],
            ..Part::default()
        };
        let slices: Vec<Part> = (0..10).map(slice).collect();
        let rest = Part {
            counts: (0..150).map(|index| (index, 1)).collect(),
            ..Part::default()
        };
        let parts = dealt(rest, &slices);
        // No more than there are slices.
        assert_eq!(parts.len(), 10);
        let counts: Vec<usize> = parts.iter().map(|part| part.counts.len()).collect();
        assert_eq!(counts, [15; 10]);
    }
}
