//! Chance that is the same on every platform: `ChaCha8`, seeded.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng as _, SeedableRng},
};

/// A stream of choices.
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    /// The stream numbered `stream` of `seed`: streams are independent of one another.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut inner = ChaCha8Rng::seed_from_u64(seed);
        inner.set_stream(stream);
        Self(inner)
    }

    /// A number below `bound` (zero for a bound of zero). The bias of the remainder is far
    /// below anything that matters here.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let drawn = self.0.next_u64();
        usize::try_from(drawn % (bound.max(1) as u64)).unwrap_or_default()
    }

    /// True `times` out of `of`.
    pub(super) fn chance(&mut self, times: usize, of: usize) -> bool {
        self.below(of) < times
    }

    /// One of `options`, which are not empty; else `None`.
    pub(super) fn pick<'a, T>(&mut self, options: &'a [T]) -> Option<&'a T> {
        options.get(self.below(options.len()))
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i128, high: i128) -> i128 {
        let span = high.saturating_sub(low).max(0).unsigned_abs();
        let drawn = (u128::from(self.0.next_u64()) << 64) | u128::from(self.0.next_u64());
        let offset = if span == u128::MAX {
            drawn
        } else {
            drawn % (span + 1)
        };
        low.saturating_add(i128::try_from(offset).unwrap_or_default())
    }

    /// A fraction in `0.0..1.0`.
    pub(super) fn fraction(&mut self) -> f64 {
        // 53 bits, as many as a double holds.
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Puts `items` into another order.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}
