//! Which question comes next: some are asked more often than others.

use std::fmt;
use std::str::FromStr;

use crate::chance::Chance;

/// How often each of many questions is asked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Popularity {
    /// As words and pages are: the one of rank `r` in proportion to `1 / r^s`.
    Zipf(f64),
    /// Each as often as any other.
    Uniform,
    /// One after the other, and again from the beginning.
    Sequential,
}

/// Not a popularity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no popularity: write zipf, zipf:1.2, uniform or sequential")]
pub struct PopularityError(String);

impl FromStr for Popularity {
    type Err = PopularityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PopularityError(text.to_owned());
        match text {
            "zipf" => Ok(Self::Zipf(1.0)),
            "uniform" => Ok(Self::Uniform),
            "sequential" => Ok(Self::Sequential),
            _ => {
                let exponent = text.strip_prefix("zipf:").ok_or_else(wrong)?;
                let exponent: f64 = exponent.parse().map_err(|_| wrong())?;
                let is_usable = (0.0..=10.0).contains(&exponent);
                is_usable.then_some(Self::Zipf(exponent)).ok_or_else(wrong)
            }
        }
    }
}

impl fmt::Display for Popularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zipf(exponent) => write!(f, "zipf({exponent:?})"),
            Self::Uniform => f.write_str("uniform"),
            Self::Sequential => f.write_str("sequential"),
        }
    }
}

/// Draws questions.
#[derive(Clone, Debug)]
pub(crate) struct Draw {
    popularity: Popularity,
    count: usize,
    cumulative: Vec<f64>,
}

impl Draw {
    pub(crate) fn new(popularity: Popularity, count: usize) -> Self {
        let exponent = match popularity {
            Popularity::Zipf(exponent) => exponent,
            _ => 0.0,
        };
        let mut sum = 0.0;
        let weights = (1..=count).map(|rank| (rank as f64).powf(-exponent));
        let cumulative = weights.map(|weight| {
            sum += weight;
            sum
        });
        Self {
            popularity,
            count,
            cumulative: cumulative.collect(),
        }
    }

    /// The next question's number; `turn` is how many were asked before.
    pub(crate) fn next(&self, chance: &mut Chance, turn: u64) -> usize {
        match self.popularity {
            Popularity::Zipf(_) => chance.weighted(&self.cumulative),
            Popularity::Uniform => chance.below(self.count),
            Popularity::Sequential => {
                usize::try_from(turn % self.count.max(1) as u64).unwrap_or_default()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn popularities_are_read_and_shown() {
        assert_eq!("zipf:1.2".parse(), Ok(Popularity::Zipf(1.2)));
        for shown in ["zipf(1.0)", "zipf(1.25)", "zipf(0.333)"] {
            let typed = shown.replace('(', ":").replace(')', "");
            let popularity: Popularity = typed.parse().expect("a popularity");
            assert_eq!(popularity.to_string(), shown);
        }
        for wrong in ["zip", "zipf:", "zipf:-1", "zipf:nan", ""] {
            assert!(wrong.parse::<Popularity>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn under_zipf_the_second_comes_half_as_often_as_the_first() {
        let draw = Draw::new(Popularity::Zipf(1.0), 1000);
        let mut chance = Chance::new(3, 0);
        let mut counts = vec![0_i32; 1000];
        for turn in 0..100_000 {
            counts[draw.next(&mut chance, turn)] += 1;
        }
        // H(1000) is 7.485: the first has 13.36 % of all. Four standard deviations.
        assert!((counts[0] - 13_359).abs() < 430, "{}", counts[0]);
        assert!((counts[1] - 6_680).abs() < 320, "{}", counts[1]);
    }

    #[test]
    fn in_sequence_each_comes_in_its_turn() {
        let draw = Draw::new(Popularity::Sequential, 3);
        let mut chance = Chance::new(0, 0);
        let drawn: Vec<_> = (0..5).map(|turn| draw.next(&mut chance, turn)).collect();
        assert_eq!(drawn, [0, 1, 2, 0, 1]);
    }
}
