//! Says in the open model who sends what is due next, and when.
//!
//! Users queue for the schedule. The one at its head waits until the next request is due, lets
//! the next user in, and sends. So nothing is handed from task to task, and a user who is free
//! late takes what waits longest.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::timer::Timer;
use crate::recorder::Recorder;
use crate::schedule::Schedule;

pub(super) struct Pacer {
    queue: Mutex<Queue>,
}

struct Queue {
    schedule: Schedule,
    timer: Option<Timer>,
}

/// A request that is due now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due {
    /// Since the clock started.
    pub(super) at: Duration,
    /// Whether somebody was free when it became due, so that any delay is the generator's.
    pub(super) was_awaited: bool,
}

impl Pacer {
    pub(super) fn new(schedule: Schedule) -> Self {
        let timer = None;
        Self {
            queue: Mutex::new(Queue { schedule, timer }),
        }
    }

    /// Whether everything that the plan has was taken.
    pub(super) async fn is_over(&self) -> bool {
        self.queue.lock().await.schedule.is_over()
    }

    /// How much of the measured time waits.
    pub(super) async fn waiting(
        &self,
        now: Duration,
        warm_up: Duration,
        recorder: &Recorder,
    ) -> u64 {
        let Queue { schedule, .. } = &mut *self.queue.lock().await;
        schedule.catch_up(now);
        let dropped = schedule.dropped().filter(|at| *at >= warm_up).count();
        recorder.with(|tape| tape.dropped += dropped as u64);
        schedule.waiting().filter(|at| *at >= warm_up).count() as u64
    }

    /// Gives up what still waits, and counts it as dropped.
    pub(super) async fn give_up(&self, now: Duration, warm_up: Duration, recorder: &Recorder) {
        let mut queue = self.queue.lock().await;
        let given_up = queue.schedule.give_up(now).filter(|at| *at >= warm_up);
        let count = given_up.count() as u64;
        recorder.with(|tape| tape.dropped += count);
    }

    /// Waits for what is due next; `None` when nothing more comes. Arrivals that were dropped
    /// in the measured time are put down on the way.
    pub(super) async fn next(
        &self,
        begin: Instant,
        warm_up: Duration,
        recorder: &Recorder,
    ) -> Option<Due> {
        let mut queue = self.queue.lock().await;
        let Queue { schedule, timer } = &mut *queue;
        let now = begin.elapsed();
        let at = schedule.take(now);
        let dropped = schedule.dropped().filter(|at| *at >= warm_up).count();
        if dropped > 0 {
            recorder.with(|tape| tape.dropped += dropped as u64);
        }
        let at = at?;
        let was_awaited = at > now;
        if was_awaited {
            let timer = timer.get_or_insert_with(Timer::new);
            timer.until(begin + at).await;
        }
        Some(Due { at, was_awaited })
    }
}
