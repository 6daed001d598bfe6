//! The hit rate that a cache without mistakes would have: from how keys are drawn, how long answers
//! live, and how many there is room for.
//!
//! By exact simulation, not by Che's approximation: that one holds for a cache that has run for ever and
//! forgets by use alone. A run begins with a cold cache, which decides the rate of a short one,
//! answers die by age and by lack of room at once, and keys may come in sequence, where
//! nothing is independent. A simulated request takes well under a microsecond, and the same seed draws the same keys
//! as the run itself.

use std::collections::BTreeMap;
use std::time::Duration;

/// No more requests than this are simulated; the rest is taken to go on as the second half did.
const MOST: u64 = 1_000_000;

/// What a cache remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// How long an answer lives, from when it was computed; for ever if absent.
    pub time_to_live: Option<Duration>,
    /// How many answers there is room for; the one that was used longest ago goes first.
    pub answers: Option<usize>,
}

/// Requests at an even pace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// How many, those of the warm-up included.
    pub requests: u64,
    /// How many of them are not counted, at the beginning.
    pub warm_up: u64,
    /// How many a second.
    pub per_second: f64,
}

/// The hit rate that is to be expected; `None` if nothing is counted.
///
/// `draw` gives the key of each request, by its number from 0.
pub fn expected_hit_rate(
    room: Room,
    pace: Pace,
    mut draw: impl FnMut(u64) -> usize,
) -> Option<f64> {
    let counted = pace
        .requests
        .checked_sub(pace.warm_up)
        .filter(|it| *it > 0)?;
    let simulated = pace.requests.min(MOST.max(pace.warm_up.saturating_mul(2)));
    let half = pace.warm_up + (simulated - pace.warm_up) / 2;
    let mut ideal = Ideal::new(room);
    let (mut hits, mut late_hits) = (0_u64, 0_u64);
    for number in 0..simulated {
        let at =
            Duration::try_from_secs_f64(number as f64 / pace.per_second).unwrap_or(Duration::MAX);
        let is_hit = u64::from(ideal.ask(draw(number), at));
        if number >= pace.warm_up {
            hits += is_hit;
        }
        if number >= half {
            late_hits += is_hit;
        }
    }
    let late_rate = late_hits as f64 / (simulated - half).max(1) as f64;
    let rest = (pace.requests - simulated) as f64 * late_rate;
    Some((hits as f64 + rest) / counted as f64)
}

/// A cache without mistakes, in simulated time.
#[derive(Clone, Debug)]
pub struct Ideal {
    room: Room,
    /// By key: when the answer was computed, and the number of its last use.
    answers: BTreeMap<usize, (Duration, u64)>,
    /// Keys by the number of their last use.
    by_use: BTreeMap<u64, usize>,
    uses: u64,
}

impl Ideal {
    /// An empty cache.
    #[must_use]
    pub fn new(room: Room) -> Self {
        Self {
            room,
            answers: BTreeMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
        }
    }

