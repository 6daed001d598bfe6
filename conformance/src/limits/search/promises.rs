//! Whether the limit, its window and its reset are what answers say that they are.
//!
//! Numbers that are told are whole, and what is seen is blurred: a lie is only what no rounding
//! and no delay explains.

use std::time::Duration;

use acp_reports::load::Algorithm;

use super::super::told::Wait;
use super::judge::{ROUNDING, Refusal, SLACK, Truth, push};
use super::looks::{Client, Found, Outcome, Seen};
use super::rows::is_admitted;

/// A limit or a window that is less sure than this is held against nothing.
const SURE: f64 = 0.9;
const ROUGHLY: f64 = 0.5;

/// Whether as many are admitted as is told.
pub(super) fn limit(found: &Found, truth: &mut Truth) {
    let Some(told) = found.log.iter().find_map(|seen| seen.told.limit) else {
        return;
    };
    if found.limit.is_none() {
        return unapplied(found, told, truth);
    }
    let Some(limit) = found.limit.filter(|_| found.sure[0] >= SURE) else {
        return;
    };
    truth.over_admitted = limit.saturating_sub(told);
    let times = limit / told.max(1);
    if times >= 2 && limit == times * told {
        let message = format!(
            "{limit} are admitted where {told} are told: the limit holds {times} times over, as where each of {times} workers counts by itself"
        );
        push(truth, "limit-times-workers", message, 0);
    } else if limit > told {
        let message = format!("{limit} are admitted where {told} are told");
        push(truth, "over-admission", message, 0);
    } else if limit < told {
        let message = format!("{limit} are admitted where {told} are told");
        push(truth, "under-admission", message, 0);
    }
}

/// Nobody was refused: whether somebody should have been.
fn unapplied(found: &Found, told: u64, truth: &mut Truth) {
    let Some(window) = told_window(found) else {
        return;
    };
    let most = most_within(&found.log, window);
    // Of windows by the clock, and of a bucket, one window's length may hold twice the limit.
    if most <= told.saturating_mul(2) {
        return;
    }
    truth.over_admitted = most - told;
    truth.remaining = truth.remaining.map(|_| false);
    let message = format!(
        "{most} requests are admitted within {} s where {told} are told, and nobody is refused",
        window.as_secs_f64()
    );
    push(truth, "limit-not-applied", message, most as usize);
}

/// How many were certainly admitted within some stretch of this length.
fn most_within(log: &[Seen], window: Duration) -> u64 {
    let admitted: Vec<&Seen> = log.iter().filter(is_admitted).collect();
    let mut first = 0;
    let mut most = 0;
    for (at, seen) in admitted.iter().enumerate() {
        while seen.received.saturating_sub(admitted[first].sent) > window && first < at {
            first += 1;
        }
        most = most.max(at + 1 - first);
    }
    most as u64
}

fn told_window(found: &Found) -> Option<Duration> {
    found.log.iter().find_map(|seen| seen.told.window)
}

/// Whether the window is as long as is told.
pub(super) fn window(found: &Found, truth: &mut Truth) {
    let told = told_window(found).filter(|_| found.sure[1] >= ROUGHLY);
    let (Some(told), Some(between), Some(window)) = (told, found.window_between, found.window)
    else {
        return;
    };
    let mut share = 1.0;
    if found.algorithm == Algorithm::TokenBucket {
        // Of a bucket the rate counts: its size may be another than what comes back in a window.
        let limit = found.limit.filter(|_| found.sure[0] >= SURE);
        let limits = limit.zip(found.log.iter().find_map(|seen| seen.told.limit));
        let Some((limit, told)) = limits else { return };
        share = told as f64 / limit.max(1) as f64;
    }
    let [from, to, middle] = [between.0, between.1, window].map(|it| it.as_secs_f64() * share);
    let (least, most) = whole_seconds(from, to);
    let said = told.as_secs_f64();
    let what =
        format!("the allowance is back after {middle:.2} s, where a window of {said} s is told");
    if most < said {
        if let Some(limit) = found.limit.filter(|_| middle > 0.0) {
            let in_told = (limit as f64 * said / middle).round() as u64;
            truth.over_admitted = truth.over_admitted.max(in_told.saturating_sub(limit));
        }
        push(truth, "window-shorter-than-told", what, 0);
    } else if said < least {
        push(truth, "window-longer-than-told", what, 0);
    }
}

