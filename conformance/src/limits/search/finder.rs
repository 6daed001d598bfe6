//! The plan by which a limit is asked: what next, given what came.
//!
//! 1. *Drain*: ask until refused. Nobody is refused: there is no limit.
//! 2. *Scope*: while this client is refused, others ask. Who is refused, too, is asked again at the end, when
//!    every allowance has had time to fill up.
//! 3. *Return*: ask, ever more rarely, until one is admitted: an allowance begins to come back.
//! 4. *Split*: that one is the first of a window. Half a window later the rest is drained.
//!    If there is a rest, requests are counted by windows: the count is the limit, the
//!    next return is a window after the first. Then a fixed window gives back the whole
//!    allowance, a sliding one only what was used at that time.
//! 5. *Fill*: if there is no rest, allowance comes back one by one. After a silence in which it
//!    fills up, it is drained and followed for a while: size and rate fit the record.

use std::ops::RangeInclusive;
use std::time::Duration;

use acp_reports::load::Algorithm;

use super::looks::{Client, Found, Means, Outcome, Probe};
use super::penalty;
use super::promises::told_wait;
use super::rows::{Return, Row, Split, comes_one_by_one, interleaved, is_admitted};
use super::verdict;

/// Between two requests that wait for service to return: this share of the time waited so
/// far. Two such errors at most add up in a window's length, halved by taking the middle.
const GRAIN: f64 = 0.015;
/// The least time between two of them.
const LEAST: Duration = Duration::from_millis(1);
/// So many refusals end the first row: with several workers that count apart, one may come
/// long before the last is full.
const PERSISTENCE: usize = 8;
/// So many end any other.
pub(super) const ENOUGH: usize = 2;
/// A return within so many round trips says nothing of a window: it is tried again.
const FAST: u32 = 20;
/// So often at most.
pub(super) const TRIES: usize = 3;
/// In windows of this length the time to the reset is asked for late: below, a second's rounding hides all,
/// above, half a window shows enough.
const LATE: RangeInclusive<Duration> = Duration::from_millis(1_200)..=Duration::from_millis(2_500);
/// About so many windows all of it takes, waiting for a full allowance included.
const WINDOWS: u32 = 7;
/// So many answers in a row that are neither end the search.
const LOST: usize = 20;

/// Finds out what the limit is.
pub async fn find<P: Probe + Send>(probe: &mut P, means: &Means) -> Found {
    let mut finder = Finder {
        probe,
        means,
        found: Found::default(),
        row: 0,
        odd: 0,
        quiet_until: Duration::ZERO,
        ended: None,
    };
    finder.run().await;
    match finder.ended {
        Some(known) => Found {
            log: finder.found.log,
            ..known
        },
        None => finder.found,
    }
}

pub(super) struct Finder<'p, P> {
    pub(super) probe: &'p mut P,
    pub(super) means: &'p Means,
    pub(super) found: Found,
    row: u32,
    odd: usize,
    /// Nothing is asked before.
    quiet_until: Duration,
    /// What was known when the search was ended before it was done: whatever is made of it later does not
    /// count.
    ended: Option<Found>,
}

