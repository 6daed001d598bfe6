//! What was admitted when: whether it exceeds what is declared, under the algorithm that was found.
//!
//! A request is admitted at some moment between its beginning and its end. Whatever is said of
//! an agent holds for each such moment: what is uncertain is counted for it.

use std::time::Duration;

use acp_reports::load::Algorithm;

use super::search::{Found, Outcome};
use super::told::Limit;
use crate::evidence::Ask;

/// Allowed for clocks and ways when moments are compared.
const SLACK: Duration = Duration::from_millis(200);
/// An algorithm that is less sure than this is none.
const SURE: f64 = 0.7;

/// Whether a request was taken from the allowance, and not refused.
#[must_use]
pub(crate) fn is_admitted(ask: &Ask) -> bool {
    outcome(ask) == Outcome::Admitted
}

/// Whether a request was refused for there being too many, in whatever words.
#[must_use]
pub(crate) fn is_refused(ask: &Ask) -> bool {
    outcome(ask) == Outcome::Refused
}

/// What became of a request.
#[must_use]
pub(super) fn outcome(ask: &Ask) -> Outcome {
    Outcome::of(ask.answer().map_or(0, |answer| answer.status))
}

/// When the answer was there, or was given up.
#[must_use]
pub(super) fn ended(ask: &Ask) -> Duration {
    ask.exchange.began + ask.exchange.elapsed
}

/// How a limit counts, as far as what may be admitted depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counting {
    /// The whole allowance comes back at once, at some moment of this stretch.
    FixedWindow {
        /// From.
        from: Duration,
        /// To.
        to: Duration,
        /// Whether a window begins with the first request of it, not by the clock.
        is_by_request: bool,
    },
    /// It comes back as it was used, a window later.
    SlidingWindow,
    /// It comes back evenly.
    TokenBucket,
    /// It could not be told.
    Unclear,
}

impl Counting {
    /// As a search found it that began at `origin`.
    #[must_use]
    pub(crate) fn of(found: &Found, origin: Duration) -> Self {
        match (found.algorithm, found.edge) {
            _ if found.sure[2] < SURE => Self::Unclear,
            (Algorithm::FixedWindow, Some((from, to))) => Self::FixedWindow {
                from: origin + from,
                to: origin + to,
                is_by_request: found.begins_with_a_request == Some(true),
            },
            (Algorithm::SlidingWindow, _) => Self::SlidingWindow,
            (Algorithm::TokenBucket, _) => Self::TokenBucket,
            _ => Self::Unclear,
        }
    }

    /// In words.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FixedWindow { .. } => "a fixed window",
            Self::SlidingWindow => "a sliding window",
            Self::TokenBucket => "a token bucket",
            Self::Unclear => "an algorithm that could not be told",
        }
    }
}

/// How service returned after it was exhausted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Returned<'e> {
    /// The last request that was admitted before.
    pub(crate) last: &'e Ask,
    /// The beginning of the last that was refused.
    pub(crate) from: Duration,
    /// The end of the first that was admitted again.
    pub(crate) to: Duration,
}

impl<'e> Returned<'e> {
    /// Every return in a row of requests.
    #[must_use]
    pub(crate) fn all(row: &[&'e Ask]) -> Vec<Self> {
        let mut last = None;
        let mut refused: Option<&Ask> = None;
        let mut all = Vec::new();
        for ask in row {
            match outcome(ask) {
                Outcome::Refused => refused = Some(ask),
                Outcome::Admitted => {
                    if let (Some(last), Some(refused)) = (last, refused.take()) {
                        all.push(Self {
                            last,
                            from: refused.exchange.began,
                            to: ended(ask),
                        });
                    }
                    last = Some(*ask);
                }
                Outcome::Other => {}
            }
        }
        all
    }
}

/// One more than was allowed: which request, how many in how much time, and what was allowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'e> {
    /// The request that was one too many.
    pub(crate) ask: &'e Ask,
    /// How many were admitted.
    pub(crate) admitted: usize,
    /// How many might have been.
    pub(crate) allowed: usize,
    /// In how much time.
    pub(crate) within: Duration,
}

