//! What ends a run before its end: the user, or the time that it may take in all.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::driver::Stop;

/// Watched by all that waits for an agent.
#[derive(Clone, Debug)]
pub struct Halt {
    interrupted: CancellationToken,
    halted: CancellationToken,
    budget: Duration,
}

impl Halt {
    /// Halts when the user does, or when told that the budget is used up.
    #[must_use]
    pub fn new(interrupted: &CancellationToken, budget: Duration) -> Self {
        Self {
            interrupted: interrupted.clone(),
            halted: interrupted.child_token(),
            budget,
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
        let is_over = self.halted.is_cancelled();
        is_over.then_some(Stop::OutOfTime(self.budget))
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
