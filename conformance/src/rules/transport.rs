//! Rules on HTTP itself: JSON, paths, methods, connections.

use acp_reports::Level::{Must, Should};

use super::looks::{TOO_DEEP, answered, settle, status_is};
use crate::drive::FOREIGN_ORIGIN;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::json;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;
use crate::wire::{Answer, End};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "transport.json-content-type",
        level: Must,
        feature: Core,
        clause: "JSON answers carry `Content-Type: application/json` (or a `+json` type).",
        source: "RFC 9110, 8.3; P1",
        why: "Clients choose their parser by the content type; many refuse to parse anything else.",
        mend: "Answer through the framework's JSON response, in error handlers too.",
        reads: Topic::ALL,
        judge: json_content_type,
    },
    Rule {
        id: "transport.json-is-valid",
        level: Must,
        feature: Core,
        clause: "Every JSON body is one valid UTF-8 JSON text, without duplicate keys, NaN or Infinity.",
        source: "RFC 8259; RFC 7493, 2.3",
        why: "A body that parsers read differently, or not at all, breaks some of the clients.",
        mend: "Serialise with a strict encoder (in Python: `allow_nan=False`), once, as UTF-8.",
        reads: Topic::ALL,
        judge: json_is_valid,
    },
    Rule {
        id: "transport.unknown-path-404",
        level: Must,
        feature: Core,
        clause: "An unknown path answers 404.",
        source: "P3; RFC 9110, 15.5.5",
        why: "A client that mistypes a path, or looks for an optional endpoint, must be able to tell.",
        mend: "Remove the catch-all route, or let it answer 404.",
        reads: &[Topic::UnknownPath],
        judge: unknown_path_404,
    },
    Rule {
        id: "transport.wrong-method-405",
        level: Should,
        feature: Core,
        clause: "A known path with another method answers 405 with `Allow`.",
        source: "RFC 9110, 15.5.6",
        why: "Without `Allow` a client cannot tell a wrong method from a wrong path.",
        mend: "Register paths with their methods, and let the framework answer 405 with `Allow`.",
        reads: &[Topic::WrongMethod],
        judge: wrong_method_405,
    },
    Rule {
        id: "transport.head",
        level: Should,
        feature: Core,
        clause: "`HEAD` works wherever `GET` does, without a body.",
        source: "RFC 9110, 9.1 and 9.3.2",
        why: "Load balancers and monitors probe with `HEAD`, and take 405 for an outage.",
        mend: "Route `HEAD` to the handlers of `GET`; most frameworks have a switch for it.",
        reads: &[Topic::Documents, Topic::Head],
        judge: head,
    },
    Rule {
        id: "transport.cors-not-reflected",
        level: Should,
        feature: Core,
        clause: "No foreign `Origin` is echoed together with `Access-Control-Allow-Credentials: true`.",
        source: "seed (production checklist); Fetch standard, 3.3",
        why: "Any web page could then use the agent with its visitor's credentials.",
        mend: "List the origins that are trusted, or do not allow credentials.",
        reads: &[Topic::Cors],
        judge: cors_not_reflected,
    },
    Rule {
        id: "transport.keep-alive",
        level: Should,
        feature: Core,
        clause: "Several requests can share one connection.",
        source: "RFC 9112, 9.3",
        why: "A connection a request costs a handshake each time, and pooled clients see resets.",
        mend: "Do not close connections after an answer; send exact lengths.",
        reads: &[Topic::KeepAlive],
        judge: keep_alive,
    },
];

/// The paths whose successes are JSON by the profile.
fn is_document(ask: &Ask) -> bool {
    let path = ask.exchange.request.path.as_str();
    matches!(
        path,
        "/auth" | "/schema" | "/capabilities" | "/config" | "/invoke"
    )
}

fn is_json_type(answer: &Answer) -> bool {
    answer
        .media_type()
        .is_some_and(|media| media == "application/json" || media.ends_with("+json"))
}

/// Answers that are JSON, or by the profile should be.
fn json_answer(ask: &Ask) -> Option<&Answer> {
    let answer = ask
        .answer()
        .filter(|_| ask.has_body() && !ask.is_stream())?;
    let is_due = answer.is_success() && is_document(ask);
    let is_object = || {
        ask.json()
            .is_some_and(|body| body.is_object() || body.is_array())
    };
    (is_due || is_json_type(answer) || is_object()).then_some(answer)
}

