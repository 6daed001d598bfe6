//! What an agent says of its limits: in `/capabilities`, and in the heads of its answers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::evidence::Ask;
use crate::wire::Answer;

/// A number of seconds from here on is a point in time: nobody's window is 30 years long.
const EPOCH: u64 = 1_000_000_000;

/// The longest time that is told, some 30 years: what an agent says beyond that is told as this,
/// since points in time and sums of what it makes up would overflow.
pub const LONGEST: Duration = Duration::from_secs(EPOCH);

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// How many; at least one.
    pub requests: u32,
    /// In how much time; at most [`LONGEST`].
    pub window: Duration,
}

impl Limit {
    fn of(requests: u64, seconds: f64) -> Option<Self> {
        let requests = u32::try_from(requests).ok().filter(|number| *number > 0)?;
        let window = Duration::try_from_secs_f64(seconds).ok()?.min(LONGEST);
        (!window.is_zero()).then_some(Self { requests, window })
    }
}

/// What `/capabilities` declares.
#[must_use]
pub fn declared(capabilities: &Value) -> Option<Limit> {
    let told = capabilities.get("rate_limit")?;
    let requests = told.get("requests")?.as_u64()?;
    Limit::of(requests, told.get("window_seconds")?.as_f64()?)
}

/// What an answer to an invocation declares in `RateLimit-Policy`: the first policy that says
/// both how many and in what time. Of the two forms, the older has the number alone.
#[must_use]
pub(crate) fn announced(ask: &Ask) -> Option<Limit> {
    policy(ask.answer().filter(|_| is_invocation(ask))?)
}

/// The first of an answer's policies that says both how many and in what time.
#[must_use]
pub fn policy(answer: &Answer) -> Option<Limit> {
    let policies = answer.all_headers("ratelimit-policy");
    let mut limits = policies.flat_map(|line| line.split(',')).map(|policy| {
        let requests = parameter(policy, "q").or_else(|| number(policy.split(';').next()?));
        Limit::of(requests?, parameter(policy, "w")? as f64)
    });
    limits.find_map(|limit| limit)
}

fn is_invocation(ask: &Ask) -> bool {
    let request = &ask.exchange.request;
    request.method == "POST" && request.path.starts_with("/invoke")
}

/// Whether an answer shows that there are limits.
#[must_use]
pub(crate) fn shows(ask: &Ask) -> bool {
    ask.answer()
        .is_some_and(|answer| answer.status == 429 || !states(answer).is_empty())
}

/// What the head of one answer says of the allowance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The field's name.
    pub field: &'static str,
    /// How many more are allowed.
    pub remaining: Option<u64>,
    /// In how much time that changes; at most [`LONGEST`].
    pub reset: Option<Duration>,
}

/// All that an answer's head says: by the IETF's draft in its forms, and as everybody has it.
#[must_use]
pub fn states(answer: &Answer) -> Vec<State> {
    let either = |line: &str, names: [&str; 2]| names.iter().find_map(|name| parameter(line, name));
    let field = |name: &str| number(answer.header(name)?);
    let draft = answer.header("ratelimit").map(|line| State {
        field: "RateLimit",
        remaining: either(line, ["r", "remaining"]),
        reset: either(line, ["t", "reset"]).map(seconds),
    });
    let apart = |field_name, prefix: &str| {
        let remaining = field(&format!("{prefix}-remaining"));
        let reset = field(&format!("{prefix}-reset"));
        (remaining.is_some() || reset.is_some()).then(|| State {
            field: field_name,
            remaining,
            reset: reset.and_then(|reset| from_now(reset, answer)),
        })
    };
    let older = apart("RateLimit-Remaining", "ratelimit");
    let common = apart("X-RateLimit-Remaining", "x-ratelimit");
    [draft, older, common].into_iter().flatten().collect()
}

fn from_now(reset: u64, answer: &Answer) -> Option<Duration> {
    if reset < EPOCH {
        return Some(Duration::from_secs(reset));
    }
    let now = u64::try_from(date(answer.header("date")?)?.as_second()).ok()?;
    // More than a window from now: a number of milliseconds, or of something else.
    let left = reset.saturating_sub(now);
    (left < EPOCH).then_some(Duration::from_secs(left))
}

/// A parameter `name=number` of a structured field.
fn parameter(line: &str, name: &str) -> Option<u64> {
    let mut parts = line
        .split([';', ','])
        .filter_map(|part| part.split_once('='));
    let (_, value) = parts.find(|(known, _)| known.trim() == name)?;
    number(value)
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

fn seconds(told: u64) -> Duration {
    Duration::from_secs(told).min(LONGEST)
}

fn date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
    Some(zoned.timestamp())
}

