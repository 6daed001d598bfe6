//! What ends a run before its end: the user, or the time that it may take in all.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::driver::Stop;
use crate::deadline::Deadline;

/// How long at least there is for judging what was gathered, whatever the budget is.
const JUDGING: Duration = Duration::from_secs(5);

/// Watched by all that waits for an agent, and by all that takes long by itself.
#[derive(Clone, Debug)]
pub struct Halt {
    interrupted: CancellationToken,
    halted: CancellationToken,
    budget: Duration,
    end: Deadline,
}

impl Halt {
    /// Halts when the user does, or when told that the budget is used up.
    #[must_use]
    pub fn new(interrupted: &CancellationToken, budget: Duration) -> Self {
        Self {
            interrupted: interrupted.clone(),
            halted: interrupted.child_token(),
            budget,
            end: Deadline::within(budget),
        }
    }

    /// Runs something to its end; it is told when its time is up, and is to come to its end then.
    pub async fn within_budget<T>(&self, running: impl Future<Output = T>) -> T {
        tokio::pin!(running);
        tokio::select! {
            done = &mut running => return done,
            () = tokio::time::sleep(self.budget) => self.halted.cancel(),
        }
        running.await
    }

    /// Waits until no more is to be asked.
    pub async fn cancelled(&self) {
        self.halted.cancelled().await;
    }

    /// Why no more is to be asked, if so.
    #[must_use]
    pub fn why(&self) -> Option<Stop> {
        if self.interrupted.is_cancelled() {
            return Some(Stop::Interrupted);
        }
        // Who computes keeps the timer waiting.
        let is_over = self.halted.is_cancelled() || self.end.is_over();
        is_over.then_some(Stop::OutOfTime(self.budget))
    }

    /// Until when cases may be made.
    #[must_use]
    pub fn for_making(&self) -> Deadline {
        self.end.clone().or_told(&self.interrupted)
    }

    /// Until when what was gathered may be judged. What is under way when the user interrupts is
    /// left; what was found is judged all the same, but not for long.
    #[must_use]
    pub fn for_judging(&self) -> Deadline {
        match self.interrupted.is_cancelled() {
            true => Deadline::within(JUDGING),
            false => {
                let end = self.end.clone().but_at_least(JUDGING);
                end.or_told(&self.interrupted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_is_told_so_and_still_yields() {
        let halt = Halt::new(&CancellationToken::new(), Duration::ZERO);
        let running = async {
            halt.cancelled().await;
            halt.why()
        };
        let why = halt.within_budget(running).await.expect("a reason");
        assert_eq!(why, Stop::OutOfTime(Duration::ZERO));
        assert!(why.to_string().contains("--budget"));
    }

    #[test]
    fn what_was_gathered_has_some_time_to_be_judged_even_when_there_is_none_left() {
        let user = CancellationToken::new();
        let halt = Halt::new(&user, Duration::ZERO);
        assert!(halt.for_making().is_over());
        let under_way = halt.for_judging();
        assert!(!under_way.is_over());
        user.cancel();
        assert!(under_way.is_over());
        assert!(!halt.for_judging().is_over());
    }

    #[tokio::test]
    async fn a_user_who_interrupts_comes_first() {
        let user = CancellationToken::new();
        let halt = Halt::new(&user, Duration::from_secs(600));
        assert_eq!(halt.why(), None);
        user.cancel();
        halt.within_budget(halt.cancelled()).await;
        assert_eq!(halt.why(), Some(Stop::Interrupted));
    }
}
