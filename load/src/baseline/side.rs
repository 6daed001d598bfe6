//! One side of a comparison, and how it is drawn anew: blocks of neighbouring slices of its runs.

use acp_reports::load::{Report, Slice};
use hdrhistogram::Histogram;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::{Drawn, LEAST_ABOVE};
use crate::hlog::decoded;

/// One side of a comparison: runs, of slices.
pub(super) struct Side {
    runs: Vec<Vec<Part>>,
    /// Every value that occurs, in milliseconds, in order.
    values: Vec<f64>,
    pub(super) whole: f64,
}

/// What of a slice enters a figure: a fraction's two parts, or counts by the index of their value.
struct Part {
    above: f64,
    below: f64,
    counts: Vec<(usize, u64)>,
}

impl Side {
    /// `None` if the runs do not have the figure.
    pub(super) fn of(reports: &[Report], drawn: Drawn) -> Option<Self> {
        let decode = |slice: &Slice| {
            drawn
                .series()
                .and_then(|name| decoded(slice.histograms.get(name)?))
        };
        let histograms: Vec<Vec<Option<Histogram<u64>>>> = reports
            .iter()
            .map(|report| report.slices.iter().map(decode).collect())
            .collect();
        let recorded = histograms.iter().flatten().flatten();
        let mut micros: Vec<u64> = recorded
            .flat_map(|it| it.iter_recorded().map(|it| it.value_iterated_to()))
            .collect();
        micros.sort_unstable();
        micros.dedup();
        let runs: Vec<Vec<Part>> = reports
            .iter()
            .zip(&histograms)
            .map(|(report, histograms)| {
                let parts = report.slices.iter().zip(histograms);
                parts
                    .map(|(slice, histogram)| part(slice, drawn, histogram.as_ref(), &micros))
                    .collect()
            })
            .collect();
        let values = micros.iter().map(|it| *it as f64 / 1_000.0).collect();
        let mut side = Self {
            runs,
            values,
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

fn part(slice: &Slice, drawn: Drawn, histogram: Option<&Histogram<u64>>, micros: &[u64]) -> Part {
    let counts = histogram.into_iter().flat_map(|it| it.iter_recorded());
    let counts: Vec<_> = counts
        .filter_map(|it| {
            let index = micros.binary_search(&it.value_iterated_to()).ok()?;
            Some((index, it.count_at_value()))
        })
        .collect();
    let (above, below) = match drawn {
        Drawn::PerSecond => (slice.ok as f64, slice.length_s),
        Drawn::Errors => (slice.failed as f64, (slice.ok + slice.failed) as f64),
        Drawn::HitRate => {
            let hits = slice.hits.unwrap_or(0) as f64;
            (hits, hits + slice.misses.unwrap_or(0) as f64)
        }
        Drawn::Mean(_) => {
            let each = counts
                .iter()
                .map(|(index, count)| micros[*index] as f64 * *count as f64);
            let number: u64 = counts.iter().map(|(_, count)| *count).sum();
            (each.sum::<f64>() / 1_000.0, number as f64)
        }
        Drawn::Percentile(..) => (0.0, 0.0),
    };
    Part {
        above,
        below,
        counts,
    }
}
