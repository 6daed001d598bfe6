//! What is asked of a limit, and what is seen of it.

use std::time::Duration;

use acp_reports::load::{Algorithm, Scope};

use super::super::told::{self, State, Wait};
use crate::wire::Answer;

/// Who asks: one of our addresses, with one of our keys, each by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Client {
    /// The number of the address.
    pub address: usize,
    /// The number of the key.
    pub key: usize,
}

/// What there is to ask with.
#[derive(Clone, Copy, Debug)]
pub struct Means {
    /// How many addresses we have; at least one.
    pub addresses: usize,
    /// How many keys we have; none for an agent that asks for none.
    pub keys: usize,
    /// So many requests in a row that are admitted make it no limit.
    pub most: u64,
    /// So long a row may take.
    pub row: Duration,
    /// So long is waited for service to return.
    pub patience: Duration,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken from the allowance.
    Admitted,
    /// It was refused for there being too many.
    Refused,
    /// Neither can be said of it.
    Other,
}

impl Outcome {
    /// What a status code shows; 0 is no answer.
    #[must_use]
    pub fn of(status: u16) -> Self {
        match status {
            429 | 503 => Self::Refused,
            // Neither is taken from an allowance for sure.
            0 | 401 | 403 | 404 => Self::Other,
            status if status >= 500 => Self::Other,
            _ => Self::Admitted,
        }
    }
}

/// What an answer's head told of the limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How many are allowed.
    pub limit: Option<u64>,
    /// In how much time.
    pub window: Option<Duration>,
    /// How many more are allowed; hostile and broken agents tell numbers below 0.
    pub remaining: Option<i64>,
    /// In how much time that is to change: at least, and at most, as what is told is rounded.
    pub reset: Option<(Duration, Duration)>,
    /// When to come back.
    pub wait: Wait,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            limit: None,
            window: None,
            remaining: None,
            reset: None,
            wait: Wait::Untold,
        }
    }
}

impl Told {
    /// What a head tells, in whatever form.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        let policy = told::policy(answer);
        let number = |name: &str| -> Option<i64> { answer.header(name)?.trim().parse().ok() };
        let limit = number("x-ratelimit-limit").or_else(|| number("ratelimit-limit"));
        let states = told::states(answer);
        let left = states.first().and_then(|it| it.remaining);
        // Of several policies there is no saying from outside which one was met.
        let policies = answer.all_headers("ratelimit-policy");
        let is_one = policies.flat_map(|line| line.split(',')).count() == 1;
        // Numbers below nothing are no numbers to a polite reader.
        let less = number("x-ratelimit-remaining").or_else(|| number("ratelimit-remaining"));
        Self {
            limit: policy
                .map(|it| u64::from(it.requests))
                .or(limit.and_then(|it| u64::try_from(it).ok())),
            window: policy.filter(|_| is_one).map(|it| it.window),
            remaining: left.and_then(|it| i64::try_from(it).ok()).or(less),
            reset: states.iter().find_map(promised),
            wait: told::wait(answer),
        }
    }
}

/// When there is to be more. Whole seconds are rounded up or down; a time by the clock is told beside another
/// one, each rounded for itself.
fn promised(state: &State) -> Option<(Duration, Duration)> {
    let rounding = match state.field {
        "X-RateLimit-Reset" => Duration::from_secs(2),
        _ => Duration::from_secs(1),
    };
    let reset = state.reset?;
    Some((
        reset.saturating_sub(rounding),
        reset.saturating_add(rounding),
    ))
}

/// One request, and what came of it. Times count from the beginning of the run.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who asked.
    pub client: Client,
    /// Before the first byte was sent.
    pub sent: Duration,
    /// After the answer's head was there: it was judged somewhere between the two.
    pub received: Duration,
    /// What became of it.
    pub outcome: Outcome,
    /// The status code; 0 for none.
    pub status: u16,
    /// What was told.
    pub told: Told,
    /// The row of requests that it belongs to.
    pub row: u32,
}

impl Seen {
    /// That nobody was asked.
    #[must_use]
    pub fn nothing(client: Client, at: Duration) -> Self {
        Self {
            client,
            sent: at,
            received: at,
            outcome: Outcome::Other,
            status: 0,
            told: Told::default(),
            row: 0,
        }
    }

    /// What became of it, where only 429 refuses as it should. The search takes 503 for a refusal, too: that is
    /// what it is, though in the wrong words.
    #[must_use]
    pub fn as_due(&self) -> Outcome {
        match self.status {
            503 => Outcome::Other,
            _ => self.outcome,
        }
    }

    /// How long the answer took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.received.saturating_sub(self.sent)
    }
}

/// Who really asks.
pub trait Probe {
    /// Asks once, not before `at`; at once if that is over. Nothing if the run was ended: then nobody was asked,
    /// and nobody will be.
    fn ask(&mut self, client: Client, at: Duration) -> impl Future<Output = Option<Seen>> + Send;

    /// Is told what is done now, for those who look on.
    fn begins(&mut self, _stage: &str) {}
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// How many requests in a window.
    pub limit: Option<u64>,
    /// The window: the best guess, and where it certainly lies.
    pub window: Option<Duration>,
    /// See `window`.
    pub window_between: Option<(Duration, Duration)>,
    /// How many at once from a full allowance.
    pub burst: Option<u64>,
    /// How requests are counted.
    pub algorithm: Algorithm,
    /// Of a fixed window: whether it begins with its first request.
    pub begins_with_a_request: Option<bool>,
    /// Of a fixed window: a stretch of time in which one ended.
    pub edge: Option<(Duration, Duration)>,
    /// Who is one client.
    pub scope: Scope,
    /// How sure the limit, the window, the algorithm and the scope are, from 0 to 1. Made from how many
    /// looks agree, and how far what was seen lies from what another algorithm would have shown.
    pub sure: [f64; 4],
    /// From the last that was admitted until one was again; and how many were then in a row.
    pub recovery: Option<(Duration, u64)>,
    /// Refusals between requests that were admitted, with no time for anything to come back: as
    /// several workers behind one address show, each of which counts by itself.
    pub interleaved: u64,
    /// Whether service returned only after nothing was asked for a while.
    pub renews: bool,
    /// Who was refused is kept out at least so long, whether the allowance is back or not.
    pub shut: Option<Duration>,
    /// What could not be told, and why.
    pub notes: Vec<String>,
    /// Every request.
    pub log: Vec<Seen>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_policies_no_window_is_told() {
        let of = |line: &str| {
            let answer = crate::made_up::answer(429, &[("ratelimit-policy", line)], "");
            Told::of(&answer).window
        };
        assert_eq!(of("5;w=2"), Some(Duration::from_secs(2)));
        assert_eq!(of("\"a\";q=5;w=2, \"b\";q=100;w=60"), None);
    }
}
