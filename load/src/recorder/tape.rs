//! The tape: counts and histograms, for the whole and by slices of time. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::load::Invalid;
use hdrhistogram::Histogram;

use super::{Gaps, histogram, micros, record, record_many};
use crate::hot::Trouble;

/// HTTP has three digits for a status.
const STATUSES: usize = 1000;

/// A distribution that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// Of successful requests: from the intended start.
    Latency,
    /// Of successful requests: from the moment they were sent. Kept in the open model alone.
    Service,
    /// Of answers from the cache.
    Hit,
    /// Of answers that were computed.
    Miss,
    /// From a stream's request to its first event.
    FirstEvent,
    /// From one event to the next.
    Gap,
    /// From a stream's request to its end.
    Complete,
}

impl Series {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Latency,
        Self::Service,
        Self::Hit,
        Self::Miss,
        Self::FirstEvent,
        Self::Gap,
        Self::Complete,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Service => "service",
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::FirstEvent => "first_event",
            Self::Gap => "gap",
            Self::Complete => "complete",
        }
    }
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Not as it should be: its latency counts for nothing. The reason, by name, where the status
    /// does not say it.
    Failed(Option<&'static str>),
    /// The request was to be refused, and so it is counted apart.
    Provoked,
    /// The user left, as was planned: neither good nor bad.
    Left,
    /// As it should be, for a user who was slow, as was planned: the time is the user's own, and counts for nothing.
    Awaited,
}

/// One request that is over.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// What was asked, as an index of the script's endpoints.
    pub endpoint: usize,
    /// The status; 0 for none.
    pub status: u16,
    /// Why there was no whole answer.
    pub trouble: Option<Trouble>,
    /// What it is worth.
    pub verdict: Verdict,
    /// Whether it came from the cache, where that is known.
    pub hit: Option<bool>,
    /// From the intended start to the end.
    pub latency: Duration,
    /// From the real start to the end.
    pub service: Duration,
}

/// Counts of one thing that was asked.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Answered as it should be.
    pub ok: u64,
    /// Not so.
    pub failed: u64,
    /// By status; 0 for none.
    statuses: Box<[u64]>,
    /// What went wrong, by name.
    pub errors: BTreeMap<&'static str, u64>,
    /// Of what was answered well.
    pub latency: Histogram<u64>,
}

impl Tally {
    fn new() -> Self {
        Self {
            ok: 0,
            failed: 0,
            statuses: vec![0; STATUSES].into(),
            errors: BTreeMap::new(),
            latency: histogram(),
        }
    }

    /// The statuses that came, and how often; 0 for none.
    pub fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = (0_u16..).zip(self.statuses.iter().copied());
        counts.filter(|(_, count)| *count > 0)
    }
}

/// A stretch of the measured time.
#[derive(Clone, Debug)]
pub struct Slice {
    /// Its number, from 0.
    pub number: u32,
    /// Requests that ended well in it.
    pub ok: u64,
    /// Requests that failed in it.
    pub failed: u64,
    /// Of those, how many were refused with 429.
    pub limited: u64,
    /// Answers from the cache.
    pub hits: u64,
    /// Answers that were computed.
    pub misses: u64,
    /// The agent's memory, in bytes, where it is watched.
    pub memory: Option<u64>,
    /// Users at work, at its end.
    pub users: u64,
    /// Its distributions, those with anything in them.
    pub series: Vec<(Series, Histogram<u64>)>,
}

impl Slice {
    fn new(number: u32) -> Self {
        Self {
            number,
            ok: 0,
            failed: 0,
            limited: 0,
            hits: 0,
            misses: 0,
            memory: None,
            users: 0,
            series: Vec::new(),
        }
    }

    fn add(&mut self, series: Series, micros: u64) {
        self.add_many(series, micros, 1);
    }

