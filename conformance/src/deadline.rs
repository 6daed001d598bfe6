//! Until when work may go on that takes as long as an agent's documents make it take: making
//! cases, and judging.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// A moment, or a word from somebody; the default never comes. Whoever works looks now and then
/// whether it is over, and leaves the rest.
#[derive(Clone, Debug, Default)]
pub struct Deadline {
    until: Option<Instant>,
    told: Option<CancellationToken>,
}

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn within(time: Duration) -> Self {
        Self {
            until: Instant::now().checked_add(time),
            told: None,
        }
    }

    /// The same moment, or sooner if this is cancelled.
    #[must_use]
    pub fn or_told(self, told: &CancellationToken) -> Self {
        Self {
            told: Some(told.clone()),
            ..self
        }
    }

    /// The same, but not before so long from now.
    #[must_use]
    pub fn but_at_least(self, time: Duration) -> Self {
        let least = Instant::now().checked_add(time);
        Self {
            // A moment that cannot be told never comes.
            until: self.until.and_then(|until| Some(until.max(least?))),
            ..self
        }
    }

    /// One of so many parts of what is left: for work with others waiting behind it.
    #[must_use]
    pub fn share(&self, parts: u32) -> Self {
        let now = Instant::now();
        let until = self
            .until
            .map(|until| now + until.saturating_duration_since(now) / parts.max(1));
        Self {
            until,
            told: self.told.clone(),
        }
    }

    /// Whether no more is to be done.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let is_told = self.told.as_ref();
        is_told.is_some_and(CancellationToken::is_cancelled)
            || self.until.is_some_and(|until| Instant::now() >= until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_comes_with_its_time_or_with_a_word_and_else_never() {
        assert!(!Deadline::default().is_over());
        assert!(Deadline::within(Duration::ZERO).is_over());
        let told = CancellationToken::new();
        let deadline = Deadline::within(Duration::from_secs(3600)).or_told(&told);
        assert!(!deadline.is_over());
        told.cancel();
        assert!(deadline.is_over() && deadline.share(4).is_over());
        assert!(!Deadline::within(Duration::MAX).is_over());
    }

    #[test]
    fn a_share_is_a_part_of_what_is_left_and_nothing_of_nothing() {
        let whole = Deadline::within(Duration::from_secs(3600));
        let (whole_until, share) = (whole.until.expect("a moment"), whole.share(4));
        let gap = whole_until - share.until.expect("a moment");
        assert!(gap > Duration::from_secs(2600), "{gap:?}");
        let over = Deadline::within(Duration::ZERO);
        assert!(over.share(2).is_over());
        let more = over.but_at_least(Duration::from_secs(3600));
        assert!(!more.is_over());
        assert!(!Deadline::default().share(8).is_over());
    }
}
