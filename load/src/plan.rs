//! What load is asked for, when: stages of users or of requests per second.

use std::fmt;
use std::time::Duration;

/// The greatest rate that can be asked for, in requests per second; more is a slip of the hand.
const HIGHEST: f64 = 10_000_000.0;

/// A stretch of time over which the load is constant, or rises or falls evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// At its beginning.
    pub from: f64,
    /// At its end.
    pub to: f64,
    /// How long it is.
    pub length: Duration,
}

/// Stages, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    stages: Vec<Stage>,
    text: String,
}

/// Why a plan cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{stage}` is no stage of a plan: {why}; write for example `200/s`, `10..500/s over 60s, 500/s for 2m`, or `64 users for 1m`"
)]
pub struct PlanError {
    stage: String,
    why: &'static str,
}

/// What the numbers of a plan count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Users who wait for answers: the closed model.
    Users,
    /// Requests per second: the open model.
    PerSecond,
}

impl Plan {
    /// So much for so long.
    #[must_use]
    pub fn constant(load: f64, length: Duration) -> Self {
        let stage = Stage {
            from: load,
            to: load,
            length,
        };
        Self {
            stages: vec![stage],
            text: String::new(),
        }
    }

    /// Reads stages as they are typed: `10..500/s over 60s, 500/s for 2m`. A stage without a
    /// time takes `rest`.
    ///
    /// # Errors
    /// Says which stage cannot be read, and why.
    pub fn parse(text: &str, rest: Duration) -> Result<(Self, Unit), PlanError> {
        let mut stages = Vec::new();
        let mut unit = None;
        for part in text.split([',', ';']).map(str::trim) {
            let wrong = |why| PlanError {
                stage: part.to_owned(),
                why,
            };
            let (stage, its_unit) = stage(part, rest).map_err(wrong)?;
            if unit.is_some_and(|unit| unit != its_unit) {
                return Err(wrong(
                    "a plan is of users or of requests per second, not of both",
                ));
            }
            unit = Some(its_unit);
            stages.push(stage);
        }
        let plan = Self {
            stages,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        match (unit, plan.highest() > 0.0) {
            (Some(unit), true) => Ok((plan, unit)),
            _ => Err(PlanError {
                stage: text.to_owned(),
                why: "there is no load in it",
            }),
        }
    }

    /// The same plan, made longer or shorter at its end so that it takes `length` in all.
    #[must_use]
    pub fn lasting(mut self, length: Duration) -> Self {
        let mut left = length;
        self.stages.retain_mut(|stage| {
            let kept = stage.length.min(left);
            if kept < stage.length {
                let share = kept.as_secs_f64() / stage.length.as_secs_f64();
                stage.to = stage.from + (stage.to - stage.from) * share;
                stage.length = kept;
            }
            left -= kept;
            !kept.is_zero()
        });
        if let Some(last) = self.stages.last().filter(|_| !left.is_zero()) {
            let (from, to) = (last.to, last.to);
            self.stages.push(Stage {
                from,
                to,
                length: left,
            });
        }
        self
    }

    /// The same with `length` of its first load before it: the warm-up.
    #[must_use]
    pub fn after(mut self, length: Duration) -> Self {
        let first = self.stages.first().map_or(0.0, |stage| stage.from);
        // A ramp that begins at nothing is warmed up with what it comes to.
        let load = if first > 0.0 { first } else { self.highest() };
        if !length.is_zero() {
            let stage = Stage {
                from: load,
                to: load,
                length,
            };
            self.stages.insert(0, stage);
        }
        self
    }

    /// How long it takes in all.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.stages.iter().map(|stage| stage.length).sum()
    }

    /// The most that it comes to.
    #[must_use]
    pub fn highest(&self) -> f64 {
        let ends = self.stages.iter().flat_map(|stage| [stage.from, stage.to]);
        ends.fold(0.0, f64::max)
    }

    /// The mean over its whole length.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let length = self.length().as_secs_f64();
        match length > 0.0 {
            true => self.area() / length,
            false => 0.0,
        }
    }

    /// The load at a moment of it; nothing after its end.
    #[must_use]
    pub fn at(&self, moment: Duration) -> f64 {
        let mut begin = Duration::ZERO;
        for stage in &self.stages {
            let into = moment.saturating_sub(begin);
            begin += stage.length;
            if moment < begin {
                let share = into.as_secs_f64() / stage.length.as_secs_f64();
                return stage.from + (stage.to - stage.from) * share;
            }
        }
        0.0
    }

    /// When the sum of its load over time reaches `area`: the arrival number `area` of a rate;
    /// `None` if it never does. (The inverse of the cumulative rate; for a ramp, the root of a
    /// quadratic equation.)
    #[must_use]
    pub fn reaches(&self, area: f64) -> Option<Duration> {
        let mut left = area;
        let mut begin = Duration::ZERO;
        for stage in &self.stages {
            let whole = stage.area();
            if left < whole {
                let into = Duration::try_from_secs_f64(stage.reaches(left)).ok()?;
                return Some(begin + into.min(stage.length));
            }
            left -= whole;
            begin += stage.length;
        }
        None
    }

    fn area(&self) -> f64 {
        self.stages.iter().map(Stage::area).sum()
    }

    /// Whether it is more than one load from beginning to end.
    #[must_use]
    pub fn has_stages(&self) -> bool {
        self.stages.len() > 1 || self.stages.iter().any(|stage| stage.from != stage.to)
    }
}

