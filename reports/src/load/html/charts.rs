//! The charts of a load report, each where the run has something for it.

use super::course::{Point, Times, points};
use crate::chart::{Chart, Plot, Scale};
use crate::load::words::{ms, per_second, rate, seconds, share};
use crate::load::{Capacity, Curve, RateLimit, Report};
use crate::words;

/// Fewer points make no course, and fewer samples no curve.
const LEAST_POINTS: usize = 2;
const LEAST_SAMPLES: u64 = 10;
/// Of a curve that a file claims, no more points are drawn.
const CURVE: usize = 1_000;

/// A run's course, and the earlier one's.
pub(super) struct Courses {
    pub(super) now: Vec<Point>,
    earlier: Vec<Point>,
}

impl Courses {
    pub(super) fn of(report: &Report) -> Self {
        let baseline = report.baseline.as_ref();
        let earlier = baseline.and_then(|it| it.earlier.as_ref());
        Self {
            now: points(&report.slices),
            earlier: earlier.map(|it| points(&it.slices)).unwrap_or_default(),
        }
    }

    fn is_drawn(&self) -> bool {
        self.now.len() >= LEAST_POINTS
    }

    /// The axis of time: as long as the longer run.
    fn time(&self) -> Scale {
        let all = self.now.iter().chain(&self.earlier);
        Scale::time(all.map(|point| point.to))
    }

    fn both(&self, of: impl Fn(&Point) -> Option<f64>) -> Vec<f64> {
        let all = self.now.iter().chain(&self.earlier);
        all.filter_map(of).collect()
    }

    /// The tips of a chart over time.
    fn tips<'c>(
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

fn along<'p>(
    points: &'p [Point],
    of: impl Fn(&Point) -> Option<f64> + 'p,
) -> impl Iterator<Item = (f64, Option<f64>)> + 'p {
    points.iter().map(move |point| (point.at(), of(point)))
}

/// A number on an axis: as short as it can be said.
fn plain(value: f64) -> String {
    match value {
        great if great >= 10_000.0 => format!("{:.0}k", great / 1_000.0),
        some => per_second(some),
    }
}

/// Milliseconds on an axis; from a second on, seconds.
fn short_ms(value: f64) -> String {
    match value {
        tiny if tiny < 0.001 => format!("{tiny:e} ms"),
        great if great >= 1_000.0 => format!("{} s", plain(great / 1_000.0)),
        // Axes have 1, 2 and 5 times powers of ten: no digits that mean nothing.
        some => format!("{} ms", (some * 1_000.0).round() / 1_000.0),
    }
}

/// How slow the slowest are: this run's and the earlier one's.
pub(super) fn latency_curve(report: &Report) -> Option<Chart> {
    let mut named = vec![("one", "latency", report.curve.as_slice())];
    if let Some(service) = report.curves.get("service") {
        named.push(("two", "service: from when it was sent", service));
    }
    let earlier = report.baseline.as_ref().and_then(|it| it.earlier.as_ref());
    if let Some(earlier) = earlier {
        named.push(("one earlier", "latency, earlier run", &earlier.curve));
    }
    curves("Latency by percentile", &named)
}

