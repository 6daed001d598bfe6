//! Rules on the descriptor and the manifest: that they hold to their schemas, and say of the agent
//! what it says itself.
//!
//! The live agent decides. What a document does not say, or says in a form that its schema
//! forbids, is for its schema to find: these rules compare what can be read.

use std::collections::BTreeSet;

use acp_reports::Level::Must;
use serde_json::Value;

use super::likeness::{is_alike, same_name};
use super::looks::{json, list, settle};
use crate::drive::described::key;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Descriptor;
use crate::probe::{Part, part_of};
use crate::protocol::{self, Message};
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::show;

const READS: &[Topic] = &[
    Topic::Documents,
    Topic::UnknownPath,
    Topic::Discovery,
    Topic::Described,
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "descriptor.valid",
        level: Must,
        feature: Descriptor,
        clause: "`acp-descriptor.json` is valid under the schema for it.",
        source: "P2",
        why: "Registries read it with typed readers, which refuse it whole for one wrong member.",
        mend: "Make it from the agent's own settings (`acp-tck agent --print-descriptor` shows one), or mend what the message points at.",
        reads: &[Topic::Described],
        judge: descriptor_valid,
    },
    Rule {
        id: "descriptor.true",
        level: Must,
        feature: Descriptor,
        clause: "The descriptor's paths, methods, version, auth and capabilities agree with the live agent.",
        source: "P2",
        why: "Who has only read the descriptor calls what is not there, or does not know what is.",
        mend: "Make the descriptor from the agent at each release, instead of by hand.",
        reads: READS,
        judge: descriptor_true,
    },
    Rule {
        id: "manifest.valid",
        level: Must,
        feature: Descriptor,
        clause: "`agent-manifest.yaml` is an `agntcy.org/v1` `AgentManifest` with metadata (name, semantic version) and a spec.",
        source: "P2",
        why: "A deployment goes by apiVersion and kind, and stops at what it does not know.",
        mend: "Mend what the message points at; put versions into quotes, as YAML reads 1.0 as a number.",
        reads: &[Topic::Described],
        judge: manifest_valid,
    },
    Rule {
        id: "manifest.true",
        level: Must,
        feature: Descriptor,
        clause: "The manifest agrees with the descriptor and with the live agent.",
        source: "P2",
        why: "What is deployed by it is probed, versioned and called otherwise than it answers.",
        mend: "Make the manifest from the agent at each release, instead of by hand.",
        reads: READS,
        judge: manifest_true,
    },
];

fn descriptor_valid(evidence: &Evidence) -> Judgement {
    match &evidence.facts.descriptor {
        None => no_descriptor(),
        Some(told) => valid(evidence, told, &protocol::DESCRIPTOR, "the descriptor"),
    }
}

fn manifest_valid(evidence: &Evidence) -> Judgement {
    match &evidence.facts.manifest {
        None => no_manifest(),
        Some(told) => valid(evidence, told, &protocol::MANIFEST, "the manifest"),
    }
}

fn no_descriptor() -> Judgement {
    Judgement::Unseen("no descriptor is given: --descriptor acp-descriptor.json".to_owned())
}

fn no_manifest() -> Judgement {
    Judgement::Unseen("no manifest is given: --manifest agent-manifest.yaml".to_owned())
}

fn valid(evidence: &Evidence, told: &Value, schema: &Message, what: &str) -> Judgement {
    let violations = schema.violations(told);
    let mut tally = Tally::new(evidence);
    tally.read(if violations.is_empty() {
        Look::Fine
    } else {
        // There is no exchange to show, so the message says it all.
        let got = list(&violations);
        let message = format!("{what} breaks its schema: {got}");
        Look::flaw(message, "valid under its schema", got)
    });
    tally.judgement()
}

/// One of the two documents, as far as both say the same things.
struct Told<'a> {
    what: &'static str,
    /// What stands for the agent as a whole: `version` is looked up here.
    version: Option<&'a Value>,
    /// Where `auth`, `endpoints` and `capabilities` are.
    body: &'a Value,
    /// What the schemas of a capability are called.
    schemas: [&'static str; 2],
    /// Which asks are about its paths.
    key: usize,
}

fn descriptor_true(evidence: &Evidence) -> Judgement {
    let Some(document) = &evidence.facts.descriptor else {
        return no_descriptor();
    };
    let told = Told {
        what: "the descriptor",
        version: document.get("version"),
        body: document,
        schemas: ["input_schema", "output_schema"],
        key: key::DESCRIPTOR,
    };
    let mut tally = Tally::new(evidence);
    look_at(evidence, &mut tally, Step::Capabilities, |live| {
        let id = differs(&told, "agent_id", document.get("agent_id"), live);
        id.or_else(|| of_capabilities(&told, live, evidence))
    });
    look_at(evidence, &mut tally, Step::Schema, |live| {
        of_schemas(&told, live)
    });
    common(evidence, &mut tally, &told);
    tally.judgement()
}