/// What is counted of some requests.
pub(crate) struct Counts<'e> {
    limit: Limit,
    counting: Counting,
    /// Those that were admitted, by their beginning.
    admitted: Vec<&'e Ask>,
}

impl<'e> Counts<'e> {
    /// Of the requests, those that were admitted count.
    #[must_use]
    pub(crate) fn of(
        limit: Limit,
        counting: Counting,
        asks: impl Iterator<Item = &'e Ask>,
    ) -> Self {
        let mut admitted: Vec<&Ask> = asks.filter(|ask| is_admitted(ask)).collect();
        admitted.sort_by_key(|ask| ask.exchange.began);
        Self {
            limit,
            counting,
            admitted,
        }
    }

    /// How many there were.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.admitted.len()
    }

    /// Of a row that began with the whole allowance: whether more than that was admitted.
    #[must_use]
    pub(crate) fn over_from_full(&self) -> Option<Counted<'e>> {
        let (first, last) = (self.admitted.first()?, self.admitted.last()?);
        let span = ended(last).saturating_sub(first.exchange.began);
        let limit = self.limit.requests as usize;
        let allowed = match self.counting {
            Counting::TokenBucket => limit + self.refilled(span),
            Counting::SlidingWindow if span < self.limit.window => limit,
            Counting::FixedWindow {
                is_by_request: true,
                ..
            } if span < self.limit.window => limit,
            Counting::FixedWindow { from, to, .. }
                if !self.has_edge(from, to, first.exchange.began, ended(last)) =>
            {
                limit
            }
            _ => return None,
        };
        self.beyond(allowed, span)
    }

    /// Whether a window may end between these moments, if one ended between `from` and `to`.
    fn has_edge(&self, from: Duration, to: Duration, began: Duration, ended: Duration) -> bool {
        let window = self.limit.window.as_secs_f64();
        let from = from.saturating_sub(SLACK).as_secs_f64();
        let to = (to + SLACK).as_secs_f64();
        // The first edge's stretch that ends after the beginning.
        let ahead = ((began.as_secs_f64() - to) / window).ceil() * window;
        from + ahead <= ended.as_secs_f64()
    }

    /// Whether more was admitted in some stretch of time than any algorithm allows, or than the
    /// one that was found does.
    #[must_use]
    pub(crate) fn over(&self) -> Option<Counted<'e>> {
        let limit = self.limit.requests as usize;
        let window = self.limit.window;
        let stretches = match self.counting {
            // A window that slides by estimates gives back as evenly as a bucket.
            Counting::TokenBucket | Counting::SlidingWindow => {
                [4, 2, 1].map(|part| (window / part, limit + self.refilled(window / part)))
            }
            // What touches two windows may hold two allowances; three, three.
            Counting::FixedWindow { .. } | Counting::Unclear => {
                [1, 2, 3].map(|times| (window * times, limit * (times as usize + 1)))
            }
        };
        let mut counted = stretches
            .into_iter()
            .filter_map(|(within, allowed)| self.most_within(within, allowed));
        counted.next()
    }

    fn refilled(&self, span: Duration) -> usize {
        let rate = f64::from(self.limit.requests) / self.limit.window.as_secs_f64();
        (span.as_secs_f64() * rate).floor() as usize
    }

    fn beyond(&self, allowed: usize, within: Duration) -> Option<Counted<'e>> {
        let ask = self.admitted.get(allowed)?;
        Some(Counted {
            ask,
            admitted: self.admitted.len(),
            allowed,
            within,
        })
    }

    /// The stretch of this length that certainly holds more than is allowed, if there is one.
    fn most_within(&self, within: Duration, allowed: usize) -> Option<Counted<'e>> {
        for (at, first) in self.admitted.iter().enumerate() {
            let end = first.exchange.began + within;
            let began = self.admitted[at..]
                .iter()
                .take_while(|ask| ask.exchange.began < end);
            let inside: Vec<&&Ask> = began.filter(|ask| ended(ask) < end).collect();
            if let Some(ask) = inside.get(allowed) {
                return Some(Counted {
                    ask,
                    admitted: inside.len(),
                    allowed,
                    within,
                });
            }
        }
        None
    }
}
