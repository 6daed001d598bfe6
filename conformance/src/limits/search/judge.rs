//! What answers told of a limit, held against what came of it.

use std::time::Duration;

use acp_reports::load::{Defect, RetryAfter};

use super::super::told::Wait;
use super::looks::{Found, Outcome, Seen};
use super::promises;

/// Allowed for ways and clocks when times are compared.
pub(super) const SLACK: Duration = Duration::from_millis(60);
/// `Retry-After` counts whole seconds.
pub(super) const ROUNDING: Duration = Duration::from_secs(1);

/// What is true of what was told.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// Of `Retry-After`.
    pub retry_after: RetryAfter,
    /// Of the number that remains; nothing if none was told.
    pub remaining: Option<bool>,
    /// Of the time until the allowance is back; nothing if none was told, or none could be checked.
    pub reset: Option<bool>,
    /// How long the first refusal said that it would take.
    pub told_wait: Option<Duration>,
    /// How many more are admitted than the limit that is told.
    pub over_admitted: u64,
    /// What is wrong, by name.
    pub defects: Vec<Defect>,
}

/// Holds what was told against what came.
#[must_use]
pub fn judge(found: &Found) -> Truth {
    let mut truth = Truth::default();
    waits(found, &mut truth);
    remaining(found, &mut truth);
    promises::limit(found, &mut truth);
    promises::window(found, &mut truth);
    promises::resets(found, &mut truth);
    promises::shut(found, &mut truth);
    if found.renews {
        let message = "service returned only after nothing was asked for a while: each refused request begins the wait anew";
        push(&mut truth, "refusals-renew-the-wait", message.to_owned(), 0);
    }
    truth
}

pub(super) fn push(truth: &mut Truth, name: &str, message: String, count: usize) {
    truth.defects.push(Defect {
        name: name.to_owned(),
        message,
        count: count as u64,
    });
}

/// A refusal, and when service returned to that client.
pub(super) struct Refusal<'s> {
    pub(super) seen: &'s Seen,
    /// It was still refused then, and served then.
    pub(super) still: Duration,
    pub(super) back: Duration,
}

impl Refusal<'_> {
    /// Whether coming back after so long is in time: not while it is still refused.
    fn is_enough(&self, wait: Duration) -> bool {
        self.seen.received + wait + SLACK >= self.still
    }

    /// Whether it was served more than a second before that.
    fn is_long(&self, wait: Duration) -> bool {
        self.seen.sent + wait > self.back + ROUNDING + SLACK
    }

    fn left(&self) -> f64 {
        self.back.saturating_sub(self.seen.sent).as_secs_f64()
    }
}

fn refusals(log: &[Seen]) -> Vec<Refusal<'_>> {
    let refused = |seen: &&Seen| seen.outcome == Outcome::Refused;
    let mut refusals = Vec::new();
    for (at, seen) in log.iter().enumerate().filter(|(_, seen)| refused(seen)) {
        let mut later = log[at..].iter().filter(|it| it.client == seen.client);
        let mut still = seen.sent;
        let back = later.find(|it| {
            if it.outcome == Outcome::Refused {
                still = it.sent;
            }
            it.outcome == Outcome::Admitted
        });
        if let Some(back) = back.map(|it| it.received) {
            refusals.push(Refusal { seen, still, back });
        }
    }
    refusals
}

