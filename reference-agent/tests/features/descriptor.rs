//! The descriptor and the manifest: that they hold to their schemas, and say of the agent what
//! it says itself.
//!
//! The live agent decides. A document is judged on what it says; what it fails to say, or says
//! in a form that its schema forbids, is for its schema to find.

use std::collections::BTreeSet;

use acp_reference_agent::{Running, Settings, faults, settings::Auth, settings::Secret, start};
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::{
    shown::{self, Question, Shown},
    wire,
};

pub(crate) const SHOWN: &[Shown] = &[
    ("descriptor-forgets-its-capabilities", valid_descriptor),
    ("descriptor-lists-bare-paths", valid_descriptor),
    ("descriptor-writes-methods-small", valid_descriptor),
    ("descriptor-of-the-last-release", true_descriptor),
    ("descriptor-keeps-a-path-that-is-gone", true_descriptor),
    ("descriptor-puts-to-config", true_descriptor),
    ("descriptor-tells-another-auth", true_descriptor),
    ("descriptor-guards-an-open-path", true_descriptor),
    ("descriptor-boasts-of-a-capability", true_descriptor),
    ("manifest-of-another-api", valid_manifest),
    ("manifest-is-of-another-kind", valid_manifest),
    ("manifest-leaves-its-version-unquoted", valid_manifest),
    ("manifest-names-nothing", valid_manifest),
    ("manifest-has-another-name", true_manifest),
    ("manifest-of-the-last-release", true_manifest),
    ("manifest-takes-another-input", true_manifest),
    ("manifest-probes-another-path", true_manifest),
];

const RULES: [(&str, Question); 4] = [
    ("descriptor.valid", valid_descriptor),
    ("descriptor.true", true_descriptor),
    ("manifest.valid", valid_manifest),
    ("manifest.true", true_manifest),
];

const KEY: &str = "a-key-for-tests";

fn valid_descriptor(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    let schema = include_str!("../../../fixtures/schemas/descriptor.json");
    Box::pin(async move { holds_to(schema, &agent.descriptor()) })
}

fn valid_manifest(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    let schema = include_str!("../../../fixtures/schemas/manifest.json");
    Box::pin(async move { holds_to(schema, &manifest(&agent)) })
}

fn holds_to(schema: &str, document: &Value) -> Result<(), String> {
    let schema = serde_json::from_str(schema).expect("a schema");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    let judged = validator.validate(document);
    judged.map_err(|error| format!("{} at {}", error, error.instance_path()))
}

fn manifest(agent: &Running) -> Value {
    serde_saphyr::from_str(&agent.manifest().expect("a manifest")).expect("YAML")
}

fn true_descriptor(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    Box::pin(async move {
        let document = agent.descriptor();
        let live = document_at(&agent, "/capabilities").await;
        for name in ["agent_id", "name", "version", "description"] {
            same(name, &document[name], &live[name])?;
        }
        for name in ["streaming", "metrics", "config_versions"] {
            same(name, &document[name], &live[name])?;
        }
        let schema = document_at(&agent, "/schema").await;
        for name in ["input", "output", "config"] {
            same(name, &document["schemas"][name], &schema[name])?;
        }
        agrees(&agent, &document, ["input_schema", "output_schema"], &live).await
    })
}

fn true_manifest(agent: Running) -> BoxFuture<'static, Result<(), String>> {
    Box::pin(async move {
        let manifest = manifest(&agent);
        let live = document_at(&agent, "/capabilities").await;
        let (metadata, spec) = (&manifest["metadata"], &manifest["spec"]);
        same("name", &metadata["name"], &live["agent_id"])?;
        // A version that is no text is the schema's affair.
        if metadata["version"].is_string() {
            same("version", &metadata["version"], &live["version"])?;
        }
        for path in spec["health"].as_object().expect("paths").values() {
            let status = ask(&agent, "GET", path.as_str().expect("a path")).await;
            (status == 200)
                .then_some(())
                .ok_or(format!("{path}: {status}"))?;
        }
        agrees(&agent, spec, ["inputSchema", "outputSchema"], &live).await
    })
}

/// What both documents say of the agent: its auth, its paths, its capabilities.
async fn agrees(
    agent: &Running,
    document: &Value,
    names: [&str; 2],
    live: &Value,
) -> Result<(), String> {
    same(
        "auth",
        &document["auth"],
        &document_at(agent, "/auth").await,
    )?;
    for endpoint in list(document, "endpoints") {
        let told = (endpoint["method"].as_str(), endpoint["path"].as_str());
        let (Some(method), Some(path)) = told else {
            continue;
        };
        let status = ask(agent, &method.to_ascii_uppercase(), path).await;
        if matches!(status, 404 | 405) {
            return Err(format!("{method} {path}: {status}"));
        }
        let is_asked = method == "GET" && !path.contains('{');
        if is_asked && endpoint["auth_required"] == true {
            let status = wire::get(agent, path).await.status;
            if status != 401 {
                return Err(format!("{path} without credentials: {status}"));
            }
        }
    }
    if document["capabilities"].is_null() {
        return Ok(());
    }
    let told = list(document, "capabilities").map(|one| ability(one, names));
    let known =
        list(live, "capabilities").map(|one| ability(one, ["input_schema", "output_schema"]));
    let (told, known): (BTreeSet<_>, BTreeSet<_>) = (told.collect(), known.collect());
    (told == known)
        .then_some(())
        .ok_or(format!("capabilities: {told:?}"))
}

