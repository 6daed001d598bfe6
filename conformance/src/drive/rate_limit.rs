//! The drive for rate limits: as many invocations as are allowed, and more, one after the other; a search for
//! the limit as if nothing were known of it; and many at once, each time from the whole allowance.
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
use crate::limits::{
    self, Client, Found, Limit, MEANS, Probe, Seen, Wait, find, is_admitted, is_refused, wait,
};
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
    /// The search for the limit, as if nothing were known of it, whatever is told of waiting.
    pub const SEARCH: usize = 3;
    /// Many at once.
    pub const TOGETHER: usize = 4;
}

/// What is asked with.
struct Asking<'d> {
    driver: &'d Driver<'d>,
    request: Request,
    limit: Option<Limit>,
    found: Option<Found>,
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
        found: None,
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
        if self.window().is_some_and(|window| window > LONGEST) {
            return;
        }
        self.rest().await;
        self.search().await;
        self.rest().await;
        self.together().await;
    }

    /// The window that is declared; or as long as the first refusal asks to wait; or the one that was found.
    fn window(&self) -> Option<Duration> {
        let told = || {
            let refused = self.asks.iter().find(|ask| is_refused(ask))?;
            waiting(refused)
        };
        let found = || self.found.as_ref()?.window;
        let declared = self.limit.map(|limit| limit.window);
        declared.or_else(told).or_else(found)
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
    /// the last refusal says; as long as anything is waited for, if there is a limit and no word on it.
    async fn rest(&self) {
        let untold = || self.asks.iter().any(is_refused).then_some(LONGEST);
        let window = self.window().or_else(untold).unwrap_or_default();
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

    /// Searches for the limit as if nothing were known of it.
    async fn search(&mut self) {
        let mut searching = Searching {
            asking: self,
            began: None,
            asked: 0,
        };
        self.found = Some(find(&mut searching, &MEANS).await);
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

/// The search's questions, asked as the drive asks.
struct Searching<'a, 'd> {
    asking: &'a mut Asking<'d>,
    /// When the first of them began, by our clock and since the run's start.
    began: Option<(Instant, Duration)>,
    asked: usize,
}

impl Searching<'_, '_> {
    /// The latest of the questions, as the search sees it.
    fn seen(&self) -> Option<Seen> {
        let (_, origin) = self.began?;
        let ask = self.asking.asks.last()?;
        Some(limits::seen(ask, origin))
    }
}

impl Probe for Searching<'_, '_> {
    async fn ask(&mut self, _: Client, at: Duration) -> Option<Seen> {
        if let Some((began, _)) = self.began {
            let until = (began + at).saturating_duration_since(Instant::now());
            if !until.is_zero() {
                self.asking.driver.pause(until).await;
            }
        }
        let about = (Step::Main, key::SEARCH, "a search for the limit");
        let before = self.asking.asks.len();
        if self.asked < limits::MOST {
            self.asking.repeat(about, 1).await;
        }
        self.asked += 1;
        let new = self
            .asking
            .asks
            .last()
            .filter(|_| self.asking.asks.len() > before);
        // A run that was ended gets no more answers, and so the search comes to its end.
        let ask = new?;
        if self.began.is_none() {
            let (began, took) = (ask.exchange.began, ask.exchange.elapsed);
            self.began = Some((
                Instant::now()
                    .checked_sub(took)
                    .unwrap_or_else(Instant::now),
                began,
            ));
        }
        self.seen()
    }
}

/// How long an answer asks to wait.
fn waiting(ask: &Ask) -> Option<Duration> {
    match wait(ask.answer()?) {
        Wait::After(told) => Some(told),
        _ => None,
    }
}
