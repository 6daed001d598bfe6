//! Rules on `POST /config`, and on using what was stored.

use std::collections::HashSet;

use acp_reports::Level::{Must, Should};
use serde_json::Value;

use super::looks::{
    answered, is_refused, json, settle, status_is, whole, without_cases, without_valid,
};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::probe::Part;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;
use crate::time::rfc3339;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "config.creates",
        level: Must,
        feature: Core,
        clause: "A configuration that is valid under the schema gets 200 or 201 and a non-empty string `config_id`.",
        source: "P1",
        why: "The id is all that a client has to use the configuration by.",
        mend: "Answer 201 with `config_id` as a string.",
        reads: &[Topic::Documents, Topic::ConfigValid],
        judge: creates,
    },
    Rule {
        id: "config.status",
        level: Should,
        feature: Core,
        clause: "`status` is `created`.",
        source: "P1, seed",
        why: "Clients of the tutorial look at it to tell success.",
        mend: "Add `\"status\": \"created\"`.",
        reads: &[Topic::Documents, Topic::ConfigValid],
        judge: status,
    },
    Rule {
        id: "config.created-at",
        level: Must,
        feature: Core,
        clause: "`created_at`, if there, is an RFC 3339 time.",
        source: "P3; RFC 3339, 5.6",
        why: "A time without a zone is another time in another place.",
        mend: "Write the time in UTC with `Z`.",
        reads: &[Topic::Documents, Topic::ConfigValid],
        judge: created_at,
    },
    Rule {
        id: "config.ids-unique",
        level: Must,
        feature: Core,
        clause: "Configurations that are created at the same time get distinct ids.",
        source: "P1",
        why: "With one id for two, a client works under another's configuration.",
        mend: "Draw ids at random (UUID), or count under a lock.",
        reads: &[Topic::Documents, Topic::ConfigConcurrent],
        judge: ids_unique,
    },
    Rule {
        id: "config.accepts-valid",
        level: Must,
        feature: Core,
        clause: "Every configuration that is valid under the schema is accepted.",
        source: "P1",
        why: "The schema is the contract: what it allows, a client will send.",
        mend: "Accept it, or say in the schema that it is not allowed.",
        reads: &[Topic::Documents, Topic::ConfigValid],
        judge: accepts_valid,
    },
    Rule {
        id: "config.rejects-invalid",
        level: Must,
        feature: Core,
        clause: "Every configuration that is invalid under the schema gets 4xx.",
        source: "P1, P3",
        why: "A wrong configuration that is stored shows up as wrong answers, much later.",
        mend: "Validate by the published schema, strictly, before storing.",
        reads: &[Topic::Documents, Topic::ConfigInvalid],
        judge: rejects_invalid,
    },
    Rule {
        id: "config.rejects-missing",
        level: Should,
        feature: Core,
        clause: "A body without `config` gets 4xx.",
        source: "P3",
        why: "A mistyped member would otherwise store the defaults, and nobody knows.",
        mend: "Require the member `config`.",
        reads: &[Topic::ConfigShapes],
        judge: rejects_missing,
    },
    Rule {
        id: "config.usable",
        level: Must,
        feature: Core,
        clause: "A new id works in `/invoke`, each time, over 20 fresh connections.",
        source: "P1",
        why: "Workers that do not share their store know only their own share of the configurations.",
        mend: "Keep configurations where every worker sees them, before the answer leaves.",
        reads: &[Topic::Documents, Topic::ConfigUsable],
        judge: usable,
    },
    Rule {
        id: "config.unknown-id-404",
        level: Must,
        feature: Core,
        clause: "`/invoke` with an unknown `config_id` gets 404.",
        source: "seed",
        why: "An agent that ignores the id answers under a configuration that nobody chose.",
        mend: "Look the id up first, and answer 404 if it is not there.",
        reads: &[Topic::Documents, Topic::ConfigUnknown],
        judge: unknown_id_404,
    },
];

/// A rule over the answers that stored a valid configuration.
fn each_stored(evidence: &Evidence, look: impl Fn(&Value) -> Look) -> Judgement {
    if let Some(judgement) = without_valid(evidence, Topic::ConfigValid, Part::Config) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::ConfigValid), |ask| {
        if ask.answer().is_some_and(|answer| !answer.is_success()) {
            return Look::Beside;
        }
        settle(json(ask).map(&look))
    })
}

