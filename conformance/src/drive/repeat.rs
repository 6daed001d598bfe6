//! Asking the same over and over: as fast as it is answered, until it no longer is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::driver::{Driver, Progress, Question};
use crate::evidence::{Ask, Step};
use crate::wire::{Exchange, Request};

impl Driver<'_> {
    /// The same request over and over, on one connection as long as that lasts, until an answer
    /// says to stop or the bounds are reached. A 429 is not waited out.
    pub async fn repeat(
        &self,
        (step, key, note): (Step, usize, &str),
        request: &Request,
        (most, until): (&AtomicUsize, Instant),
        is_last: fn(&Ask) -> bool,
    ) -> Vec<Ask> {
        let mut asks = Vec::new();
        let ask = |exchange| {
            let question = Question::new(step, key, note, Request::default());
            Ask::new(self.topic, question.about, exchange)
        };
        let take = || {
            let left = most.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
            (left.is_ok() && Instant::now() < until).then(|| request.clone())
        };
        loop {
            if self.is_silent() || self.stop().is_some() {
                return asks;
            }
            let mut is_over = false;
            let goes_on = |exchange: &Exchange| {
                (self.observer)(Progress::Asked);
                is_over = is_last(&ask(exchange.clone()));
                !is_over
            };
            let exchanges = tokio::select! {
                exchanges = self.client.converse_while(std::iter::from_fn(take), goes_on) => exchanges,
                () = self.cancelled.cancelled() => return asks,
            };
            is_over |= exchanges.is_empty();
            for exchange in exchanges {
                if self.heed(&exchange).await.is_none() {
                    return asks;
                }
                asks.push(ask(exchange));
            }
            if is_over {
                return asks;
            }
        }
    }

    /// Waits, unless the run is interrupted.
    pub async fn pause(&self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            () = self.cancelled.cancelled() => {}
        }
    }
}