fn list<'a>(document: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    document[name].as_array().into_iter().flatten()
}

fn ability(one: &Value, [input, output]: [&str; 2]) -> [String; 3] {
    [&one["name"], &one[input], &one[output]].map(Value::to_string)
}

/// What is not told is not judged.
fn same(what: &str, told: &Value, live: &Value) -> Result<(), String> {
    let agrees = told.is_null() || told == live;
    agrees
        .then_some(())
        .ok_or(format!("{what}: {told}, not {live}"))
}

async fn document_at(agent: &Running, path: &str) -> Value {
    wire::get(agent, path).await.json()
}

/// The status that a path answers with; `{id}` is that of a configuration.
async fn ask(agent: &Running, method: &str, path: &str) -> u16 {
    let key = format!("X-API-Key: {KEY}");
    let headers = [key.as_str(), "Content-Type: application/json"];
    let send = async |method, path: &str, body: &[u8]| {
        let request = wire::request(method, path, &headers, body);
        wire::Answer::parse(&wire::raw(agent.addr(), &request).await)
    };
    let mut path = path.to_owned();
    if path.contains("{id}") {
        let stored = send("POST", "/config", br#"{"config":{}}"#).await.json();
        path = path.replace("{id}", stored["config_id"].as_str().expect("an id"));
    }
    let body: &[u8] = if method == "GET" { b"" } else { b"{}" };
    send(method, &path, body).await.status
}

fn with_keys() -> Settings {
    Settings {
        auth: Auth::ApiKey,
        api_keys: vec![("tests".to_owned(), Secret::of(KEY))],
        ..Settings::unlimited()
    }
}

fn bare() -> Settings {
    Settings {
        enable_streaming: false,
        enable_metrics: false,
        ..Settings::unlimited()
    }
}

#[tokio::test]
async fn each_fault_shows() {
    shown::holds_and_fails(SHOWN, Settings::unlimited).await;
}

#[tokio::test]
async fn each_fault_shows_under_its_own_rule_alone() {
    for (name, _) in SHOWN {
        let fault = faults::find(name).expect("a fault");
        for (rule, ask) in RULES {
            let agent = wire::agent_with(&[name]).await;
            let holds = ask(agent).await;
            assert_eq!(
                holds.is_err(),
                fault.trips.contains(&rule),
                "{name}: {holds:?}"
            );
        }
    }
}

#[tokio::test]
async fn both_documents_follow_the_settings() {
    for settings in [with_keys, bare] {
        for (rule, ask) in RULES {
            let agent = start(settings()).await.expect("the agent starts");
            ask(agent)
                .await
                .unwrap_or_else(|wrong| panic!("{rule}: {wrong}"));
        }
    }
}

#[tokio::test]
async fn what_is_off_is_not_listed() {
    let agent = start(bare()).await.expect("the agent starts");
    let document = agent.descriptor();
    let paths: Vec<_> = list(&document, "endpoints")
        .map(|one| &one["path"])
        .collect();
    assert!(paths.iter().any(|path| *path == "/invoke"), "{paths:?}");
    for off in [
        "/invoke/stream",
        "/invoke/advanced-stream",
        "/ws",
        "/metrics",
        "/oauth/token",
    ] {
        assert!(!paths.iter().any(|path| *path == off), "{off}");
    }
    assert_eq!(document["streaming"], false);
}

#[tokio::test]
async fn a_path_asks_for_credentials_if_auth_does() {
    let agent = start(with_keys()).await.expect("the agent starts");
    let auth = document_at(&agent, "/auth").await;
    let document = agent.descriptor();
    for endpoint in list(&document, "endpoints") {
        let path = endpoint["path"].as_str().expect("a path");
        let is_guarded = ["/config", "/invoke", "/graphql", "/ws"]
            .iter()
            .any(|root| path.starts_with(root));
        let asks = is_guarded && auth["required"] == true;
        assert_eq!(endpoint["auth_required"], asks, "{path}");
    }
}

#[tokio::test]
async fn a_document_made_from_settings_is_that_of_the_agent() {
    let agent = start(Settings::unlimited())
        .await
        .expect("the agent starts");
    let settings = Settings {
        port: agent.addr().port(),
        ..Settings::unlimited()
    };
    let document = acp_reference_agent::descriptor(&settings).expect("a descriptor");
    assert_eq!(document, agent.descriptor());
    let written = acp_reference_agent::manifest(&settings).expect("a manifest");
    assert_eq!(written, agent.manifest().expect("a manifest"));
}
