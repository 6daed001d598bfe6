//! Rules on the agent's process: its start, what it heeds, its end.

use std::time::Duration;

use acp_reports::Level::Must;
use serde_json::Value;

use super::played::{life, registrations, sent, settled};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Lifecycle;
use crate::launch::STOP_TIME;
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::scenes::{
    Life, READY_TIME, TOLD_ID, TOLD_TIMEOUT, TOLD_VERSION, TURNING_TIME, key, mark,
};
use crate::show;
use crate::terminal::Kind;
use crate::wire::End;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "lifecycle.env",
        level: Must,
        feature: Lifecycle,
        clause: "`ACP_AGENT_ID` and `ACP_VERSION` are obeyed, and `ACP_PORT` if the command line names no port.",
        source: "seed",
        why: "Containers are told by their environment where to listen and who they are.",
        mend: "Read the variables; what is told on the command line wins over them.",
        reads: &[Topic::Lifetime],
        judge: env,
    },
    Rule {
        id: "lifecycle.ready",
        level: Must,
        feature: Lifecycle,
        clause: "The agent serves within 30 s of its start.",
        source: "seed (start period)",
        why: "An agent that takes longer is killed by its probes, and started again, for ever.",
        mend: "Listen first, and do the rest of the work beside it.",
        reads: &[Topic::Lifetime],
        judge: ready,
    },
    Rule {
        id: "lifecycle.graceful-stop",
        level: Must,
        feature: Lifecycle,
        clause: "On SIGTERM the agent finishes what is in flight, refuses new work, and exits 0 within 10 s.",
        source: "seed (checklist)",
        why: "Each deployment stops every agent once: what it cuts, its users see.",
        mend: "On SIGTERM close the socket, finish what is open, and exit.",
        reads: &[Topic::Lifetime],
        judge: graceful_stop,
    },
    Rule {
        id: "lifecycle.request-timeout",
        level: Must,
        feature: Lifecycle,
        clause: "A request that takes longer than `ACP_REQUEST_TIMEOUT` is answered 504 `TIMEOUT`.",
        source: "seed",
        why: "A client that never hears back waits for ever, and so does everything behind it.",
        mend: "Put a bound on the work, and answer 504 when it is reached.",
        reads: &[Topic::RequestTimeout],
        judge: request_timeout,
    },
];

/// How much later than told a timeout may come.
const TIMEOUT_SLACK: Duration = Duration::from_secs(4);

fn env(evidence: &Evidence) -> Judgement {
    settled(life(evidence, Topic::Lifetime).map(|_| {
        let mut tally = Tally::new(evidence);
        for ask in first_look(evidence) {
            // It answers where it was told to listen.
            tally.look(ask, Look::Fine);
        }
        let told = [
            ("agent_id", "ACP_AGENT_ID", TOLD_ID),
            ("version", "ACP_VERSION", TOLD_VERSION),
        ];
        for ask in evidence.at(Topic::Lifetime, Step::Capabilities) {
            for (name, variable, value) in told {
                let said = ask.json().and_then(|body| body.get(name)?.as_str());
                tally.look(ask, is_heeded(variable, value, said));
            }
            let says_who = ask
                .json()
                .is_some_and(|body| body.get("agent_id").is_some());
            if let Some(call) = registrations(evidence, Topic::Lifetime).next()
                && !says_who
            {
                let body = sent(call).unwrap_or_default();
                let said = body.get("agent_id").and_then(Value::as_str);
                tally.look(call, is_heeded("ACP_AGENT_ID", TOLD_ID, said));
            }
        }
        tally.judgement()
    }))
}

fn is_heeded(variable: &str, value: &str, said: Option<&str>) -> Look {
    match said {
        // It need not say.
        None => Look::Beside,
        Some(said) if said == value => Look::Fine,
        Some(said) => Look::flaw(format!("{variable} is not obeyed"), value, said),
    }
}

fn first_look(evidence: &Evidence) -> impl Iterator<Item = &Ask> {
    evidence
        .at(Topic::Lifetime, Step::Main)
        .filter(|ask| ask.about.key == 0)
}

fn ready(evidence: &Evidence) -> Judgement {
    let Some(life) = evidence.lives.get(&Topic::Lifetime) else {
        return settled(life(evidence, Topic::Lifetime).map(|_| Judgement::Skip(String::new())));
    };
    let mut tally = Tally::new(evidence);
    for ask in first_look(evidence) {
        let look = match life.at(mark::READY) {
            Some(ready) if ready <= READY_TIME => Look::Fine,
            Some(ready) => late(format!("after {ready:.1?}")),
            None => late(life.trouble.clone().unwrap_or_default()),
        };
        tally.look(ask, look);
    }
    match (tally.judgement(), &life.trouble) {
        (Judgement::Inconclusive(_), Some(trouble)) => Judgement::Inconclusive(trouble.clone()),
        (judgement, _) => judgement,
    }
}

fn late(got: String) -> Look {
    let expected = format!("an answer that is no 5xx within {READY_TIME:?} of the start");
    Look::flaw("the agent serves late", expected, got)
}

