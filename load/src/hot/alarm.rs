//! Ends what takes too long.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::task::unconstrained;
use tokio::time::Sleep;

use super::Trouble;

/// A deadline, and the timer that watches it.
pub(super) struct Alarm {
    deadline: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    pub(super) fn new() -> Self {
        Self {
            deadline: Instant::now(),
            timer: None,
        }
    }

    /// From now on, this is too late.
    pub(super) fn set(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Waits for `future` until the deadline.
    pub(super) async fn over<F: Future>(&mut self, future: F) -> Result<F::Output, Trouble> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            match self.is_late(cx) {
                true => Poll::Ready(Err(Trouble::TimedOut)),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// The timer stays set from one exchange to the next, and is set anew only when it has gone
    /// off: one for each request would cost more than the rest of the waiting. It is looked at
    /// without regard to tokio's budget for a task: an agent that floods uses that up, and a timer
    /// that is not looked at wakes nobody.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let set = || Box::pin(tokio::time::sleep_until(self.deadline.into()));
        let timer = self.timer.get_or_insert_with(set);
        while pin!(unconstrained(timer.as_mut())).poll(cx).is_ready() {
            if Instant::now() >= self.deadline {
                self.timer = None;
                return true;
            }
            timer.as_mut().reset(self.deadline.into());
        }
        false
    }
}
