//! What a run looks like while it goes on: glances at the tape, cheap enough not to disturb it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::attack::{Load, Model};
use crate::recorder::{Recorder, Series, Slice, Tape, histogram};
use crate::summary::share;
use crate::watch::{self, Course, Signs, Watch};

/// An attack that has begun to count, for those who look on.
#[derive(Clone)]
pub struct Scene {
    /// What it means to do.
    pub load: Load,
    /// Where it writes.
    pub recorder: Arc<Recorder>,
}

/// A distribution in few figures, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many were measured.
    pub count: u64,
    /// The median.
    pub p50_ms: f64,
    /// The 90th percentile.
    pub p90_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
    /// The 99.9th percentile.
    pub p999_ms: f64,
    /// The greatest.
    pub max_ms: f64,
}

/// A stretch of the run that is over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Its end, in seconds since counting began.
    pub at_s: f64,
    /// Requests a second that ended well in it.
    pub rate: f64,
    /// Requests a second that failed in it.
    pub failures: f64,
    /// The median latency in it, in milliseconds; 0 where nothing ended well.
    pub p50_ms: f64,
    /// The 99th percentile.
    pub p99_ms: f64,
}

/// A run at one moment, warm-up aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glance {
    /// Since counting began.
    pub elapsed: Duration,
    /// Requests that ended well so far.
    pub ok: u64,
    /// Requests that failed so far.
    pub failed: u64,
    /// Requests a second that ended well since the last glance.
    pub rate: f64,
    /// The rate or the number of users that the plan has now.
    pub aim: f64,
    /// Answers by status so far; 0 for none.
    pub statuses: BTreeMap<u16, u64>,
    /// What went wrong so far, by name.
    pub errors: BTreeMap<&'static str, u64>,
    /// Sent to be refused so far, and those of them that were not.
    pub invalid: (u64, u64),
    /// Latency of the last whole slice and the one that is being written.
    pub recent: Figures,
    /// Latency of all so far.
    pub whole: Figures,
    /// The other distributions that the scenario has so far.
    pub series: Vec<(Series, Figures)>,
    /// The slices that are over.
    pub points: Vec<Point>,
    /// How many streams are open.
    pub open: u64,
    /// Answers from the cache so far, and computed ones.
    pub hits: (u64, u64),
    /// The agent's memory, in bytes, where it is watched.
    pub memory: Option<u64>,
    /// Arrivals of the open model that were given up so far.
    pub dropped: u64,
    /// In the open model: the 99th percentile of how late requests began, in milliseconds.
    pub lag_p99_ms: Option<f64>,
    /// The generator's processor time, as a share of one core.
    pub cpu_share: f64,
    /// Why the figures so far cannot be trusted, if they cannot.
    pub doubts: Option<String>,
}

/// Looks on at an attack, again and again, and takes each time no more than what is new: whoever
/// holds the tape keeps the users waiting.
pub struct Onlooker {
    load: Load,
    /// No more than a hint: the tape goes when the attack does.
    recorder: Weak<Recorder>,
    watch: Watch,
    began: Instant,
    before: (u64, Instant),
    /// All slices that are over, added up.
    over: BTreeMap<Series, Histogram<u64>>,
    last: Histogram<u64>,
    hits: (u64, u64),
    memory: Option<u64>,
    points: Vec<Point>,
}

/// What is copied while the tape is held.
struct Copied {
    ok: u64,
    failed: u64,
    statuses: BTreeMap<u16, u64>,
    errors: BTreeMap<&'static str, u64>,
    invalid: (u64, u64),
    slices: Vec<Slice>,
    current: Slice,
    length: Duration,
    lag: Option<u64>,
    started: u64,
    dropped: u64,
}

impl Onlooker {
    /// One who begins now.
    #[must_use]
    pub fn new(scene: &Scene, now: Instant) -> Self {
        Self {
            load: scene.load.clone(),
            recorder: Arc::downgrade(&scene.recorder),
            watch: Watch::begin(scene.load.threads),
            began: now,
            before: (0, now),
            over: BTreeMap::new(),
            last: histogram(),
            hits: (0, 0),
            memory: None,
            points: Vec::new(),
        }
    }