/// As it was typed; nothing for a constant load.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Stage {
    fn area(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.length.as_secs_f64()
    }

    /// When, in seconds from its beginning, its area reaches `area`.
    fn reaches(&self, area: f64) -> f64 {
        let slope = (self.to - self.from) / self.length.as_secs_f64();
        // The numerically stable form of the quadratic formula: no cancellation for flat ramps.
        let root = (self.from * self.from + 2.0 * slope * area).max(0.0).sqrt();
        match self.from + root {
            sum if sum > 0.0 => 2.0 * area / sum,
            _ => 0.0,
        }
    }
}

fn stage(part: &str, rest: Duration) -> Result<(Stage, Unit), &'static str> {
    let (load, length) = match part
        .split_once(" over ")
        .or_else(|| part.split_once(" for "))
    {
        Some((load, length)) => (load.trim(), time(length.trim())?),
        None => (part, rest),
    };
    let (load, unit) = if let Some(load) = load.strip_suffix("/s") {
        (load, Unit::PerSecond)
    } else if let Some(load) = load
        .strip_suffix("users")
        .or_else(|| load.strip_suffix("user"))
    {
        (load.trim(), Unit::Users)
    } else {
        return Err("it says neither `/s` nor `users`");
    };
    let (from, to) = match load.split_once("..") {
        Some((from, to)) => (number(from)?, number(to)?),
        None => (number(load)?, number(load)?),
    };
    let stage = Stage { from, to, length };
    Ok((stage, unit))
}

fn number(text: &str) -> Result<f64, &'static str> {
    let number: f64 = text.trim().parse().map_err(|_| "the load is no number")?;
    match (0.0..=HIGHEST).contains(&number) {
        true => Ok(number),
        false => Err("the load is not between 0 and ten million"),
    }
}

/// `90s`, `1m30s`, `2h`, `500ms`.
fn time(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "its time cannot be read; write 90s, 2m, 1h or 500ms";
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or(WRONG)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            _ => return Err(WRONG),
        };
        total += number.parse::<f64>().map_err(|_| WRONG)? * unit;
        rest = tail;
    }
    match Duration::try_from_secs_f64(total) {
        Ok(time) if !time.is_zero() => Ok(time),
        _ => Err("it takes no time"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn plan(text: &str) -> Plan {
        Plan::parse(text, MINUTE).expect("it is there").0
    }

    #[test]
    fn stages_are_read_as_they_are_typed() {
        let (plan, unit) =
            Plan::parse("10..500/s over 60s, 500/s for 1m30s", MINUTE).expect("it is there");
        assert_eq!(unit, Unit::PerSecond);
        assert_eq!(plan.length(), Duration::from_secs(150));
        assert_eq!(plan.at(Duration::from_secs(30)), 255.0);
        assert_eq!(plan.at(Duration::from_secs(149)), 500.0);
        assert_eq!(plan.at(Duration::from_secs(150)), 0.0);
        let (users, unit) = Plan::parse("64 users", MINUTE).expect("it is there");
        assert_eq!((users.highest(), unit), (64.0, Unit::Users));
    }

    #[test]
    fn what_is_no_plan_is_told_in_a_line() {
        for wrong in [
            "",
            "500",
            "x/s",
            "5/s for",
            "5/s over 3d",
            "0/s",
            "5/s, 3 users",
            "-1/s",
            "1e99/s",
            "5/s for 0s",
        ] {
            let error = Plan::parse(wrong, MINUTE)
                .expect_err("it is wrong")
                .to_string();
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn arrivals_of_a_ramp_stand_where_its_area_is_whole() {
        let plan = plan("0..100/s over 10s, 100/s for 10s");
        assert_eq!(plan.mean(), 75.0);
        // Area 500 in the ramp; area t²·5 after t seconds.
        let at = |area| plan.reaches(area).expect("it is there").as_secs_f64();
        assert!((at(5.0) - 1.0).abs() < 1e-9);
        assert!((at(125.0) - 5.0).abs() < 1e-9);
        assert!((at(600.0) - 11.0).abs() < 1e-9);
        assert_eq!(plan.reaches(1500.0), None);
    }

    #[test]
    fn a_plan_is_cut_or_drawn_out_to_its_time_and_warmed_up_with_its_first_load() {
        let cut = plan("0..100/s over 10s").lasting(Duration::from_secs(5));
        assert_eq!(
            (cut.length(), cut.highest()),
            (Duration::from_secs(5), 50.0)
        );
        let drawn = plan("0..100/s over 10s").lasting(MINUTE);
        assert_eq!(
            (drawn.length(), drawn.at(Duration::from_secs(59))),
            (MINUTE, 100.0)
        );
        let warmed = plan("10..100/s over 10s").after(Duration::from_secs(3));
        assert_eq!(warmed.at(Duration::from_secs(1)), 10.0);
        assert_eq!(warmed.length(), Duration::from_secs(13));
    }
}