fn creates(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_valid(evidence, Topic::ConfigValid, Part::Config) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::ConfigValid), |ask| {
        settle(whole(ask).map(|answer| {
            // Of the rest, config.accepts-valid says whether they are accepted.
            if ask.about.key > 0 && !answer.is_success() {
                return Look::Beside;
            }
            let id = ask.json().and_then(|body| body.get("config_id")?.as_str());
            if matches!(answer.status, 200 | 201) && id.is_some_and(|id| !id.is_empty()) {
                return Look::Fine;
            }
            let expected = "200 or 201, and a non-empty string `config_id`";
            Look::flaw(
                "a valid configuration gets no id",
                expected,
                show::answer(answer),
            )
        }))
    })
}

fn status(evidence: &Evidence) -> Judgement {
    each_stored(evidence, |body| {
        if body.get("status").and_then(Value::as_str) == Some("created") {
            return Look::Fine;
        }
        let got = show::member(body, "status");
        Look::flaw(
            "the answer does not say that it was created",
            "\"created\"",
            got,
        )
    })
}

fn created_at(evidence: &Evidence) -> Judgement {
    each_stored(evidence, |body| {
        let Some(created_at) = body.get("created_at") else {
            return Look::Fine;
        };
        if created_at
            .as_str()
            .is_some_and(|text| rfc3339(text).is_some())
        {
            return Look::Fine;
        }
        let expected = "RFC 3339, for example 2026-01-31T12:00:00Z";
        Look::flaw(
            "`created_at` is no RFC 3339 time",
            expected,
            show::value(created_at),
        )
    })
}

fn ids_unique(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_valid(evidence, Topic::ConfigConcurrent, Part::Config) {
        return judgement;
    }
    let concurrent: Vec<&Ask> = evidence.at(Topic::ConfigConcurrent, Step::Main).collect();
    if concurrent.len() == 1 {
        return Judgement::Skip("the config schema allows one configuration only".to_owned());
    }
    let distinct: HashSet<&str> = concurrent.iter().filter_map(|ask| stored_id(ask)).collect();
    // An agent may name equal configurations alike: then the id is the same whenever it is asked.
    let is_by_content = |ask: &Ask, id: &str| {
        let alone = evidence.one(Topic::ConfigConcurrent, Step::Baseline, ask.about.key);
        distinct.len() > 1 && alone.and_then(stored_id) == Some(id)
    };
    let mut seen = HashSet::new();
    each(evidence, concurrent.into_iter(), |ask| {
        match stored_id(ask) {
            None => settle(answered(ask).map(|_| Look::Beside)),
            Some(id) if seen.insert(id) || is_by_content(ask, id) => Look::Fine,
            Some(id) => Look::flaw("two configurations got one id", "an id of its own", id),
        }
    })
}

/// The id in an answer that stored a configuration.
fn stored_id(ask: &Ask) -> Option<&str> {
    let is_stored = ask.answer().is_some_and(|answer| answer.is_success());
    ask.json().filter(|_| is_stored)?.get("config_id")?.as_str()
}

fn accepts_valid(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_valid(evidence, Topic::ConfigValid, Part::Config) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::ConfigValid), |ask| {
        settle(answered(ask).map(|answer| {
            if answer.is_success() {
                return Look::Fine;
            }
            let message = "a configuration that the schema allows is refused";
            Look::flaw(message, "200 or 201", show::answer(answer))
        }))
    })
}

fn rejects_invalid(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_cases(evidence, Topic::ConfigInvalid, Part::Config) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::ConfigInvalid), |ask| {
        is_refused(
            ask,
            "a configuration that the schema forbids is not refused",
        )
    })
}

fn rejects_missing(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::ConfigShapes), |ask| {
        is_refused(ask, "a body without `config` is not refused")
    })
}

fn usable(evidence: &Evidence) -> Judgement {
    let mut tally = Tally::new(evidence);
    for ask in evidence.at(Topic::ConfigUsable, Step::Main) {
        tally.look(
            ask,
            status_is(ask, &[200], "a new configuration cannot be used"),
        );
    }
    match tally.judgement() {
        Judgement::Inconclusive(_)
            if evidence
                .at(Topic::ConfigUsable, Step::Main)
                .next()
                .is_none() =>
        {
            Judgement::Inconclusive(
                "no configuration could be stored: see config.creates".to_owned(),
            )
        }
        judgement => judgement,
    }
}

fn unknown_id_404(evidence: &Evidence) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::ConfigUnknown, Step::Main),
        |ask| status_is(ask, &[404], "an unknown configuration is not told apart"),
    )
}