    fn add_many(&mut self, series: Series, micros: u64, count: u64) {
        let known = self.series.iter_mut().find(|(known, _)| *known == series);
        let histogram = match known {
            Some((_, histogram)) => histogram,
            None => {
                self.series.push((series, histogram()));
                let Some((_, last)) = self.series.last_mut() else {
                    return;
                };
                last
            }
        };
        record_many(histogram, micros, count);
    }

    /// One of its distributions.
    #[must_use]
    pub fn of(&self, series: Series) -> Option<&Histogram<u64>> {
        let mut known = self.series.iter();
        known.find(|(known, _)| *known == series).map(|(_, it)| it)
    }
}

/// All that was measured.
#[derive(Clone, Debug)]
pub struct Tape {
    /// By what was asked.
    pub tallies: Vec<Tally>,
    /// What was sent to be refused.
    pub invalid: Invalid,
    /// Whole slices, in order.
    pub slices: Vec<Slice>,
    /// The slice that is being written.
    pub current: Slice,
    /// How much later than due requests began though a connection was free.
    pub lag: Histogram<u64>,
    /// Requests that began more than a millisecond after they were due.
    pub late: u64,
    /// Requests that began.
    pub started: u64,
    /// Arrivals that were given up.
    pub dropped: u64,
    /// Requests of the warm-up, which nothing else counts.
    pub warm_up: u64,
    /// Users who left streams half way, as planned.
    pub left: u64,
    /// Events on streams.
    pub events: u64,
    has_service: bool,
    slice_length: Duration,
    /// When the slice that is being written ends.
    turn: Duration,
}

impl Tape {
    pub(super) fn new(endpoints: usize, has_service: bool, slice_length: Duration) -> Self {
        Self {
            tallies: (0..endpoints).map(|_| Tally::new()).collect(),
            invalid: Invalid::default(),
            slices: Vec::new(),
            current: Slice::new(0),
            lag: histogram(),
            late: 0,
            started: 0,
            dropped: 0,
            warm_up: 0,
            left: 0,
            events: 0,
            has_service,
            slice_length: slice_length.max(Duration::from_millis(1)),
            turn: slice_length,
        }
    }

    /// How long a slice is.
    #[must_use]
    pub fn slice_length(&self) -> Duration {
        self.slice_length
    }

    /// Adds what is over, at a moment of the measured time.
    pub fn add(&mut self, sample: &Sample, at: Duration, users: u64) {
        self.turn_to(at, users);
        if sample.verdict == Verdict::Provoked {
            return self.add_provoked(sample);
        }
        if sample.verdict == Verdict::Left {
            self.left += 1;
        }
        let has_many = self.tallies.len() > 1;
        let Some(tally) = self.tallies.get_mut(sample.endpoint) else {
            return;
        };
        let status = usize::from(sample.status).min(STATUSES - 1);
        tally.statuses[status] += 1;
        if let Some(trouble) = sample.trouble {
            *tally.errors.entry(trouble.name()).or_default() += 1;
        }
        if let Verdict::Failed(why) = sample.verdict {
            if let Some(why) = why.filter(|_| sample.trouble.is_none()) {
                *tally.errors.entry(why).or_default() += 1;
            }
            tally.failed += 1;
            self.current.failed += 1;
            self.current.limited += u64::from(sample.status == 429);
            return;
        }
        tally.ok += 1;
        self.current.ok += 1;
        if sample.verdict != Verdict::Ok {
            return;
        }
        let micros = micros(sample.latency);
        if has_many {
            record(&mut tally.latency, micros);
        }
        self.current.add(Series::Latency, micros);
        if self.has_service {
            self.current
                .add(Series::Service, super::micros(sample.service));
        }
        match sample.hit {
            Some(true) => self.current.hits += 1,
            Some(false) => self.current.misses += 1,
            None => {}
        }
    }

    /// Adds a time to a distribution, in the slice that is being written.
    pub fn time(&mut self, series: Series, time: Duration) {
        self.current.add(series, micros(time));
    }

