//! Rules on `GET /auth`.

use acp_reports::Level::Must;
use serde_json::Value;

use super::looks::{document, settle};
use crate::evidence::{Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::protocol;
use crate::rule::{Judgement, Look, Rule, each};
use crate::show;

const READS: &[Topic] = &[Topic::Documents];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "auth.responds",
        level: Must,
        feature: Core,
        clause: "`GET /auth` answers 200 without credentials, with a JSON object.",
        source: "P1",
        why: "It is how a client learns which credentials it needs; it cannot have them before.",
        mend: "Leave `/auth` open, and answer an object with `type` and `description`.",
        reads: READS,
        judge: responds,
    },
    Rule {
        id: "auth.type-known",
        level: Must,
        feature: Core,
        clause: "`type` is one of `none`, `api_key`, `bearer`, `oauth2`.",
        source: "P1",
        why: "A client has no way to use a scheme that it does not know by name.",
        mend: "Name the nearest of the four, and put the details into `description`.",
        reads: READS,
        judge: type_known,
    },
    Rule {
        id: "auth.description",
        level: Must,
        feature: Core,
        clause: "`description` is a non-empty string.",
        source: "P1",
        why: "It is where a person reads how to get and send the credentials.",
        mend: "Say in a sentence what is needed and where it goes.",
        reads: READS,
        judge: description,
    },
    Rule {
        id: "auth.required-agrees",
        level: Must,
        feature: Core,
        clause: "`required`, if there, is a boolean, and `type: none` never goes with `true`.",
        source: "seed",
        why: "Clients that read `required` would look for credentials that do not exist.",
        mend: "Leave `required` out, or let it say what the agent does.",
        reads: READS,
        judge: required_agrees,
    },
];

fn responds(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.at(Topic::Documents, Step::Auth), |ask| {
        let Some(answer) = ask.answer() else {
            return settle(super::looks::answered(ask).map(|_| Look::Beside));
        };
        if answer.status == 200 && ask.json().is_some_and(Value::is_object) {
            return Look::Fine;
        }
        // Of the refusals only this one says nothing of the endpoint.
        if answer.status == 429 {
            return settle(super::looks::answered(ask).map(|_| Look::Beside));
        }
        let expected = "200 and a JSON object, without credentials";
        Look::flaw(
            "/auth does not say how to authenticate",
            expected,
            show::answer(answer),
        )
    })
}

fn type_known(evidence: &Evidence) -> Judgement {
    let types = protocol::AUTH.words("/properties/type/enum");
    document(evidence, Step::Auth, |auth| {
        let told = auth.get("type").and_then(Value::as_str);
        if told.is_some_and(|told| types.contains(&told)) {
            return Look::Fine;
        }
        Look::flaw(
            "`type` is not a known scheme",
            types.join(", "),
            show::member(auth, "type"),
        )
    })
}

fn description(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Auth, |auth| {
        let text = auth
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or("");
        if !text.trim().is_empty() {
            return Look::Fine;
        }
        let got = show::member(auth, "description");
        Look::flaw("there is no description", "a non-empty string", got)
    })
}

fn required_agrees(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Auth, |auth| match auth.get("required") {
        None | Some(Value::Bool(false)) => Look::Fine,
        Some(Value::Bool(true)) if auth.get("type") != Some(&Value::from("none")) => Look::Fine,
        Some(Value::Bool(true)) => Look::flaw(
            "credentials are required, and there are none to give",
            "`required: false` with `type: none`",
            "`required: true` with `type: none`",
        ),
        Some(_) => Look::flaw(
            "`required` is no boolean",
            "true or false",
            show::member(auth, "required"),
        ),
    })
}
