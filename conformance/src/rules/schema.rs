//! Rules on `GET /schema`.

use acp_reports::Level::{Must, Should};

use super::looks::{answered, document, json, list, outputs, settle};
use crate::cases::Generator;
use crate::evidence::{Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::probe::{Part, part_of};
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::schema;
use crate::show;
use crate::volatile::{Paths, steady};

const READS: &[Topic] = &[Topic::Documents];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "schema.responds",
        level: Must,
        feature: Core,
        clause: "`GET /schema` answers 200 with the objects `input`, `output` and `config`.",
        source: "P1",
        why: "Everything that a client, or this kit, sends is made from these schemas.",
        mend: "Answer all three; a schema that allows everything is `{}`.",
        reads: READS,
        judge: responds,
    },
    Rule {
        id: "schema.is-json-schema",
        level: Must,
        feature: Core,
        clause: "Each schema is valid against its metaschema (`$schema`, or 2020-12).",
        source: "P2; JSON Schema 2020-12, 8.1.1",
        why: "Validators refuse a broken schema, or worse, ignore what they do not understand.",
        mend: "Check the schemas against their metaschema in the agent's own tests.",
        reads: READS,
        judge: is_json_schema,
    },
    Rule {
        id: "schema.self-contained",
        level: Should,
        feature: Core,
        clause: "No `$ref` leaves the document.",
        source: "design",
        why: "A client would have to fetch from wherever the agent says; this kit never does.",
        mend: "Bundle what is referred to under `$defs`.",
        reads: READS,
        judge: self_contained,
    },
    Rule {
        id: "schema.satisfiable",
        level: Must,
        feature: Core,
        clause: "At least one instance of `input` and of `config` can be made.",
        source: "design",
        why: "An agent whose schema allows nothing cannot be invoked.",
        mend: "Look for keywords that contradict each other where the message points.",
        reads: READS,
        judge: satisfiable,
    },
    Rule {
        id: "schema.defaults-agree",
        level: Should,
        feature: Core,
        clause: "Each `default` and each of the `examples` is valid under its own subschema.",
        source: "P2; JSON Schema 2020-12 validation, 9.2 and 9.5",
        why: "People and forms start from them, and are refused by the agent itself.",
        mend: "Correct the default, the example, or the schema.",
        reads: READS,
        judge: defaults_agree,
    },
    Rule {
        id: "schema.formats-hold",
        level: Should,
        feature: Core,
        clause: "Values of the output with a `format` hold it, though it is an annotation.",
        source: "P1; JSON Schema 2020-12 validation, 7.2",
        why: "Clients parse by the format; a time without a zone is an error, or worse, another time.",
        mend: "Write times as RFC 3339 with `Z` or an offset; drop formats that you do not keep.",
        reads: INVOCATIONS,
        judge: formats_hold,
    },
    Rule {
        id: "schema.stable",
        level: Must,
        feature: Core,
        clause: "Two reads of `/schema` give the same document.",
        source: "design",
        why: "A client that validates by what it read before sends what is no longer right.",
        mend: "Build the document once.",
        reads: &[Topic::Documents, Topic::Reread],
        judge: stable,
    },
];

/// Topics in which valid inputs are sent to `/invoke`.
pub(super) const INVOCATIONS: &[Topic] = &[
    Topic::Documents,
    Topic::ConfigUsable,
    Topic::InvokeValid,
    Topic::InvokeConcurrent,
    Topic::InvokeOrder,
    Topic::StreamValid,
];

fn responds(evidence: &Evidence) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::Documents, Step::Schema),
        |ask| {
            settle(answered(ask).map(|answer| {
                let Some(document) = ask.json().filter(|_| answer.status == 200) else {
                    let expected = "200 and a JSON object";
                    return Look::flaw("/schema gives no document", expected, show::answer(answer));
                };
                let is_object =
                    |part: &&Part| !part_of(document, **part).is_some_and(|s| s.is_object());
                match Part::ALL.iter().find(is_object) {
                    None => Look::Fine,
                    Some(part) => {
                        let message = format!("there is no object `{}`", part.name());
                        let names = document
                            .as_object()
                            .map(|d| d.keys().cloned().collect::<Vec<_>>());
                        let got = format!("members: {}", names.unwrap_or_default().join(", "));
                        Look::flaw(message, "input, output and config", got)
                    }
                }
            }))
        },
    )
}

