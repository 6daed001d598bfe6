//! Whether what the heads of answers tell of the allowance is true to what is admitted.

use std::time::Duration;

use super::rate_limit::{row, unmeasured};
use super::rate_limit_found::measured;
use crate::drive::rate_limit::key;
use crate::evidence::{Ask, Evidence};
use crate::limits::{Counting, Limit, Returned, State, is_admitted, is_refused, states};
use crate::rule::{Judgement, Look, Tally};

/// Told times are whole seconds, rounded either way; and clocks and ways differ.
const ROUNDING: Duration = Duration::from_secs(1);
const SLACK: Duration = Duration::from_millis(200);

pub(super) fn headers(evidence: &Evidence) -> Judgement {
    let burst = row(evidence, key::BURST);
    let Some(first) = burst.first() else {
        return unmeasured(evidence);
    };
    let mut tally = Tally::new(evidence);
    let told = first.answer().map(states).unwrap_or_default();
    if told.is_empty() {
        let expected = "RateLimit, or X-RateLimit-Remaining";
        let got = "no such field";
        tally.look(
            first,
            Look::flaw("no header tells what is left", expected, got),
        );
        return tally.judgement();
    }
    let measured = measured(evidence);
    let counting = measured
        .as_ref()
        .map_or(Counting::Unclear, |it| it.counting);
    let limit = evidence.probe.rate_limit();
    let limit = limit.or_else(|| measured.as_ref()?.limit());
    for field in told.iter().map(|state| state.field) {
        count_down(&mut tally, field, &burst, (limit, counting));
        if let Some(limit) = limit {
            for returned in Returned::all(&row(evidence, key::SEARCH)) {
                resets(&mut tally, field, &returned, (limit, counting));
            }
        }
    }
    tally.judgement()
}

fn state(ask: &Ask, field: &str) -> Option<State> {
    let states = states(ask.answer()?);
    states.into_iter().find(|state| state.field == field)
}

fn remaining(ask: &Ask, field: &str) -> Option<u64> {
    state(ask, field)?.remaining
}

/// What is left falls by one with each request, and is nothing before the first refusal.
fn count_down(
    tally: &mut Tally<'_>,
    field: &str,
    burst: &[&Ask],
    (limit, counting): (Option<Limit>, Counting),
) {
    for pair in burst.windows(2) {
        let [before, after] = pair else {
            continue;
        };
        let Some(left) = remaining(before, field).filter(|_| is_admitted(before)) else {
            continue;
        };
        if is_refused(after) {
            let look = match left {
                0 => Look::Fine,
                _ => Look::flaw(
                    format!("{field} tells of more than is admitted"),
                    "0 before a refusal",
                    format!("{left}, and the next is refused"),
                ),
            };
            tally.look(before, look);
            continue;
        }
        let Some(then) = remaining(after, field) else {
            continue;
        };
        let time = after.exchange.began + after.exchange.elapsed - before.exchange.began;
        let look = match limit {
            _ if left.checked_sub(1) == Some(then) => Look::Fine,
            // A new window.
            Some(limit) if then + 1 == u64::from(limit.requests) && then >= left => Look::Fine,
            Some(limit) if then >= left && flows(counting, limit, time) >= then + 1 - left => {
                Look::Fine
            }
            _ => Look::flaw(
                format!("{field} does not fall by one with each invocation"),
                left.checked_sub(1)
                    .map_or("a refusal after 0".to_owned(), |wanted| {
                        format!("{wanted} after {left}")
                    }),
                format!("{then}"),
            ),
        };
        tally.look(after, look);
    }
}

/// How much may have come back within some time.
fn flows(counting: Counting, limit: Limit, time: Duration) -> u64 {
    match counting {
        Counting::FixedWindow { .. } => 0,
        // Without a refusal there is no telling; an allowance that never ends is no bucket's.
        Counting::Unclear => 0,
        Counting::TokenBucket | Counting::SlidingWindow => {
            let rate = f64::from(limit.requests) / limit.window.as_secs_f64();
            (time.as_secs_f64() * rate).ceil() as u64
        }
    }
}

/// The time to the reset, as the last admitted request is told it, is when service is back: to
/// the second for a fixed window; else it is at most a window.
fn resets(
    tally: &mut Tally<'_>,
    field: &str,
    returned: &Returned<'_>,
    (limit, counting): (Limit, Counting),
) {
    let last = returned.last;
    let Some(told) = state(last, field).and_then(|state| state.reset) else {
        return;
    };
    let began = last.exchange.began;
    let ended = began + last.exchange.elapsed;
    let flaw = |got: String| {
        Look::flaw(
            format!("the reset that goes with {field} is not when there is more"),
            format!(
                "the seconds until there is more, at most {:?}",
                limit.window
            ),
            got,
        )
    };
    let look = match counting {
        _ if told > limit.window + ROUNDING => flaw(format!("{told:?}")),
        Counting::FixedWindow { .. } if ended + told + SLACK + ROUNDING < returned.from => {
            flaw(format!(
                "{told:?}, and it is still refused {:.1?} later",
                returned.from - ended
            ))
        }
        Counting::FixedWindow { .. } if began + told > returned.to + SLACK + ROUNDING => {
            flaw(format!(
                "{told:?}, and it is back after {:.1?}",
                returned.to.saturating_sub(began)
            ))
        }
        _ => Look::Fine,
    };
    tally.look(last, look);
}
