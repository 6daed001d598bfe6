//! What the plan's looks mean.

use std::time::Duration;

use acp_reports::load::{Algorithm, Scope};

use super::bucket;
use super::looks::{Found, Means, Outcome};
use super::rows::{Return, Row, Split, is_admitted};

/// Nobody was refused.
pub(super) fn no_limit(found: &mut Found, row: &Row) {
    let took = row.ended.saturating_sub(row.began).as_secs_f64();
    let asked = row.admitted;
    if asked == 0 {
        let note = "the agent gave no answer from which a limit can be told";
        found.notes.push(note.to_owned());
        return;
    }
    found.algorithm = Algorithm::None;
    // A limit above what was asked cannot be excluded.
    found.sure[2] = 0.9;
    found.sure[0] = 0.9;
    let note = format!(
        "nobody was refused in {asked} requests within {took:.1} s: a limit above that was not met"
    );
    found.notes.push(note);
}

/// All that is known is how many were admitted before the first refusal.
pub(super) fn only_a_limit(found: &mut Found, row: &Row) {
    found.limit = Some(row.admitted);
    found.burst = Some(row.admitted);
    found.sure[0] = 0.5;
}

/// Asking while refused puts off the return of service, so that windows cannot be watched: all that is
/// known is how many there were, twice from a full allowance.
pub(super) fn punished(found: &mut Found, first: &Row, again: u64) {
    only_a_limit(found, first);
    let limit = first.admitted.max(again);
    found.limit = Some(limit);
    found.burst = found.limit;
    found.sure[0] = if first.admitted == again { 0.9 } else { 0.5 };
    let note =
        "whoever is refused is kept out: the window and the algorithm cannot be seen from outside";
    found.notes.push(note.to_owned());
}

/// Who is one client: by whether another address, or another key, was admitted while the first
/// client was refused.
pub(super) fn scope(found: &mut Found, admitted: [Option<bool>; 2], means: &Means) {
    let (scope, sure) = match admitted {
        [Some(true), Some(false)] => (Scope::Address, 0.95),
        [Some(false), Some(true)] => (Scope::Key, 0.95),
        [Some(false), Some(false)] => (Scope::Global, 0.95),
        [Some(true), None] if means.keys == 0 => (Scope::Address, 0.95),
        // A key that all share would look like this too.
        [Some(false), None] if means.keys == 0 => (Scope::Global, 0.95),
        _ => (Scope::Unknown, 0.0),
    };
    (found.scope, found.sure[3]) = (scope, sure);
    const UNCLEAR: &str = "the scope could not be told: whether others have an allowance of their own was not to be seen";
    let note = match admitted {
        [Some(true), Some(true)] => "each pair of an address and a key has an allowance of its own",
        [None, _] if means.addresses > 1 => UNCLEAR,
        [_, None] if means.keys > 1 => UNCLEAR,
        [None, None] => "the scope takes a second address or a second key to tell",
        [Some(false), None] if means.keys > 0 => "the scope takes a second key to tell",
        [None, Some(false)] => "the scope takes a second address to tell",
        [None, Some(true)] => "a second address would tell whether the address counts too",
        [Some(true), None] if means.keys > 0 => {
            "a second key would tell whether the key counts too"
        }
        _ => return,
    };
    found.notes.push(note.to_owned());
}

/// Requests are counted by windows.
pub(super) fn windows(found: &mut Found, first: &Row, splits: &[Split]) {
    let (Some(earliest), Some(split)) = (splits.first(), splits.last()) else {
        return only_a_limit(found, first);
    };
    let limit = 1 + split.rest.admitted;
    found.limit = Some(limit);
    found.burst = Some(limit);
    let is_fixed = !split.slides();
    let margin = (2 * split.back).abs_diff(limit + 1) as f64 / (limit - 1).max(1) as f64;
    let is_resolved = split.apart() >= 0.25;
    found.sure[2] = 0.5 + margin.min(1.0) * if is_resolved { 0.49 } else { 0.2 };
    if split.back == limit || first.admitted == limit {
        found.sure[0] = 1.0;
    } else if !is_fixed && first.admitted + 1 == limit {
        // One may have been asked before, to learn what can be.
        found.sure[0] = 0.9;
    } else {
        // What no second look bears out may be something else altogether.
        found.sure[0] = 0.5;
        found.sure[2] = found.sure[2].min(0.5);
    }
    let whole = earliest.first_of(first);
    found.algorithm = match is_fixed {
        true => Algorithm::FixedWindow,
        false => Algorithm::SlidingWindow,
    };
    let (from, to) = split.window();
    if is_fixed {
        // By the clock, a window that was begun anywhere else than at its beginning is shorter.
        // A row of fewer may have found one that was begun before.
        found.begins_with_a_request = match whole >= from.mul_f64(0.98) {
            true => Some(true),
            false => (first.admitted >= limit).then_some(false),
        };
        found.edge = Some((split.first.from, split.first.to));
        window(found, from, to);
    } else {
        // What slides began with the request itself, which was not before it was sent.
        window(
            found,
            from,
            split.second.to.saturating_sub(split.first.sent),
        );
    }
    if let Some((_, at_once)) = &mut found.recovery {
        *at_once = split.back;
    }
}

