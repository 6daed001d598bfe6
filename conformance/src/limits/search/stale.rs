//! What was spent before the search began: allowances that are not full at first, and what they would make
//! look other than it is.

use std::time::Duration;

use super::finder::{ENOUGH, Finder, TRIES};
use super::looks::{Client, Outcome, Probe};
use super::promises::told_wait;
use super::rows::Row;
use super::verdict;

/// After so many windows of silence every allowance is full: of windows by the clock, two may be touched,
/// and an estimate looks back at one more.
const FULL: f64 = 2.1;
/// One request may have been made before the search, to learn what can be asked.
const LEARNING: u64 = 1;

impl<P: Probe + Send> Finder<'_, P> {
    /// The first row from a full allowance: if fewer came than is told, some of it may have been spent before,
    /// and another row is made after a silence.
    pub(super) async fn whole_row(&mut self, first: Row) -> Row {
        let told = self.found.log.iter().find_map(|seen| seen.told.limit);
        let is_short = told.is_some_and(|told| told > first.admitted + LEARNING);
        // What is told to take longer than anybody waits may be told wrongly.
        let can_wait = |told: &Duration| *told <= self.means.patience.div_f64(FULL);
        let window = told_wait(&self.found.log).filter(can_wait);
        let (true, Some(window)) = (is_short, window) else {
            return first;
        };
        let stage = "fewer were admitted than is told: waiting until the allowance is full";
        self.probe.begins(stage);
        self.silence_for(window);
        match self.drain(ENOUGH).await {
            row if row.admitted > 0 && row.is_full => row,
            _ => first,
        }
    }

    /// The others that there are: at another address, with another key.
    fn others(&self) -> [Option<Client>; 2] {
        [
            (self.means.addresses > 1).then_some(Client { address: 1, key: 0 }),
            (self.means.keys > 1).then_some(Client { address: 0, key: 1 }),
        ]
    }

    /// Whether others are admitted while this client is refused. That they are not may be of their own doing, and
    /// is looked at again when the window is known: until then nothing is said.
    pub(super) async fn beside(&mut self) -> [Option<bool>; 2] {
        let mut admitted = [None, None];
        for (other, result) in self.others().into_iter().zip(&mut admitted) {
            if let Some(other) = other {
                *result = self.is_admitted_beside(other).await;
            }
        }
        if !admitted.contains(&Some(false)) {
            verdict::scope(&mut self.found, admitted, self.means);
        }
        admitted
    }

    /// Refused before and after, or it shows nothing.
    async fn is_admitted_beside(&mut self, other: Client) -> Option<bool> {
        for _ in 0..TRIES {
            let before = self.ask(Client::default()).await;
            let here = self.ask(other).await;
            let after = self.ask(Client::default()).await;
            if before == Outcome::Refused && after == Outcome::Refused {
                return Some(here == Outcome::Admitted);
            }
        }
        None
    }

    /// Others that were refused may have spent an allowance of their own before. Only who is admitted while the
    /// first client has not asked, and refused once that one has spent the limit, shares it.
    pub(super) async fn confirm(&mut self, mut admitted: [Option<bool>; 2]) {
        if !admitted.contains(&Some(false)) {
            return;
        }
        // Of a limit of one, who has just been admitted would be refused for that alone.
        let can_tell = self.found.limit > Some(1);
        let window = self.found.window.or_else(|| told_wait(&self.found.log));
        match window.filter(|_| can_tell) {
            Some(window) => self.look_again(&mut admitted, window).await,
            None => forget(&mut admitted),
        }
        verdict::scope(&mut self.found, admitted, self.means);
    }

    async fn look_again(&mut self, admitted: &mut [Option<bool>; 2], window: Duration) {
        let stage = "waiting until every client's allowance is full, to see who shares one";
        self.probe.begins(stage);
        self.silence_for(window.max(self.found.shut.unwrap_or_default()));
        let others = self.others();
        let doubtful =
            |(_, admitted): &(Option<Client>, &mut Option<bool>)| **admitted == Some(false);
        for (other, admitted) in others.into_iter().zip(&mut *admitted).filter(doubtful) {
            let Some(other) = other else { continue };
            if self.ask(other).await != Outcome::Admitted {
                *admitted = None;
            }
        }
        self.drain(ENOUGH).await;
        for (other, admitted) in others.into_iter().zip(&mut *admitted).filter(doubtful) {
            let Some(other) = other else { continue };
            *admitted = self.is_admitted_beside(other).await;
        }
    }

    /// Where the first row did not show it, whether a window begins with its first request: one is begun in the
    /// midst of a window by the clock, as one ended at `edge`.
    pub(super) async fn look_at_the_beginning(&mut self, edge: Duration) {
        let Some(window) = self.found.window else {
            return;
        };
        self.silence_until(edge + window.mul_f64(1.5));
        let row = self.drain(ENOUGH).await;
        if let Some(returned) = self.returns(row.ended).await.filter(|_| row.is_full) {
            let whole = returned.to.saturating_sub(row.began);
            self.found.begins_with_a_request = Some(whole >= window.mul_f64(0.75));
        }
    }

    /// Nothing is asked until every allowance is full, if the window is so long.
    fn silence_for(&mut self, window: Duration) {
        // What is told may be longer than can be multiplied.
        let patience = self.means.patience;
        let silence = window.min(patience).mul_f64(FULL).min(patience);
        self.silence_until(self.now() + silence);
    }
}

/// What was doubtful stays unknown.
fn forget(admitted: &mut [Option<bool>; 2]) {
    for admitted in admitted {
        *admitted = admitted.filter(|it| *it);
    }
}
