//! Choices read off bytes: an input that a fuzzer can steer. Where the bytes end, the first of
//! everything is chosen.

use arbitrary::Unstructured;

/// Reads choices.
pub(super) struct Pick<'a>(Unstructured<'a>);

impl<'a> Pick<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Unstructured::new(bytes))
    }

    /// Whether nothing is left to choose by.
    pub(super) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// A number below this one, which is not 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0
            .int_in_range(0..=end.saturating_sub(1))
            .unwrap_or_default()
    }

    /// One of these.
    pub(super) fn of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Whether this is the one time in so many.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) + 1 == times
    }

    /// Some of the bytes themselves.
    pub(super) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most).min(self.0.len());
        self.0.bytes(length).unwrap_or_default().to_vec()
    }
}