/// What may be told, in whole seconds, of a window that lies between: a window is a number of whole
/// seconds if one fits, and is told as that; any other is rounded, up or down.
fn whole_seconds(from: f64, to: f64) -> (f64, f64) {
    let slack = SLACK.as_secs_f64();
    let (from, to) = (from * 0.98 - slack, to * 1.02 + slack);
    match from.ceil() <= to.floor() {
        true => (from.ceil(), to.floor()),
        false => (from.floor(), to.ceil()),
    }
}

/// Whether the allowance is back when it is told to be.
pub(super) fn resets(found: &Found, truth: &mut Truth) {
    let (mut checked, mut late, mut early) = (0, Vec::new(), Vec::new());
    for told in promises(found) {
        let Some((least, most)) = told.seen.told.reset else {
            continue;
        };
        // A window that slides and a bucket may tell when they are full again.
        let end = match found.algorithm {
            Algorithm::FixedWindow => told.back,
            _ => match found.window_between {
                Some((_, window)) if found.sure[1] > ROUGHLY => {
                    told.seen.received + window.mul_f64(1.05)
                }
                _ => continue,
            },
        };
        checked += 1;
        if told.seen.sent.saturating_add(least) > end + SLACK {
            late.push(told);
        } else if told.seen.outcome == Outcome::Refused
            && told.seen.received.saturating_add(most) + SLACK < told.still
        {
            early.push(told);
        }
    }
    if checked == 0 || found.renews || found.shut.is_some() {
        return;
    }
    truth.reset = Some(late.is_empty() && early.is_empty());
    for (name, wrong) in [("reset-too-late", &late), ("reset-too-early", &early)] {
        let Some(first) = wrong.first() else { continue };
        let told = first
            .seen
            .told
            .reset
            .map_or(0.0, |(least, most)| (least + most).as_secs_f64() / 2.0);
        let message = format!(
            "the reset is told to be {told:.0} s away when service returned after {:.2} s",
            first.back.saturating_sub(first.seen.sent).as_secs_f64()
        );
        push(truth, name, message, wrong.len());
    }
}

/// Each answer to the first client, and when service returned after the refusals that came next.
fn promises(found: &Found) -> Vec<Refusal<'_>> {
    let ours = found.log.iter().filter(|it| it.client == Client::default());
    let ours: Vec<&Seen> = ours.collect();
    let mut promises = Vec::new();
    // From the end: what comes after is known then.
    let (mut back, mut still) = (None, None);
    for (at, seen) in ours.iter().enumerate().rev() {
        let next = ours.get(at + 1);
        match seen.outcome {
            Outcome::Refused if next.is_some_and(|it| it.outcome == Outcome::Admitted) => {
                (back, still) = (next.map(|it| it.received), Some(seen.sent));
            }
            // A row that is not followed by refusals says nothing of when it ends.
            Outcome::Other => (back, still) = (None, None),
            _ => {}
        }
        if let (Some(back), Some(still)) = (back, still) {
            promises.push(Refusal { seen, still, back });
        }
    }
    promises.reverse();
    promises
}

/// Whether who was refused is kept out for longer than the window that is told.
pub(super) fn shut(found: &Found, truth: &mut Truth) {
    let (Some(shut), Some(window)) = (found.shut, told_window(found)) else {
        return;
    };
    if shut > window + ROUNDING + SLACK {
        let message = format!(
            "whoever was refused is kept out for {:.1} s, where a window of {} s is told",
            shut.as_secs_f64(),
            window.as_secs_f64()
        );
        push(truth, "shut-beyond-the-window", message, 0);
    }
}

/// The longest that the latest refusal said it would take: by when to come back, or by the window.
pub(super) fn told_wait(log: &[Seen]) -> Option<Duration> {
    let refused = log.iter().rev().find(|it| it.outcome == Outcome::Refused)?;
    let wait = match refused.told.wait {
        Wait::After(wait) => Some(wait),
        _ => None,
    };
    wait.max(refused.told.window)
}
