//! The arrivals of a stream, to scale: positions in percent, so that no text is stretched.

use serde::Serialize;

use crate::{Response, Span, words};

/// How far apart two labels stand at least, in percent of the width.
const APART: f64 = 3.5;
/// About this many marks stand on the axis.
const TICKS: f64 = 5.0;

/// What is drawn.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    summary: String,
    ticks: Vec<Tick>,
    /// Where reads ended.
    reads: Vec<String>,
    events: Vec<Dot>,
}

#[derive(Debug, Serialize)]
struct Tick {
    x: String,
    label: String,
}

/// An event, at the arrival of its last byte.
#[derive(Debug, Serialize)]
struct Dot {
    /// In percent of the width.
    #[serde(serialize_with = "in_percent", rename = "x")]
    place: f64,
    number: usize,
    has_label: bool,
    is_marked: bool,
    title: String,
}

impl Timeline {
    /// Nothing, if the report has no arrivals.
    pub(super) fn of(response: &Response, elapsed_ms: f64) -> Option<Self> {
        let last = response.arrivals.last()?.at_ms;
        let whole = [elapsed_ms, last, 1.0]
            .into_iter()
            .filter(|ms| ms.is_finite());
        let whole = whole.fold(1.0, f64::max);
        let x = |ms: f64| percent(position(ms, whole));
        let reads = response.arrivals.iter().map(|arrival| x(arrival.at_ms));
        Some(Self {
            summary: summary(response, whole),
            ticks: ticks(whole),
            reads: reads.collect(),
            events: dots(response, whole),
        })
    }
}

fn percent(place: f64) -> String {
    format!("{place:.2}%")
}

fn in_percent<S: serde::Serializer>(place: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&percent(*place))
}

/// A little room is left at both ends, for the labels.
fn position(ms: f64, whole: f64) -> f64 {
    let part = (ms / whole).clamp(0.0, 1.0);
    1.5 + if part.is_nan() { 0.0 } else { part * 97.0 }
}

fn completed(response: &Response, event: Span) -> Option<f64> {
    let end = event.offset.saturating_add(event.length);
    let mut arrivals = response.arrivals.iter();
    let arrival = arrivals.find(|arrival| arrival.until >= end)?;
    Some(arrival.at_ms)
}

fn dots(response: &Response, whole: f64) -> Vec<Dot> {
    let mut dots = Vec::new();
    for (index, event) in response.events.iter().enumerate() {
        let Some(at) = completed(response, *event) else {
            continue;
        };
        let end = event.offset.saturating_add(event.length);
        let is_hit = |mark: Span| {
            mark.offset < end && event.offset < mark.offset.saturating_add(mark.length.max(1))
        };
        dots.push(Dot {
            place: position(at, whole),
            number: index + 1,
            has_label: false,
            is_marked: response.marks.iter().any(|mark| is_hit(mark.span)),
            title: format!("event {} after {}", index + 1, words::duration(at)),
        });
    }
    label(&mut dots);
    dots
}

/// Numbers those that have room for it: first what is at fault, then the others in their order.
fn label(dots: &mut [Dot]) {
    let mut taken: Vec<f64> = Vec::new();
    for marked in [true, false] {
        for dot in dots.iter_mut().filter(|dot| dot.is_marked == marked) {
            dot.has_label = taken.iter().all(|it| (dot.place - it).abs() >= APART);
            if dot.has_label {
                taken.push(dot.place);
            }
        }
    }
}

fn summary(response: &Response, whole: f64) -> String {
    let events = words::count(response.events.len(), "event", "events");
    let reads = words::count(response.arrivals.len(), "read", "reads");
    let times = response.arrivals.iter().map(|arrival| arrival.at_ms);
    let gap = times
        .clone()
        .skip(1)
        .zip(times)
        .map(|(later, earlier)| later - earlier)
        .fold(0.0, f64::max);
    format!(
        "{events} in {reads} over {}; longest gap {}",
        words::duration(whole),
        words::duration(gap)
    )
}

/// Round numbers: 1, 2 or 5 times a power of ten.
fn ticks(whole: f64) -> Vec<Tick> {
    let rough = whole / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(whole).max(f64::MIN_POSITIVE);
    let ticks = (0..=20_u32).map(|number| f64::from(number) * step);
    ticks
        .take_while(|ms| *ms <= whole)
        .map(|ms| Tick {
            x: percent(position(ms, whole)),
            label: if ms == 0.0 {
                "0".to_owned()
            } else {
                words::duration(ms)
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arrival, sample};

    fn response() -> Response {
        let report = sample::streaming();
        let finding = report
            .results
            .iter()
            .find(|it| it.rule == "sse.data-is-json");
        let evidence = finding.and_then(|it| it.evidence.first());
        let response = evidence.and_then(|it| it.response.clone());
        response.expect("there is a stream")
    }

    #[test]
    fn distances_are_to_scale() {
        let timeline = Timeline::of(&response(), 655.0).expect("there are arrivals");
        let x = |index: usize| timeline.events[index].place;
        let ratio = (x(4) - x(0)) / (x(1) - x(0));
        assert!((ratio - 600.0 / 41.5).abs() < 0.05, "{ratio}");
        assert!(timeline.events[2].is_marked && !timeline.events[3].is_marked);
        assert!(!timeline.events[3].has_label, "it is too near to the third");
        assert_eq!(
            timeline.summary,
            "5 events in 5 reads over 655 ms; longest gap 518 ms"
        );
    }

    #[test]
    fn of_events_that_arrive_together_the_one_at_fault_has_its_number() {
        let mut response = response();
        response.arrivals = vec![Arrival {
            until: usize::MAX,
            at_ms: 5.0,
        }];
        let timeline = Timeline::of(&response, 10.0).expect("there are arrivals");
        let numbered = timeline.events.iter().filter(|it| it.has_label);
        let numbered: Vec<usize> = numbered.map(|it| it.number).collect();
        assert_eq!(numbered, [3]);
    }

    #[test]
    fn the_axis_has_round_numbers() {
        let labels = |whole| {
            let ticks = ticks(whole).into_iter();
            ticks.map(|tick| tick.label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(655.0), "0 200 ms 400 ms 600 ms");
        assert_eq!(labels(12_000.0), "0 5.00 s 10.00 s");
        assert_eq!(labels(1.0), "0 0.2 ms 0.4 ms 0.6 ms 0.8 ms 1.0 ms");
    }

    #[test]
    fn times_that_are_none_do_no_harm() {
        let mut response = response();
        for (index, at_ms) in [f64::NAN, f64::INFINITY, -5.0, 1e300]
            .into_iter()
            .enumerate()
        {
            response.arrivals[index] = Arrival {
                until: usize::MAX,
                at_ms,
            };
        }
        let timeline = Timeline::of(&response, f64::NAN).expect("there are arrivals");
        assert!(timeline.ticks.len() <= 21);
        for x in &timeline.reads {
            let x: f64 = x.trim_end_matches('%').parse().expect("a number");
            assert!((0.0..=100.0).contains(&x), "{x}");
        }
    }
}
