//! What a user asks of the figures: `p99<50ms`, `hit_rate>0.8`, `errors<0.1%`.

use std::fmt;
use std::str::FromStr;

use acp_reports::load::{self, Report, Unit};

use crate::figures;

/// A figure, and what it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// As it was written.
    text: String,
    /// The figure's name.
    name: String,
    order: Order,
    /// In the unit of the figure.
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Order {
    fn wants_less(self) -> bool {
        matches!(self, Self::Less | Self::AtMost)
    }
}

/// The longest first: `<=` begins with `<`.
const ORDERS: [(&str, Order); 4] = [
    ("<=", Order::AtMost),
    (">=", Order::AtLeast),
    ("<", Order::Less),
    (">", Order::More),
];

/// What is wrong with a threshold: one line, for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// Not of the form.
    #[error(
        "`{0}` is no threshold: write a figure, one of < <= > >=, and a number, as in p99<50ms or hit_rate>0.8"
    )]
    Form(String),
    /// No such figure.
    #[error("`{name}` is no figure of a load report{hint}; there are {known}", known = figures::summary())]
    Name {
        /// As it was written.
        name: String,
        /// The nearest one, in words.
        hint: String,
    },
    /// One that says nothing.
    #[error("`{0}` holds whatever comes, since 1 is all of it: write 1% for a hundredth")]
    Void(String),
    /// A number that the figure cannot be held against.
    #[error("`{number}` is nothing that {name} can be held against: {wanted}")]
    Number {
        /// As it was written.
        number: String,
        /// The figure.
        name: String,
        /// What would do.
        wanted: &'static str,
    },
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let text = text.trim();
        let form = || ThresholdError::Form(text.to_owned());
        let at = text.find(['<', '>']).ok_or_else(form)?;
        let (name, rest) = text.split_at(at);
        let parsed = ORDERS.iter().find_map(|(sign, order)| {
            let number = rest.strip_prefix(sign)?;
            Some((*order, number.trim()))
        });
        let (order, number) = parsed.ok_or_else(form)?;
        let name = canonical(name.trim());
        if name.is_empty() || number.is_empty() {
            return Err(form());
        }
        // Which figures there are does not depend on the report.
        let figure = figures::named(&Report::new("", ""), &name);
        let figure = figure.ok_or_else(|| unknown(&name))?;
        let bound = bound(number, figure.unit).ok_or_else(|| ThresholdError::Number {
            number: number.to_owned(),
            wanted: wanted(figure.unit),
            name: name.clone(),
        })?;
        if figure.unit == Unit::Share && bound >= 1.0 && order.wants_less() {
            return Err(ThresholdError::Void(text.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            name,
            order,
            bound,
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Threshold {
    /// Several in a line, with commas between them: an objective.
    ///
    /// # Errors
    /// The first that is none.
    pub fn several(text: &str) -> Result<Vec<Self>, ThresholdError> {
        text.split(',').map(str::parse).collect()
    }

    /// Holds a report against it. A figure that the run does not have holds nothing, nor does one that
    /// lies among arrivals that were dropped.
    #[must_use]
    pub fn judge(&self, report: &Report) -> load::Threshold {
        let figure = figures::named(report, &self.name);
        let value = figure.and_then(|it| it.value);
        load::Threshold {
            expression: self.text.clone(),
            value,
            unit: figure.map(|it| it.unit).unwrap_or_default(),
            holds: value.is_some_and(|value| self.holds(value)),
            why: figures::beyond(report, &self.name),
        }
    }

    fn holds(&self, value: f64) -> bool {
        match self.order {
            Order::Less => value < self.bound,
            Order::AtMost => value <= self.bound,
            Order::More => value > self.bound,
            Order::AtLeast => value >= self.bound,
        }
    }
}

/// `p99.9` is `p999`, and the latency may be called by its name.
fn canonical(name: &str) -> String {
    let name = name.replace("p99.9", "p999").replace("p99_9", "p999");
    let name = name.strip_prefix("latency.").unwrap_or(&name);
    match name {
        "throughput" | "throughput_rps" => "rps".to_owned(),
        "median" => "p50".to_owned(),
        name => name.to_owned(),
    }
}

fn unknown(name: &str) -> ThresholdError {
    let near = figures::names()
        .into_iter()
        .map(|known| (strsim::jaro_winkler(&known, name), known))
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness > 0.7);
    let hint = near.map_or(String::new(), |(_, near)| {
        format!("; did you mean `{near}`?")
    });
    ThresholdError::Name {
        name: acp_reports::shorten(name, 40).into_owned(),
        hint,
    }
}

/// A number with its unit, in the unit of the figure.
fn bound(text: &str, unit: Unit) -> Option<f64> {
    let split = text.find(|it: char| !matches!(it, '0'..='9' | '.' | '-' | '+' | '_'));
    let (number, suffix) = text.split_at(split.unwrap_or(text.len()));
    let number: f64 = number.replace('_', "").parse().ok()?;
    let factor = match (unit, suffix.trim()) {
        (Unit::Ms, "us" | "µs") => 0.001,
        (Unit::Ms, "ms") => 1.0,
        (Unit::Ms, "s") => 1_000.0,
        (Unit::Ms, "min") => 60_000.0,
        (Unit::Ms, "") if number == 0.0 => 1.0,
        (Unit::Seconds, "ms") => 0.001,
        (Unit::Seconds, "s") => 1.0,
        (Unit::Seconds, "min") => 60.0,
        (Unit::Share, "%") => 0.01,
        (Unit::Share, "") if (0.0..=1.0).contains(&number) => 1.0,
        (Unit::PerSecond, "" | "/s") | (Unit::Count, "") => 1.0,
        (Unit::Bytes, "B" | "") => 1.0,
        (Unit::Bytes, "KiB") => 1_024.0,
        (Unit::Bytes, "MiB") => 1_048_576.0,
        (Unit::Bytes, "GiB") => 1_073_741_824.0,
        _ => return None,
    };
    Some(number * factor).filter(|bound| bound.is_finite())
}

fn wanted(unit: Unit) -> &'static str {
    match unit {
        Unit::Ms => "give a time with its unit, like 50ms, 1.5s or 800us",
        Unit::Seconds => "give a time with its unit, like 60s or 1.5min",
        Unit::Share => "give a share from 0 to 1, like 0.8, or per cent, like 80%",
        Unit::PerSecond => "give a number a second, like 500 or 500/s",
        Unit::Count => "give a number",
        Unit::Bytes => "give a size, like 10MiB",
    }
}

#[cfg(test)]
mod tests {
    use acp_reports::load::{Cache, Figures, Latency};

    use super::*;

    fn report() -> Report {
        let mut report = Report::new("cache", "http://127.0.0.1:8000");
        report.requests.total = 10_000;
        report.requests.failed = 9;
        report.throughput_rps = 480.0;
        report.latency_ms = Latency {
            count: 9_991,
            figures: Some(Figures {
                p50: 2.0,
                p99: 49.9,
                p999: 120.0,
                ..Figures::default()
            }),
        };
        report.cache = Some(Cache {
            hits: 8_000,
            misses: 2_000,
            hit_rate: 0.8,
            ..Cache::default()
        });
        report
    }

    fn holds(text: &str) -> bool {
        let threshold: Threshold = text.parse().expect("a threshold");
        threshold.judge(&report()).holds
    }

    #[test]
    fn who_forgot_the_percent_is_told() {
        let told = |text: &str| text.parse::<Threshold>().map_err(|error| error.to_string());
        for text in ["errors<1", "errors<=100%", "broken<1"] {
            assert!(
                told(text).is_err_and(|error| error.contains("1%")),
                "{text}"
            );
        }
        assert!(told("errors<1%").is_ok() && told("hit_rate>=1").is_ok());
    }

    #[test]
    fn an_unknown_hit_rate_holds_nothing() {
        let mut report = report();
        report.cache = Some(Cache {
            hit_rate_unknown: true,
            ..Cache::default()
        });
        for text in ["hit_rate>=0", "hit_rate<0.5"] {
            let judged = text.parse::<Threshold>().expect(text).judge(&report);
            assert_eq!((judged.value, judged.holds), (None, false));
        }
    }

    #[test]
    fn thresholds_hold_or_do_not_in_whatever_unit() {
        for text in [
            "p99<50ms",
            "p99 < 0.05s",
            "p99>=49900us",
            "p99.9<=120ms",
            "latency.p50<3ms",
            "errors<0.1%",
            "errors<0.001",
            "hit_rate>=0.8",
            "hit_rate>79%",
            "rps>400",
            "throughput>400/s",
            "failed<10",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "p99<49.9ms",
            "hit_rate>0.8",
            "errors<0.05%",
            "rps>480/s",
            "p999<100ms",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn what_the_run_has_not_does_not_hold() {
        for text in [
            "first_event.p95<200ms",
            "first_event.p95>=0ms",
            "max_rps<1e9".trim_end_matches("e9"),
        ] {
            let threshold: Threshold = text.parse().expect("a threshold");
            let judged = threshold.judge(&report());
            assert_eq!((judged.value, judged.holds), (None, false), "{text}");
        }
    }

    #[test]
    fn a_percentile_among_the_dropped_does_not_hold_and_says_why() {
        let mut report = report();
        report.arrivals = Some(acp_reports::load::Arrivals {
            intended: 11_000,
            dropped: 1_000,
            ..Default::default()
        });
        for (text, holds) in [("p50<50ms", true), ("p99<50s", false)] {
            let threshold: Threshold = text.parse().expect("a threshold");
            let judged = threshold.judge(&report);
            assert_eq!(judged.holds, holds, "{judged:?}");
            let told = judged
                .why
                .is_some_and(|why| why.contains("1000 of the 11000"));
            assert_eq!(told, !holds);
        }
    }

    #[test]
    fn what_is_judged_is_told_with_its_value_and_unit() {
        let threshold: Threshold = " hit_rate>0.85 ".parse().expect("a threshold");
        let judged = threshold.judge(&report());
        assert_eq!(judged.expression, "hit_rate>0.85");
        assert_eq!(
            (judged.value, judged.unit, judged.holds),
            (Some(0.8), Unit::Share, false)
        );
    }

    #[test]
    fn an_objective_is_several() {
        let several = Threshold::several("p99<50ms,errors<0.1%").expect("thresholds");
        assert_eq!(several.len(), 2);
        assert!(Threshold::several("p99<50ms,,").is_err());
    }

    #[test]
    fn what_cannot_be_read_is_told_in_a_line() {
        let error = |text: &str| text.parse::<Threshold>().expect_err(text).to_string();
        assert_eq!(
            error("p99"),
            "`p99` is no threshold: write a figure, one of < <= > >=, and a number, as in p99<50ms or hit_rate>0.8"
        );
        let unknown = error("hitrate>0.8");
        assert!(unknown.starts_with("`hitrate` is no figure of a load report; did you mean `hit_rate`?; there are p50, p90"), "{unknown}");
        assert!(error("first_evnt.p95<1s").contains("did you mean `first_event.p95`?"));
        assert_eq!(
            error("p99<50"),
            "`50` is nothing that p99 can be held against: give a time with its unit, like 50ms, 1.5s or 800us"
        );
        for text in [
            "<5ms",
            "p99<",
            "p99<x",
            "errors<2",
            "p99<5%",
            "hit_rate>5ms",
            "p99=5ms",
            "rps>nan",
            "",
        ] {
            assert!(!error(text).contains('\n'), "{text}");
        }
    }
}
