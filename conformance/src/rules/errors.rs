//! Rules on error answers.

use acp_reports::Level::{Must, Should};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::looks::{answered, list, settle};
use crate::cases::Class;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Errors;
use crate::protocol;
use crate::rule::{Judgement, Look, Rule, each};
use crate::show;
use crate::time::rfc3339;
use crate::wire::{Answer, End};

/// Codes and the status that each goes with (seed, and the profile's section 4).
const CODES: &[(&str, u16)] = &[
    ("INVALID_INPUT", 400),
    ("CONFIG_NOT_FOUND", 404),
    ("RATE_LIMIT_EXCEEDED", 429),
    ("EXECUTION_ERROR", 500),
    ("EXTERNAL_SERVICE_ERROR", 502),
    ("TIMEOUT", 504),
    ("NOT_FOUND", 404),
    ("METHOD_NOT_ALLOWED", 405),
    ("PAYLOAD_TOO_LARGE", 413),
    ("UNSUPPORTED_MEDIA_TYPE", 415),
    ("UNAUTHORIZED", 401),
    ("UNAVAILABLE", 503),
];
/// Statuses on whose code the sources are silent: `INVALID_INPUT` will do for each.
const LOOSE: &[u16] = &[401, 404, 405, 413, 415, 503];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "errors.envelope",
        level: Must,
        feature: Errors,
        clause: "Every 4xx and 5xx body is an object that says what went wrong.",
        source: "seed",
        why: "A client that cannot read the error can only show that there was one.",
        mend: "Answer `{\"error\": {\"code\", \"message\", \"details\", \"timestamp\"}}` from every error path, the framework's too.",
        reads: Topic::ALL,
        judge: envelope,
    },
    Rule {
        id: "errors.envelope-canonical",
        level: Should,
        feature: Errors,
        clause: "Every 4xx and 5xx body is the envelope, and none of its dialects.",
        source: "seed",
        why: "Each dialect (`{\"detail\"}`, a flat `error`) costs every client a reader of its own.",
        mend: "Turn the framework's own errors into the envelope in one exception handler.",
        reads: Topic::ALL,
        judge: envelope_canonical,
    },
    Rule {
        id: "errors.code-known",
        level: Must,
        feature: Errors,
        clause: "`code` is one of the known codes.",
        source: "seed; profile, section 4",
        why: "Clients branch on the code; one that they do not know is no better than none.",
        mend: "Use the nearest known code, and tell the rest in `details`.",
        reads: Topic::ALL,
        judge: code_known,
    },
    Rule {
        id: "errors.code-matches-status",
        level: Must,
        feature: Errors,
        clause: "Code and status agree.",
        source: "seed; profile, section 4",
        why: "Proxies and retries go by the status, programs by the code; they must not disagree.",
        mend: "Derive the status from the code in one place.",
        reads: Topic::ALL,
        judge: code_matches_status,
    },
    Rule {
        id: "errors.invalid-input-400",
        level: Should,
        feature: Errors,
        clause: "Invalid input is 400 `INVALID_INPUT`, with `details` that name the offending field.",
        source: "seed",
        why: "Without the field's name a person searches, and a program cannot mark it.",
        mend: "Put the validator's paths into `details`.",
        reads: &[Topic::Documents, Topic::ConfigInvalid, Topic::InvokeInvalid],
        judge: invalid_input_400,
    },
    Rule {
        id: "errors.config-not-found",
        level: Must,
        feature: Errors,
        clause: "An unknown configuration is 404 `CONFIG_NOT_FOUND`.",
        source: "seed",
        why: "By the code a client tells that it must store its configuration again.",
        mend: "Raise that error where the configuration is looked up.",
        reads: &[Topic::Documents, Topic::ConfigUnknown],
        judge: config_not_found,
    },
    Rule {
        id: "errors.timestamp",
        level: Should,
        feature: Errors,
        clause: "`timestamp` is RFC 3339, within 5 minutes of now.",
        source: "seed; RFC 3339, 5.6",
        why: "It is how a report of a user is found in the agent's logs.",
        mend: "Write the time of the error in UTC with `Z`.",
        reads: Topic::ALL,
        judge: timestamp,
    },
];

/// How an error says what went wrong.
enum Form<'a> {
    /// The envelope: its inner object.
    Canonical(&'a Value),
    /// A dialect, by name, and the code that it carries.
    Dialect(&'static str, Option<&'a str>),
    /// Nothing of the kind.
    None,
}