    /// What the attack means to do.
    #[must_use]
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Looks; `None` when the attack is over.
    pub fn look(&mut self, now: Instant) -> Option<Glance> {
        let recorder = self.recorder.upgrade()?;
        let is_open = matches!(self.load.model, Model::Open { .. });
        let from = self.points.len();
        let copied = recorder.with(|tape| Copied::of(tape, from, is_open));
        for slice in &copied.slices {
            self.add(slice, copied.length);
        }
        let mut recent = self.last.clone();
        // The first grows as it must, here and below: this does not fail.
        let _ = recent.add(copied.current.of(Series::Latency).unwrap_or(&histogram()));
        let (ok, then) = self.before;
        let time = now.saturating_duration_since(then).as_secs_f64();
        self.before = (copied.ok, now);
        let elapsed = now.saturating_duration_since(self.began);
        let mut glance = Glance {
            elapsed,
            rate: (copied.ok - ok) as f64 / time.max(1e-3),
            aim: self.load.plan().at(elapsed),
            recent: figures(&recent),
            points: self.points.clone(),
            open: recorder.open(),
            hits: (
                self.hits.0 + copied.current.hits,
                self.hits.1 + copied.current.misses,
            ),
            memory: copied.current.memory.or(self.memory),
            ..Glance::default()
        };
        self.measure(&copied.current, &mut glance);
        self.doubt(&copied, &mut glance);
        (glance.ok, glance.failed) = (copied.ok, copied.failed);
        (glance.statuses, glance.errors) = (copied.statuses, copied.errors);
        (glance.invalid, glance.dropped) = (copied.invalid, copied.dropped);
        Some(glance)
    }

    /// Takes a slice that is over to the others.
    fn add(&mut self, slice: &Slice, length: Duration) {
        for (series, part) in &slice.series {
            let _ = self.over.entry(*series).or_insert_with(histogram).add(part);
        }
        self.last = slice.of(Series::Latency).cloned().unwrap_or_else(histogram);
        self.hits.0 += slice.hits;
        self.hits.1 += slice.misses;
        self.memory = slice.memory.or(self.memory);
        let latency = figures(&self.last);
        let seconds = length.as_secs_f64();
        self.points.push(Point {
            at_s: f64::from(slice.number + 1) * seconds,
            rate: slice.ok as f64 / seconds,
            failures: slice.failed as f64 / seconds,
            p50_ms: latency.p50_ms,
            p99_ms: latency.p99_ms,
        });
    }

    /// The distributions so far.
    fn measure(&self, current: &Slice, glance: &mut Glance) {
        for series in Series::ALL {
            let mut whole = self.over.get(&series).cloned().unwrap_or_else(histogram);
            if let Some(part) = current.of(series) {
                let _ = whole.add(part);
            }
            match series {
                Series::Latency => glance.whole = figures(&whole),
                _ if whole.is_empty() => {}
                _ => glance.series.push((series, figures(&whole))),
            }
        }
    }

    /// The generator's own state.
    fn doubt(&self, copied: &Copied, glance: &mut Glance) {
        let signs: Signs = self.watch.so_far();
        let exhausted = crate::hot::Trouble::Exhausted.name();
        let course = Course {
            lag_p99: copied.lag.unwrap_or_default(),
            latency_p50: (glance.whole.p50_ms * 1000.0) as u64,
            dropped_share: share(copied.dropped, copied.started + copied.dropped),
            exhausted: copied.errors.get(exhausted).copied().unwrap_or_default(),
        };
        glance.lag_p99_ms = copied.lag.map(|micros| micros as f64 / 1000.0);
        glance.cpu_share = signs.cpu_share;
        glance.doubts = watch::doubts(&signs, &course);
    }
}

impl Copied {
    fn of(tape: &Tape, from: usize, is_open: bool) -> Self {
        let (ok, failed) = tape.counts();
        let mut statuses = BTreeMap::new();
        let mut errors = BTreeMap::new();
        for tally in &tape.tallies {
            for (status, count) in tally.statuses() {
                *statuses.entry(status).or_default() += count;
            }
            for (name, count) in &tally.errors {
                *errors.entry(*name).or_default() += count;
            }
        }
        let invalid = &tape.invalid;
        Self {
            ok,
            failed,
            statuses,
            errors,
            invalid: (invalid.sent, invalid.sent - invalid.refused),
            slices: tape.slices.get(from..).unwrap_or_default().to_vec(),
            current: tape.current.clone(),
            length: tape.slice_length(),
            lag: is_open.then(|| tape.lag.value_at_quantile(0.99)),
            started: tape.started,
            dropped: tape.dropped,
        }
    }
}

fn figures(histogram: &Histogram<u64>) -> Figures {
    let ms = |quantile| {
        let value = histogram.value_at_quantile(quantile);
        value.min(histogram.max()) as f64 / 1000.0
    };
    Figures {
        count: histogram.len(),
        p50_ms: ms(0.5),
        p90_ms: ms(0.9),
        p99_ms: ms(0.99),
        p999_ms: ms(0.999),
        max_ms: histogram.max() as f64 / 1000.0,
    }
}

#[cfg(test)]
mod tests;
