//! Histograms that leave the process and come back: `.hlog` files (the interval log of
//! HdrHistogram, V2 with deflate), and the base64 that reports hold. Adding them loses nothing.
//!
//! Values are microseconds; the greatest value of each interval is told in milliseconds, as is usual.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use acp_reports::load::{Report, Slice};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::interval_log::{
    IntervalLogIterator, IntervalLogWriterBuilder, LogEntry, Tag,
};
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};

/// Of a file that is read, no interval may have a histogram of more than this many bytes in memory:
/// its head alone says how large it wants to be, and three digits up to an hour take 200 KiB.
const LARGEST: u64 = 3_600_000_000 * 24;

/// A histogram of some stretch of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// What was measured: `latency`, `hit`, …; nothing for a log that names nothing.
    pub name: String,
    /// When it began, since the beginning of the log.
    pub start: Duration,
    /// How long it is.
    pub length: Duration,
    /// In microseconds.
    pub histogram: Histogram<u64>,
}

/// A whole log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// When it began, since 1970.
    pub began: Duration,
    /// Its intervals, by their start.
    pub intervals: Vec<Interval>,
}

/// What is wrong with a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A line that is none.
    #[error("not an interval log of HdrHistogram: {0}")]
    Line(String),
    /// A histogram that is none.
    #[error("interval {0} holds no histogram that can be read")]
    Histogram(usize),
    /// Histograms that cannot be added.
    #[error("histograms of `{0}` have different ranges and cannot be added without loss")]
    Ranges(String),
    /// It could not be written.
    #[error("cannot be written: {0}")]
    Write(String),
}

/// The histogram that a report holds as text; `None` if it is none, or absurdly large.
#[must_use]
pub fn decoded(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).ok()?;
    (histogram.high() <= LARGEST).then_some(histogram)
}

/// A histogram as reports hold it: V2 with deflate, in base64.
#[must_use]
pub fn encoded(histogram: &Histogram<u64>) -> Option<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .ok()?;
    Some(STANDARD.encode(bytes))
}

