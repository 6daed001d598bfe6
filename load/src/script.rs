//! What users do: a script says what is asked next, and what the answer is worth.

use std::sync::Arc;
use std::time::Duration;

use crate::chance::Chance;
use crate::hot::{Exchange, Prepared};
use crate::inlet::{Inlet, Reading};
use crate::recorder::{Recorder, Series, Verdict};

/// One request to make.
#[derive(Clone, Copy)]
pub struct Ask<'s> {
    /// The request.
    pub prepared: &'s Prepared,
    /// What it is, as an index of the script's endpoints.
    pub endpoint: usize,
    /// How the answer is read.
    pub reading: Reading,
    /// Which question it is, for the script's own use.
    pub key: usize,
    /// Whether the agent must refuse it.
    pub provokes: bool,
}

/// What the script makes of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Judged {
    /// What it is worth.
    pub verdict: Verdict,
    /// Whether it came from the cache, where that is known.
    pub hit: Option<bool>,
}

impl Judged {
    /// Nothing is known of caches.
    #[must_use]
    pub const fn of(verdict: Verdict) -> Self {
        Self { verdict, hit: None }
    }

    /// By the status alone: any 2xx is well.
    #[must_use]
    pub fn by_status(ask: &Ask<'_>, exchange: &Exchange) -> Self {
        let is_well = (200..300).contains(&exchange.status) && exchange.trouble.is_none();
        Self::of(match ask.provokes {
            true => Verdict::Provoked,
            false if is_well => Verdict::Ok,
            false => Verdict::Failed(None),
        })
    }
}

/// One of the users.
pub struct User {
    /// Its number, from 0.
    pub number: usize,
    /// Its own chance.
    pub chance: Chance,
    /// How many requests it has made.
    pub turn: u64,
    /// Where its answers come in.
    pub inlet: Inlet,
    /// Whether its request is in the measured time.
    pub counts: bool,
    recorder: Arc<Recorder>,
}

impl User {
    pub(crate) fn new(number: usize, seed: u64, recorder: Arc<Recorder>) -> Self {
        Self {
            number,
            chance: Chance::new(seed, number as u64),
            turn: 0,
            inlet: Inlet::new(recorder.clone()),
            counts: false,
            recorder,
        }
    }

    /// Adds the times of a stream that was heard to its proper end, if it is in the measured time.
    pub fn time_stream(&self, exchange: &Exchange) {
        let Some(heard) = self.inlet.heard.as_ref().filter(|_| self.counts) else {
            return;
        };
        self.recorder.with(|tape| {
            if let Some(first) = heard.first {
                tape.time(Series::FirstEvent, first - exchange.began);
            }
            tape.time(Series::Complete, exchange.ended - exchange.began);
            tape.gaps(&heard.gaps);
        });
    }

    /// Adds a time to a distribution, if it is in the measured time.
    pub fn time(&self, series: Series, time: Duration) {
        if self.counts {
            self.recorder.with(|tape| tape.time(series, time));
        }
    }
}

/// What users do.
pub trait Script: Send + Sync + 'static {
    /// What is asked, by the names that reports have.
    fn endpoints(&self) -> &[String];

    /// What this user asks next.
    fn next(&self, user: &mut User) -> Ask<'_>;

    /// What the answer is worth; it stands in the user's inlet, if it was kept.
    fn judge(&self, user: &mut User, ask: &Ask<'_>, exchange: &Exchange) -> Judged {
        let _ = user;
        Judged::by_status(ask, exchange)
    }
}