fn waits(found: &Found, truth: &mut Truth) {
    let refused = found.log.iter().filter(|it| it.outcome == Outcome::Refused);
    let refused: Vec<_> = refused.collect();
    let untold = refused
        .iter()
        .filter(|it| it.told.wait == Wait::Untold)
        .count();
    truth.retry_after.present = !refused.is_empty() && untold == 0;
    truth.told_wait = refused.first().and_then(|seen| match seen.told.wait {
        Wait::After(wait) => Some(wait),
        _ => None,
    });
    if untold > 0 {
        let message = format!("{untold} of {} refusals have no Retry-After", refused.len());
        push(truth, "retry-after-missing", message, untold);
    }
    let before = truth.defects.len();
    let unreadable = unreadable(&refused, truth);
    let mut refusals = refusals(&found.log);
    // Where asking puts off the return, only who came back when told to is right to complain.
    refusals.retain(|it| !found.renews || it.still == it.seen.sent);
    let told: Vec<(&Refusal<'_>, Duration)> = refusals
        .iter()
        .filter_map(|it| match it.seen.told.wait {
            Wait::After(wait) => Some((it, wait)),
            _ => None,
        })
        .collect();
    truth.retry_after.checked = (told.len() + unreadable) as u64;
    too_long(found, &told, truth);
    too_short(&told, truth);
    let is_judged = !told.is_empty() && truth.retry_after.present;
    truth.retry_after.truthful = is_judged && truth.defects.len() == before;
}

/// How many there are that cannot be waited for, whatever comes.
fn unreadable(refused: &[&Seen], truth: &mut Truth) -> usize {
    let texts = refused.iter().filter_map(|seen| match &seen.told.wait {
        Wait::Unreadable(text) => Some(text.as_str()),
        Wait::Past => Some("a time that is over"),
        _ => None,
    });
    let (negative, odd): (Vec<_>, Vec<_>) =
        texts.partition(|text| text.trim().starts_with('-') || *text == "a time that is over");
    if let Some(first) = negative.first() {
        let message = format!("Retry-After is negative or over: {first}");
        push(truth, "retry-after-negative", message, negative.len());
    }
    if let Some(first) = odd.first() {
        let message = format!("Retry-After is neither a number of seconds nor a date: {first}");
        push(truth, "retry-after-unreadable", message, odd.len());
    }
    negative.len() + odd.len()
}

/// Waits that are longer than they need be, by the mistake that they show.
fn too_long(found: &Found, told: &[(&Refusal<'_>, Duration)], truth: &mut Truth) {
    let long: Vec<_> = told.iter().filter(|(it, wait)| it.is_long(*wait)).collect();
    let Some((first, wait)) = long.first() else {
        return;
    };
    let in_millis = |(it, wait): &&&(&Refusal<'_>, Duration)| {
        let meant = *wait / 1000;
        it.is_enough(meant) && it.seen.sent + meant <= it.back + SLACK + meant.mul_f64(0.05)
    };
    let shortest = told.iter().map(|(_, wait)| *wait).min();
    let longest = told.iter().map(|(_, wait)| *wait).max();
    let declared = || found.log.iter().find_map(|seen| seen.told.window);
    let window = found.window.or_else(declared).unwrap_or_default();
    let window = window.as_secs_f64();
    let is_window =
        shortest == longest && (wait.as_secs_f64() - window).abs() <= 1.0 + 0.05 * window;
    let said = format!(
        "Retry-After: {} when service returned after {:.2} s",
        wait.as_secs(),
        first.left()
    );
    if 2 * long.iter().filter(in_millis).count() > long.len() {
        let message = format!("{said}: milliseconds, where seconds are due");
        push(truth, "retry-after-in-milliseconds", message, long.len());
    } else if is_window {
        let message = format!("{said}: always the whole window, not what is left of it");
        push(truth, "retry-after-whole-window", message, long.len());
    } else {
        push(truth, "retry-after-too-long", said, long.len());
    }
}

fn too_short(told: &[(&Refusal<'_>, Duration)], truth: &mut Truth) {
    let short: Vec<_> = told
        .iter()
        .filter(|(it, wait)| !it.is_enough(*wait))
        .collect();
    if let Some((first, wait)) = short.first() {
        let message = format!(
            "Retry-After: {} when service returned only after {:.2} s",
            wait.as_secs(),
            first.left()
        );
        push(truth, "retry-after-optimistic", message, short.len());
    }
}

/// Of each row that ended because of refusals: whether as many came as were promised.
fn remaining(found: &Found, truth: &mut Truth) {
    let tells = |seen: &&Seen| seen.told.remaining.is_some();
    if !found.log.iter().any(|seen| tells(&seen)) {
        return;
    }
    let negative = found
        .log
        .iter()
        .filter(|it| it.told.remaining.is_some_and(|left| left < 0));
    let negative = negative.count();
    let mut wrong = 0;
    let mut example = String::new();
    for row in found
        .log
        .chunk_by(|one, other| one.row == other.row && one.client == other.client)
    {
        let Some(end) = row.iter().position(|it| it.outcome == Outcome::Refused) else {
            continue;
        };
        for (at, seen) in row[..end].iter().enumerate() {
            let came = row[at + 1..end]
                .iter()
                .filter(|it| it.outcome == Outcome::Admitted)
                .count();
            let told = seen.told.remaining.unwrap_or(0);
            if told > i64::try_from(came).unwrap_or(i64::MAX) {
                wrong += 1;
                example = format!("{told} more were promised, and {came} came");
            }
        }
    }
    truth.remaining = Some(wrong == 0 && negative == 0);
    if negative > 0 {
        let message = "the number of requests that remain is told as less than nothing".to_owned();
        push(truth, "remaining-negative", message, negative);
    }
    if wrong > 0 {
        push(truth, "remaining-optimistic", example, wrong);
    }
}