fn json_content_type(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.all(), |ask| match json_answer(ask) {
        None => Look::Beside,
        Some(answer) if is_json_type(answer) => Look::Fine,
        Some(answer) => {
            let got = answer.header("content-type").unwrap_or("no Content-Type");
            Look::flaw("JSON under another content type", "application/json", got)
        }
    })
}

fn json_is_valid(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.all(), |ask| {
        let Some(answer) = json_answer(ask).filter(|_| ask.exchange.end == End::Complete) else {
            return Look::Beside;
        };
        // Requests say that they take none: `Accept-Encoding: identity`.
        let coding = answer.header("content-encoding").unwrap_or("identity");
        if !coding.trim().eq_ignore_ascii_case("identity") {
            return Look::flaw(
                "a JSON body that is coded, though no coding is accepted",
                "no Content-Encoding",
                format!("Content-Encoding: {coding}"),
            );
        }
        match json::check(&answer.body) {
            Ok(()) => Look::Fine,
            Err(problem) if json::is_depth(&problem) => Look::missing(TOO_DEEP),
            Err(problem) => Look::flaw(
                "a JSON body that is not valid",
                "one UTF-8 JSON text (RFC 8259), each key once",
                problem,
            ),
        }
    })
}

fn unknown_path_404(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::UnknownPath), |ask| {
        status_is(ask, &[404], "a path that is not there does not answer 404")
    })
}

fn wrong_method_405(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::WrongMethod), |ask| {
        settle(answered(ask).map(|answer| {
            let allow = answer.header("allow").unwrap_or("");
            if answer.status == 405 && !allow.trim().is_empty() {
                return Look::Fine;
            }
            let allow = if allow.is_empty() {
                "no Allow"
            } else {
                "Allow"
            };
            let got = format!("{}, {allow}", answer.status);
            Look::flaw("a wrong method is not told so", "405 with Allow", got)
        }))
    })
}

fn head(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.at(Topic::Head, Step::Main), |ask| {
        let got = evidence.one(Topic::Head, Step::Baseline, ask.about.key);
        let Some(get) = got.and_then(Ask::answer).filter(|get| get.is_success()) else {
            return Look::Beside;
        };
        settle(answered(ask).map(|answer| {
            if answer.status != get.status {
                let expected = format!("{}, as GET", get.status);
                return Look::flaw(
                    "HEAD answers otherwise than GET",
                    expected,
                    show::answer(answer),
                );
            }
            if answer.surplus > 0 {
                let got = format!("{} bytes after the head", answer.surplus);
                return Look::flaw("HEAD is answered with a body", "no body", got);
            }
            Look::Fine
        }))
    })
}

fn cors_not_reflected(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::Cors), |ask| {
        settle(answered(ask).map(|answer| {
            let origin = answer.header("access-control-allow-origin").unwrap_or("").trim();
            let credentials = answer.header("access-control-allow-credentials").unwrap_or("");
            if origin == FOREIGN_ORIGIN && credentials.trim() == "true" {
                return Look::flaw(
                    "a foreign origin is trusted with credentials",
                    "no echo of Origin together with credentials",
                    format!("Access-Control-Allow-Origin: {origin}, Access-Control-Allow-Credentials: true"),
                );
            }
            Look::Fine
        }))
    })
}

fn keep_alive(evidence: &Evidence) -> Judgement {
    const REQUESTS: usize = 3;
    let asks: Vec<&Ask> = evidence.of(Topic::KeepAlive).collect();
    let mut tally = Tally::new(evidence);
    for (index, ask) in asks.iter().copied().enumerate() {
        let is_last = index + 1 == asks.len();
        let look = if let Err(look) = answered(ask) {
            look
        } else if ask.exchange.end != End::Complete {
            Look::flaw(
                "an answer on a shared connection is broken",
                "a whole answer",
                show::end(&ask.exchange.end),
            )
        } else if let Some(surplus @ 1..) = ask.answer().map(|answer| answer.surplus) {
            Look::flaw(
                "more than its answer follows a request on a shared connection",
                "one answer to each request",
                format!("{surplus} bytes that belong to no answer"),
            )
        } else if is_last && asks.len() < REQUESTS {
            Look::flaw(
                "the agent does not keep the connection",
                format!("{REQUESTS} answers on one connection"),
                format!("it is closed after {}", asks.len()),
            )
        } else {
            Look::Fine
        };
        tally.look(ask, look);
    }
    tally.judgement()
}