fn graceful_stop(evidence: &Evidence) -> Judgement {
    let judgement = life(evidence, Topic::Lifetime).and_then(|life| {
        let Some(signalled) = life.at(mark::SIGNALLED) else {
            let why = format!("the agent was not stopped{}", life.saying());
            return Err(Judgement::Inconclusive(why));
        };
        let mut tally = Tally::new(evidence);
        let mut seen = 0;
        let in_flight = evidence.at(Topic::Lifetime, Step::Main);
        for ask in in_flight.filter(|ask| ask.about.key > 0) {
            let ended = ask.exchange.began + ask.exchange.elapsed;
            if ended <= signalled {
                continue;
            }
            seen += 1;
            tally.look(ask, is_finished(ask));
        }
        for ask in evidence.at(Topic::Lifetime, Step::After) {
            tally.look(ask, is_turned_away(ask, signalled));
        }
        for ask in first_look(evidence) {
            tally.look(ask, exits(life, signalled, seen));
        }
        if seen == 0 {
            tally.note(
                "nothing was in flight when SIGTERM came: --feature-param slow-input=JSON helps",
            );
        }
        Ok(tally.judgement())
    });
    settled(judgement)
}

/// Whether what was under way has come to its end: an answer of whatever kind, or a stream with a
/// result.
fn is_finished(ask: &Ask) -> Look {
    let message = "what was in flight at SIGTERM was not finished";
    let expected = "the whole answer";
    if ask.exchange.end != End::Complete || ask.answer().is_none() {
        return Look::flaw(message, expected, show::end(&ask.exchange.end));
    }
    if ask.about.key == key::STREAM && ask.is_stream() {
        let events = ask.stream().events.iter().rev();
        let kinds = events.filter_map(|event| Kind::of(&serde_json::from_str(&event.data).ok()?));
        let last = kinds.into_iter().next();
        if last != Some(Kind::Complete) {
            return Look::flaw(
                message,
                "a stream that ends in complete",
                format!("{last:?}"),
            );
        }
    }
    Look::Fine
}

fn is_turned_away(ask: &Ask, signalled: Duration) -> Look {
    let is_served = ask.answer().is_some_and(|answer| answer.is_success());
    let after = ask.exchange.began.saturating_sub(signalled);
    match is_served && after >= TURNING_TIME {
        true => Look::flaw(
            "new work is taken after SIGTERM",
            "no connection, a reset or 503",
            format!(
                "{} {after:.1?} later",
                ask.answer().map_or(0, |answer| answer.status)
            ),
        ),
        false => Look::Fine,
    }
}

/// How it ended. To die of the very SIGTERM is a way to pass it on, once the work is done; with
/// no work to be seen it may as well be no way at all.
fn exits(life: &Life, signalled: Duration, seen: usize) -> Look {
    let expected = format!("exit code 0 within {STOP_TIME:?} of SIGTERM");
    let Some((at, exit)) = life.exit else {
        let got = format!("it runs on{}", life.saying());
        return Look::flaw("the agent does not end on SIGTERM", expected, got);
    };
    let took = at.saturating_sub(signalled);
    if took > STOP_TIME {
        return Look::flaw(
            "the agent ends late",
            expected,
            format!("{exit} after {took:.1?}"),
        );
    }
    let is_passed_on = exit.signal == Some(15) || exit.code == Some(143);
    match exit.code {
        Some(0) => Look::Fine,
        _ if is_passed_on && seen > 0 => Look::Fine,
        _ if is_passed_on => Look::missing(
            "it dies of SIGTERM, and nothing was in flight that shows whether it would have been \
             finished: give --feature-param slow-input=JSON",
        ),
        _ => Look::flaw(
            "the agent ends with an error on SIGTERM",
            expected,
            format!("{exit}{}", life.saying()),
        ),
    }
}

fn request_timeout(evidence: &Evidence) -> Judgement {
    if evidence.facts.params.slow_input.is_none() {
        let told = "give --feature-param slow-input=JSON";
        return Judgement::Unseen(format!("nobody says what input is slow: {told}"));
    }
    settled(life(evidence, Topic::RequestTimeout).map(|_| {
        crate::rule::each(
            evidence,
            evidence.at(Topic::RequestTimeout, Step::After),
            times_out,
        )
    }))
}

fn times_out(ask: &Ask) -> Look {
    let most = Duration::from_secs(TOLD_TIMEOUT) + TIMEOUT_SLACK;
    let expected = format!("504 TIMEOUT within {most:?}");
    let Some(answer) = ask.answer() else {
        let got = show::end(&ask.exchange.end);
        return Look::flaw("a slow request is not answered", expected, got);
    };
    if ask.exchange.elapsed < Duration::from_secs(TOLD_TIMEOUT) && answer.is_success() {
        return Look::missing("the slow input is not slow");
    }
    let error = ask.json().and_then(|body| body.get("error"));
    let code = error.and_then(|error| error.get("code")?.as_str());
    // Flat, as a dialect has it.
    let code = code.or_else(|| ask.json()?.get("code")?.as_str());
    if answer.status != 504 || !matches!(code, Some("TIMEOUT") | None) {
        let message = "a request past its time is not answered 504 TIMEOUT";
        return Look::flaw(message, expected, show::answer(answer));
    }
    match ask.exchange.elapsed > most {
        true => Look::flaw(
            "a request past its time is answered late",
            expected,
            format!("504 after {:.1?}", ask.exchange.elapsed),
        ),
        false => Look::Fine,
    }
}
