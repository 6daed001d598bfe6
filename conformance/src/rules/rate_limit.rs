//! Rules on how many requests are admitted in how much time.

use std::time::Duration;

use acp_reports::Level::{Must, Should};

use super::looks::{answered, settle};
use super::rate_limit_found::{Measured, measured};
use super::rate_limit_headers::headers;
use crate::drive::rate_limit::{LONGEST, PATIENCE, key};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::RateLimit;
use crate::limits::{Counted, Counting, Counts, Limit, Wait, is_admitted, is_refused, wait};
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;

const READS: &[Topic] = &[Topic::Documents, Topic::RateLimit];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "rate-limit.refuses",
        level: Must,
        feature: RateLimit,
        clause: "Past the limit an invocation is answered 429 with the code `RATE_LIMIT_EXCEEDED`.",
        source: "seed; RFC 6585, 4",
        why: "A client can only slow down if it is told that it is too fast.",
        mend: "Answer 429 with the error envelope as soon as the allowance is used up, and for as long as it is.",
        reads: READS,
        judge: refuses,
    },
    Rule {
        id: "rate-limit.retry-after",
        level: Should,
        feature: RateLimit,
        clause: "A 429 carries `Retry-After`, and waiting that long is enough.",
        source: "RFC 9110, 10.2.3",
        why: "A client that is told nothing, or too little, comes back too early, again and again.",
        mend: "Send the seconds until one more is admitted, rounded up.",
        reads: READS,
        judge: retry_after,
    },
    Rule {
        id: "rate-limit.as-declared",
        level: Must,
        feature: RateLimit,
        clause: "What is admitted in a window never exceeds the declared limit, under the algorithm that is found, and reaches it.",
        source: "seed",
        why: "Clients plan by what is declared; whoever pays for the work relies on it.",
        mend: "Judge and count a request in one step; declare what is enforced.",
        reads: READS,
        judge: as_declared,
    },
    Rule {
        id: "rate-limit.recovers",
        level: Must,
        feature: RateLimit,
        clause: "Service returns after the window, also for a client that went on asking.",
        source: "seed",
        why: "A limit that refused requests prolong never ends for a client that retries.",
        mend: "Count what is admitted, not what is refused.",
        reads: READS,
        judge: recovers,
    },
    Rule {
        id: "rate-limit.health-exempt",
        level: Should,
        feature: RateLimit,
        clause: "`/health` still answers 200 while invocations are refused.",
        source: "design",
        why: "An agent that is taken for dead since it is busy is restarted in the midst of its work.",
        mend: "Leave `/health` out of all limits.",
        reads: READS,
        judge: health_exempt,
    },
    Rule {
        id: "rate-limit.headers",
        level: Should,
        feature: RateLimit,
        clause: "`RateLimit` or `X-RateLimit-*` fields tell what is left, true to what is admitted.",
        source: "draft-ietf-httpapi-ratelimit-headers",
        why: "A client that sees how much is left need not be refused at all.",
        mend: "Tell what is left after the request at hand, and the seconds until there is more.",
        reads: READS,
        judge: headers,
    },
];

/// What was asked under a key, in order.
pub(super) fn row(evidence: &Evidence, key: usize) -> Vec<&Ask> {
    let asks = evidence.at(Topic::RateLimit, Step::Main);
    asks.filter(|ask| ask.about.key == key).collect()
}

/// What is told where nothing could be measured.
pub(super) fn unmeasured(evidence: &Evidence) -> Judgement {
    let mut asks = evidence.of(Topic::RateLimit);
    let why = asks.find_map(|ask| match answered(ask) {
        Err(Look::Missing(why)) => Some(why),
        _ => None,
    });
    Judgement::Inconclusive(
        why.unwrap_or_else(|| {
            "nothing was measured: no limit was claimed or seen before".to_owned()
        }),
    )
}

fn refuses(evidence: &Evidence) -> Judgement {
    let bursts = [key::BURST, key::SEARCH, key::TOGETHER].map(|key| row(evidence, key));
    let Some(last) = bursts[0].last() else {
        return unmeasured(evidence);
    };
    let mut tally = Tally::new(evidence);
    if !is_refused(last) {
        tally.look(last, unrefused(evidence, &bursts[0]));
    }
    let pressed = evidence.at(Topic::RateLimit, Step::Disturb);
    let refused = bursts.iter().flatten().copied().chain(pressed);
    for ask in refused.filter(|ask| is_refused(ask)) {
        tally.look(ask, is_told(ask));
    }
    tally.judgement()
}

/// What it means that no invocation of a burst was refused.
fn unrefused(evidence: &Evidence, burst: &[&Ask]) -> Look {
    let Some(limit) = evidence.probe.rate_limit() else {
        return Look::missing(format!(
            "{} invocations in a row were not refused, and no limit is declared",
            burst.len()
        ));
    };
    let counts = Counts::of(limit, Counting::Unclear, burst.iter().copied());
    match counts.over() {
        Some(counted) => Look::flaw(
            "nobody is refused past the limit",
            format!("429 after {} in {:?}", limit.requests, limit.window),
            told(&counted),
        ),
        None => Look::missing(format!(
            "the limit of {} in {:?} could not be exceeded: {} were answered",
            limit.requests,
            limit.window,
            counts.len()
        )),
    }
}

