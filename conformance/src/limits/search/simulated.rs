//! Limiters of every algorithm, in simulated time, as probes: nothing here waits.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use acp_reports::load::Scope;

use super::super::told::Wait;
use super::looks::{Client, Outcome, Probe, Seen, Told};

/// How a simulated limiter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Windows that begin with their first request.
    FixedByRequest,
    /// Windows by the clock.
    FixedByClock,
    /// A log of what was admitted.
    Log,
    /// An estimate from this window and the one before, by the clock.
    Estimate,
    /// GCRA.
    Bucket,
    /// No limit.
    None,
}

/// How a refusal is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Truth,
    Nothing,
    Milliseconds,
    WholeWindow,
    /// Too short, and then less than nothing.
    OptimisticThenNegative,
}

#[derive(Clone, Debug, Default)]
struct Count {
    began: Option<Duration>,
    used: u64,
    before: u64,
    stamps: VecDeque<Duration>,
    full_at: Duration,
}

/// A limiter.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    pub(super) kind: Kind,
    pub(super) limit: u64,
    pub(super) window: Duration,
    pub(super) scope: Scope,
    pub(super) telling: Telling,
    /// What it tells of its limit.
    pub(super) told_limit: u64,
    /// Whether a refused request begins the wait anew.
    pub(super) renews: bool,
    /// For so long is refused who was refused once; what is refused then is counted or not.
    pub(super) shuts: Option<(Duration, bool)>,
    /// Whether it tells of a limit though there is none.
    pub(super) tells_always: bool,
    /// What it tells of the window, and always of the reset.
    pub(super) told_window: Duration,
    pub(super) reset: Option<Duration>,
    /// When the first request comes, on the limiter's own clock.
    pub(super) phase: Duration,
    /// From sending to judging, at most; and from judging to receiving.
    pub(super) way: Duration,
    counts: HashMap<Client, Count>,
    banned_until: Duration,
    now: Duration,
    random: u64,
    pub(super) asked: u64,
}

impl Limiter {
    pub(super) fn new(kind: Kind, limit: u64, window: Duration) -> Self {
        Self {
            kind,
            limit,
            window,
            scope: Scope::Address,
            telling: Telling::Truth,
            told_limit: limit,
            renews: false,
            shuts: None,
            tells_always: false,
            told_window: window,
            reset: None,
            phase: window.mul_f64(0.37),
            way: Duration::from_micros(600),
            counts: HashMap::new(),
            banned_until: Duration::ZERO,
            now: Duration::ZERO,
            random: 0x9E37_79B9_7F4A_7C15,
            asked: 0,
        }
    }

    /// A share of the longest way: xorshift.
    fn way(&mut self) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = (self.random % 1000) as f64 / 1000.0;
        self.way.mul_f64(0.3 + 0.7 * share)
    }

    fn client(&self, client: Client) -> Client {
        match self.scope {
            Scope::Address => Client { key: 0, ..client },
            Scope::Key => Client {
                address: 0,
                ..client
            },
            Scope::Global => Client::default(),
            Scope::Unknown => client,
        }
    }

    /// Whether it admits a request at `now`; and how long until it would.
    fn take(&mut self, client: Client, now: Duration) -> (bool, Duration, u64) {
        let client = self.client(client);
        let (kind, limit, window) = (self.kind, self.limit, self.window);
        if let Some((_, false)) = self.shuts
            && now < self.banned_until
        {
            return (false, self.banned_until - now, 0);
        }
        let count = self.counts.entry(client).or_default();
        let (admits, left, remaining) = match kind {
            Kind::None => (true, Duration::ZERO, limit),
            Kind::FixedByRequest | Kind::FixedByClock => fixed(count, kind, limit, window, now),
            Kind::Log => log(count, limit, window, now),
            Kind::Estimate => estimate(count, limit, window, now),
            Kind::Bucket => bucket(count, limit, window, now),
        };
        if self.renews && (!admits || now < self.banned_until) {
            self.banned_until = now + window;
            return (false, window, 0);
        }
        let Some((time, _)) = self.shuts else {
            return (admits, left, remaining);
        };
        if now >= self.banned_until && admits {
            return (admits, left, remaining);
        }
        if now >= self.banned_until {
            self.banned_until = now + time;
        }
        (false, self.banned_until - now, 0)
    }

    fn told(&self, admits: bool, left: Duration, remaining: u64) -> Told {
        let seconds =
            |time: Duration| Wait::After(Duration::from_secs(time.as_secs_f64().ceil() as u64));
        let wait = match (admits, self.telling) {
            (true, _) | (_, Telling::Nothing) => Wait::Untold,
            (_, Telling::Truth) => seconds(left),
            (_, Telling::WholeWindow) => seconds(self.window),
            (_, Telling::Milliseconds) => Wait::After(Duration::from_secs(left.as_millis() as u64)),
            (_, Telling::OptimisticThenNegative) => {
                match left.as_secs_f64().floor() as i64 - self.window.as_secs_f64() as i64 / 2 {
                    less @ ..0 => Wait::Unreadable(less.to_string()),
                    more => Wait::After(Duration::from_secs(more.unsigned_abs())),
                }
            }
        };
        let has_limit = self.kind != Kind::None || self.tells_always;
        let tells = self.telling != Telling::Nothing && has_limit;
        Told {
            limit: tells.then_some(self.told_limit),
            window: tells.then_some(self.told_window),
            remaining: tells.then_some(remaining as i64),
            reset: tells.then(|| {
                let told = self.reset.unwrap_or(left).as_secs_f64().ceil();
                let whole = Duration::from_secs(told as u64);
                let second = Duration::from_secs(1);
                (whole.saturating_sub(second), whole + second)
            }),
            wait,
        }
    }
}