impl Log {
    /// The log of a report: its slices, and one interval more of what ended after them, or is in none. So
    /// the intervals add up to the whole.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let slices = report.slices.iter().flat_map(|slice| {
            let named = slice.histograms.iter();
            named.filter_map(|(name, text)| {
                Some(Interval {
                    name: name.clone(),
                    start: seconds(slice.at_s),
                    length: seconds(slice.length_s),
                    histogram: decoded(text)?,
                })
            })
        });
        let mut intervals: Vec<_> = slices.collect();
        intervals.extend(rests(report));
        let began: Option<jiff::Timestamp> = report.started_at.parse().ok();
        let began = began
            .and_then(|it| Duration::try_from(it.duration_since(jiff::Timestamp::UNIX_EPOCH)).ok());
        Self {
            began: began.unwrap_or_default(),
            intervals,
        }
    }

    /// The histograms of the whole run alone, each as one interval.
    pub(crate) fn whole(report: &Report) -> Self {
        Self::of_texts(&report.histograms)
    }

    /// Those of one slice.
    pub(crate) fn of_slice(slice: &Slice) -> Self {
        Self::of_texts(&slice.histograms)
    }

    fn of_texts(texts: &BTreeMap<String, String>) -> Self {
        let interval = |(name, text): (&String, &String)| {
            Some(Interval {
                name: name.clone(),
                start: Duration::ZERO,
                length: Duration::ZERO,
                histogram: decoded(text)?,
            })
        };
        Self {
            began: Duration::ZERO,
            intervals: texts.iter().filter_map(interval).collect(),
        }
    }

    /// As the text of an `.hlog` file.
    ///
    /// # Errors
    /// [`LogError::Write`] for a histogram that cannot be written.
    pub fn write(&self) -> Result<String, LogError> {
        let told = |error: &dyn std::fmt::Debug| LogError::Write(format!("{error:?}"));
        let mut text = Vec::new();
        let mut serializer = V2DeflateSerializer::new();
        let began = SystemTime::UNIX_EPOCH + self.began;
        let mut builder = IntervalLogWriterBuilder::new();
        builder
            .add_comment("acp-tck load; values are microseconds")
            .with_start_time(began)
            .with_base_time(began)
            .with_max_value_divisor(1_000.0);
        let mut writer = builder
            .begin_log_with(&mut text, &mut serializer)
            .map_err(|error| told(&error))?;
        for it in &self.intervals {
            let tag = Tag::new(&it.name).filter(|_| !it.name.is_empty());
            writer
                .write_histogram(&it.histogram, it.start, it.length, tag)
                .map_err(|error| told(&error))?;
        }
        String::from_utf8(text).map_err(|error| told(&error))
    }

    /// Reads an `.hlog` file.
    ///
    /// # Errors
    /// The first line that is no part of a log.
    pub fn read(text: &[u8]) -> Result<Self, LogError> {
        let mut log = Self::default();
        for entry in IntervalLogIterator::new(text) {
            match entry.map_err(|error| LogError::Line(format!("{error:?}")))? {
                LogEntry::StartTime(began) => log.began = began,
                LogEntry::BaseTime(_) => {}
                LogEntry::Interval(it) => {
                    let number = log.intervals.len() + 1;
                    let histogram = decoded(it.encoded_histogram());
                    log.intervals.push(Interval {
                        name: it
                            .tag()
                            .map_or(String::new(), |tag| tag.as_str().to_owned()),
                        start: it.start_timestamp(),
                        length: it.duration(),
                        histogram: histogram.ok_or(LogError::Histogram(number))?,
                    });
                }
            }
        }
        if log.intervals.is_empty() {
            return Err(LogError::Line("it has no interval".to_owned()));
        }
        Ok(log)
    }

    /// Adds logs: what has the same name and the same stretch of time becomes one interval,
    /// the rest stands side by side. Every count of every value is kept.
    ///
    /// # Errors
    /// [`LogError::Ranges`] where adding would lose precision.
    pub fn merge(logs: &[Self]) -> Result<Self, LogError> {
        let mut merged: BTreeMap<(Duration, Duration, &str), Histogram<u64>> = BTreeMap::new();
        for it in logs.iter().flat_map(|log| &log.intervals) {
            let key = (it.start, it.length, it.name.as_str());
            match merged.entry(key) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(it.histogram.clone());
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => {
                    add(entry.get_mut(), &it.histogram, &it.name)?;
                }
            }
        }
        let intervals = merged
            .into_iter()
            .map(|((start, length, name), histogram)| Interval {
                name: name.to_owned(),
                start,
                length,
                histogram,
            });
        Ok(Self {
            began: logs.iter().map(|log| log.began).min().unwrap_or_default(),
            intervals: intervals.collect(),
        })
    }

    /// One histogram for each name.
    ///
    /// # Errors
    /// [`LogError::Ranges`] where adding would lose precision.
    pub fn totals(&self) -> Result<BTreeMap<String, Histogram<u64>>, LogError> {
        let mut totals: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
        for it in &self.intervals {
            match totals.get_mut(&it.name) {
                Some(total) => add(total, &it.histogram, &it.name)?,
                None => {
                    totals.insert(it.name.clone(), it.histogram.clone());
                }
            }
        }
        Ok(totals)
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Of what is measured under a name, all that no slice has: what ended after the last of them, and
/// that is the slowest. `None` if nothing did.
pub(crate) fn rest(report: &Report, name: &str) -> Option<Histogram<u64>> {
    let mut rest = decoded(report.histograms.get(name)?)?;
    for slice in &report.slices {
        if let Some(text) = slice.histograms.get(name) {
            // Slices that are more than the whole are none of this run's.
            rest.subtract(decoded(text)?).ok()?;
        }
    }
    (!rest.is_empty()).then_some(rest)
}

/// The rests as intervals after the last slice, or of the whole time where there is no slice. When they
/// ended no report says; but whatever began by the end of the plan was over by then and its own time.
fn rests(report: &Report) -> Vec<Interval> {
    let rests = report.histograms.keys();
    let rests = rests.filter_map(|name| Some((name.clone(), rest(report, name)?)));
    let rests: Vec<_> = rests.collect();
    let longest = rests.iter().map(|(_, rest)| rest.max()).max();
    let longest = Duration::from_micros(longest.unwrap_or_default());
    let end = report.slices.last().map(|it| it.at_s + it.length_s);
    let interval = |(name, histogram)| {
        let (start, length) = match end {
            Some(end) => (seconds(end), longest),
            None => (Duration::ZERO, seconds(report.duration_s)),
        };
        Interval {
            name,
            start,
            length,
            histogram,
        }
    };
    rests.into_iter().map(interval).collect()
}

fn add(sum: &mut Histogram<u64>, more: &Histogram<u64>, name: &str) -> Result<(), LogError> {
    let loses = sum.sigfig() != more.sigfig() || sum.low() != more.low();
    let range = || LogError::Ranges(name.to_owned());
    if loses {
        return Err(range());
    }
    if more.high() > sum.high() {
        let mut wider = more.clone();
        wider.add(&*sum).map_err(|_| range())?;
        *sum = wider;
        return Ok(());
    }
    sum.add(more).map_err(|_| range())
}
