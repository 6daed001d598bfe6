//! What was admitted when: which algorithm that fits, and whether it exceeds what is declared.
//!
//! A request is admitted at some moment between its beginning and its end. Whatever is said of
//! an agent holds for each such moment: what is uncertain is counted for it.

use std::time::Duration;

use super::told::Limit;
use crate::evidence::Ask;

/// Allowed for clocks and ways when moments are compared.
const SLACK: Duration = Duration::from_millis(200);
/// With fewer requests a window, the algorithms cannot be told apart.
const TELLABLE: u32 = 4;

/// Whether a request was taken from the allowance, and not refused.
#[must_use]
pub(crate) fn is_admitted(ask: &Ask) -> bool {
    ask.answer()
        .is_some_and(|answer| !matches!(answer.status, 401 | 403 | 404 | 429 | 503))
}

/// Whether a request was refused for there being too many, in whatever words.
#[must_use]
pub(crate) fn is_refused(ask: &Ask) -> bool {
    ask.answer()
        .is_some_and(|answer| matches!(answer.status, 429 | 503))
}

fn ended(ask: &Ask) -> Duration {
    ask.exchange.began + ask.exchange.elapsed
}

/// How a limit is found to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
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

impl Algorithm {
    /// The algorithm that a long row of requests shows: one that opens a window, then, late in
    /// it, as many as are admitted, and from then on one now and again.
    #[must_use]
    pub(crate) fn of(limit: Limit, row: &[&Ask]) -> Self {
        let Some(returned) = Returned::of(row) else {
            return Self::Unclear;
        };
        let token = limit.window / limit.requests;
        if limit.requests < TELLABLE {
            return Self::Unclear;
        }
        if returned.is_whole(limit.requests as usize) {
            let opened = row.first().map_or(Duration::ZERO, |ask| ask.exchange.began);
            let since = |moment: Duration| moment.saturating_sub(opened).as_secs_f64();
            let window = limit.window.as_secs_f64();
            // The stretch in which it came back holds a whole number of windows since the first.
            let windows = (since(returned.to + SLACK) / window).floor() * window;
            return Self::FixedWindow {
                from: returned.from,
                to: returned.to,
                is_by_request: windows >= since(returned.from) - SLACK.as_secs_f64(),
            };
        }
        match returned.pause() <= token + (returned.to.saturating_sub(returned.from)) + SLACK / 2 {
            true => Self::TokenBucket,
            false => Self::SlidingWindow,
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
pub(crate) struct Returned {
    /// The end of the last request that was admitted before.
    exhausted: Duration,
    /// The beginning of the last that was refused.
    pub(crate) from: Duration,
    /// The end of the first that was admitted again.
    pub(crate) to: Duration,
    /// How many were then admitted in a row.
    streak: usize,
}

impl Returned {
    /// The first return in a row of requests.
    #[must_use]
    pub(crate) fn of(row: &[&Ask]) -> Option<Self> {
        let refused = row.iter().position(|ask| is_refused(ask))?;
        let exhausted = ended(row[..refused].iter().rev().find(|ask| is_admitted(ask))?);
        let back = refused + row[refused..].iter().position(|ask| is_admitted(ask))?;
        let streak = row[back..]
            .iter()
            .take_while(|ask| is_admitted(ask))
            .count();
        Some(Self {
            exhausted,
            from: row[back - 1].exchange.began,
            to: ended(row[back]),
            streak,
        })
    }

    /// How long nothing was admitted, at most.
    #[must_use]
    pub(crate) fn pause(&self) -> Duration {
        self.to.saturating_sub(self.exhausted)
    }

    /// Whether all came back at once, as far as can be seen, where `limit` requests are all.
    #[must_use]
    pub(crate) fn is_whole(&self, limit: usize) -> bool {
        self.streak >= limit.div_ceil(2).max(2)
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
    algorithm: Algorithm,
    /// Those that were admitted, by their beginning.
    admitted: Vec<&'e Ask>,
}

impl<'e> Counts<'e> {
    /// Of the requests, those that were admitted count.
    #[must_use]
    pub(crate) fn of(
        limit: Limit,
        algorithm: Algorithm,
        asks: impl Iterator<Item = &'e Ask>,
    ) -> Self {
        let mut admitted: Vec<&Ask> = asks.filter(|ask| is_admitted(ask)).collect();
        admitted.sort_by_key(|ask| ask.exchange.began);
        Self {
            limit,
            algorithm,
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
        let allowed = match self.algorithm {
            Algorithm::TokenBucket => limit + self.refilled(span),
            Algorithm::SlidingWindow if span < self.limit.window => limit,
            Algorithm::FixedWindow {
                is_by_request: true,
                ..
            } if span < self.limit.window => limit,
            Algorithm::FixedWindow { from, to, .. }
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
        let stretches = match self.algorithm {
            // A window that slides by estimates gives back as evenly as a bucket.
            Algorithm::TokenBucket | Algorithm::SlidingWindow => {
                [4, 2, 1].map(|part| (window / part, limit + self.refilled(window / part)))
            }
            // What touches two windows may hold two allowances; three, three.
            Algorithm::FixedWindow { .. } | Algorithm::Unclear => {
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
