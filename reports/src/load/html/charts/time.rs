//! Charts over the measured time.

use super::courses::{Courses, LEAST_POINTS, along, plain, short_ms};
use crate::chart::{Chart, Plot, Scale};
use crate::load::Report;
use crate::load::html::course::{Point, Times};
use crate::load::words::{ms, rate, share};

/// Requests a second, those that failed, and what was aimed at.
pub(in crate::load::html) fn throughput(report: &Report, courses: &Courses) -> Option<Chart> {
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
pub(in crate::load::html) fn latency_course(courses: &Courses) -> Option<Chart> {
    times_over_time(
        "Latency over time",
        courses,
        |point| point.latency,
        ["p50", "p99", "slowest"],
    )
}

/// The gaps between events, stretch by stretch.
pub(in crate::load::html) fn gap_course(courses: &Courses) -> Option<Chart> {
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
pub(in crate::load::html) fn users(courses: &Courses) -> Option<Chart> {
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
pub(in crate::load::html) fn limited(courses: &Courses) -> Option<Chart> {
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
pub(in crate::load::html) fn hits(courses: &Courses) -> Option<Chart> {
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
pub(in crate::load::html) fn hit_rate(report: &Report, courses: &Courses) -> Option<Chart> {
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
    let (seen, computed) = (
        cache.known_hit_rate().map_or("-".to_owned(), share),
        share(expected),
    );
    Some(plot.finished(format!("{seen} over the whole run; {computed} computed")))
}

/// The agent's memory.
pub(in crate::load::html) fn memory(courses: &Courses) -> Option<Chart> {
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