fn fixed(
    count: &mut Count,
    kind: Kind,
    limit: u64,
    window: Duration,
    now: Duration,
) -> (bool, Duration, u64) {
    let began = match (kind, count.began) {
        (Kind::FixedByClock, _) => {
            let number = (now.as_nanos() / window.as_nanos()) as u32;
            window * number
        }
        (_, Some(began)) if now < began + window => began,
        _ => now,
    };
    if count.began != Some(began) {
        (count.began, count.used) = (Some(began), 0);
    }
    let admits = count.used < limit;
    count.used += u64::from(admits);
    (admits, began + window - now, limit - count.used)
}

fn log(count: &mut Count, limit: u64, window: Duration, now: Duration) -> (bool, Duration, u64) {
    while count
        .stamps
        .front()
        .is_some_and(|stamp| *stamp + window <= now)
    {
        count.stamps.pop_front();
    }
    let admits = (count.stamps.len() as u64) < limit;
    if admits {
        count.stamps.push_back(now);
    }
    let left = count
        .stamps
        .front()
        .map_or(Duration::ZERO, |stamp| *stamp + window - now);
    (admits, left, limit - count.stamps.len() as u64)
}

fn estimate(
    count: &mut Count,
    limit: u64,
    window: Duration,
    now: Duration,
) -> (bool, Duration, u64) {
    let number = (now.as_nanos() / window.as_nanos()) as u32;
    let began = window * number;
    if count.began != Some(began) {
        let is_next = count.began.is_some_and(|before| before + window == began);
        count.before = if is_next { count.used } else { 0 };
        (count.began, count.used) = (Some(began), 0);
    }
    let into = (now - began).as_secs_f64() / window.as_secs_f64();
    let so_far = count.before as f64 * (1.0 - into) + count.used as f64;
    let admits = so_far + 1.0 <= limit as f64 + 1e-9;
    count.used += u64::from(admits);
    // When the estimate has fallen far enough, if it does so in this window.
    let over = so_far + 1.0 - limit as f64;
    let left = match count.before {
        0 => began + window - now + window / u32::try_from(limit).unwrap_or(1),
        before => window.mul_f64((over / before as f64).max(0.0)),
    };
    let remaining = (limit as f64 - so_far - 1.0).max(0.0);
    (admits, left, remaining as u64)
}

fn bucket(count: &mut Count, limit: u64, window: Duration, now: Duration) -> (bool, Duration, u64) {
    let token = window / limit as u32;
    let full_at = count.full_at.max(now) + token;
    let admits = full_at <= now + token * limit as u32;
    if admits {
        count.full_at = full_at;
    }
    let missing = count.full_at.saturating_sub(now);
    let left = (missing + token).saturating_sub(token * limit as u32);
    let rest = (token * limit as u32).saturating_sub(missing);
    (admits, left, (rest.as_nanos() / token.as_nanos()) as u64)
}

impl Probe for Limiter {
    fn ask(&mut self, client: Client, at: Duration) -> impl Future<Output = Option<Seen>> + Send {
        self.asked += 1;
        let sent = self.now.max(at);
        let judged = sent + self.way();
        let received = judged + self.way();
        self.now = received + Duration::from_micros(20);
        let (admits, left, remaining) = self.take(client, self.phase + judged);
        let outcome = if admits {
            Outcome::Admitted
        } else {
            Outcome::Refused
        };
        let told = self.told(admits, left, remaining);
        std::future::ready(Some(Seen {
            client,
            sent,
            received,
            outcome,
            status: 0,
            told,
            row: 0,
        }))
    }
}

/// Runs what never waits for anything.
pub(super) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("nothing simulated waits"),
    }
}