fn form(body: &Value) -> Form<'_> {
    let text = |holder: &Value, name: &str| holder.get(name).is_some_and(Value::is_string);
    match body.get("error") {
        Some(error) if text(error, "code") && text(error, "message") => Form::Canonical(error),
        Some(Value::String(_)) => {
            Form::Dialect("a flat `error`", body.get("code").and_then(Value::as_str))
        }
        Some(error) if text(error, "message") => Form::Dialect(
            "an `error` without `code`",
            error.get("code").and_then(Value::as_str),
        ),
        Some(_) => Form::None,
        None if body.get("detail").is_some_and(says_something) => Form::Dialect(
            "a bare `detail`, as FastAPI has it",
            body.get("code").and_then(Value::as_str),
        ),
        None if text(body, "message") => {
            Form::Dialect("a bare `message`", body.get("code").and_then(Value::as_str))
        }
        None => Form::None,
    }
}

fn says_something(detail: &Value) -> bool {
    match detail {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    }
}

/// The answer, if it is an error of the agent's that came whole and has a body to judge.
fn error(ask: &Ask) -> Option<&Answer> {
    let is_whole = ask.exchange.end == End::Complete && ask.exchange.request.method != "HEAD";
    ask.answer()
        .filter(|answer| is_whole && !ask.about.is_beneath && answer.is_error())
}

/// A rule over the body of every error.
fn each_error(evidence: &Evidence, look: impl Fn(&Ask, &Answer, Form<'_>) -> Look) -> Judgement {
    each(evidence, evidence.all(), |ask| match error(ask) {
        None => Look::Beside,
        Some(answer) => look(ask, answer, ask.json().map_or(Form::None, form)),
    })
}

/// A rule over the code of every error that has one.
fn each_code(evidence: &Evidence, look: impl Fn(&Answer, &str) -> Look) -> Judgement {
    let judgement = each_error(evidence, |_, answer, form| match code(&form) {
        Some(code) => look(answer, code),
        None => Look::Beside,
    });
    match judgement {
        Judgement::Inconclusive(_) if evidence.incomplete.is_empty() => Judgement::Skip(
            "no error carries a code: see errors.envelope and errors.envelope-canonical".to_owned(),
        ),
        judgement => judgement,
    }
}

fn code<'a>(form: &Form<'a>) -> Option<&'a str> {
    match form {
        Form::Canonical(error) => error.get("code").and_then(Value::as_str),
        Form::Dialect(_, code) => *code,
        Form::None => None,
    }
}

fn envelope(evidence: &Evidence) -> Judgement {
    each_error(evidence, |_, answer, form| match form {
        Form::Canonical(_) | Form::Dialect(..) => Look::Fine,
        Form::None => Look::flaw(
            "an error does not say what went wrong",
            "{\"error\": {\"code\", \"message\", \"details\", \"timestamp\"}}",
            show::answer(answer),
        ),
    })
}

fn envelope_canonical(evidence: &Evidence) -> Judgement {
    let expected = "{\"error\": {\"code\", \"message\", \"details\", \"timestamp\"}}";
    each_error(evidence, |ask, answer, form| match form {
        Form::Canonical(_) => {
            let violations = protocol::ERROR.violations(&without_own_rules(ask.json()));
            if violations.is_empty() {
                return Look::Fine;
            }
            Look::flaw(
                "the envelope is not as it should be",
                expected,
                list(&violations),
            )
        }
        Form::Dialect(name, _) => {
            let message = format!("an error comes in a dialect: {name}");
            Look::flaw(message, expected, show::answer(answer))
        }
        Form::None => Look::Beside,
    })
}

/// An envelope with the members put right that other rules judge.
fn without_own_rules(body: Option<&Value>) -> Value {
    let mut body = body.cloned().unwrap_or_default();
    if let Some(error) = body.get_mut("error").and_then(Value::as_object_mut) {
        error.insert("code".to_owned(), Value::from("NOT_FOUND"));
        error.insert("timestamp".to_owned(), Value::from("2026-01-31T12:00:00Z"));
    }
    body
}

fn code_known(evidence: &Evidence) -> Judgement {
    let known = protocol::ERROR.words("/properties/error/properties/code/enum");
    each_code(evidence, |_, code| {
        if known.contains(&code) {
            return Look::Fine;
        }
        Look::flaw(
            "an error's code is not known",
            "one of the profile's codes",
            code,
        )
    })
}

fn code_matches_status(evidence: &Evidence) -> Judgement {
    each_code(evidence, |answer, code| {
        let Some((_, status)) = CODES.iter().find(|(known, _)| *known == code) else {
            return Look::Beside;
        };
        let is_loose = LOOSE.contains(&answer.status) && code == "INVALID_INPUT";
        // 422 is FastAPI's 400: a warning of errors.invalid-input-400.
        let is_dialect = answer.status == 422 && code == "INVALID_INPUT";
        // Heads that HTTP refuses for their size are the client's fault like other invalid input.
        let is_http = matches!(answer.status, 411 | 414 | 417 | 431) && code == "INVALID_INPUT";
        if answer.status == *status || is_loose || is_dialect || is_http {
            return Look::Fine;
        }
        let got = format!("{code} with {}", answer.status);
        Look::flaw(
            "code and status disagree",
            format!("{code} with {status}"),
            got,
        )
    })
}

