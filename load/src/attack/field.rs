//! What the users of one attack share.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::pacer::Pacer;
use super::{Load, Model, Standing, Think};
use crate::plan::Plan;
use crate::recorder::Recorder;
use crate::script::Script;
use crate::target::Target;

/// How long what is under way may take to end after the user has pressed Ctrl-C.
const PATIENCE: Duration = Duration::from_secs(1);
/// Streams that go on speaking when the run is over are heard to their end, but not for longer than
/// so many timeouts.
const MOST_TIMES: u32 = 5;
/// How often it is seen whether all has ended. Nothing is measured by it.
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Field {
    pub(super) target: Arc<Target>,
    pub(super) script: Arc<dyn Script>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) pacer: Option<Pacer>,
    /// How many users there are to be, at each moment, warm-up included; in the closed model.
    pub(super) crowd: Option<Plan>,
    pub(super) users: usize,
    pub(super) seed: u64,
    pub(super) think: Think,
    pub(super) warm_up: Duration,
    length: Duration,
    arrived: AtomicUsize,
    began: OnceLock<Instant>,
    gate: Notify,
    is_ending: AtomicBool,
    under_way: AtomicU64,
    abandoned: AtomicU64,
    hard_stop: CancellationToken,
    /// The same, cheaper to look at.
    is_over: AtomicBool,
}

impl Field {
    pub(super) fn new(
        target: &Arc<Target>,
        load: &Load,
        script: Arc<dyn Script>,
        recorder: Arc<Recorder>,
        pacer: Option<Pacer>,
    ) -> Self {
        let crowd = match &load.model {
            Model::Closed(plan) => Some(plan.clone().after(load.warm_up)),
            Model::Open { .. } => None,
        };
        Self {
            target: target.clone(),
            script,
            recorder,
            pacer,
            crowd,
            users: load.users.max(1),
            seed: load.seed,
            think: load.think,
            warm_up: load.warm_up,
            length: load.warm_up + load.plan().length(),
            arrived: AtomicUsize::new(0),
            began: OnceLock::new(),
            gate: Notify::new(),
            is_ending: AtomicBool::new(false),
            under_way: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            hard_stop: CancellationToken::new(),
            is_over: AtomicBool::new(false),
        }
    }

    /// A user is there, and waits until all are; then the clock starts.
    pub(super) async fn arrive(&self) -> Instant {
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.users {
            let _ = self.began.set(Instant::now());
            self.gate.notify_waiters();
        }
        self.begin().await
    }

    /// When the clock started.
    pub(super) async fn begin(&self) -> Instant {
        loop {
            let opened = self.gate.notified();
            tokio::pin!(opened);
            opened.as_mut().enable();
            if let Some(began) = self.began.get() {
                return *began;
            }
            opened.await;
        }
    }

    /// Whether this moment, since the clock started, is still within the plan.
    pub(super) fn goes_on(&self, now: Duration) -> bool {
        now < self.length && !self.is_ending.load(Ordering::Acquire)
    }

    pub(super) fn begin_counting(&self) {
        self.recorder.begin_counting();
    }

    /// No new requests from now on.
    pub(super) fn end(&self) {
        self.is_ending.store(true, Ordering::Release);
    }

    /// How things stand now.
    pub(super) async fn standing(&self) -> Standing {
        let now = self.began.get().map(Instant::elapsed).unwrap_or_default();
        let waiting = match &self.pacer {
            // While somebody waits at the head of the queue for what is not due yet, nothing waits.
            Some(pacer) => {
                let waiting = pacer.waiting(now, self.warm_up, &self.recorder);
                tokio::time::timeout(LOOK, waiting)
                    .await
                    .unwrap_or_default()
            }
            None => 0,
        };
        let (ok, dropped) = self.recorder.with(|tape| (tape.counts().0, tape.dropped));
        Standing {
            at: now.saturating_sub(self.warm_up),
            ok,
            dropped,
            waiting,
            under_way: self.under_way.load(Ordering::Acquire),
        }
    }

    /// In the open model: waits until everybody has been served who came within the plan, but not
    /// longer than a timeout; who still waits then is counted as dropped.
    pub(super) async fn wait_for_what_was_due(&self, stop: &CancellationToken) {
        let Some(pacer) = &self.pacer else {
            return;
        };
        let deadline = Instant::now() + self.target.timeout;
        while !stop.is_cancelled() && Instant::now() < deadline {
            if pacer.is_over().await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        // Whoever waits at the head of the queue for what is not due yet is not to be waited for.
        let now = self.began.get().map(Instant::elapsed).unwrap_or_default();
        let giving_up = pacer.give_up(now, self.warm_up, &self.recorder);
        let _ = tokio::time::timeout(LOOK, giving_up).await;
    }

    /// Waits for what is under way: until nothing has come of any of it for as long as a timeout
    /// may take, or for a moment if the user is waiting, too.
    pub(super) async fn wait_for_the_last(&self, stop: &CancellationToken) {
        let patience = self.target.timeout + PATIENCE;
        let last = Instant::now() + patience * MOST_TIMES;
        let mut deadline = Instant::now() + patience;
        let state = || {
            (
                self.under_way.load(Ordering::Acquire),
                self.recorder.heard(),
            )
        };
        let mut before = state();
        while before.0 > 0 && Instant::now() < deadline.min(last) {
            if stop.is_cancelled() {
                deadline = deadline.min(Instant::now() + PATIENCE);
                stop_waiting(deadline, || self.under_way.load(Ordering::Acquire) == 0).await;
                return;
            }
            tokio::time::sleep(LOOK).await;
            let now = state();
            if now != before {
                deadline = Instant::now() + patience;
            }
            before = now;
        }
    }

    /// Everybody goes home.
    pub(super) fn stop(&self) {
        self.abandoned
            .store(self.under_way.load(Ordering::Acquire), Ordering::Release);
        self.close();
    }

    /// Nobody waits for anybody any more.
    pub(super) fn close(&self) {
        self.is_over.store(true, Ordering::Release);
        self.hard_stop.cancel();
    }

    /// Whether everybody has been sent home.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    pub(super) fn hard_stop(&self) -> CancellationToken {
        self.hard_stop.clone()
    }

    /// Until everybody has been sent home.
    pub(super) async fn closed(&self) {
        self.hard_stop.cancelled().await;
    }

    /// A request is under way until the guard is dropped; `None` if it is too late for one.
    pub(super) fn set_out(&self) -> Option<UnderWay<'_>> {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        let guard = UnderWay(&self.under_way);
        (!self.is_ending.load(Ordering::Acquire)).then_some(guard)
    }

    pub(super) fn abandoned(&self) -> u64 {
        self.abandoned.load(Ordering::Acquire)
    }
}

async fn stop_waiting(deadline: Instant, is_done: impl Fn() -> bool) {
    while !is_done() && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}

/// One request that is under way.
pub(super) struct UnderWay<'f>(&'f AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
