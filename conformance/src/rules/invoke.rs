//! Rules on `POST /invoke`.

use std::sync::Arc;

use acp_reports::Level::{Must, Should};
use serde_json::Value;

use super::looks::{
    is_invoke, is_refused, json, list, output, outputs, settle, status_is, whole, without_cases,
    without_valid,
};
use super::schema::INVOCATIONS;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::probe::Part;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;
use crate::volatile::{Paths, differing, steady};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "invoke.responds",
        level: Must,
        feature: Core,
        clause: "A valid input gets 200 and an object `output`.",
        source: "P1",
        why: "It is what the agent is for.",
        mend: "Answer 200 with `{\"output\": {…}}`.",
        reads: &[Topic::Documents, Topic::InvokeValid],
        judge: responds,
    },
    Rule {
        id: "invoke.accepts-valid",
        level: Must,
        feature: Core,
        clause: "Every input that is valid under the schema gets 200.",
        source: "P1",
        why: "The schema is the contract: what it allows, a client will send.",
        mend: "Handle it, or say in the schema that it is not allowed.",
        reads: &[Topic::Documents, Topic::InvokeValid],
        judge: accepts_valid,
    },
    Rule {
        id: "invoke.output-matches-schema",
        level: Must,
        feature: Core,
        clause: "Each `output` is valid under the declared output schema.",
        source: "P1, P3",
        why: "Clients read the output by the schema, without looking twice.",
        mend: "Correct the output, or the schema.",
        reads: INVOCATIONS,
        judge: output_matches_schema,
    },
    Rule {
        id: "invoke.rejects-invalid",
        level: Must,
        feature: Core,
        clause: "Every input that is invalid under the schema gets 4xx.",
        source: "P1, seed",
        why: "A wrong input that is taken makes a wrong answer that looks right.",
        mend: "Validate by the published schema, strictly (no coercion), before working.",
        reads: &[Topic::Documents, Topic::InvokeInvalid],
        judge: rejects_invalid,
    },
    Rule {
        id: "invoke.rejects-missing-input",
        level: Must,
        feature: Core,
        clause: "A body without `input` gets 4xx.",
        source: "P3",
        why: "A mistyped member would otherwise be answered as if nothing had been asked.",
        mend: "Require the member `input`.",
        reads: &[Topic::InvokeShapes],
        judge: rejects_missing_input,
    },
    Rule {
        id: "invoke.metadata-object",
        level: Must,
        feature: Core,
        clause: "`metadata` in the answer, if there, is an object.",
        source: "P1",
        why: "Clients look into it by name.",
        mend: "Answer an object, or leave it out.",
        reads: INVOCATIONS,
        judge: metadata_object,
    },
    Rule {
        id: "invoke.isolated",
        level: Must,
        feature: Core,
        clause: "Concurrent invocations with different inputs each get their own answer.",
        source: "design",
        why: "A user that is shown another user's answer is misled, and the other one exposed.",
        mend: "Keep what belongs to a request in the request, not in the agent object or a global.",
        reads: &[Topic::Documents, Topic::InvokeConcurrent],
        judge: isolated,
    },
    Rule {
        id: "invoke.input-unchanged-by-order",
        level: Should,
        feature: Core,
        clause: "The order of the keys in `input` makes no difference.",
        source: "seed (sorted keys); RFC 8259, 4",
        why: "Libraries reorder keys as they like; the same input must mean the same.",
        mend: "Read members by name, and sort keys before hashing.",
        reads: &[Topic::Documents, Topic::InvokeOrder],
        judge: unchanged_by_order,
    },
];

fn responds(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_valid(evidence, Topic::InvokeValid, Part::Input) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::InvokeValid), |ask| {
        settle(whole(ask).map(|answer| {
            // Of the rest, invoke.accepts-valid says whether they are accepted.
            if ask.about.key > 0 && (!answer.is_success() || ask.json().is_none()) {
                return Look::Beside;
            }
            if answer.status == 200 && output(ask).is_some_and(Value::is_object) {
                return Look::Fine;
            }
            let expected = "200 and an object `output`";
            Look::flaw(
                "a valid input gets no output",
                expected,
                show::answer(answer),
            )
        }))
    })
}

fn accepts_valid(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_valid(evidence, Topic::InvokeValid, Part::Input) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::InvokeValid), |ask| {
        status_is(
            ask,
            &[200],
            "an input that the schema allows is not answered",
        )
    })
}

fn output_matches_schema(evidence: &Evidence) -> Judgement {
    let schema = match evidence.probe.schema(Part::Output) {
        Ok(schema) => schema,
        Err(why) => return Judgement::Inconclusive(why.to_owned()),
    };
    let mut tally = Tally::new(evidence);
    for (ask, output) in outputs(evidence, INVOCATIONS).filter(|(_, output)| output.is_object()) {
        let violations = schema.errors(output);
        let look = if violations.is_empty() {
            Look::Fine
        } else {
            let message = "the output breaks the agent's own schema";
            Look::flaw(message, "valid under the output schema", list(&violations))
        };
        tally.look(ask, look);
    }
    tally.judgement()
}

