//! Rules on what a stream ends in: success, a result, its own result.

use acp_reports::Level::{Must, Should};
use serde_json::Value;

use super::invoke::{Baseline, baselines, is_anothers};
use super::looks::{answered, list, settle};
use super::stream::{VALID, each_valid, events, terminal};
use crate::drive::CONFIG_KEY;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Streaming;
use crate::probe::Part;
use crate::rule::{Judgement, Look, Rule, each};
use crate::schema::Schema;
use crate::show;
use crate::terminal::Kind;
use crate::volatile::steady;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "stream.succeeds-on-valid",
        level: Must,
        feature: Streaming,
        clause: "A valid input ends in complete, not in error.",
        source: "seed",
        why: "The stream is another way to the same answer.",
        mend: "Look at what the stream does otherwise than `/invoke`; serialising a date is the usual one.",
        reads: VALID,
        judge: succeeds_on_valid,
    },
    Rule {
        id: "stream.result-matches-schema",
        level: Must,
        feature: Streaming,
        clause: "The result (or its `output`) is valid under the output schema.",
        source: "seed",
        why: "Clients read it by the same schema as `/invoke`'s output.",
        mend: "Build the result as `/invoke` builds its output.",
        reads: VALID,
        judge: result_matches_schema,
    },
    Rule {
        id: "stream.result-equals-invoke",
        level: Should,
        feature: Streaming,
        clause: "The result equals what `/invoke` answers to the same input, volatile fields aside.",
        source: "design",
        why: "A user should not get another answer for having asked to watch.",
        mend: "Let both call the same function.",
        reads: VALID,
        judge: result_equals_invoke,
    },
    Rule {
        id: "stream.isolated",
        level: Must,
        feature: Streaming,
        clause: "Concurrent streams do not mix.",
        source: "design",
        why: "A user that is shown another user's answer is misled, and the other one exposed.",
        mend: "Keep what belongs to a stream in its generator, not in the agent object or a global.",
        reads: VALID,
        judge: isolated,
    },
];

fn succeeds_on_valid(evidence: &Evidence) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::StreamValid, Step::Main),
        |ask| {
            settle(answered(ask).and_then(|answer| {
                let message = "a valid input does not end in complete";
                if !answer.is_success() {
                    return Ok(Look::flaw(
                        message,
                        "200 and complete",
                        show::answer(answer),
                    ));
                }
                let events = events(ask)?;
                let terminal = terminal(ask, &events)?;
                if Kind::of(terminal) == Some(Kind::Complete) {
                    return Ok(Look::Fine);
                }
                Ok(Look::flaw(
                    message,
                    "a complete event",
                    show::value(terminal),
                ))
            }))
        },
    )
}

/// The result of a stream that completed.
fn result<'v>(ask: &Ask, events: &'v [Value]) -> Result<Option<&'v Value>, Look> {
    let terminal = terminal(ask, events)?;
    if Kind::of(terminal) != Some(Kind::Complete) {
        return Err(Look::missing(
            "the stream does not complete: see stream.succeeds-on-valid",
        ));
    }
    Ok(terminal.get("result").or_else(|| terminal.get("output")))
}

/// The part of a result that is the output: the whole (seed), or its `output` (P3).
fn output<'v>(result: &'v Value, schema: &Schema) -> &'v Value {
    match result.get("output") {
        Some(inner) if !schema.is_valid(result) => inner,
        _ => result,
    }
}

fn result_matches_schema(evidence: &Evidence) -> Judgement {
    let schema = match evidence.probe.schema(Part::Output) {
        Ok(schema) => schema,
        Err(why) => return Judgement::Inconclusive(why.to_owned()),
    };
    each_valid(evidence, |ask, events| {
        let result = match result(ask, events) {
            Ok(result) => result,
            Err(look) => return look,
        };
        let Some(result) = result else {
            return Look::flaw("complete without a result", "a `result`", "none");
        };
        let violations = schema.errors(output(result, schema));
        if violations.is_empty() {
            return Look::Fine;
        }
        let message = "the result breaks the agent's own schema";
        Look::flaw(message, "valid under the output schema", list(&violations))
    })
}

/// What `/invoke` answered to the inputs, the output schema, and a stream's own input.
struct Compared<'e> {
    baselines: Vec<Option<Baseline>>,
    schema: &'e Schema,
}

impl Compared<'_> {
    fn own(&self, ask: &Ask) -> Option<usize> {
        (ask.about.key < CONFIG_KEY).then_some(ask.about.key % 1_000)
    }
}

/// A rule that compares results with what `/invoke` answers.
fn each_result(
    evidence: &Evidence,
    look: impl Fn(&Compared<'_>, usize, &Baseline, &Value) -> Look,
) -> Judgement {
    let schema = match evidence.probe.schema(Part::Output) {
        Ok(schema) => schema,
        Err(why) => return Judgement::Inconclusive(why.to_owned()),
    };
    let compared = Compared {
        baselines: baselines(evidence, Topic::StreamValid),
        schema,
    };
    each_valid(evidence, |ask, events| {
        let Some(own) = compared.own(ask) else {
            return Look::Beside;
        };
        let Some(Some(baseline)) = compared.baselines.get(own) else {
            return Look::missing("/invoke gave no output to compare with: see invoke.responds");
        };
        match result(ask, events) {
            Ok(Some(result)) => look(&compared, own, baseline, output(result, compared.schema)),
            Ok(None) => Look::missing("there is no result: see stream.result-matches-schema"),
            Err(look) => look,
        }
    })
}

fn result_equals_invoke(evidence: &Evidence) -> Judgement {
    each_result(evidence, |compared, own, baseline, output| {
        if steady(output, &baseline.volatile) == baseline.steady {
            return Look::Fine;
        }
        if is_anothers(output, own, &compared.baselines) {
            return Look::missing("a stream has another's result: see stream.isolated");
        }
        let message = "the stream's result is not what /invoke answers";
        Look::flaw(message, show::value(&baseline.steady), show::value(output))
    })
}

fn isolated(evidence: &Evidence) -> Judgement {
    each_result(evidence, |compared, own, _, output| {
        if !is_anothers(output, own, &compared.baselines) {
            return Look::Fine;
        }
        let message = "a stream ends in the result of another one that was open at the same time";
        Look::flaw(message, "the result of its own input", show::value(output))
    })
}