    /// Adds the gaps of a stream.
    pub fn gaps(&mut self, gaps: &Gaps) {
        for (micros, count) in gaps.counts() {
            self.current.add_many(Series::Gap, micros, count);
        }
    }

    /// Notes how late a request began.
    pub fn begin(&mut self, lag: Duration, lateness: Duration) {
        self.started += 1;
        self.late += u64::from(lateness > Duration::from_millis(1));
        record(&mut self.lag, micros(lag));
    }

    fn add_provoked(&mut self, sample: &Sample) {
        let invalid = &mut self.invalid;
        invalid.sent += 1;
        match sample.status {
            _ if sample.trouble.is_some() => invalid.unanswered += 1,
            400..=499 => invalid.refused += 1,
            500..=999 => invalid.server_errors += 1,
            _ => invalid.accepted += 1,
        }
    }

    /// Goes on to the slice of this moment.
    fn turn_to(&mut self, at: Duration, users: u64) {
        // A division for each request would be dear.
        if at < self.turn {
            return;
        }
        let number = at.as_nanos() / self.slice_length.as_nanos();
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if number > self.current.number {
            let mut done = std::mem::replace(&mut self.current, Slice::new(number));
            done.users = users;
            self.slices.push(done);
            self.turn = self.slice_length.saturating_mul(number.saturating_add(1));
        }
    }

    /// The distribution over the whole time.
    #[must_use]
    pub fn whole(&self, series: Series) -> Histogram<u64> {
        let mut whole = histogram();
        for slice in self.slices.iter().chain([&self.current]) {
            if let Some(part) = slice.of(series) {
                // Both have the same digits and the first grows: this does not fail.
                let _ = whole.add(part);
            }
        }
        whole
    }

    /// Successful, failed.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        let tallies = self.tallies.iter();
        tallies.fold((0, 0), |(ok, failed), it| (ok + it.ok, failed + it.failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn sample(verdict: Verdict, status: u16) -> Sample {
        Sample {
            endpoint: 0,
            status,
            trouble: None,
            verdict,
            hit: None,
            latency: MS * 20,
            service: MS * 10,
        }
    }

    #[test]
    fn failures_and_provoked_refusals_do_not_enter_the_latency_of_successes() {
        let mut tape = Tape::new(1, true, MS * 1000);
        tape.add(&sample(Verdict::Ok, 200), MS, 1);
        tape.add(&sample(Verdict::Failed(None), 500), MS, 1);
        tape.add(&sample(Verdict::Provoked, 400), MS, 1);
        tape.add(&sample(Verdict::Provoked, 500), MS, 1);
        tape.add(&sample(Verdict::Left, 200), MS, 1);
        tape.add(&sample(Verdict::Awaited, 200), MS, 1);
        assert_eq!(tape.counts(), (3, 1));
        assert_eq!(tape.whole(Series::Latency).len(), 1);
        assert_eq!(tape.whole(Series::Service).max() / 100, 100);
        assert_eq!(tape.invalid.sent, 2);
        assert_eq!((tape.invalid.refused, tape.invalid.server_errors), (1, 1));
        let statuses: Vec<_> = tape.tallies[0].statuses().collect();
        assert_eq!(statuses, [(200, 3), (500, 1)]);
    }

    #[test]
    fn slices_follow_the_time_and_add_up_to_the_whole() {
        let mut tape = Tape::new(1, false, MS * 100);
        for at in [0, 50, 150, 420, 430] {
            tape.add(&sample(Verdict::Ok, 200), MS * at, 1);
        }
        let numbers: Vec<_> = tape.slices.iter().map(|it| (it.number, it.ok)).collect();
        assert_eq!(numbers, [(0, 2), (1, 1)]);
        assert_eq!((tape.current.number, tape.current.ok), (4, 2));
        assert_eq!(tape.whole(Series::Latency).len(), 5);
    }
}
