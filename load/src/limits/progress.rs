//! What those who look on are told of a search while it goes on: our own words, and counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use acp_conformance::limits::Outcome;
use tokio_util::sync::CancellationToken;

use crate::run::Tell;

/// So often, even if nothing else begins.
const SELDOM: Duration = Duration::from_secs(5);

/// How far a search has come.
pub(crate) struct Progress {
    tell: Option<Tell>,
    began: Instant,
    stage: Mutex<String>,
    asked: AtomicU64,
    admitted: AtomicU64,
    refused: AtomicU64,
}

impl Progress {
    pub(super) fn new(tell: Option<Tell>) -> Self {
        Self {
            tell,
            began: Instant::now(),
            stage: Mutex::default(),
            asked: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// What is done from now on.
    pub(crate) fn begins(&self, stage: &str) {
        stage.clone_into(&mut self.stage.lock().unwrap_or_else(PoisonError::into_inner));
        self.say();
    }

    pub(super) fn count(&self, outcome: Outcome) {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let counter = match outcome {
            Outcome::Admitted => &self.admitted,
            Outcome::Refused => &self.refused,
            Outcome::Other => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Says it again and again until it is over.
    pub(crate) async fn goes_on(&self, over: CancellationToken) {
        let pause = || over.run_until_cancelled(tokio::time::sleep(SELDOM));
        while pause().await.is_some() {
            self.say();
        }
    }

    fn say(&self) {
        let Some(tell) = &self.tell else { return };
        let stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        tell(&format!(
            "{:>4.0} s  {} requests, {} admitted, {} refused  {stage}",
            self.began.elapsed().as_secs_f64(),
            of(&self.asked),
            of(&self.admitted),
            of(&self.refused),
        ));
    }
}
