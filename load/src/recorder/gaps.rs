//! The gaps between a stream's events, kept until it is known what the stream is worth. Pure.
//!
//! Thousands of streams wait at once, and one may have millions of events: so each keeps how often a gap
//! occurred, in a few bytes at first and four kilobytes at most. As long as that is enough, gaps are kept as exactly as
//! the run's own histogram has them; a stream whose gaps are of very many lengths loses digits, never gaps.

use std::time::Duration;

use super::micros;

/// So many lengths are told apart at most: at eight bytes each, four kilobytes.
const MOST: usize = 512;
/// The bits of a length that are kept, those of the histogram's three digits.
const BITS: u32 = 11;
/// With so few bits, all lengths within an hour are fewer than [`MOST`].
const FEWEST_BITS: u32 = 5;

/// How often each gap occurred.
#[derive(Clone, Debug, Default)]
pub struct Gaps {
    /// Microseconds, and how many gaps were so long; in order.
    counts: Vec<(u32, u32)>,
    /// How many bits of precision were given up.
    lost: u32,
}

impl Gaps {
    /// Adds a gap.
    pub fn add(&mut self, gap: Duration) {
        let micros = u32::try_from(micros(gap)).unwrap_or(u32::MAX);
        loop {
            let length = self.rounded(micros);
            match self.counts.binary_search_by_key(&length, |it| it.0) {
                Ok(at) => {
                    let count = &mut self.counts[at].1;
                    *count = count.saturating_add(1);
                    return;
                }
                Err(at) if self.counts.len() < MOST => {
                    self.counts.insert(at, (length, 1));
                    return;
                }
                Err(_) => self.lose_a_bit(),
            }
        }
    }

    /// The gaps in microseconds, and how many there were of each.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        let counts = self.counts.iter();
        counts.map(|(micros, count)| (u64::from(*micros), u64::from(*count)))
    }

    /// Without the bits that are not kept.
    fn rounded(&self, micros: u32) -> u32 {
        let kept = BITS.saturating_sub(self.lost).max(FEWEST_BITS);
        let more = (u32::BITS - micros.leading_zeros()).saturating_sub(kept);
        micros >> more << more
    }

    fn lose_a_bit(&mut self) {
        self.lost += 1;
        let counts = std::mem::take(&mut self.counts);
        for (micros, count) in counts {
            let length = self.rounded(micros);
            match self.counts.last_mut().filter(|last| last.0 == length) {
                Some(last) => last.1 = last.1.saturating_add(count),
                None => self.counts.push((length, count)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recorder::{histogram, record, record_many};

    fn gaps(micros: impl Iterator<Item = u64>) -> Gaps {
        let mut gaps = Gaps::default();
        micros.for_each(|it| gaps.add(Duration::from_micros(it)));
        gaps
    }

    #[test]
    fn few_lengths_are_kept_as_the_histogram_has_them() {
        let all = || {
            (0..400)
                .map(|it| it * 12_347 % 3_600_000_000)
                .chain([0, 1, 2_047, 2_049, u64::MAX])
        };
        let (mut one, mut other) = (histogram(), histogram());
        all().for_each(|it| record(&mut one, it));
        for (micros, count) in gaps(all()).counts() {
            record_many(&mut other, micros, count);
        }
        assert_eq!(one, other);
    }

    #[test]
    fn a_stream_of_very_many_lengths_stays_small_and_loses_no_gap() {
        let gaps = gaps((0..200_000).map(|it| (it * 7_919) % 3_000_000_000));
        assert!(gaps.counts.len() <= MOST && gaps.counts.capacity() <= MOST);
        let count: u64 = gaps.counts().map(|(_, count)| count).sum();
        assert_eq!(count, 200_000);
        // Nor is any length another one by more than the bits that are left.
        let (longest, _) = gaps.counts().last().expect("a gap");
        assert!(longest > 1_583_000_000 - (1_583_000_000 >> 4), "{longest}");
    }

    #[test]
    fn the_fewest_bits_are_few_enough_for_every_length() {
        let mut gaps = gaps(
            (0..32_u32).flat_map(|bit| (0..256_u64).map(move |low| (1 << bit) + (low << bit >> 8))),
        );
        assert!(gaps.counts.len() <= MOST);
        gaps.lost = BITS;
        gaps.lose_a_bit();
        assert!(gaps.counts.len() < MOST, "{}", gaps.counts.len());
    }
}
