//! From a value to its place on an axis, and the round numbers that stand beside it.

use serde::Serialize;

use crate::text;

/// About so many numbers stand on a linear axis.
const TICKS: f64 = 4.0;
/// Of a label no more characters are shown, whatever a file may claim.
const LABEL: usize = 24;
/// The percentiles that are named on an axis of nines.
const NINES: [(f64, &str); 8] = [
    (0.0, "0"),
    (50.0, "50"),
    (90.0, "90"),
    (99.0, "99"),
    (99.9, "99.9"),
    (99.99, "99.99"),
    (99.999, "99.999"),
    (99.999_9, "99.9999"),
];

/// A number on an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Tick {
    /// From 0 to 100, from the axis' beginning.
    pub(super) at: String,
    pub(super) label: String,
}

/// An axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scale {
    /// Even; from the first number to the second.
    Linear(f64, f64),
    /// Even, in seconds from 0: its numbers are round as times are.
    Time(f64),
    /// Each power of ten as long as the one before; from the first number to the second. What stands
    /// on it is powers of ten by these factors.
    Log(f64, f64, &'static [f64]),
    /// Percentiles, each further nine as long as the one before; up to so many nines.
    Nines(f64),
}

impl Scale {
    /// An axis of time from 0 to the greatest of these, in seconds.
    pub(crate) fn time(values: impl IntoIterator<Item = f64>) -> Self {
        Self::Time(greatest(values))
    }

    /// An even axis from 0 to a round number that holds all of these.
    pub(crate) fn roundly_up_to(values: impl IntoIterator<Item = f64>) -> Self {
        let greatest = greatest(values);
        let step = step(greatest);
        Self::Linear(0.0, (greatest / step - 1e-9).ceil().max(1.0) * step)
    }

    /// A logarithmic axis that holds all of these, which are above 0; it begins and ends at round
    /// numbers.
    pub(crate) fn log(values: impl IntoIterator<Item = f64>) -> Self {
        let is_drawn = |value: &f64| value.is_finite() && *value > 0.0;
        let values: Vec<f64> = values.into_iter().filter(is_drawn).collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        if values.is_empty() {
            return Self::Log(1.0, 10.0, factors(1.0));
        }
        // As far as numbers stand on it, so that it begins and ends with one.
        let factors = factors(most / least);
        let (from, to) = (below(least, factors), above(most, factors));
        let to = if to > from { to } else { from * 10.0 };
        Self::Log(from, to, factors)
    }

    /// An axis of percentiles, with so many nines as there are samples for.
    pub(crate) fn nines(samples: u64) -> Self {
        Self::Nines((samples as f64).log10().clamp(1.0, 6.0))
    }

    /// Where a value stands, from 0 to 100; what is beyond the axis stands at its end.
    pub(crate) fn place(self, value: f64) -> f64 {
        let part = match self {
            Self::Linear(from, to) => (value - from) / (to - from),
            Self::Time(to) => value / to,
            Self::Log(from, to, _) => {
                (value.max(f64::MIN_POSITIVE) / from).log10() / (to / from).log10()
            }
            Self::Nines(nines) => {
                let left = (1.0 - value / 100.0).clamp(10_f64.powf(-nines), 1.0);
                -left.log10() / nines
            }
        };
        match part.is_nan() {
            true => 0.0,
            false => part.clamp(0.0, 1.0) * 100.0,
        }
    }

    /// The numbers on the axis, in order.
    pub(super) fn ticks(self, name: impl Fn(f64) -> String) -> Vec<Tick> {
        let tick = |value: f64, label: String| Tick {
            at: format!("{:.2}", self.place(value)),
            label: text::clip(&label, LABEL),
        };
        match self {
            Self::Linear(from, to) => {
                let step = step(to - from);
                let values = (0..=20_u32).map(|number| from + f64::from(number) * step);
                let within = values.take_while(|value| *value <= to * (1.0 + 1e-9));
                within.map(|value| tick(value, name(value))).collect()
            }
            Self::Time(to) => {
                let step = time_step(to);
                let values = (0..=20_u32).map(|number| f64::from(number) * step);
                let within = values.take_while(|value| *value <= to * (1.0 + 1e-9));
                within.map(|value| tick(value, time(value, step))).collect()
            }
            Self::Log(from, to, factors) => {
                let values = rounds(from, to, factors).into_iter();
                values.map(|value| tick(value, name(value))).collect()
            }
            Self::Nines(nines) => {
                let reached = |percentile: f64| (1.0 - percentile / 100.0).log10() >= -nines - 1e-6;
                let known = NINES.into_iter().filter(|(at, _)| reached(*at));
                known
                    .map(|(at, label)| tick(at, label.to_owned()))
                    .collect()
            }
        }
    }
}

fn greatest(values: impl IntoIterator<Item = f64>) -> f64 {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let greatest = finite.fold(0.0, f64::max);
    // An axis of no length would have no places on it.
    if greatest > 0.0 { greatest } else { 1.0 }
}