impl<P: Probe + Send> Finder<'_, P> {
    async fn run(&mut self) {
        self.probe.begins("asking until refused");
        let first = self.drain(PERSISTENCE).await;
        self.found.interleaved = interleaved(&self.found.log);
        if !first.is_full {
            return verdict::no_limit(&mut self.found, &first);
        }
        self.announce(&first);
        let first = self.whole_row(first).await;
        let beside = self.beside().await;
        self.search(first).await;
        self.confirm(beside).await;
    }

    /// All but who is one client, from the first row on.
    async fn search(&mut self, first: Row) {
        let Some(returned) = self.first_return(&first).await else {
            if self.found.renews {
                return;
            }
            let note = "service did not return while it was waited for";
            self.found.notes.push(note.to_owned());
            return verdict::only_a_limit(&mut self.found, &first);
        };
        let since = match self.found.log.iter().rev().skip(1).find(is_admitted) {
            Some(last) => last.received,
            None => first.ended,
        };
        let waited = returned.to.saturating_sub(since);
        self.found.recovery = Some((waited, 1));
        // The rest is asked for when all that was used in the first row must be back.
        let whole = returned.to.saturating_sub(first.began);
        let pause = (waited.min(whole) / 2).max((first.ended - first.began).mul_f64(1.2));
        self.silence_until(returned.to + pause);
        let rest = self.drain(ENOUGH).await;
        if let Some(time) = penalty::shut(&self.found.log, &first, returned, rest) {
            self.found.shut = Some(time);
            return verdict::punished(&mut self.found, &first, rest.admitted);
        }
        if rest.admitted == 0 || self.is_fast(waited) {
            return self.fill(&first, returned).await;
        }
        let Some(second) = self.returns(returned.to).await else {
            return verdict::only_a_limit(&mut self.found, &first);
        };
        if comes_one_by_one(&first, returned, rest, second) {
            return self.fill(&first, second).await;
        }
        self.split(&first, returned, rest, second).await;
    }

    /// How requests are counted by windows.
    async fn split(&mut self, first_row: &Row, first: Return, rest: Row, second: Return) {
        let (mut first, mut rest, mut second) = (first, rest, second);
        let mut splits = Vec::new();
        for _ in 0..TRIES {
            let back = 1 + self.drain(ENOUGH).await.admitted;
            let split = Split {
                first,
                rest,
                second,
                back,
            };
            splits.push(split);
            if split.apart() >= 0.25 {
                break;
            }
            // The uses were too near to each other to tell the algorithms apart: once more, with what is known now.
            let Some(again) = self.returns(second.to).await else {
                break;
            };
            self.silence_until(again.to + split.window().1 / 2);
            (first, rest) = (again, self.drain(ENOUGH).await);
            match self.returns(first.to).await {
                Some(next) => second = next,
                None => break,
            }
        }
        match splits.last() {
            // A log would have given the first back a window after it was used.
            Some(last) if last.slides() && last.is_late(first_row) => {
                self.fill(first_row, last.second).await;
            }
            _ => {
                verdict::windows(&mut self.found, first_row, &splits);
                let is_fixed = self.found.algorithm == Algorithm::FixedWindow;
                if is_fixed && self.found.begins_with_a_request.is_none() {
                    self.look_at_the_beginning(second.to).await;
                }
                self.look_late().await;
            }
        }
    }

    /// Asks late in a window: in a short one, half of it says nothing of whole seconds.
    async fn look_late(&mut self) {
        let tells = self.found.log.iter().any(|it| it.told.reset.is_some());
        let is_fixed = self.found.algorithm == Algorithm::FixedWindow;
        let window = self.found.window.filter(|it| LATE.contains(it));
        let Some(window) = window.filter(|_| tells && is_fixed) else {
            return;
        };
        if let Some(begun) = self.returns(self.last_admitted()).await {
            self.silence_until(begun.to + window.mul_f64(0.8));
            self.drain(ENOUGH).await;
            self.returns(self.last_admitted()).await;
        }
    }

    /// How allowance comes back one by one.
    async fn fill(&mut self, first: &Row, returned: Return) {
        let Some(second) = self.returns(self.last_admitted()).await else {
            return verdict::only_a_limit(&mut self.found, first);
        };
        let mut token = second.to.saturating_sub(returned.sent);
        let flowed =
            first.ended.saturating_sub(first.began).as_secs_f64() / token.as_secs_f64().max(1e-9);
        let mut size = (first.admitted as f64 - flowed.floor()).max(1.0);
        let mut is_estimate = false;
        // An estimate from two windows is full again only after both.
        for times in [1.2, 2.3] {
            let (row, next) = self.full_row(token, size, times).await;
            let Some(next) = next else {
                return verdict::only_a_limit(&mut self.found, first);
            };
            let followed = self.found.log.len();
            self.follow(token, next).await;
            let paused = next.from.saturating_sub(row.ended) > token.mul_f64(1.3);
            if is_estimate
                || (!paused && verdict::is_bucket(&self.found, &row))
                || row.admitted <= 1
            {
                return verdict::one_by_one(&mut self.found, &row, next, followed, is_estimate);
            }
            is_estimate = true;
            // By now the pace is known better, and the silence before the next row depends on it.
            let (least, most) = verdict::token(&self.found, next, followed);
            (token, size) = (token.max((least + most) / 2), size.max(row.admitted as f64));
        }
    }

    /// A row from an allowance that had so many times the time to fill up, and the return after it.
    async fn full_row(&mut self, token: Duration, size: f64, times: f64) -> (Row, Option<Return>) {
        let fill = token.mul_f64(size * times) + token;
        let from = self.now();
        self.silence_until((from + fill).min(from + self.means.patience));
        let row = self.drain(ENOUGH).await;
        let next = self.returns(row.ended).await;
        (row, next)
    }

    /// Takes what comes back for so long that its rate is known well enough.
    async fn follow(&mut self, token: Duration, from: Return) {
        let step = self.round_trip().max(token.mul_f64(GRAIN));
        let wanted = step.as_secs_f64() / (0.008 * token.as_secs_f64().max(1e-9));
        let wanted = (wanted.ceil() as u64).clamp(3, 200);
        let (mut last, mut pace) = (from.to, token);
        for _ in 0..wanted {
            // What was learnt of the pace saves asking in between.
            self.silence_until(last + pace.mul_f64(0.8));
            let asked = self.found.log.len();
            let Some(next) = self.returns_by(last, step, self.means.patience).await else {
                return;
            };
            // One that was there already tells only that the pace is faster.
            pace = match self.found.log.len() - asked {
                1 => pace / 2,
                _ => next.to.saturating_sub(last),
            };
            last = next.to;
        }
    }

    /// What all of it will cost, before it does.
    fn announce(&mut self, first: &Row) {
        // One may have been asked before, to learn what can be.
        let so_far = format!("at least {} were admitted, then refused", first.admitted);
        let rest = match told_wait(&self.found.log) {
            Some(told) => format!(
                "the rest takes about {:.0} s, if what is told is true",
                told.saturating_mul(WINDOWS).as_secs_f64().max(1.0)
            ),
            None => "how long the rest takes is not told".to_owned(),
        };
        self.probe.begins(&format!("{so_far}; {rest}"));
    }

    /// The first return that tells something of a window.
    async fn first_return(&mut self, first: &Row) -> Option<Return> {
        let mut since = first.ended;
        let mut last = None;
        for _ in 0..TRIES {
            let returned = self.service(since, first).await?;
            last = Some(returned);
            if !self.is_fast(returned.to.saturating_sub(since)) {
                break;
            }
            // It may have been the end of a window by the clock; then the next is a whole one.
            since = self.drain(ENOUGH).await.ended.max(returned.to);
        }
        last
    }

    /// Asks until one is admitted, ever more rarely.
    pub(super) async fn returns(&mut self, since: Duration) -> Option<Return> {
        self.returns_by(since, Duration::ZERO, self.means.patience)
            .await
    }

    /// The same, not more often than in such steps, and for so long at most.
    pub(super) async fn returns_by(
        &mut self,
        since: Duration,
        step: Duration,
        patience: Duration,
    ) -> Option<Return> {
        let deadline = self.now() + patience;
        let mut from = self.now();
        while self.now() < deadline && !self.is_ended() {
            let outcome = self.ask(Client::default()).await;
            let (sent, received) = self.found.log.last().map(|it| (it.sent, it.received))?;
            match outcome {
                Outcome::Admitted => {
                    let to = received;
                    return Some(Return { from, sent, to });
                }
                Outcome::Refused => from = sent,
                Outcome::Other => {}
            }
            let waited = received.saturating_sub(since);
            let pause = waited.mul_f64(GRAIN).max(LEAST).max(step);
            self.silence_until(received + pause);
        }
        None
    }

    /// Asks until so many in a row are refused.
    pub(super) async fn drain(&mut self, refusals: usize) -> Row {
        self.row += 1;
        let start = self.now().max(self.not_before());
        let mut row = Row {
            number: self.row,
            admitted: 0,
            began: start,
            ended: start,
            is_full: false,
        };
        let mut refused = 0;
        while row.admitted < self.means.most
            && self.now() < start + self.means.row
            && !self.is_ended()
        {
            let outcome = self.ask(Client::default()).await;
            let Some(seen) = self.found.log.last() else {
                break;
            };
            match outcome {
                Outcome::Admitted => {
                    if row.admitted == 0 {
                        row.began = seen.sent;
                    }
                    (row.admitted, row.ended, refused) = (row.admitted + 1, seen.received, 0);
                }
                Outcome::Refused => refused += 1,
                Outcome::Other => {}
            }
            if refused >= refusals {
                row.is_full = true;
                break;
            }
        }
        self.row += 1;
        row
    }

    pub(super) async fn ask(&mut self, client: Client) -> Outcome {
        let at = self.not_before();
        self.quiet_until = Duration::ZERO;
        if self.is_ended() {
            return Outcome::Other;
        }
        let Some(mut seen) = self.probe.ask(client, at).await else {
            self.end("the search was ended before it was done");
            return Outcome::Other;
        };
        seen.row = self.row;
        let outcome = seen.outcome;
        self.odd = match outcome {
            Outcome::Other => self.odd + 1,
            _ => 0,
        };
        self.found.log.push(seen);
        if self.odd >= LOST {
            self.end("the agent gave no more answers from which a limit can be told");
        }
        outcome
    }

    /// Nothing more is asked. What was not seen to its end is not claimed.
    fn end(&mut self, why: &str) {
        let log = std::mem::take(&mut self.found.log);
        let mut known = self.found.clone();
        self.found.log = log;
        if known.window.is_none() {
            known.recovery = None;
        }
        known.notes.push(why.to_owned());
        self.ended = Some(known);
    }

    pub(super) fn silence_until(&mut self, at: Duration) {
        self.quiet_until = at;
    }

    fn not_before(&self) -> Duration {
        self.quiet_until
    }

    pub(super) fn row_time(&self) -> Duration {
        self.not_before().max(self.now())
    }

    pub(super) fn now(&self) -> Duration {
        let last = self.found.log.last();
        last.map_or(Duration::ZERO, |seen| seen.received)
    }

    fn last_admitted(&self) -> Duration {
        let last = self.found.log.iter().rev().find(is_admitted);
        last.map_or(Duration::ZERO, |seen| seen.received)
    }

    fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    fn is_fast(&self, waited: Duration) -> bool {
        waited < self.round_trip() * FAST
    }

    fn round_trip(&self) -> Duration {
        let log = &self.found.log;
        let sum: Duration = log.iter().map(|seen| seen.received - seen.sent).sum();
        sum / u32::try_from(log.len().max(1)).unwrap_or(u32::MAX)
    }
}