fn rejects_invalid(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_cases(evidence, Topic::InvokeInvalid, Part::Input) {
        return judgement;
    }
    each(evidence, evidence.of(Topic::InvokeInvalid), |ask| {
        is_refused(ask, "an input that the schema forbids is not refused")
    })
}

fn rejects_missing_input(evidence: &Evidence) -> Judgement {
    each(evidence, evidence.of(Topic::InvokeShapes), |ask| {
        is_refused(ask, "a body without `input` is not refused")
    })
}

fn metadata_object(evidence: &Evidence) -> Judgement {
    let asks = evidence
        .all()
        .filter(|ask| INVOCATIONS.contains(&ask.topic) && is_invoke(ask));
    let succeeded = asks.filter(|ask| ask.answer().is_some_and(|answer| answer.status == 200));
    each(evidence, succeeded, |ask| {
        settle(json(ask).map(|body| match body.get("metadata") {
            // `null` is not judged (profile, section 4).
            None | Some(Value::Object(_) | Value::Null) => Look::Fine,
            Some(other) => Look::flaw("`metadata` is no object", "an object", show::value(other)),
        }))
    })
}

/// What an input's answer is when it is asked alone.
pub(super) struct Baseline {
    /// Of all of them: kept once.
    pub(super) volatile: Arc<Paths>,
    pub(super) steady: Value,
}

/// The answers in the steps `Baseline` and `Again` of a topic: index is the key. What changes by
/// itself in the answer to one input is set aside in the answers to all.
pub(super) fn baselines(evidence: &Evidence, topic: Topic) -> Vec<Option<Baseline>> {
    let pairs: Vec<Option<(&Value, &Value)>> = evidence
        .at(topic, Step::Baseline)
        .map(|first| {
            let again = evidence.one(topic, Step::Again, first.about.key)?;
            let pair = (output(first)?, output(again)?);
            (pair.0.is_object() && pair.1.is_object()).then_some(pair)
        })
        .collect();
    let volatile = pairs
        .iter()
        .flatten()
        .map(|(first, again)| differing(first, again))
        .collect::<Paths>();
    let volatile = Arc::new(volatile);
    let baseline = |(first, _): (&Value, &Value)| Baseline {
        steady: steady(first, &volatile),
        volatile: volatile.clone(),
    };
    pairs.into_iter().map(|pair| pair.map(baseline)).collect()
}

/// Whether an output, not its own input's, is that of another input asked beside it.
pub(super) fn is_anothers(output: &Value, own: usize, baselines: &[Option<Baseline>]) -> bool {
    let is_like = |baseline: &Baseline| steady(output, &baseline.volatile) == baseline.steady;
    let Some(Some(mine)) = baselines.get(own) else {
        return false;
    };
    !is_like(mine)
        && baselines
            .iter()
            .enumerate()
            .any(|(key, other)| key != own && other.as_ref().is_some_and(is_like))
}

fn isolated(evidence: &Evidence) -> Judgement {
    let baselines = baselines(evidence, Topic::InvokeConcurrent);
    let known: Vec<&Value> = baselines
        .iter()
        .flatten()
        .map(|baseline| &baseline.steady)
        .collect();
    let first = known.first();
    if !known.is_empty() && known.iter().all(|answer| Some(answer) == first) {
        return Judgement::Skip(
            "no two inputs get answers that can be told apart, what changes by itself aside: \
             nothing could be seen to mix"
                .to_owned(),
        );
    }
    each(
        evidence,
        evidence.at(Topic::InvokeConcurrent, Step::Main),
        |ask| {
            let own = ask.about.key;
            match output(ask) {
                Some(_) if baselines.get(own).is_none_or(Option::is_none) => Look::Beside,
                Some(output) if is_anothers(output, own, &baselines) => Look::flaw(
                    "an input got the answer of another one that was asked at the same time",
                    "the answer that it gets alone",
                    show::value(output),
                ),
                Some(_) => Look::Fine,
                None => settle(whole(ask).map(|_| Look::Beside)),
            }
        },
    )
}

fn unchanged_by_order(evidence: &Evidence) -> Judgement {
    let orders: Vec<&Ask> = evidence.at(Topic::InvokeOrder, Step::Main).collect();
    if orders.is_empty() && !evidence.incomplete.contains_key(&Topic::InvokeOrder) {
        return Judgement::Skip("no valid input has two keys".to_owned());
    }
    let baselines = baselines(evidence, Topic::InvokeOrder);
    each(evidence, orders.into_iter(), |ask| {
        let Some(Some(baseline)) = baselines.get(ask.about.key) else {
            return Look::Beside;
        };
        let Some(output) = output(ask) else {
            return status_is(
                ask,
                &[200],
                "the same input is refused with its keys in another order",
            );
        };
        if steady(output, &baseline.volatile) == baseline.steady {
            return Look::Fine;
        }
        let message = "the same input gets another answer with its keys in another order";
        Look::flaw(message, "the same output", show::value(output))
    })
}
