//! The drive for rate limits: as many invocations as are allowed, and more; one after the other,
//! late in a window, and many at once, each time from the whole allowance.
//!
//! Without any sign of a limit nothing is asked: thousands of invocations may cost somebody
//! money, and prove nothing.

use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::future;
use tokio::time::Instant;

use super::driver::Driver;
use crate::evidence::{Ask, Step};
use crate::feature::Feature;
use crate::limits::{Limit, Wait, is_admitted, is_refused, wait};
use crate::wire::Request;

/// Nothing longer than this is waited for.
pub const LONGEST: Duration = Duration::from_secs(15);
/// Bounds on one row of invocations. Where the limit is known, [`more_than`] it is enough.
const MOST: usize = 5_000;
const MOST_TIME: Duration = Duration::from_secs(20);
/// How many connections ask at once to see whether they see each other's count.
const TOGETHER: usize = 16;
/// How often a client goes on after a refusal, and asks for the health.
const PRESSES: usize = 8;
/// What is added to a time that is waited out: clocks and ways differ.
const SLACK: Duration = Duration::from_millis(100);
/// How long at least service is waited for, beyond its window.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The keys of what is asked.
pub mod key {
    /// One invocation, to see what is told.
    pub const LOOK: usize = 0;
    /// One after the other, until one is refused.
    pub const BURST: usize = 1;
    /// Some more, and the health between them; under [`Step::After`](crate::evidence::Step::After)
    /// one more after waiting as told.
    pub const PRESSED: usize = 2;
    /// One that opens a window; later in it as many as are admitted; and from then on one now and
    /// again, whatever is told of waiting.
    pub const ROW: usize = 3;
    /// Many at once.
    pub const TOGETHER: usize = 4;
}

/// What is asked with.
struct Asking<'d> {
    driver: &'d Driver<'d>,
    request: Request,
    limit: Option<Limit>,
    asks: Vec<Ask>,
}

pub(super) async fn rate_limit(driver: &Driver<'_>) -> Vec<Ask> {
    let limit = driver.probe.rate_limit();
    let is_likely = driver.probe.is_claimed(Feature::RateLimit)
        || driver.probe.is_found(Feature::RateLimit)
        || limit.is_some();
    if !is_likely {
        return Vec::new();
    }
    let mut asking = Asking {
        driver,
        request: Request::post("/invoke", driver.bank.simple_body()),
        limit,
        asks: Vec::new(),
    };
    asking.tell().await;
    asking.asks
}

impl Asking<'_> {
    async fn tell(&mut self) {
        self.repeat((Step::Setup, key::LOOK, "look what is left"), 1)
            .await;
        if !self
            .asks
            .last()
            .is_some_and(|ask| is_admitted(ask) || is_refused(ask))
        {
            return;
        }
        self.rest().await;
        let note = "one invocation after the other";
        self.repeat((Step::Main, key::BURST, note), self.more_than_allowed())
            .await;
        if !self.asks.last().is_some_and(is_refused) {
            return;
        }
        self.press().await;
        if self.window().is_none_or(|window| window > LONGEST) {
            return;
        }
        self.rest().await;
        self.row().await;
        self.rest().await;
        self.together().await;
    }

    /// The window that is declared, or as long as the first refusal asks to wait.
    fn window(&self) -> Option<Duration> {
        let told = || {
            let refused = self.asks.iter().find(|ask| is_refused(ask))?;
            waiting(refused)
        };
        self.limit.map(|limit| limit.window).or_else(told)
    }

    /// Enough to be refused, whatever the algorithm: twice the limit fits over a window's edge.
    fn more_than_allowed(&self) -> usize {
        let twice = self.limit.map(|limit| 2 * limit.requests as usize + 20);
        twice.unwrap_or(MOST).min(MOST)
    }

    async fn repeat(&mut self, about: (Step, usize, &str), most: usize) {
        let most = AtomicUsize::new(most);
        let until = Instant::now() + MOST_TIME;
        let asks = self
            .driver
            .repeat(about, &self.request, (&most, until), is_refused)
            .await;
        self.asks.extend(asks);
    }

    /// Waits until the whole allowance is back: a window after the last invocation, or as long as
    /// the last refusal says.
    async fn rest(&self) {
        let window = self.window().unwrap_or_default();
        let told = self.asks.last().and_then(waiting).unwrap_or_default();
        let longest = window.max(told);
        if longest <= LONGEST {
            self.driver.pause(longest + SLACK).await;
        }
    }

    /// Goes on after the refusal, and asks for the health; then waits as it was told.
    async fn press(&mut self) {
        for _ in 0..PRESSES {
            self.repeat((Step::Disturb, key::PRESSED, "go on after a refusal"), 1)
                .await;
            let about = (
                Step::Health,
                key::PRESSED,
                "read /health while invocations are refused",
            );
            let health = Request::get("/health");
            let once = (&AtomicUsize::new(1), Instant::now() + MOST_TIME);
            let asked = self.driver.repeat(about, &health, once, |_| true).await;
            // Before the last refusal, whose word on waiting counts from when it came.
            let at = self.asks.len().saturating_sub(1);
            self.asks.splice(at..at, asked);
        }
        let note = "after waiting as the last refusal says";
        let Some(refused) = self.asks.last().filter(|ask| is_refused(ask)) else {
            return;
        };
        let told = match refused.answer().map(wait) {
            Some(Wait::Past) => Some(Duration::ZERO),
            _ => waiting(refused),
        };
        if let Some(told) = told.filter(|told| *told <= LONGEST) {
            self.driver.pause(told + SLACK).await;
            self.repeat((Step::After, key::PRESSED, note), 1).await;
        }
    }

    /// Opens a window, uses up what is left of it late, and asks from then on whether service is
    /// back: for long enough to see it come back three times where a window is half as long.
    async fn row(&mut self) {
        let window = self.window().unwrap_or_default();
        let between = (window / 20).clamp(Duration::from_millis(20), Duration::from_millis(500));
        let about = (Step::Main, key::ROW, "invocations without waiting as told");
        self.repeat(about, 1).await;
        self.driver.pause(window * 3 / 5).await;
        let mut until = Instant::now() + window * 19 / 10;
        let mut was_refused = false;
        let most = self.asks.len() + MOST;
        while Instant::now() < until && self.asks.len() < most && self.driver.stop().is_none() {
            let before = self.asks.len();
            self.repeat(about, self.more_than_allowed()).await;
            if self.asks.len() == before {
                return;
            }
            if !was_refused && self.asks.last().is_some_and(is_refused) {
                was_refused = true;
                until = until.max(Instant::now() + window + PATIENCE);
            }
            self.driver.pause(between).await;
        }
    }

    async fn together(&mut self) {
        let about = (Step::Main, key::TOGETHER, "many invocations at once");
        let most = AtomicUsize::new((self.more_than_allowed() + TOGETHER).min(MOST));
        let until = Instant::now() + MOST_TIME;
        let one = |_| {
            self.driver
                .repeat(about, &self.request, (&most, until), is_refused)
        };
        let all = future::join_all((0..TOGETHER).map(one)).await;
        self.asks.extend(all.into_iter().flatten());
    }
}

/// How long an answer asks to wait.
fn waiting(ask: &Ask) -> Option<Duration> {
    match wait(ask.answer()?) {
        Wait::After(told) => Some(told),
        _ => None,
    }
}
