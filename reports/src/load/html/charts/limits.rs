//! Charts of what an agent can bear: a limit as it was found, and a capacity.

use super::courses::{LEAST_POINTS, plain, short_ms};
use crate::chart::{Chart, Plot, Scale};
use crate::load::words::seconds;
use crate::load::{Admissions, Capacity, CapacityRun, RateLimit};
use crate::words;

/// Who was admitted and who refused while a limit was looked for.
pub(in crate::load::html) fn admissions(found: &RateLimit) -> Option<Chart> {
    let course = found
        .course
        .iter()
        .take(1_000)
        .filter(|it| it.at_s >= 0.0 && it.length_s > 0.0 && it.at_s + it.length_s < 1e9);
    let course: Vec<_> = course.collect();
    let length = course.first()?.length_s;
    let whole = |it: &&Admissions| it.admitted as f64 + it.refused as f64 + it.other as f64;
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
    let sum = |of: fn(&Admissions) -> u64| course.iter().map(|it| of(it) as f64).sum::<f64>();
    let (admitted, refused) = (sum(|it| it.admitted), sum(|it| it.refused));
    Some(plot.finished(format!("{admitted:.0} admitted, {refused:.0} refused")))
}

/// How full a window was at most, beside the limit that was found.
pub(in crate::load::html) fn fullness(found: &RateLimit) -> Option<Chart> {
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
pub(in crate::load::html) fn capacity(capacity: &Capacity) -> Option<Chart> {
    let p99 = |run: &CapacityRun| run.latency_ms.figures.map(|it| it.p99);
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
