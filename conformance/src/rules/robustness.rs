//! Rules on what an agent must withstand: bad bodies, big bodies, clients that vanish.

use acp_reports::Level::{Must, Should};

use super::internals;
use super::looks::{answered, is_refused, settle};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::rule::{Judgement, Look, Rule, each};
use crate::show;
use crate::wire::{Answer, End};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "transport.malformed-json-4xx",
        level: Must,
        feature: Core,
        clause: "A body that is not JSON gets 4xx: never 5xx, never 2xx.",
        source: "seed; RFC 8259",
        why: "A 5xx blames the agent and invites retries; a 2xx acts on what was never said.",
        mend: "Parse the body strictly before anything else, and answer 400 if that fails.",
        reads: &[Topic::Discovery, Topic::MalformedJson],
        judge: malformed_json_4xx,
    },
    Rule {
        id: "transport.wrong-content-type-4xx",
        level: Should,
        feature: Core,
        clause: "`/invoke` with `Content-Type: text/plain` gets 415 (or 400, 422).",
        source: "RFC 9110, 15.5.16",
        why: "Browsers send text/plain across origins without asking; taking it opens the agent to forged requests.",
        mend: "Answer 415 unless the content type is application/json.",
        reads: &[Topic::WrongContentType],
        judge: wrong_content_type_4xx,
    },
    Rule {
        id: "transport.no-5xx-on-bad-input",
        level: Must,
        feature: Core,
        clause: "No bad request of any kind makes a 5xx or a dropped connection (501 and 505 aside).",
        source: "seed",
        why: "What a client can break by one request, any client can keep broken for all others.",
        mend: "Find the unhandled error behind the answer, and answer 4xx where the request is at fault.",
        reads: BAD,
        judge: no_5xx_on_bad_input,
    },
    Rule {
        id: "transport.oversized-body-4xx",
        level: Should,
        feature: Core,
        clause: "A body of 16 MiB gets 413 (or another 4xx), and the agent still answers after it.",
        source: "design",
        why: "Without a bound, a few requests use up the agent's memory.",
        mend: "Bound the body's size in the framework or a middleware, and answer 413.",
        reads: &[Topic::Documents, Topic::Oversized],
        judge: oversized_body_4xx,
    },
    Rule {
        id: "transport.no-internals-leak",
        level: Must,
        feature: Core,
        clause: "No error body and no error event holds a stack trace or a path of the agent's machine.",
        source: "design",
        why: "Traces and paths tell an attacker what the agent is made of, and a user nothing.",
        mend: "Log the trace, and answer with a code and a message of your own.",
        reads: Topic::ALL,
        judge: no_internals_leak,
    },
    Rule {
        id: "transport.survives-abort",
        level: Must,
        feature: Core,
        clause: "After clients drop half-sent requests and half-read answers, the agent still answers.",
        source: "design",
        why: "Networks drop connections every day; an agent that stumbles over it needs a restart.",
        mend: "Handle a broken connection as the end of that request alone.",
        reads: &[Topic::Documents, Topic::InvokeValid, Topic::Abort],
        judge: survives_abort,
    },
];

const BAD: &[Topic] = &[
    Topic::Discovery,
    Topic::UnknownPath,
    Topic::WrongMethod,
    Topic::ConfigInvalid,
    Topic::ConfigShapes,
    Topic::ConfigUnknown,
    Topic::InvokeInvalid,
    Topic::InvokeShapes,
    Topic::StreamInvalid,
    Topic::MalformedJson,
    Topic::WrongContentType,
    Topic::BadRequests,
];

fn malformed_json_4xx(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::MalformedJson), |ask| {
        is_refused(
            ask,
            "a body that is not JSON is not refused as the client's fault",
        )
    })
}

fn wrong_content_type_4xx(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::WrongContentType), |ask| {
        is_refused(ask, "a body that is declared to be text is taken for JSON")
    })
}

fn no_5xx_on_bad_input(evidence: &Evidence) -> Judgement {
    let asks = BAD.iter().flat_map(|topic| evidence.of(*topic));
    // The discovery asks with valid input; and a store is made beside the unknown ids.
    let bad = asks.filter(|ask| ask.topic != Topic::Discovery && ask.about.step == Step::Main);
    each(evidence, bad, |ask| {
        let message = "a bad request makes the agent fail";
        match ask.answer() {
            Some(answer) if answer.status >= 500 && !matches!(answer.status, 501 | 505) => {
                Look::flaw(message, "4xx", show::answer(answer))
            }
            Some(_) => Look::Fine,
            None => match &ask.exchange.end {
                End::Cut(_) | End::NotHttp(_) | End::TimedOut => {
                    Look::flaw(message, "an answer", show::end(&ask.exchange.end))
                }
                _ => Look::Beside,
            },
        }
    })
}

fn oversized_body_4xx(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::Oversized), |ask| {
        match ask.about.step {
            Step::Main => is_refused(ask, "a body of 16 MiB is not refused"),
            _ => still_answers(evidence, ask),
        }
    })
}

fn survives_abort(evidence: &Evidence) -> Judgement {
    let after = evidence.at(Topic::Abort, Step::After);
    each(evidence, after, |ask| still_answers(evidence, ask))
}

/// Fine if the agent succeeds where it did before.
fn still_answers(evidence: &Evidence, ask: &Ask) -> Look {
    let request = &ask.exchange.request;
    let mut before = [Topic::Documents, Topic::InvokeValid]
        .into_iter()
        .flat_map(|topic| evidence.of(topic))
        .filter(|known| {
            let known = &known.exchange.request;
            known.method == request.method && known.path == request.path
        });
    if !before.any(|known| known.answer().is_some_and(Answer::is_success)) {
        let path = &request.path;
        return Look::missing(format!("{path} did not answer as it should before either"));
    }
    settle(answered(ask).map(|answer| {
        if answer.is_success() {
            return Look::Fine;
        }
        let message = "the agent no longer answers as before";
        Look::flaw(message, "2xx", show::answer(answer))
    }))
}

fn no_internals_leak(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.all(), |ask| {
        let texts = internals::error_texts(ask);
        if texts.is_empty() {
            let is_error = ask.answer().is_some_and(|answer| answer.is_error());
            return if is_error { Look::Fine } else { Look::Beside };
        }
        let sent = internals::sent(ask);
        match texts.iter().find_map(|text| internals::find(text, &sent)) {
            None => Look::Fine,
            Some(leak) => Look::flaw(
                format!("an error tells {} of the agent", leak.kind),
                "a message without internals",
                leak.excerpt,
            ),
        }
    })
}