/// What a refusal says of when to come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Nothing.
    Untold,
    /// What cannot be read.
    Unreadable(String),
    /// At a time that is over.
    Past,
    /// After so long; at most [`LONGEST`].
    After(Duration),
}

/// Reads `Retry-After`: seconds, or a date by the clock that the answer's own `Date` shows.
#[must_use]
pub fn wait(answer: &Answer) -> Wait {
    let Some(told) = answer.header("retry-after") else {
        return Wait::Untold;
    };
    if let Some(seconds) = number(told) {
        return Wait::After(self::seconds(seconds));
    }
    let now = answer.header("date").and_then(date);
    let (Some(then), Some(now)) = (date(told), now) else {
        return Wait::Unreadable(told.to_owned());
    };
    match u64::try_from(then.as_second() - now.as_second()) {
        Ok(seconds) => Wait::After(self::seconds(seconds)),
        Err(_) => Wait::Past,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(fields: &[(&str, &str)]) -> Answer {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Answer {
            status: 200,
            headers: fields.iter().map(owned).collect(),
            body: Vec::new(),
            reads: Vec::new(),
            surplus: 0,
        }
    }

    #[test]
    fn a_limit_is_read_off_the_capabilities() {
        let told = json!({"rate_limit": {"requests": 10, "window_seconds": 1.5}});
        let limit = declared(&told).expect("a limit");
        assert_eq!(limit.requests, 10);
        assert_eq!(limit.window, Duration::from_millis(1500));
        for odd in [json!(0), json!(-1), json!("10"), json!(null)] {
            let told = json!({"rate_limit": {"requests": 10, "window_seconds": odd}});
            assert_eq!(declared(&told), None, "{told}");
        }
    }

    /// Sums of such times would be more than a time can be.
    #[test]
    fn no_time_that_is_told_is_longer_than_can_be_reckoned_with() {
        let ages = answer(&[
            ("Retry-After", "18446744073709551615"),
            ("RateLimit-Policy", "\"a\";q=5;w=18446744073709549568"),
            ("RateLimit", "\"a\";r=0;t=18446744073709551615"),
        ]);
        assert_eq!(wait(&ages), Wait::After(LONGEST));
        assert_eq!(policy(&ages).expect("a policy").window, LONGEST);
        assert_eq!(states(&ages)[0].reset, Some(LONGEST));
        let told = json!({"rate_limit": {"requests": 10, "window_seconds": 1e18}});
        assert_eq!(declared(&told).expect("a limit").window, LONGEST);
    }

    #[test]
    fn what_is_left_is_read_in_each_form() {
        for fields in [
            vec![("RateLimit", "\"invoke\";r=9;t=60")],
            vec![("RateLimit", "limit=10, remaining=9, reset=60")],
            vec![("RateLimit-Remaining", "9"), ("RateLimit-Reset", "60")],
            vec![("X-RateLimit-Remaining", "9"), ("X-RateLimit-Reset", "60")],
            vec![
                ("X-RateLimit-Remaining", "9"),
                ("X-RateLimit-Reset", "1767225660"),
                ("Date", "Thu, 01 Jan 2026 00:00:00 GMT"),
            ],
        ] {
            let states = states(&answer(&fields));
            assert_eq!(states.len(), 1, "{fields:?}");
            assert_eq!(states[0].remaining, Some(9), "{fields:?}");
            assert_eq!(states[0].reset, Some(Duration::from_secs(60)), "{fields:?}");
        }
        assert_eq!(states(&answer(&[("Content-Length", "9")])), []);
    }

    #[test]
    fn a_time_to_come_back_is_a_number_or_a_date() {
        let date = ("Date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let told = |value| wait(&answer(&[date, ("Retry-After", value)]));
        assert_eq!(told("3"), Wait::After(Duration::from_secs(3)));
        let later = "Sun, 06 Nov 1994 08:49:40 GMT";
        assert_eq!(told(later), Wait::After(Duration::from_secs(3)));
        assert_eq!(told("Sun, 06 Nov 1994 07:49:40 GMT"), Wait::Past);
        assert_eq!(told("soon"), Wait::Unreadable("soon".to_owned()));
        assert_eq!(wait(&answer(&[date])), Wait::Untold);
    }
}