    /// Whether the answer for a key is there at `at`; afterwards it is. Times do not go backwards.
    pub fn ask(&mut self, key: usize, at: Duration) -> bool {
        self.uses += 1;
        let known = self.answers.get(&key).copied();
        if let Some((_, used)) = known {
            self.by_use.remove(&used);
        }
        let lives = |(computed, _): &(Duration, u64)| match self.room.time_to_live {
            Some(time) => at.saturating_sub(*computed) < time,
            None => true,
        };
        let alive = known.filter(lives);
        let computed = alive.map_or(at, |(computed, _)| computed);
        self.answers.insert(key, (computed, self.uses));
        self.by_use.insert(self.uses, key);
        if self
            .room
            .answers
            .is_some_and(|room| self.answers.len() > room)
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.answers.remove(&oldest);
        }
        alive.is_some()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng as _, SeedableRng};

    use super::*;

    fn fraction(random: &mut ChaCha8Rng) -> f64 {
        (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Draws by weights.
    fn by(weights: Vec<f64>) -> impl FnMut(u64) -> usize {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let total: f64 = weights.iter().sum();
        move |_| {
            let mut left = fraction(&mut random) * total;
            let found = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            found.unwrap_or(weights.len() - 1)
        }
    }

    fn zipf(keys: u32) -> Vec<f64> {
        (1..=keys).map(|rank| 1.0 / f64::from(rank)).collect()
    }

    fn pace(requests: u64, per_second: f64) -> Pace {
        Pace {
            requests,
            warm_up: 0,
            per_second,
        }
    }

    /// The same in the plainest way: a list of answers, the latest used last.
    fn brute(room: Room, pace: Pace, mut draw: impl FnMut(u64) -> usize) -> f64 {
        let mut list: Vec<(usize, f64)> = Vec::new();
        let mut hits = 0_u64;
        for number in 0..pace.requests {
            let at = number as f64 / pace.per_second;
            let key = draw(number);
            let known = list.iter().position(|(known, _)| *known == key);
            let mut computed = at;
            if let Some(index) = known {
                let (_, since) = list.remove(index);
                let time = room
                    .time_to_live
                    .map_or(f64::INFINITY, |it| it.as_secs_f64());
                if at - since < time {
                    hits += 1;
                    computed = since;
                }
            }
            list.push((key, computed));
            if room.answers.is_some_and(|most| list.len() > most) {
                list.remove(0);
            }
        }
        hits as f64 / pace.requests as f64
    }

    #[test]
    fn it_agrees_with_brute_force() {
        for answers in [None, Some(1), Some(20), Some(90)] {
            // No multiple of the pace, so that no time falls on an edge.
            for time_to_live in [None, Some(0.3333), Some(2.0001)] {
                let room = Room {
                    time_to_live: time_to_live.map(Duration::from_secs_f64),
                    answers,
                };
                let pace = pace(5_000, 500.0);
                let rate = expected_hit_rate(room, pace, by(zipf(100)));
                let brute = brute(room, pace, by(zipf(100)));
                assert_eq!(rate, Some(brute), "{room:?}");
            }
        }
    }

    #[test]
    fn a_cold_cache_misses_each_key_once() {
        let keys = 50_u64;
        let draw = |number: u64| usize::try_from(number % keys).expect("small");
        let rate = expected_hit_rate(Room::default(), pace(500, 100.0), draw);
        assert_eq!(rate, Some(0.9));
    }

    #[test]
    fn keys_in_sequence_never_hit_a_cache_that_is_too_small_for_them() {
        let room = Room {
            answers: Some(49),
            ..Room::default()
        };
        let draw = |number: u64| usize::try_from(number % 50).expect("small");
        assert_eq!(expected_hit_rate(room, pace(500, 100.0), draw), Some(0.0));
    }

    #[test]
    fn a_warm_up_is_not_counted() {
        let draw = |number: u64| usize::try_from(number % 50).expect("small");
        let pace = Pace {
            warm_up: 50,
            ..pace(500, 100.0)
        };
        assert_eq!(expected_hit_rate(Room::default(), pace, draw), Some(1.0));
        let none = Pace {
            requests: 50,
            ..pace
        };
        assert_eq!(expected_hit_rate(Room::default(), none, draw), None);
    }

    /// A miss, then hits for as long as the answer lives: λT / (1 + λT) of many requests, where
    /// they come at random. Drawn keys at an even pace come nearly so.
    #[test]
    fn in_the_long_run_it_is_what_theory_says() {
        let keys = 200;
        let room = Room {
            time_to_live: Some(Duration::from_secs(4)),
            answers: None,
        };
        let rate = expected_hit_rate(room, pace(150_000, 100.0), by(vec![1.0; keys]));
        let expected_in_a_life = 100.0 / keys as f64 * 4.0;
        let theory = expected_in_a_life / (1.0 + expected_in_a_life);
        let off = (rate.expect("a rate") - theory).abs();
        assert!(off < 0.01, "{rate:?}, {theory}");
    }

    /// Che's approximation: a key is there if it was asked for within the characteristic time.
    #[test]
    fn without_ageing_it_is_near_ches_approximation() {
        let weights = zipf(300);
        let total: f64 = weights.iter().sum();
        let present = |time: f64| -> f64 {
            let each = weights
                .iter()
                .map(|weight| 1.0 - (-weight / total * time).exp());
            each.sum()
        };
        let (mut low, mut high) = (0.0, 1e9);
        for _ in 0..200 {
            let middle = (low + high) / 2.0;
            if present(middle) < 60.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        let hit = |weight: &f64| weight / total * (1.0 - (-weight / total * low).exp());
        let theory: f64 = weights.iter().map(hit).sum();
        let room = Room {
            answers: Some(60),
            ..Room::default()
        };
        let rate = expected_hit_rate(room, pace(150_000, 100.0), by(weights.clone()));
        let off = (rate.expect("a rate") - theory).abs();
        assert!(off < 0.01, "{rate:?}, {theory}");
    }

    #[test]
    fn a_long_run_is_not_simulated_to_its_end() {
        let mut drawn = 0_u64;
        let rate = expected_hit_rate(Room::default(), pace(u64::MAX / 2, 1e6), |_| {
            drawn += 1;
            0
        });
        assert_eq!(drawn, MOST);
        assert!(rate.is_some_and(|rate| (0.999..=1.0).contains(&rate)));
    }
}
