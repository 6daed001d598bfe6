//! Rules on `GET /capabilities`.

use std::collections::HashSet;

use acp_reports::Level::{Must, Should};
use serde_json::Value;

use super::looks::{document, list};
use super::schema::same_twice;
use crate::evidence::{Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::rule::{Judgement, Look, Rule, each};
use crate::schema;
use crate::show;

/// Where a capability has its schemas; a dialect writes them in camel case.
const SCHEMAS: &[&str] = &[
    "input_schema",
    "output_schema",
    "inputSchema",
    "outputSchema",
];

const READS: &[Topic] = &[Topic::Documents];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "capabilities.responds",
        level: Must,
        feature: Core,
        clause: "`GET /capabilities` answers 200 with a non-empty array `capabilities`.",
        source: "P1",
        why: "Orchestrators choose agents by it; an agent without capabilities is never chosen.",
        mend: "List at least one capability.",
        reads: READS,
        judge: responds,
    },
    Rule {
        id: "capabilities.named",
        level: Must,
        feature: Core,
        clause: "Each capability is an object with a unique, non-empty `name`.",
        source: "P2",
        why: "The name is the only handle that a caller has.",
        mend: "Give each capability a name of its own.",
        reads: READS,
        judge: named,
    },
    Rule {
        id: "capabilities.described",
        level: Should,
        feature: Core,
        clause: "Each capability has a non-empty `description`.",
        source: "P2",
        why: "People and language models choose by the description; one orchestrator refuses entries without.",
        mend: "Say in a sentence what the capability does.",
        reads: READS,
        judge: described,
    },
    Rule {
        id: "capabilities.version",
        level: Must,
        feature: Core,
        clause: "`version` is a string.",
        source: "P2",
        why: "A caller cannot tell what changed without it, and typed readers fail on a number.",
        mend: "Answer the agent's version as a string.",
        reads: READS,
        judge: version,
    },
    Rule {
        id: "capabilities.version-semver",
        level: Should,
        feature: Core,
        clause: "`version` is a semantic version.",
        source: "P2; Semantic Versioning 2.0.0",
        why: "Tools order versions and tell breaking ones by its parts.",
        mend: "Use MAJOR.MINOR.PATCH.",
        reads: READS,
        judge: version_semver,
    },
    Rule {
        id: "capabilities.protocol-version",
        level: Should,
        feature: Core,
        clause: "`protocol_version` is `acp/v0`.",
        source: "P1",
        why: "Multi-protocol orchestrators tell by it how to speak to the agent.",
        mend: "Add `\"protocol_version\": \"acp/v0\"`.",
        reads: READS,
        judge: protocol_version,
    },
    Rule {
        id: "capabilities.schemas-valid",
        level: Must,
        feature: Core,
        clause: "Any `input_schema` and `output_schema` of a capability is valid JSON Schema.",
        source: "P2",
        why: "A client that validates or generates forms from it fails on a broken one.",
        mend: "Check the schemas against their metaschema in the agent's own tests.",
        reads: READS,
        judge: schemas_valid,
    },
    Rule {
        id: "capabilities.stable",
        level: Must,
        feature: Core,
        clause: "Two reads of `/capabilities` agree.",
        source: "seed (static capabilities)",
        why: "Clients and orchestrators cache it; what changes by itself cannot be cached.",
        mend: "Build the document once; announce real changes by a new version.",
        reads: &[Topic::Documents, Topic::Reread],
        judge: stable,
    },
];

fn entries(document: &Value) -> &[Value] {
    document
        .get("capabilities")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn responds(evidence: &Evidence) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::Documents, Step::Capabilities),
        |ask| {
            super::looks::settle(super::looks::answered(ask).map(|answer| {
                let body = ask.json().filter(|_| answer.status == 200);
                if body.is_some_and(|body| !entries(body).is_empty()) {
                    return Look::Fine;
                }
                let expected = "200 and an object with a non-empty array `capabilities`";
                Look::flaw(
                    "/capabilities lists nothing",
                    expected,
                    show::answer(answer),
                )
            }))
        },
    )
}

/// A rule over each entry of the list.
fn each_entry(evidence: &Evidence, look: impl Fn(&Value) -> Option<Look>) -> Judgement {
    document(evidence, Step::Capabilities, |document| {
        if entries(document).is_empty() {
            return Look::missing("no capabilities are listed: see capabilities.responds");
        }
        entries(document)
            .iter()
            .find_map(&look)
            .unwrap_or(Look::Fine)
    })
}

fn named(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Capabilities, |document| {
        let mut seen = HashSet::new();
        for entry in entries(document) {
            let name = entry.get("name").and_then(Value::as_str).unwrap_or("");
            if name.trim().is_empty() {
                let got = show::value(entry);
                return Look::flaw("a capability has no name", "an object with a `name`", got);
            }
            if !seen.insert(name) {
                return Look::flaw("two capabilities share a name", "unique names", name);
            }
        }
        if seen.is_empty() {
            return Look::missing("no capabilities are listed: see capabilities.responds");
        }
        Look::Fine
    })
}

fn described(evidence: &Evidence) -> Judgement {
    each_entry(evidence, |entry| {
        // What is no object, capabilities.named finds.
        let is_entry = entry.is_object();
        let text = entry
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or("");
        let flaw = || {
            let message = format!(
                "the capability {} has no description",
                show::member(entry, "name")
            );
            Look::flaw(
                message,
                "a non-empty string",
                show::member(entry, "description"),
            )
        };
        (is_entry && text.trim().is_empty()).then(flaw)
    })
}

fn version(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Capabilities, |document| {
        match document.get("version") {
            Some(Value::String(_)) => Look::Fine,
            _ => Look::flaw(
                "`version` is no string",
                "a string",
                show::member(document, "version"),
            ),
        }
    })
}

fn version_semver(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Capabilities, |document| {
        let Some(version) = document.get("version").and_then(Value::as_str) else {
            return Look::missing("`version` is no string: see capabilities.version");
        };
        if semver::Version::parse(version).is_ok() {
            return Look::Fine;
        }
        Look::flaw("the version is not semantic", "MAJOR.MINOR.PATCH", version)
    })
}

fn protocol_version(evidence: &Evidence) -> Judgement {
    document(evidence, Step::Capabilities, |document| {
        if document.get("protocol_version").and_then(Value::as_str) == Some("acp/v0") {
            return Look::Fine;
        }
        let got = show::member(document, "protocol_version");
        Look::flaw("the protocol's version is not named", "\"acp/v0\"", got)
    })
}

fn schemas_valid(evidence: &Evidence) -> Judgement {
    each_entry(evidence, |entry| {
        SCHEMAS.iter().find_map(|name| {
            let violations = schema::metaschema_violations(entry.get(*name)?);
            (!violations.is_empty()).then(|| {
                let message = format!(
                    "{name} of {} is no JSON Schema",
                    show::member(entry, "name")
                );
                Look::flaw(message, "valid under its metaschema", list(&violations))
            })
        })
    })
}

fn stable(evidence: &Evidence) -> Judgement {
    same_twice(evidence, Step::Capabilities)
}