fn manifest_true(evidence: &Evidence) -> Judgement {
    let Some(document) = &evidence.facts.manifest else {
        return no_manifest();
    };
    let null = Value::Null;
    let metadata = document.get("metadata").unwrap_or(&null);
    let told = Told {
        what: "the manifest",
        version: metadata.get("version"),
        body: document.get("spec").unwrap_or(&null),
        schemas: ["inputSchema", "outputSchema"],
        key: key::MANIFEST,
    };
    let descriptor = evidence.facts.descriptor.as_ref();
    let mut tally = Tally::new(evidence);
    look_at(evidence, &mut tally, Step::Capabilities, |live| {
        let name = named(metadata.get("name"), &[Some(live), descriptor]);
        name.or_else(|| of_capabilities(&told, live, evidence))
    });
    common(evidence, &mut tally, &told);
    tally.judgement()
}

/// What both documents say of auth and paths.
fn common(evidence: &Evidence, tally: &mut Tally<'_>, told: &Told<'_>) {
    look_at(evidence, tally, Step::Auth, |live| of_auth(told, live));
    let unknown = evidence
        .of(Topic::UnknownPath)
        .filter_map(|ask| Some((ask.exchange.request.method.as_str(), ask.answer()?.status)));
    let unknown: BTreeSet<(&str, u16)> = unknown.collect();
    let asks = evidence.at(Topic::Described, Step::Main);
    for ask in asks.filter(|ask| ask.about.key & told.key != 0) {
        tally.look(ask, of_path(told, ask, &unknown));
    }
    let asks = evidence.at(Topic::Described, Step::Again);
    for ask in asks.filter(|ask| ask.about.key & told.key != 0) {
        tally.look(ask, of_guard(told, ask));
    }
}

/// Compares with one of the live agent's documents.
fn look_at(
    evidence: &Evidence,
    tally: &mut Tally<'_>,
    step: Step,
    compare: impl Fn(&Value) -> Option<Look>,
) {
    for ask in evidence.at(Topic::Documents, step) {
        let look = settle(json(ask).map(|live| compare(live).unwrap_or(Look::Fine)));
        tally.look(ask, look);
    }
}

/// A member that both have, as text, and that is not the same.
fn differs(told: &Told<'_>, name: &str, said: Option<&Value>, live: &Value) -> Option<Look> {
    let said = said?.as_str()?;
    let live = live.get(name)?.as_str()?;
    let message = || format!("{}: `{name}` is not the agent's", told.what);
    (said != live).then(|| Look::flaw(message(), live, said))
}

/// The manifest's name, which is the agent's id or name as the agent or the descriptor has it.
fn named(said: Option<&Value>, holders: &[Option<&Value>]) -> Option<Look> {
    let said = said?.as_str()?;
    let members = ["agent_id", "name", "agent_name"];
    let known = holders.iter().flatten().flat_map(|holder| {
        let names = members.iter().filter_map(|name| holder.get(*name));
        names.filter_map(Value::as_str)
    });
    let known: Vec<&str> = known.collect();
    if known.is_empty() || known.iter().any(|name| same_name(name, said)) {
        return None;
    }
    let message = "the manifest: `metadata.name` is not the agent's";
    Some(Look::flaw(message, known.join(" or "), said))
}

/// Version and capabilities, beside `/capabilities`.
fn of_capabilities(told: &Told<'_>, live: &Value, evidence: &Evidence) -> Option<Look> {
    differs(told, "version", told.version, live)
        .or_else(|| of_streaming(told, evidence))
        .or_else(|| of_abilities(told, live, evidence))
}

/// A descriptor that denies the streams; one that claims them is for features.claims-are-true.
fn of_streaming(told: &Told<'_>, evidence: &Evidence) -> Option<Look> {
    let denies = told.body.get("streaming") == Some(&Value::Bool(false));
    let stream = evidence.probe.streams.first().filter(|_| denies)?;
    let message = format!("{} says that the agent does not stream", told.what);
    Some(Look::flaw(
        message,
        format!("a stream at {}", stream.path),
        "`streaming: false`",
    ))
}