/// A rule over each of the three schemas, where they are.
fn each_part(
    evidence: &Evidence,
    look: impl Fn(Part, &serde_json::Value) -> Option<Look>,
) -> Judgement {
    document(evidence, Step::Schema, |document| {
        let parts = Part::ALL
            .iter()
            .filter_map(|part| Some((*part, part_of(document, *part)?)));
        let mut seen = 0;
        for (part, schema) in parts {
            seen += 1;
            if let Some(look) = look(part, schema) {
                return look;
            }
        }
        if seen == 0 {
            Look::missing("there are no schemas: see schema.responds")
        } else {
            Look::Fine
        }
    })
}

fn is_json_schema(evidence: &Evidence) -> Judgement {
    each_part(evidence, |part, schema| {
        let violations = schema::metaschema_violations(schema);
        (!violations.is_empty()).then(|| {
            let message = format!("the {} schema is no JSON Schema", part.name());
            Look::flaw(message, "valid under its metaschema", list(&violations))
        })
    })
}

fn self_contained(evidence: &Evidence) -> Judgement {
    each_part(evidence, |part, schema| {
        let references = schema::external_refs(schema);
        let first = references.first()?;
        let message = format!("the {} schema refers to another document", part.name());
        Some(Look::flaw(
            message,
            "references within the document",
            first.as_str(),
        ))
    })
}

fn satisfiable(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Schema, |_| {
        for part in [Part::Input, Part::Config] {
            let schema = match evidence.probe.schema(part) {
                Ok(schema) => schema,
                Err(why) => return Look::missing(why),
            };
            if let Err(why) = Generator::new(schema, evidence.facts.seed)
                .until(&evidence.deadline)
                .valid(1)
            {
                let message = format!("no instance of `{}` could be made", part.name());
                return Look::flaw(message, "an instance that is valid", why.to_string());
            }
        }
        Look::Fine
    })
}

fn defaults_agree(evidence: &Evidence) -> Judgement {
    each_part(evidence, |part, schema| {
        let violations = schema::annotations_that_disagree(schema);
        (!violations.is_empty()).then(|| {
            let message = format!(
                "a default or example of the {} schema breaks it",
                part.name()
            );
            Look::flaw(message, "valid under its own subschema", list(&violations))
        })
    })
}

fn formats_hold(evidence: &Evidence) -> Judgement {
    let schema = match evidence.probe.schema(Part::Output) {
        Ok(schema) => schema,
        Err(why) => return Judgement::Inconclusive(why.to_owned()),
    };
    let mut tally = Tally::new(evidence);
    for (ask, output) in outputs(evidence, INVOCATIONS) {
        let violations = schema::format_violations(schema, output);
        let look = if violations.is_empty() {
            Look::Fine
        } else {
            let message = "a value does not hold its format";
            Look::flaw(
                message,
                "the format that the output schema declares",
                list(&violations),
            )
        };
        tally.look(ask, look);
    }
    tally.judgement()
}

fn stable(evidence: &Evidence) -> Judgement {
    same_twice(evidence, Step::Schema)
}

/// Fine if a document, read late, is what it was at first; times that it may carry aside.
pub(super) fn same_twice(evidence: &Evidence, step: Step) -> Judgement {
    let first = evidence
        .one(Topic::Documents, step, 0)
        .and_then(|ask| ask.json());
    each(evidence, evidence.at(Topic::Reread, step), |ask| {
        let Some(first) = first else {
            return Look::missing("the first read gave no document");
        };
        settle(json(ask).map(|second| {
            let none = Paths::new();
            if steady(first, &none) == steady(second, &none) {
                return Look::Fine;
            }
            let at = crate::volatile::differing(first, second).first(3);
            Look::flaw(
                "two reads differ",
                "the same document",
                format!("different at {}", show::places(&at)),
            )
        }))
    })
}
