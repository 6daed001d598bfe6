//! Limits that punish: whoever is refused, or goes on asking, is kept out for longer than the allowance
//! takes to come back.
//!
//! To ask again and again until service returns is just what such a limit punishes. Where that takes far longer
//! than was told, nothing is asked for as long as was told: if service is back then, and once more after
//! the next refusal, it was the asking that kept it away.

use std::time::Duration;

use super::finder::{ENOUGH, Finder};
use super::judge::{ROUNDING, SLACK};
use super::looks::{Client, Outcome, Probe, Seen};
use super::promises::told_wait;
use super::rows::{Return, Row};
use super::verdict;

/// Service is overdue after so many times what was told, and what that was rounded by.
const OVERDUE: u32 = 2;

impl<P: Probe + Send> Finder<'_, P> {
    /// Service, by asking for it; by silence, where asking does not help.
    pub(super) async fn service(&mut self, since: Duration, first: &Row) -> Option<Return> {
        if let Some(overdue) = self.overdue() {
            let returned = self.returns_by(since, Duration::ZERO, overdue).await;
            if returned.is_some() || self.is_punished(first).await {
                return returned;
            }
        }
        match self.returns(since).await {
            Some(returned) => Some(returned),
            None => self.after_silence().await,
        }
    }

    /// A limit may count what it refuses: then only silence helps.
    async fn after_silence(&mut self) -> Option<Return> {
        let told = self
            .found
            .log
            .iter()
            .rev()
            .find_map(|seen| seen.told.window);
        let from = self.now();
        let told = told.unwrap_or(self.means.patience / 2);
        self.silence_until(from + told.min(self.means.patience).mul_f64(1.1));
        let sent_after = self.row_time();
        if self.ask(Client::default()).await != Outcome::Admitted {
            return None;
        }
        self.found.renews = true;
        Some(Return {
            from,
            sent: sent_after,
            to: self.now(),
        })
    }

    /// How long to wait for service by asking before silence is tried; nothing if nothing was told.
    fn overdue(&self) -> Option<Duration> {
        let told = told_wait(&self.found.log)?;
        let wait = told.saturating_mul(OVERDUE).saturating_add(ROUNDING);
        (wait < self.means.patience).then_some(wait)
    }

    /// Whether silence helps where asking did not, twice: then that is the verdict.
    async fn is_punished(&mut self, first: &Row) -> bool {
        if self.silent_return().await.is_none() {
            return false;
        }
        let row = self.drain(ENOUGH).await;
        if !row.is_full {
            return false;
        }
        let told = told_wait(&self.found.log);
        let Some(returned) = self.silent_return().await else {
            return false;
        };
        self.found.renews = true;
        self.found.shut = told;
        self.found.recovery = Some((returned.to.saturating_sub(row.ended), 1));
        verdict::punished(&mut self.found, first, row.admitted + 1);
        true
    }

    /// Comes back once, when it was told to.
    async fn silent_return(&mut self) -> Option<Return> {
        let told = told_wait(&self.found.log)?.min(self.means.patience);
        let from = self.now();
        self.silence_until(from + told.mul_f64(1.1));
        let is_back = self.ask(Client::default()).await == Outcome::Admitted;
        let (sent, to) = self.found.log.last().map(|it| (it.sent, it.received))?;
        is_back.then_some(Return { from, sent, to })
    }
}

/// Whether the whole allowance was there again before another window of that length could be over: then the
/// return came late by a time for which whoever is refused is kept out; how long that is at least.
pub(super) fn shut(log: &[Seen], first: &Row, returned: Return, rest: Row) -> Option<Duration> {
    let window = log.iter().find_map(|seen| seen.told.window)?;
    let kept_out = returned.from.saturating_sub(first.ended);
    let apart = rest.began.saturating_sub(returned.to);
    let is_late = kept_out > window + ROUNDING + SLACK;
    // What was used at the return is forgotten again, though no such time has passed since. The first row
    // alone may have begun with less than all: something was asked before, to learn what can be.
    let told = log.iter().find_map(|seen| seen.told.limit);
    let whole = first.admitted.max(told.unwrap_or_default());
    let is_whole = rest.is_full && rest.admitted >= whole;
    (is_late && is_whole && apart < kept_out).then_some(kept_out)
}
