//! What is shown of a rate limit under load.

use super::blocks::{Block, Kind, distributions, share_of};
use super::words::{seconds, sure};
use super::{Algorithm, Fairness, Pressure, RateLimit, Scope};

pub(super) fn of(found: &RateLimit) -> Block {
    let sureness = found.confidence;
    let mut rows = vec![
        ("limit", limit(found)),
        (
            "algorithm",
            format!("{} {}", algorithm(found), sure(sureness.algorithm)),
        ),
        (
            "scope",
            format!("{} {}", scope(found.scope), sure(sureness.scope)),
        ),
    ];
    if let Some(burst) = found.burst {
        rows.push(("burst", format!("{burst} at once from a full allowance")));
    }
    rows.push(("told", told(found)));
    rows.push(("retry-after", retry_after(found)));
    rows.push((
        "excess",
        format!("{} admitted beyond what is told", found.over_admitted),
    ));
    if let Some(recovery) = found.recovery {
        let told = recovery.told_s.map_or("untold".to_owned(), |told| {
            format!("told {}", seconds(told))
        });
        let after = seconds(recovery.after_s);
        let text = format!("after {after} ({told}), {} at once", recovery.at_once);
        rows.push(("recovery", text));
    }
    rows.extend(found.fairness.as_ref().map(|it| ("fairness", fairness(it))));
    rows.extend(found.pressure.as_ref().map(|it| ("pressure", pressure(it))));
    let cost = found.cost;
    let text = format!("{} requests in {}", cost.requests, seconds(cost.duration_s));
    rows.push(("cost", text));
    let table = found.pressure.as_ref().map(|pressure| {
        distributions(&[
            ("admitted", &pressure.admitted_ms),
            ("refused", &pressure.refused_ms),
        ])
    });
    Block {
        kind: Kind::Limit,
        title: "Rate limit",
        rows,
        table,
    }
}

fn limit(found: &RateLimit) -> String {
    let Some(limit) = found.limit else {
        return match found.algorithm {
            Algorithm::None => format!("none met {}", sure(found.confidence.limit)),
            _ => "not found".to_owned(),
        };
    };
    let limit = format!("{limit} {}", sure(found.confidence.limit));
    let window = match (found.window_s, found.window_interval_s) {
        (Some(window), Some([from, to])) => format!(
            "{} (between {} and {})",
            seconds(window),
            seconds(from),
            seconds(to)
        ),
        (Some(window), None) => seconds(window),
        (None, _) => return format!("{limit} in a time that was not found"),
    };
    format!("{limit} in {window} {}", sure(found.confidence.window))
}

fn algorithm(found: &RateLimit) -> &'static str {
    match (found.algorithm, found.window_begins_with_a_request) {
        (Algorithm::FixedWindow, Some(true)) => "a fixed window, from its first request",
        (Algorithm::FixedWindow, Some(false)) => "a fixed window, by the clock",
        (Algorithm::FixedWindow, None) => "a fixed window",
        (Algorithm::SlidingWindow, _) => "a sliding window",
        (Algorithm::TokenBucket, _) => "a token bucket",
        (Algorithm::None, _) => "none",
        (Algorithm::Unknown, _) => "could not be told",
    }
}

fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Address => "for each address",
        Scope::Key => "for each key",
        Scope::Global => "for all together",
        Scope::Unknown => "could not be told",
    }
}

fn told(found: &RateLimit) -> String {
    let Some(told) = &found.told else {
        return "nothing".to_owned();
    };
    let window = told
        .window_s
        .map_or(String::new(), |window| format!(" in {}", seconds(window)));
    let rest = match told.remaining_truthful {
        Some(true) => "; what is left is told truly",
        Some(false) => "; what is left is NOT told truly",
        None => "; not what is left",
    };
    let reset = match told.reset_truthful {
        Some(true) => "; the reset is told truly",
        Some(false) => "; the reset is NOT told truly",
        None => "",
    };
    format!("{}{window}, by {}{rest}{reset}", told.limit, told.by)
}

fn retry_after(found: &RateLimit) -> String {
    let retry_after = found.retry_after;
    if found.algorithm == Algorithm::None {
        return "nobody was refused".to_owned();
    }
    match (retry_after.present, retry_after.truthful) {
        (true, _) if retry_after.checked == 0 => "not checked".to_owned(),
        (false, _) => "missing".to_owned(),
        (true, true) => format!("true ({} checked)", retry_after.checked),
        (true, false) => format!("NOT true ({} checked)", retry_after.checked),
    }
}

fn fairness(fairness: &Fairness) -> String {
    let admitted: Vec<_> = fairness.admitted.iter().map(u64::to_string).collect();
    format!(
        "{:.2} of 1 (Jain); admitted of each client: {}",
        fairness.index,
        admitted.join(", ")
    )
}

fn pressure(pressure: &Pressure) -> String {
    let all = pressure.admitted + pressure.refused + pressure.other;
    let verdict = match pressure.is_too_short() {
        true => "; too short to tell whether the limit holds",
        false => "",
    };
    format!(
        "at {:.1} times the limit for {}: {} admitted (at most {} would be right), {} refused, {} other ({}){verdict}",
        pressure.times,
        seconds(pressure.duration_s),
        pressure.admitted,
        pressure.admissible,
        pressure.refused,
        pressure.other,
        share_of(pressure.other, all)
    )
}

#[cfg(test)]
mod tests {
    use super::super::Told;
    use super::*;

    #[test]
    fn each_thing_that_is_told_falsely_is_said_to_be() {
        let mut found = RateLimit {
            told: Some(Told {
                by: "RateLimit headers".to_owned(),
                limit: 5,
                window_s: Some(2.0),
                remaining_truthful: Some(true),
                reset_truthful: Some(false),
            }),
            ..RateLimit::default()
        };
        assert_eq!(
            told(&found),
            "5 in 2 s, by RateLimit headers; what is left is told truly; the reset is NOT told truly"
        );
        found.algorithm = Algorithm::None;
        assert_eq!(retry_after(&found), "nobody was refused");
    }

    #[test]
    fn what_was_not_found_or_checked_is_not_denied() {
        let mut found = RateLimit::default();
        found.retry_after.present = true;
        assert_eq!(retry_after(&found), "not checked");
        assert_eq!(limit(&found), "not found");
        found.retry_after.checked = 1;
        assert_eq!(retry_after(&found), "NOT true (1 checked)");
        (found.limit, found.confidence.limit) = (Some(5), 0.9);
        let text = limit(&found);
        assert!(text.starts_with("5 (90 % sure) in a time"), "{text}");
    }

    #[test]
    fn as_many_as_may_be_admitted_are_too_few_to_tell() {
        let mut asked = Pressure {
            admitted: 20,
            admissible: 20,
            ..Pressure::default()
        };
        assert!(pressure(&asked).contains("too short to tell"));
        asked.refused = 1;
        assert!(!pressure(&asked).contains("too short to tell"));
    }
}