fn of_abilities(told: &Told<'_>, live: &Value, evidence: &Evidence) -> Option<Look> {
    let said = told.body.get("capabilities")?.as_array()?;
    let live = live.get("capabilities")?.as_array()?;
    let (names, known) = (names(said), names(live));
    if let Some(name) = names.difference(&known).next() {
        let message = format!("{} lists a capability that the agent lacks", told.what);
        let known: Vec<&str> = known.iter().copied().collect();
        return Some(Look::flaw(message, known.join(", "), *name));
    }
    if let Some(name) = known.difference(&names).next() {
        let message = format!("{} does not list a capability of the agent", told.what);
        return Some(Look::flaw(message, *name, "nothing of that name"));
    }
    said.iter().find_map(|one| {
        let name = ability_name(one)?;
        let own = live.iter().find(|live| ability_name(live) == Some(name))?;
        let is_only_one = said.len() == 1;
        [Part::Input, Part::Output].into_iter().find_map(|part| {
            let said = one.get(told.schemas[usize::from(part == Part::Output)])?;
            let live = live_schema(own, part)
                .or_else(|| schema_at(evidence, part).filter(|_| is_only_one))?;
            let message = || {
                format!(
                    "{}: the {} schema of {name} is another one",
                    told.what,
                    part.name()
                )
            };
            (!is_alike(said, live))
                .then(|| Look::flaw(message(), show::value(live), show::value(said)))
        })
    })
}

fn live_schema(ability: &Value, part: Part) -> Option<&Value> {
    let names = match part {
        Part::Output => ["output_schema", "outputSchema"],
        _ => ["input_schema", "inputSchema"],
    };
    names.iter().find_map(|name| ability.get(*name))
}

fn schema_at(evidence: &Evidence, part: Part) -> Option<&Value> {
    let schemas = evidence.probe.schemas.as_ref()?;
    part_of(schemas, part)
}

fn names(abilities: &[Value]) -> BTreeSet<&str> {
    abilities.iter().filter_map(ability_name).collect()
}

/// Its name; a dialect lists names alone.
fn ability_name(ability: &Value) -> Option<&str> {
    let named = || ability.get("name")?.as_str();
    ability.as_str().or_else(named)
}

fn of_schemas(told: &Told<'_>, live: &Value) -> Option<Look> {
    let schemas = told.body.get("schemas")?;
    Part::ALL.iter().find_map(|part| {
        let (said, live) = (schemas.get(part.name())?, part_of(live, *part)?);
        let message = || format!("{}: the {} schema is another one", told.what, part.name());
        (!is_alike(said, live)).then(|| Look::flaw(message(), show::value(live), show::value(said)))
    })
}

fn of_auth(told: &Told<'_>, live: &Value) -> Option<Look> {
    let said = told.body.get("auth")?;
    let message = format!("{} asks for other credentials than /auth", told.what);
    let (kind, own) = (said.get("type")?.as_str()?, live.get("type")?.as_str()?);
    if kind != own {
        return Some(Look::flaw(message, own, kind));
    }
    let required = said.get("required")?.as_bool()?;
    let own = live.get("required").and_then(Value::as_bool);
    let own = own.unwrap_or(kind != "none");
    (required != own).then(|| {
        let say = |required: bool| format!("`required: {required}`");
        Look::flaw(message, say(own), say(required))
    })
}

fn of_path(told: &Told<'_>, ask: &Ask, unknown: &BTreeSet<(&str, u16)>) -> Look {
    let request = &ask.exchange.request;
    let (method, path) = (&request.method, &request.path);
    let Some(answer) = ask.answer() else {
        return Look::missing(format!("{method} {path} was not answered"));
    };
    let is_known = ask.about.key & key::UNKNOWN_PART == 0;
    let is_as_unknown = unknown.contains(&(method.as_str(), answer.status));
    let message = || format!("{} lists {method} {path}, which is not there", told.what);
    match answer.status {
        404 if is_socket(path) || !is_known => Look::Beside,
        404 | 405 | 501 => Look::flaw(message(), "an answer", show::answer(answer)),
        401 | 403 | 429 if is_as_unknown => Look::missing(format!(
            "every path is answered {}, whether it is there or not",
            answer.status
        )),
        _ => Look::Fine,
    }
}

/// What a path answers without credentials, by what is said of it. Only a 401 shows that it asks
/// for some, and only a success that it does not: what is wrong with a request may be told first.
fn of_guard(told: &Told<'_>, ask: &Ask) -> Look {
    let request = &ask.exchange.request;
    let is_said = ask.about.key & key::GUARDED != 0;
    let Some(answer) = ask.answer() else {
        return Look::Beside;
    };
    let (expected, how) = match (is_said, answer.status) {
        (false, 401) => (
            "an answer without credentials",
            "needs none, and it asks for some",
        ),
        (true, status) if (200..300).contains(&status) => {
            ("401", "needs some, and it asks for none")
        }
        (true, 401 | 403) => return Look::Fine,
        (false, status) if (200..300).contains(&status) => return Look::Fine,
        _ => return Look::Beside,
    };
    let (method, path) = (&request.method, &request.path);
    let message = format!(
        "{} on credentials: it says that {method} {path} {how}",
        told.what
    );
    Look::flaw(message, expected, show::answer(answer))
}

/// Whether it looks like a WebSocket's: some frameworks answer 404 there to anything else.
fn is_socket(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or(path);
    last == "ws" || last.contains("websocket")
}
