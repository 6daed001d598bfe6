//! Everything that is left to chance: from one seed, the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// The stream of choices that arrivals come from; users' streams are counted from 0.
pub(crate) const ARRIVALS: u64 = 1 << 40;
/// The stream of a computed hit rate.
pub(crate) const EXPECTED: u64 = ARRIVALS + 1;

/// A stream of choices.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// Stream number `stream` of `seed`: streams are independent of one another.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut inner = ChaCha8Rng::seed_from_u64(seed);
        inner.set_stream(stream);
        Self(inner)
    }

    /// A number in `0.0..1.0`.
    pub fn fraction(&mut self) -> f64 {
        // 53 bits, as many as a double holds.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An exponential number of mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.fraction()).ln()
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let drawn = self.0.next_u64();
        usize::try_from(drawn % (bound.max(1) as u64)).unwrap_or_default()
    }

    /// The index of the first of `cumulative` weights that is above a number drawn below the last.
    pub fn weighted(&mut self, cumulative: &[f64]) -> usize {
        let total = cumulative.last().copied().unwrap_or_default();
        let drawn = self.fraction() * total;
        let found = cumulative.partition_point(|sum| *sum <= drawn);
        found.min(cumulative.len().saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_kept() {
        let mut chance = Chance::new(1, 0);
        let mut counts = [0_u32; 3];
        for _ in 0..10_000 {
            counts[chance.weighted(&[1.0, 1.0, 4.0])] += 1;
        }
        // The second weighs nothing; four standard deviations of the others.
        assert_eq!(counts[1], 0);
        assert!(counts[0].abs_diff(2500) < 180, "{counts:?}");
    }
}