fn told(counted: &Counted<'_>) -> String {
    let Counted {
        admitted, within, ..
    } = counted;
    format!("{admitted} admitted within {within:.1?}")
}

/// Whether a refusal is what it should be.
fn is_told(ask: &Ask) -> Look {
    let Some(answer) = ask.answer() else {
        return Look::Beside;
    };
    let expected = "429 with the code RATE_LIMIT_EXCEEDED";
    if answer.status != 429 {
        let message = "what is past the limit is refused otherwise than with 429";
        return Look::flaw(message, expected, show::answer(answer));
    }
    let places = ["/error/code", "/code", "/detail/code", "/detail/error/code"];
    let mut codes = places
        .iter()
        .filter_map(|at| ask.json()?.pointer(at)?.as_str());
    if codes.any(|code| code == "RATE_LIMIT_EXCEEDED") {
        return Look::Fine;
    }
    let message = "a refusal does not carry the code";
    Look::flaw(message, expected, show::answer(answer))
}

fn retry_after(evidence: &Evidence) -> Judgement {
    let mut refused: Vec<&Ask> = row(evidence, key::BURST);
    refused.extend(evidence.at(Topic::RateLimit, Step::Disturb));
    refused.retain(|ask| ask.answer().is_some_and(|answer| answer.status == 429));
    let Some(last) = refused.last() else {
        return unmeasured(evidence);
    };
    let mut tally = Tally::new(evidence);
    for ask in &refused {
        tally.look(ask, says_when(ask));
    }
    let waited = evidence.one(Topic::RateLimit, Step::After, key::PRESSED);
    match (waited, last.answer().map(wait)) {
        (Some(ask), _) => tally.look(ask, is_back(ask)),
        (None, Some(Wait::After(told))) if told > LONGEST => tally.look(
            last,
            Look::missing(format!(
                "Retry-After asks for {told:?}, and nothing longer than {LONGEST:?} is waited for: start the agent with a shorter window"
            )),
        ),
        _ => {}
    }
    tally.judgement()
}

fn says_when(ask: &Ask) -> Look {
    let expected = "Retry-After: seconds, or a date to come";
    let flaw = |message, got: String| Look::flaw(message, expected, got);
    match ask.answer().map(wait) {
        None | Some(Wait::After(_)) => Look::Fine,
        Some(Wait::Untold) => flaw(
            "a refusal does not say when to come back",
            "no Retry-After".to_owned(),
        ),
        Some(Wait::Unreadable(text)) => flaw("`Retry-After` cannot be read", text),
        Some(Wait::Past) => flaw(
            "`Retry-After` is a time that is over",
            "a date in the past".to_owned(),
        ),
    }
}

fn is_back(ask: &Ask) -> Look {
    if is_admitted(ask) {
        return Look::Fine;
    }
    settle(
        answered(ask)
            .map(|_| Look::Beside)
            .or_else(|early| match ask.answer() {
                Some(answer) if is_refused(ask) => Ok(Look::flaw(
                    "waiting as long as `Retry-After` says is not enough",
                    "an invocation that is admitted",
                    show::answer(answer),
                )),
                _ => Err(early),
            }),
    )
}