/// How hits differ from misses.
pub(super) fn hit_curves(report: &Report) -> Option<Chart> {
    let of = |name: &str| {
        report
            .curves
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let named = [
        ("hits", "hits", of("hit")),
        ("misses", "misses", of("miss")),
    ];
    curves("Hits and misses by percentile", &named)
}

/// When events come, and how long they stay away.
pub(super) fn stream_curves(report: &Report) -> Option<Chart> {
    let of = |name: &str| {
        report
            .curves
            .get(name)
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let earlier = report.baseline.as_ref().and_then(|it| it.earlier.as_ref());
    let earlier = earlier
        .and_then(|it| it.curves.get("gap"))
        .map(Vec::as_slice);
    let named = [
        ("one", "gap between events", of("gap")),
        ("two", "first event", of("first_event")),
        ("three", "whole stream", of("complete")),
        (
            "one earlier",
            "gap, earlier run",
            earlier.unwrap_or_default(),
        ),
    ];
    curves("Gaps between events", &named)
}

fn curves(title: &str, named: &[(&str, &str, &[Curve])]) -> Option<Chart> {
    let enough = |curve: &[Curve]| curve.last().is_some_and(|it| it.count >= LEAST_SAMPLES);
    let drawn: Vec<_> = named.iter().filter(|(.., it)| enough(it)).collect();
    let first = drawn.first()?;
    let most = drawn.iter().filter_map(|(.., it)| Some(it.last()?.count));
    let across = Scale::nines(most.max()?);
    let times = drawn
        .iter()
        .flat_map(|(.., it)| it.iter().take(CURVE).map(|it| it.ms));
    // What is faster than a microsecond is drawn as one.
    let up = Scale::log(times.map(|ms| ms.max(0.001)));
    let mut plot = Plot::new(title, across, up).named(
        plain,
        short_ms,
        "Across: percentile, each further nine as wide as the one before. Up: milliseconds, logarithmic.",
    );
    for (class, name, curve) in &drawn {
        let line = curve.iter().take(CURVE);
        let line = line.map(|it| (it.percentile, Some(it.ms.max(0.001))));
        plot = plot.line(class, name, line);
    }
    let (.., curve) = first;
    let from = curve.iter().scan(0.0, |last, point| {
        let from = std::mem::replace(last, point.percentile);
        Some((from, point))
    });
    let tips = from.map(|(from, point)| {
        let percent = format!("{:.4}", point.percentile);
        let percent = percent
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned();
        let text = format!("{percent} %: at most {} ms ({})", ms(point.ms), point.count);
        ([from, point.percentile], text)
    });
    let summary = drawn.iter().map(|(_, name, curve)| {
        let last = curve.last().map_or(0.0, |it| it.ms);
        format!(
            "{name}: median {} ms, at most {} ms",
            ms(median(curve)),
            ms(last)
        )
    });
    let summary = summary.collect::<Vec<_>>().join("; ");
    Some(plot.tips(tips).finished(summary))
}

fn median(curve: &[Curve]) -> f64 {
    let half = curve.iter().find(|it| it.percentile >= 50.0);
    half.map_or(0.0, |it| it.ms)
}

/// Requests a second, those that failed, and what was aimed at.
pub(super) fn throughput(report: &Report, courses: &Courses) -> Option<Chart> {
    if !courses.is_drawn() {
        return None;
    }
    let failed = courses.now.iter().any(|point| point.failed > 0.0);
    let aim = report.rate.filter(|it| it.is_finite() && *it > 0.0);
    let all = courses.both(|it| Some(it.ok.max(it.failed)));
    let up = Scale::roundly_up_to(all.into_iter().chain(aim));
    let mut plot = Plot::new("Throughput", courses.time(), up)
        .named(
            plain,
            plain,
            "Across: measured time. Up: requests a second.",
        )
        .bars(
            "one",
            "",
            courses
                .now
                .iter()
                .map(|it| ([it.from, it.to], [0.0, it.ok])),
        )
        .line(
            "one",
            "answered well",
            along(&courses.now, |it| Some(it.ok)),
        );
    if failed {
        plot = plot.line("bad", "failed", along(&courses.now, |it| Some(it.failed)));
    }
    if !courses.earlier.is_empty() {
        let line = along(&courses.earlier, |it| Some(it.ok));
        plot = plot.line("one earlier", "answered well, earlier run", line);
    }
    if let Some(aim) = aim {
        plot = plot.level("aim", &format!("aimed at: {} on average", rate(aim)), aim);
    }
    let plot = plot.tips(
        courses.tips(|it| format!("{} answered well, {} failed", rate(it.ok), rate(it.failed))),
    );
    let least = courses
        .now
        .iter()
        .map(|it| it.ok)
        .fold(f64::INFINITY, f64::min);
    let most = courses.now.iter().map(|it| it.ok).fold(0.0, f64::max);
    Some(plot.finished(format!(
        "from {} to {} answered well",
        rate(least),
        rate(most)
    )))
}

/// The latency, stretch by stretch.
pub(super) fn latency_course(courses: &Courses) -> Option<Chart> {
    times_over_time(
        "Latency over time",
        courses,
        |point| point.latency,
        ["p50", "p99", "slowest"],
    )
}

/// The gaps between events, stretch by stretch.
pub(super) fn gap_course(courses: &Courses) -> Option<Chart> {
    times_over_time(
        "Gaps over time",
        courses,
        |point| point.gap,
        ["p50", "p99", "longest"],
    )
}

fn times_over_time(
    title: &str,
    courses: &Courses,
    of: impl Fn(&Point) -> Times + Copy,
    names: [&str; 3],
) -> Option<Chart> {
    let values = courses.both(|it| of(it).max).into_iter();
    let values: Vec<f64> = values.chain(courses.both(|it| of(it).p50)).collect();
    if !courses.is_drawn() || values.is_empty() {
        return None;
    }
    let up = Scale::log(values.into_iter().map(|ms| ms.max(0.001)));
    let mut plot = Plot::new(title, courses.time(), up)
        .named(
            plain,
            short_ms,
            "Across: measured time. Up: milliseconds, logarithmic.",
        )
        .line("three", names[2], along(&courses.now, move |it| of(it).max))
        .line("two", names[1], along(&courses.now, move |it| of(it).p99))
        .line("one", names[0], along(&courses.now, move |it| of(it).p50));
    if !courses.earlier.is_empty() {
        let p99 = along(&courses.earlier, move |it| of(it).p99);
        let p50 = along(&courses.earlier, move |it| of(it).p50);
        plot = plot
            .line("two earlier", &format!("{}, earlier run", names[1]), p99)
            .line("one earlier", &format!("{}, earlier run", names[0]), p50);
    }
    let known = |value: Option<f64>| value.map_or("-".to_owned(), |it| format!("{} ms", ms(it)));
    let plot = plot.tips(courses.tips(move |it| {
        let times = of(it);
        let [p50, p99, max] = [times.p50, times.p99, times.max].map(known);
        format!("{} {p50}, {} {p99}, {} {max}", names[0], names[1], names[2])
    }));
    let worst = courses
        .now
        .iter()
        .filter_map(|it| of(it).p99)
        .fold(0.0, f64::max);
    Some(plot.finished(format!("p99 of the slowest stretch: {} ms", ms(worst))))
}

/// Users at work, where their number changes.
pub(super) fn users(courses: &Courses) -> Option<Chart> {
    let all: Vec<f64> = courses.now.iter().filter_map(|it| it.users).collect();
    let first = all.first()?;
    let differs = all.iter().any(|it| (it - first).abs() > first * 0.1);
    if !courses.is_drawn() || !differs {
        return None;
    }
    let most = all.iter().copied().fold(0.0, f64::max);
    let plot = Plot::new("Users at work", courses.time(), Scale::roundly_up_to(all))
        .named(
            plain,
            plain,
            "Across: measured time. Up: users, connections or streams.",
        )
        .line("one", "", along(&courses.now, |it| it.users))
        .tips(courses.tips(|it| format!("{} at work", plain(it.users.unwrap_or(0.0)))));
    Some(plot.finished(format!("at most {}", plain(most))))
}

/// What was refused for being too much, beside what was not.
pub(super) fn limited(courses: &Courses) -> Option<Chart> {
    if !courses.is_drawn() || !courses.now.iter().any(|it| it.limited > 0.0) {
        return None;
    }
    let up = Scale::roundly_up_to(courses.both(|it| Some(it.ok + it.limited)));
    let time = |it: &Point| [it.from, it.to];
    let good = courses.now.iter().map(|it| (time(it), [0.0, it.ok]));
    let over = courses
        .now
        .iter()
        .map(|it| (time(it), [it.ok, it.ok + it.limited]));
    let plot = Plot::new("Refused with 429", courses.time(), up)
        .named(
            plain,
            plain,
            "Across: measured time. Up: requests a second.",
        )
        .bars("one", "answered well", good)
        .bars("bad", "refused with 429", over)
        .tips(courses.tips(|it| {
            format!(
                "{} answered well, {} refused",
                rate(it.ok),
                rate(it.limited)
            )
        }));
    let most = courses.now.iter().map(|it| it.limited).fold(0.0, f64::max);
    Some(plot.finished(format!("at most {} refused", rate(most))))
}

/// What came from the cache, beside what was computed.
pub(super) fn hits(courses: &Courses) -> Option<Chart> {
    if !courses.is_drawn() || !courses.now.iter().any(|it| it.hits.is_some()) {
        return None;
    }
    let known = |it: &Point| (it.hits.unwrap_or(0.0), it.misses.unwrap_or(0.0));
    let all = courses.now.iter().map(|it| known(it).0 + known(it).1);
    let bars = |of: fn((f64, f64)) -> [f64; 2]| {
        let bars = courses.now.iter();
        bars.map(move |it| ([it.from, it.to], of(known(it))))
    };
    let plot = Plot::new("Hits and misses", courses.time(), Scale::roundly_up_to(all))
        .named(plain, plain, "Across: measured time. Up: answers a second.")
        .bars("hits", "hits", bars(|(hits, _)| [0.0, hits]))
        .bars(
            "misses",
            "misses",
            bars(|(hits, misses)| [hits, hits + misses]),
        )
        .tips(courses.tips(move |it| {
            let (hits, misses) = known(it);
            format!("{} hits, {} misses", rate(hits), rate(misses))
        }));
    Some(plot.finished("answers a second from the cache, and those computed".to_owned()))
}

/// Hits as a share, beside what was computed for these keys.
pub(super) fn hit_rate(report: &Report, courses: &Courses) -> Option<Chart> {
    let cache = report.cache.as_ref()?;
    if !courses.is_drawn() || !courses.now.iter().any(|it| it.hit_rate().is_some()) {
        return None;
    }
    let percent = |value: f64| format!("{:.0} %", value * 100.0);
    let mut plot = Plot::new("Hit rate", courses.time(), Scale::Linear(0.0, 1.0))
        .named(
            plain,
            percent,
            "Across: measured time. Up: hits as a share of answers.",
        )
        .line("hits", "seen", along(&courses.now, Point::hit_rate));
    if courses.earlier.iter().any(|it| it.hit_rate().is_some()) {
        plot = plot.line(
            "hits earlier",
            "seen, earlier run",
            along(&courses.earlier, Point::hit_rate),
        );
    }
    let expected = cache.expected_hit_rate;
    if expected > 0.0 {
        plot = plot.level("aim", &format!("computed: {}", share(expected)), expected);
    }
    let plot = plot.tips(courses.tips(|it| it.hit_rate().map_or("-".to_owned(), share)));
    let (seen, computed) = (share(cache.hit_rate), share(expected));
    Some(plot.finished(format!("{seen} over the whole run; {computed} computed")))
}

/// The agent's memory.
pub(super) fn memory(courses: &Courses) -> Option<Chart> {
    const MIB: f64 = 1_048_576.0;
    let known = courses.now.iter().filter(|it| it.memory.is_some());
    if known.count() < LEAST_POINTS {
        return None;
    }
    let mib = |it: &Point| it.memory.map(|bytes| bytes / MIB);
    let up = Scale::roundly_up_to(courses.both(mib));
    let plot = Plot::new("Memory of the agent", courses.time(), up)
        .named(
            plain,
            |it| format!("{} MiB", plain(it)),
            "Across: measured time. Up: MiB.",
        )
        .line("one", "", along(&courses.now, mib))
        .tips(courses.tips(move |it| format!("{:.1} MiB", mib(it).unwrap_or(0.0))));
    let most = courses.now.iter().filter_map(mib).fold(0.0, f64::max);
    Some(plot.finished(format!("at most {most:.1} MiB")))
}

/// Who was admitted and who refused while a limit was looked for.
pub(super) fn admissions(found: &RateLimit) -> Option<Chart> {
    let course = found
        .course
        .iter()
        .take(1_000)
        .filter(|it| it.at_s >= 0.0 && it.length_s > 0.0 && it.at_s + it.length_s < 1e9);
    let course: Vec<_> = course.collect();
    let length = course.first()?.length_s;
    let whole = |it: &&crate::load::Admissions| (it.admitted + it.refused + it.other) as f64;
    let across = Scale::time(course.iter().map(|it| it.at_s + it.length_s));
    let up = Scale::roundly_up_to(course.iter().map(whole));
    let bars = |of: fn(u64, u64, u64) -> [u64; 2]| {
        let bars = course.iter().map(move |it| {
            let [from, to] = of(it.admitted, it.refused, it.other);
            ([it.at_s, it.at_s + it.length_s], [from as f64, to as f64])
        });
        bars.collect::<Vec<_>>()
    };
    let tips = course.iter().map(|it| {
        let text = format!(
            "{}: {} admitted, {} refused, {} other",
            seconds(it.at_s),
            it.admitted,
            it.refused,
            it.other
        );
        ([it.at_s, it.at_s + it.length_s], text)
    });
    let axes = format!(
        "Across: time of the run. Up: requests in {}.",
        seconds(length)
    );
    let plot = Plot::new("Admitted and refused", across, up)
        .named(plain, plain, &axes)
        .bars("one", "admitted", bars(|admitted, _, _| [0, admitted]))
        .bars(
            "bad",
            "refused",
            bars(|admitted, refused, _| [admitted, admitted.saturating_add(refused)]),
        )
        .bars(
            "other",
            "other",
            bars(|admitted, refused, other| {
                let below = admitted.saturating_add(refused);
                [below, below.saturating_add(other)]
            }),
        )
        .tips(tips);
    let sum = |of: fn(&crate::load::Admissions) -> u64| {
        course.iter().map(|it| of(it) as f64).sum::<f64>()
    };
    let (admitted, refused) = (sum(|it| it.admitted), sum(|it| it.refused));
    Some(plot.finished(format!("{admitted:.0} admitted, {refused:.0} refused")))
}

/// How full a window was at most, beside the limit that was found.
pub(super) fn fullness(found: &RateLimit) -> Option<Chart> {
    let window = found.window_s?;
    let limit = found.limit? as f64;
    let known = found.course.iter().take(1_000).filter_map(|it| {
        let is_real = it.at_s >= 0.0 && it.length_s > 0.0 && it.at_s + it.length_s < 1e9;
        Some((it.at_s, it.at_s + it.length_s, it.in_window? as f64)).filter(|_| is_real)
    });
    let known: Vec<_> = known.collect();
    if known.len() < LEAST_POINTS {
        return None;
    }
    let across = Scale::time(known.iter().map(|(_, to, _)| *to));
    let up = Scale::roundly_up_to(known.iter().map(|(.., full)| *full).chain([limit * 1.1]));
    let bars = known
        .iter()
        .map(|(from, to, full)| ([*from, *to], [0.0, *full]));
    let tips = known.iter().map(|(from, to, full)| {
        (
            [*from, *to],
            format!("{}: at most {full:.0}", seconds(*from)),
        )
    });
    let axes = format!(
        "Across: time of the run. Up: how many of one client's were admitted in the {} before, at most. A fixed window may admit twice its limit in such a time, across its end.",
        seconds(window)
    );
    let plot = Plot::new("Admitted in a window", across, up)
        .named(plain, plain, &axes)
        .bars("one", "admitted", bars)
        .level("aim", &format!("the limit found: {limit:.0}"), limit)
        .tips(tips);
    let most = known.iter().map(|(.., full)| *full).fold(0.0, f64::max);
    Some(plot.finished(format!(
        "at most {most:.0} in a window; the limit found is {limit:.0}"
    )))
}

/// Latency by rate: where the objective stops holding.
pub(super) fn capacity(capacity: &Capacity) -> Option<Chart> {
    let p99 = |run: &crate::load::CapacityRun| run.latency_ms.figures.map(|it| it.p99);
    let runs: Vec<_> = capacity
        .runs
        .iter()
        .take(200)
        .filter_map(|run| Some((run.rate, p99(run)?, run.holds)))
        .filter(|(rate, p99, _)| rate.is_finite() && p99.is_finite())
        .collect();
    if runs.len() < LEAST_POINTS {
        return None;
    }
    let of = |wanted: bool| {
        let fitting = runs.iter().filter(move |(.., holds)| *holds == wanted);
        fitting.map(|(rate, p99, _)| (*rate, p99.max(0.001)))
    };
    let across = Scale::roundly_up_to(runs.iter().map(|(rate, ..)| *rate));
    let up = Scale::log(runs.iter().map(|(_, p99, _)| p99.max(0.001)));
    let plot = Plot::new("Latency by rate", across, up)
        .named(plain, short_ms, "Across: requests a second that were aimed at. Up: p99 in milliseconds, logarithmic. A dot is a run.")
        .dots("good", "the objective holds", of(true))
        .dots("bad", "it does not", of(false));
    let held = words::count(of(true).count(), "run", "runs");
    Some(plot.finished(format!("{held} of {} hold the objective", runs.len())))
}