fn invalid_input_400(evidence: &Evidence) -> Judgement {
    let asks = [Topic::ConfigInvalid, Topic::InvokeInvalid]
        .into_iter()
        .flat_map(|t| evidence.of(t));
    let judgement = each(evidence, asks, |ask| {
        if let Err(early) = answered(ask) {
            return early;
        }
        // Whether it is refused at all, others judge.
        let Some(answer) = error(ask).filter(|answer| answer.is_client_error()) else {
            return Look::Beside;
        };
        let body = ask.json().unwrap_or(&Value::Null);
        let form = form(body);
        if matches!(form, Form::None) {
            return Look::missing("the error cannot be read: see errors.envelope");
        }
        let code = code(&form);
        let is_expected = answer.status == 400 && code.is_none_or(|code| code == "INVALID_INPUT");
        if !is_expected {
            let got = format!("{} {}", answer.status, code.unwrap_or("without a code"));
            return Look::flaw("invalid input is told otherwise", "400 INVALID_INPUT", got);
        }
        match ask
            .about
            .case
            .as_ref()
            .and_then(|(case, _)| field(&case.class))
        {
            Some(field) if !body.to_string().contains(&field) => Look::flaw(
                format!("the error does not name the offending field {field:?}"),
                format!("details that name {field:?}"),
                show::answer(answer),
            ),
            _ => Look::Fine,
        }
    });
    match judgement {
        Judgement::Inconclusive(_) if evidence.of(Topic::InvokeInvalid).next().is_none() => {
            Judgement::Skip("nothing invalid could be made under the schemas".to_owned())
        }
        judgement => judgement,
    }
}

/// The name of the field that makes a case invalid, if that is a plain one.
fn field(class: &Class) -> Option<String> {
    let Class::Invalid { instance_path, .. } = class else {
        return None;
    };
    let name = instance_path
        .rsplit('/')
        .find(|segment| segment.parse::<usize>().is_err())?;
    let is_plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_plain.then(|| name.to_owned())
}

fn config_not_found(evidence: &Evidence) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::ConfigUnknown, Step::Main),
        |ask| {
            settle(answered(ask).map(|answer| {
                if !answer.is_error() {
                    // config.unknown-id-404 says that it should have been one.
                    return Look::missing(
                        "an unknown configuration is no error: see config.unknown-id-404",
                    );
                }
                let form = ask.json().map_or(Form::None, form);
                let code = code(&form);
                // A dialect has no place for the code; errors.envelope-canonical says so.
                let is_told = code.map_or(matches!(form, Form::Dialect(..)), |c| {
                    c == "CONFIG_NOT_FOUND"
                });
                if answer.status == 404 && is_told {
                    return Look::Fine;
                }
                let got = format!("{} {}", answer.status, code.unwrap_or("without a code"));
                Look::flaw(
                    "an unknown configuration is told otherwise",
                    "404 CONFIG_NOT_FOUND",
                    got,
                )
            }))
        },
    )
}

fn timestamp(evidence: &Evidence) -> Judgement {
    let judgement = each_error(evidence, |ask, _, form| {
        let Form::Canonical(error) = form else {
            return Look::Beside;
        };
        let Some(text) = error.get("timestamp").and_then(Value::as_str) else {
            let got = show::member(error, "timestamp");
            return Look::flaw("an error has no `timestamp`", "RFC 3339", got);
        };
        let Some(time) = rfc3339(text) else {
            return Look::flaw(
                "`timestamp` is not RFC 3339",
                "for example 2026-01-31T12:00:00Z",
                text,
            );
        };
        if is_near(time, evidence, ask) {
            return Look::Fine;
        }
        Look::flaw(
            "`timestamp` is not the time of the error",
            "within 5 minutes of now",
            text,
        )
    });
    match judgement {
        Judgement::Inconclusive(_) if evidence.incomplete.is_empty() => Judgement::Skip(
            "no error comes in the envelope: see errors.envelope-canonical".to_owned(),
        ),
        judgement => judgement,
    }
}

fn is_near(time: Timestamp, evidence: &Evidence, ask: &Ask) -> bool {
    const LEEWAY: SignedDuration = SignedDuration::from_mins(5);
    let began = SignedDuration::try_from(ask.exchange.began).unwrap_or(SignedDuration::ZERO);
    let now = evidence.facts.started_at.saturating_add(began);
    now.is_ok_and(|now| time.duration_since(now).abs() <= LEEWAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_protocol_has_its_status() {
        let mut known = protocol::ERROR.words("/properties/error/properties/code/enum");
        let mut with_status: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
        known.sort_unstable();
        with_status.sort_unstable();
        assert_eq!(known, with_status);
    }
}
