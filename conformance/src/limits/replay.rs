//! A search gone through once more, with the answers that there were: what it found follows from what is
//! recorded, whoever asked and whenever it is judged.

use std::iter::Take;
use std::slice::Iter;
use std::time::Duration;

use futures_util::FutureExt;

use super::counts::{ended, outcome};
use super::search::{Client, Found, Means, Probe, Seen, Told, find};
use crate::evidence::Ask;

/// With what a checker searches: one client, and patience for a bit more than two of the longest windows that it
/// waits for, which is what it takes to know that a bucket, or an estimate, is full again.
pub(crate) const MEANS: Means = Means {
    addresses: 1,
    keys: 0,
    most: 5_000,
    row: Duration::from_secs(20),
    patience: Duration::from_secs(40),
};
/// So many requests at most, in all.
pub(crate) const MOST: usize = 20_000;

/// What the search sees of a request; `origin` is when the first of it began.
#[must_use]
pub(crate) fn seen(ask: &Ask, origin: Duration) -> Seen {
    Seen {
        client: Client::default(),
        sent: ask.exchange.began.saturating_sub(origin),
        received: ended(ask).saturating_sub(origin),
        outcome: outcome(ask),
        status: ask.answer().map_or(0, |answer| answer.status),
        told: ask.answer().map(Told::of).unwrap_or_default(),
        row: 0,
    }
}

/// What the search found that asked these; nothing if nothing was asked.
#[must_use]
pub(crate) fn replayed(asks: &[&Ask]) -> Option<Found> {
    let origin = asks.first()?.exchange.began;
    let mut replay = Replay {
        asks: asks.iter().take(MOST),
        origin,
        now: Duration::ZERO,
    };
    // It waits for nothing: all answers are there.
    find(&mut replay, &MEANS).now_or_never()
}

/// Answers as they were recorded, in their order.
struct Replay<'r, 'e> {
    asks: Take<Iter<'r, &'e Ask>>,
    origin: Duration,
    now: Duration,
}

impl Probe for Replay<'_, '_> {
    async fn ask(&mut self, _: Client, _: Duration) -> Option<Seen> {
        // Where the search was ended, it had no more answers either.
        let mut seen = seen(self.asks.next()?, self.origin);
        // One was asked after the other, whatever a record says.
        seen.sent = seen.sent.max(self.now);
        seen.received = seen.received.max(seen.sent);
        self.now = seen.received;
        Some(seen)
    }
}
