//! When requests are due in the open model, whatever becomes of those before.

use std::collections::VecDeque;
use std::time::Duration;

use crate::chance::Chance;
use crate::plan::Plan;

/// How arrivals are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// As independent people arrive: the times between them are exponential.
    #[default]
    Poisson,
    /// Evenly.
    Even,
}

/// The arrivals of a plan, in order, and those of them that wait.
pub struct Schedule {
    plan: Plan,
    spread: Spread,
    chance: Chance,
    /// The area under the plan at the next arrival.
    area: f64,
    next: Option<Duration>,
    waiting: VecDeque<Duration>,
    most_waiting: usize,
    dropped: VecDeque<Duration>,
}

impl Schedule {
    /// The arrivals of `plan`, of which at most `most_waiting` are kept waiting.
    #[must_use]
    pub fn new(plan: Plan, spread: Spread, most_waiting: usize, seed: u64) -> Self {
        let mut schedule = Self {
            plan,
            spread,
            chance: Chance::new(seed, crate::chance::ARRIVALS),
            area: 0.0,
            next: None,
            waiting: VecDeque::new(),
            most_waiting: most_waiting.max(1),
            dropped: VecDeque::new(),
        };
        schedule.advance();
        schedule
    }

    /// The arrival to be served next: the longest waiting one, or else the next one to come.
    /// Those beyond what may wait are dropped, the oldest first: nobody waits for them any more.
    /// `None` when the plan is over.
    pub fn take(&mut self, now: Duration) -> Option<Duration> {
        self.catch_up(now);
        if let Some(waiting) = self.waiting.pop_front() {
            return Some(waiting);
        }
        let next = self.next?;
        self.advance();
        Some(next)
    }

    /// Whoever has come by `now` waits, or is dropped.
    pub fn catch_up(&mut self, now: Duration) {
        while let Some(next) = self.next.filter(|next| *next <= now) {
            self.waiting.push_back(next);
            if self.waiting.len() > self.most_waiting {
                self.dropped.extend(self.waiting.pop_front());
            }
            self.advance();
        }
    }

    /// The arrivals dropped since this was last asked.
    pub fn dropped(&mut self) -> impl Iterator<Item = Duration> {
        self.dropped.drain(..)
    }

    /// Whether everything was taken.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next.is_none() && self.waiting.is_empty()
    }

    /// Gives up what waits at `now`: those arrivals.
    pub fn give_up(&mut self, now: Duration) -> impl Iterator<Item = Duration> {
        while let Some(next) = self.next.filter(|next| *next <= now) {
            self.waiting.push_back(next);
            self.advance();
        }
        self.next = None;
        self.waiting.drain(..)
    }

    /// The arrivals that wait.
    pub fn waiting(&self) -> impl Iterator<Item = Duration> {
        self.waiting.iter().copied()
    }

    fn advance(&mut self) {
        // A Poisson process of a changing rate is one of rate 1, its time bent by the plan.
        let step = match self.spread {
            Spread::Poisson => self.chance.exponential(),
            Spread::Even => 1.0,
        };
        self.next = self.plan.reaches(self.area);
        self.area += step;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn all(spread: Spread, seed: u64) -> Vec<Duration> {
        let plan = Plan::constant(1000.0, SECOND * 10);
        let mut schedule = Schedule::new(plan, spread, 10, seed);
        std::iter::from_fn(|| schedule.take(Duration::ZERO)).collect()
    }

    #[test]
    fn even_arrivals_are_even_and_as_many_as_the_plan_says() {
        let arrivals = all(Spread::Even, 0);
        assert_eq!(arrivals.len(), 10_000);
        assert_eq!(arrivals[1234].as_micros(), 1_234_000);
    }

    #[test]
    fn poisson_arrivals_are_of_the_rate_and_of_the_seed() {
        let arrivals = all(Spread::Poisson, 7);
        assert_eq!(arrivals, all(Spread::Poisson, 7));
        assert_ne!(arrivals, all(Spread::Poisson, 8));
        // Four standard deviations of a count of 10,000.
        assert!(arrivals.len().abs_diff(10_000) < 400, "{}", arrivals.len());
        // Of exponential gaps, 1/e are longer than the mean.
        let gaps = arrivals.windows(2).map(|pair| pair[1] - pair[0]);
        let long = gaps.filter(|gap| *gap > SECOND / 1000).count() as f64;
        let share = long / arrivals.len() as f64;
        assert!((share - 0.368).abs() < 0.03, "{share}");
    }

    #[test]
    fn what_waits_is_served_in_order_and_bounded() {
        let plan = Plan::constant(10.0, SECOND * 10);
        let mut schedule = Schedule::new(plan, Spread::Even, 3, 0);
        assert!(!schedule.is_over());
        // At 1 s, eleven are due (0.0 to 1.0), and three may wait.
        assert_eq!(schedule.take(SECOND), Some(SECOND * 8 / 10));
        assert_eq!(schedule.dropped().count(), 8);
        assert_eq!(schedule.waiting().count(), 2);
        assert_eq!(schedule.take(SECOND), Some(SECOND * 9 / 10));
        assert_eq!(schedule.take(SECOND), Some(SECOND));
        assert_eq!(schedule.take(SECOND), Some(SECOND * 11 / 10));
        assert_eq!(schedule.dropped().count(), 0);
        assert_eq!(schedule.give_up(SECOND * 2).count(), 9);
        assert!(schedule.is_over());
    }
}