fn window(found: &mut Found, from: Duration, to: Duration) {
    found.window = Some((from + to) / 2);
    found.window_between = Some((from, to));
    let wide = to.saturating_sub(from).as_secs_f64() / to.as_secs_f64().max(1e-9);
    // Sure to within five per cent, if the middle cannot be off by more.
    found.sure[1] = if wide <= 0.1 {
        1.0
    } else {
        (0.1 / wide).max(0.1)
    };
}

impl Split {
    /// From the first request of all to its first return.
    fn first_of(&self, row: &Row) -> Duration {
        self.first.to.saturating_sub(row.began)
    }
}

/// Allowance comes back one by one: evenly, as from a bucket, or by an estimate of a window that
/// slides.
pub(super) fn one_by_one(
    found: &mut Found,
    row: &Row,
    next: Return,
    followed_from: usize,
    is_estimate: bool,
) {
    if row.admitted <= 1 {
        found.limit = Some(row.admitted.max(1));
        found.burst = found.limit;
        found.sure[0] = 0.9;
        let (from, to) = token(found, next, followed_from);
        window(found, from, to);
        let note = "with one request at a time, all algorithms look the same";
        found.notes.push(note.to_owned());
        return;
    }
    if is_estimate {
        found.algorithm = Algorithm::SlidingWindow;
        found.sure[2] = 0.9;
        found.limit = Some(row.admitted);
        found.burst = found.limit;
        found.sure[0] = 0.9;
        let (from, to) = token(found, next, followed_from);
        let times = u32::try_from(row.admitted).unwrap_or(u32::MAX);
        window(found, from * times, to * times);
        // Its pace is even within one window alone.
        found.sure[1] = found.sure[1].min(0.5);
        let note = "what slides by an estimate shows its window only roughly";
        found.notes.push(note.to_owned());
        return;
    }
    let fits = fits(found, row);
    let Some(fit) = fits.first() else {
        found.limit = Some(row.admitted);
        found.sure[0] = 0.5;
        let note = "what came back fits no algorithm that is known here";
        found.notes.push(note.to_owned());
        return;
    };
    found.algorithm = Algorithm::TokenBucket;
    found.limit = Some(fit.size);
    found.burst = Some(fit.size);
    let ways = fits.len() as f64;
    found.sure[2] = 0.97;
    found.sure[0] = 1.0 / ways;
    let (from, to) = fit.window();
    window(found, from, to);
}

/// Whether the record from a full row on is one that a bucket leaves.
pub(super) fn is_bucket(found: &Found, row: &Row) -> bool {
    !fits(found, row).is_empty()
}

fn fits(found: &Found, row: &Row) -> Vec<bucket::Fit> {
    let begins = found.log.iter().position(|seen| seen.row == row.number);
    bucket::fits(&found.log[begins.unwrap_or(0)..])
}

/// The time between two that came back: least, and most. Made from the first and the last of those
/// that were refused right before, so that the moment of their return is known.
pub(super) fn token(found: &Found, next: Return, followed_from: usize) -> (Duration, Duration) {
    let mut returns = vec![(0, next.from, next.to)];
    let mut number = 0_u32;
    for pair in found.log[followed_from.saturating_sub(1)..].windows(2) {
        if !is_admitted(&&pair[1]) {
            continue;
        }
        number += 1;
        if pair[0].outcome == Outcome::Refused {
            returns.push((number, pair[0].sent, pair[1].received));
        }
    }
    if returns.len() > 2 {
        returns.remove(0);
    }
    let (Some(first), Some(last)) = (returns.first(), returns.last()) else {
        return (Duration::ZERO, next.to);
    };
    let between = (last.0 - first.0).max(1);
    let least = last.1.saturating_sub(first.2) / between;
    (least, last.2.saturating_sub(first.1) / between)
}