fn as_declared(evidence: &Evidence) -> Judgement {
    let measured = measured(evidence);
    let Some(limit) = evidence.probe.rate_limit() else {
        return Judgement::Unseen(undeclared(evidence, measured.as_ref()));
    };
    let burst = row(evidence, key::BURST);
    let Some(last) = burst.last() else {
        return unmeasured(evidence);
    };
    let counting = measured
        .as_ref()
        .map_or(Counting::Unclear, |it| it.counting);
    let counts = |asks: &[&'_ Ask]| asks.iter().filter(|ask| is_admitted(ask)).count();
    let all = Counts::of(limit, counting, evidence.at(Topic::RateLimit, Step::Main));
    let mut tally = Tally::new(evidence);
    if let Some(counted) = all.over() {
        tally.look(counted.ask, over(&counted, limit, counting));
    }
    let is_measured = limit.window <= LONGEST && is_refused(last);
    if !is_measured && all.over().is_none() {
        return Judgement::Unseen(unmeasurable(limit));
    }
    for key in [key::BURST, key::TOGETHER] {
        let asks = row(evidence, key);
        let Some(last) = asks.last() else {
            continue;
        };
        match Counts::of(limit, counting, asks.iter().copied()).over_from_full() {
            Some(counted) => tally.look(counted.ask, over(&counted, limit, counting)),
            None => tally.look(last, Look::Fine),
        }
    }
    if is_measured && counts(&burst) < limit.requests as usize {
        let message = "an invocation is refused before the limit is reached";
        let expected = format!("{} admitted", limit.requests);
        let got = format!("{} admitted", counts(&burst));
        tally.look(last, Look::flaw(message, expected, got));
    }
    if let Some(measured) = measured {
        let look = measured.difference(limit).unwrap_or(Look::Fine);
        tally.look(measured.last, look);
        let found = measured.told(Some(limit));
        tally.note(format!(
            "found by measuring, as if nothing were declared: {found}"
        ));
    }
    tally.judgement()
}

/// What was measured where nothing is declared that it could be compared with.
fn undeclared(evidence: &Evidence, measured: Option<&Measured<'_>>) -> String {
    let found = match measured {
        Some(measured) => format!("; found by measuring: {}", measured.told(None)),
        None => {
            let burst = row(evidence, key::BURST);
            let admitted = burst.iter().filter(|ask| is_admitted(ask)).count();
            let is_full = burst.last().is_some_and(|last| is_refused(last));
            let told = || format!("; measured: {admitted} are admitted in a row");
            is_full.then(told).unwrap_or_default()
        }
    };
    format!("no limit is declared{found}: say it with --feature-param rate-limit=10/60s")
}

fn unmeasurable(limit: Limit) -> String {
    match limit.window > LONGEST {
        true => format!(
            "the window of {:?} is longer than the {LONGEST:?} that are waited for: start the agent with a shorter one",
            limit.window
        ),
        false => format!(
            "the limit of {} in {:?} could not be reached: see rate-limit.refuses",
            limit.requests, limit.window
        ),
    }
}

fn over(counted: &Counted<'_>, limit: Limit, counting: Counting) -> Look {
    let expected = format!(
        "at most {} within {:.1?}: the limit is {} in {:?}, by {}",
        counted.allowed,
        counted.within,
        limit.requests,
        limit.window,
        counting.name()
    );
    Look::flaw("more is admitted than is declared", expected, told(counted))
}

/// The window that is declared; or as long as the first refusal asks to wait; or the one that is found.
fn window(evidence: &Evidence) -> Option<Duration> {
    let told = || {
        let refused = row(evidence, key::BURST)
            .into_iter()
            .find(|ask| is_refused(ask))?;
        match wait(refused.answer()?) {
            Wait::After(told) => Some(told),
            _ => None,
        }
    };
    evidence
        .probe
        .rate_limit()
        .map(|limit| limit.window)
        .or_else(told)
        .or_else(|| Some(measured(evidence)?.limit()?.window))
}

fn recovers(evidence: &Evidence) -> Judgement {
    let Some(window) = window(evidence) else {
        let why = "no window is declared or told: say it with --feature-param rate-limit=10/60s";
        return Judgement::Unseen(why.to_owned());
    };
    if window > LONGEST {
        return Judgement::Unseen(format!(
            "the window of {window:?} is longer than the {LONGEST:?} that are waited for: start the agent with a shorter one"
        ));
    }
    let row = row(evidence, key::SEARCH);
    let Some(refused) = row.iter().position(|ask| is_refused(ask)) else {
        return unmeasured(evidence);
    };
    let began = |ask: &Ask| ask.exchange.began;
    let since = began(row[refused]) + row[refused].exchange.elapsed;
    let rest = &row[refused..];
    let back = rest.iter().position(|ask| is_admitted(ask));
    // While nobody asked, nobody was refused: the search may have been silent for longer.
    let last = &rest[..back.unwrap_or(rest.len())];
    let refused_for = last.iter().rev().find(|ask| is_refused(ask));
    let refused_for = refused_for.map_or(Duration::ZERO, |ask| began(ask).saturating_sub(since));
    let back = back.map(|at| &rest[at]);
    let mut tally = Tally::new(evidence);
    let Some(ask) = back.or_else(|| rest.last()) else {
        return unmeasured(evidence);
    };
    let waited = began(ask).saturating_sub(since);
    let flaw = |got: String| {
        let expected = format!("an invocation that is admitted within {window:?}");
        Look::flaw("service does not return after the window", expected, got)
    };
    let look = match back {
        Some(_) if refused_for <= window + PATIENCE => Look::Fine,
        Some(_) => flaw(format!("it is back after {waited:.1?}")),
        None if waited > window => flaw(format!(
            "it is refused {waited:.1?} after the first refusal"
        )),
        None => Look::missing("service was not waited for long enough"),
    };
    tally.look(ask, look);
    tally.judgement()
}

fn health_exempt(evidence: &Evidence) -> Judgement {
    let health = evidence.at(Topic::RateLimit, Step::Health);
    let health: Vec<&Ask> = health.collect();
    let status = |ask: &&Ask| ask.answer().map(|answer| answer.status);
    if health.is_empty() {
        return unmeasured(evidence);
    }
    if health.iter().all(|ask| status(ask) == Some(404)) {
        return Judgement::Skip("there is no `/health`".to_owned());
    }
    each(evidence, health.into_iter(), |ask| match ask.answer() {
        Some(answer) if answer.status == 200 => Look::Fine,
        Some(answer) => Look::flaw(
            "the health is not told while invocations are refused",
            "200",
            show::answer(answer),
        ),
        None => settle(answered(ask).map(|_| Look::Beside)),
    })
}