/// A round time, so that some fit into the whole.
fn time_step(whole: f64) -> f64 {
    /// In seconds: up to a day.
    const ROUND: [f64; 14] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 14_400.0,
        86_400.0,
    ];
    let rough = whole / TICKS / 1.5;
    let found = ROUND.into_iter().find(|step| *step >= rough);
    match found {
        Some(found) if whole >= 4.0 => found,
        _ => step(whole),
    }
}

/// A time in the unit that suits its axis.
fn time(seconds: f64, step: f64) -> String {
    let (size, unit) = match step {
        short if short < 60.0 => (1.0, "s"),
        some if some < 3_600.0 => (60.0, "min"),
        _ => (3_600.0, "h"),
    };
    match seconds {
        0.0 => "0".to_owned(),
        _ => {
            let number = format!("{:.2}", seconds / size);
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that some numbers fit into the whole.
fn step(whole: f64) -> f64 {
    let rough = whole / TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|step| *step >= rough * (1.0 - 1e-9));
    step.filter(|step| step.is_finite() && *step > 0.0)
        .unwrap_or(whole)
        .max(f64::MIN_POSITIVE)
}

/// What powers of ten are multiplied with on an axis as long as this: of a long one less.
fn factors(span: f64) -> &'static [f64] {
    match span {
        short if short <= 100.0 => &[1.0, 2.0, 5.0],
        some if some <= 2_000.0 => &[1.0, 5.0],
        _ => &[1.0],
    }
}

/// The greatest round number that is not above the value.
fn below(value: f64, factors: &[f64]) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let rounds = factors.iter().rev().map(|factor| factor * power);
    let found = rounds.into_iter().find(|it| *it <= value * (1.0 + 1e-9));
    found.unwrap_or(power)
}

/// The least that is not below.
fn above(value: f64, factors: &[f64]) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let rounds = factors.iter().map(|factor| factor * power);
    let found = rounds.into_iter().find(|it| *it >= value * (1.0 - 1e-9));
    found.unwrap_or(power * 10.0)
}

/// Round numbers from one to the other.
fn rounds(from: f64, to: f64, factors: &[f64]) -> Vec<f64> {
    let first = from.log10().floor() as i32;
    let last = to.log10().ceil() as i32;
    // Of the widest axes only some powers are named.
    let stride = ((last - first) / 8).max(1).unsigned_abs() as usize;
    let powers = (first..=last).step_by(stride).map(|it| 10_f64.powi(it));
    let all = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
    all.filter(|it| *it >= from * (1.0 - 1e-9) && *it <= to * (1.0 + 1e-9))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> String {
        let ticks = scale.ticks(|value| format!("{value}"));
        let labels: Vec<_> = ticks.into_iter().map(|tick| tick.label).collect();
        labels.join(" ")
    }

    #[test]
    fn an_axis_has_round_numbers() {
        assert_eq!(
            labels(Scale::time([30.0, 7.0])),
            "0 5 s 10 s 15 s 20 s 25 s 30 s"
        );
        assert_eq!(labels(Scale::time([0.5])), "0 0.2 s 0.4 s");
        assert_eq!(labels(Scale::time([251.0])), "0 1 min 2 min 3 min 4 min");
        assert_eq!(
            labels(Scale::time([7_200.0])),
            "0 30 min 60 min 90 min 120 min"
        );
        assert_eq!(labels(Scale::roundly_up_to([517.0])), "0 200 400 600");
        assert_eq!(labels(Scale::roundly_up_to([])), "0 0.5 1");
        assert_eq!(labels(Scale::log([0.42, 7.9])), "0.2 0.5 1 2 5 10");
        assert_eq!(labels(Scale::log([0.3, 80.0])), "0.1 0.5 1 5 10 50 100");
        assert_eq!(
            labels(Scale::log([0.05, 80_000.0])),
            "0.01 0.1 1 10 100 1000 10000 100000"
        );
        assert_eq!(labels(Scale::nines(15_000)), "0 50 90 99 99.9 99.99");
        assert_eq!(labels(Scale::nines(1)), "0 50 90");
    }

    #[test]
    fn places_go_from_0_to_100() {
        let log = Scale::log([1.0, 100.0]);
        assert_eq!(
            [1.0, 10.0, 100.0].map(|value| log.place(value)),
            [0.0, 50.0, 100.0]
        );
        let nines = Scale::Nines(3.0);
        let places = [0.0, 90.0, 99.0, 99.9, 100.0].map(|value| nines.place(value).round());
        assert_eq!(places, [0.0, 33.0, 67.0, 100.0, 100.0]);
        assert_eq!(Scale::time([8.0]).place(2.0), 25.0);
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        let odd = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            -1.0,
            0.0,
            1e308,
            1e-308,
        ];
        let scales = [
            Scale::time(odd),
            Scale::roundly_up_to(odd),
            Scale::log(odd),
            Scale::log([]),
            Scale::nines(u64::MAX),
        ];
        for scale in scales {
            for value in odd {
                let place = scale.place(value);
                assert!((0.0..=100.0).contains(&place), "{scale:?} {value} {place}");
            }
            let ticks = scale.ticks(|value| format!("{value:.0}"));
            assert!(ticks.len() <= 32, "{scale:?}: {}", ticks.len());
            assert!(ticks.iter().all(|tick| tick.label.len() < 80));
        }
    }
}
