//! Each dialect, as an agent speaks it; and the canonical forms, which are none.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{DIALECTS, MISTAKES, spoken};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::made_up;
use crate::rules;
use crate::settings::Facts;
use crate::wire::Request;

/// An answer: where and why it was asked, status, body.
type Said = (Topic, Step, &'static str, u16, &'static str);

fn ask((topic, step, path, status, body): Said) -> Arc<Ask> {
    let is_stream = body.starts_with("data: ");
    let kind = if is_stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    let request = match step {
        Step::Main | Step::Call => Request::post(path, "{}"),
        _ => Request::get(path),
    };
    let answer = made_up::answer(status, &[("Content-Type", kind)], body);
    let mut ask = made_up::ask(topic, step, 0, made_up::exchange(request, Ok(answer)));
    ask.about.wants_stream = is_stream;
    Arc::new(ask)
}

fn names(said: &[Said]) -> Vec<&'static str> {
    let asks = said.iter().copied().map(ask).collect();
    let evidence = Evidence::new(Facts::default(), asks, Default::default());
    let spoken = spoken(&evidence);
    spoken.iter().map(|(dialect, _)| dialect.name).collect()
}

const fn auth(body: &'static str) -> Said {
    (Topic::Documents, Step::Auth, "/auth", 200, body)
}
const fn schema(body: &'static str) -> Said {
    (Topic::Documents, Step::Schema, "/schema", 200, body)
}
const fn capabilities(body: &'static str) -> Said {
    (
        Topic::Documents,
        Step::Capabilities,
        "/capabilities",
        200,
        body,
    )
}
const fn health(body: &'static str) -> Said {
    (Topic::Documents, Step::Health, "/health", 200, body)
}
const fn stored(body: &'static str) -> Said {
    (Topic::ConfigValid, Step::Main, "/config", 200, body)
}
const fn invoked(body: &'static str) -> Said {
    (Topic::InvokeValid, Step::Main, "/invoke", 200, body)
}
const fn refused(status: u16, body: &'static str) -> Said {
    (Topic::InvokeInvalid, Step::Main, "/invoke", status, body)
}
const fn streamed(body: &'static str) -> Said {
    (Topic::StreamValid, Step::Main, "/invoke/stream", 200, body)
}

/// `hello-world`'s, `minimal`'s and the others' answers, each under the dialects that it is in.
const SPOKEN: &[(&[&str], &[Said])] = &[
    (
        &["auth-type-in-other-words"],
        &[auth(r#"{"type": "API keys"}"#)],
    ),
    (
        &["auth-type-in-other-words"],
        &[auth(r#"{"type": "OAuth"}"#)],
    ),
    (
        &["suffixed-schema-keys"],
        &[schema(
            r#"{"input_schema": {}, "output_schema": {}, "config_schema": {}}"#,
        )],
    ),
    (
        &["no-config-schema"],
        &[schema(r#"{"input": {}, "output": {}}"#)],
    ),
    (
        &["pattern-for-enum"],
        &[schema(
            r#"{"input": {"properties": {"a": {"pattern": "^(hot|cold)$"}}}, "output": {}, "config": {}}"#,
        )],
    ),
    (
        &["optional-config"],
        &[(
            Topic::ConfigShapes,
            Step::Main,
            "/config",
            200,
            r#"{"config_id": "1", "status": "created"}"#,
        )],
    ),
    (
        &["config-echo", "creation-without-zone"],
        &[stored(
            r#"{"config_id": "1", "config": {}, "created_at": "2026-01-31T12:00:00.123456"}"#,
        )],
    ),
    (
        &["config-timestamp"],
        &[stored(
            r#"{"config_id": "1", "status": "created", "timestamp": 1769860800.5}"#,
        )],
    ),
    (
        &["any-object-for-input"],
        &[(
            Topic::InvokeShapes,
            Step::Main,
            "/invoke",
            200,
            r#"{"output": {}}"#,
        )],
    ),
    (
        &["output-data"],
        &[invoked(
            r#"{"output_data": {}, "status": "success", "request_id": "1"}"#,
        )],
    ),
    (
        &["outer-run-time"],
        &[invoked(
            r#"{"output": {}, "metadata": {}, "execution_time": 0.2}"#,
        )],
    ),
    (
        &["run-time-in-ms"],
        &[invoked(
            r#"{"output": {}, "metadata": {"processing_time_ms": 1}}"#,
        )],
    ),
    (
        &["cache-mark-elsewhere"],
        &[(
            Topic::Cache,
            Step::Main,
            "/invoke",
            200,
            r#"{"output": {}, "cached": true}"#,
        )],
    ),
    (
        &["unprocessable-content", "detail-list"],
        &[refused(
            422,
            r#"{"detail": [{"loc": ["body"], "msg": "m", "type": "t"}]}"#,
        )],
    ),
    (
        &["detail"],
        &[refused(400, r#"{"detail": "Invalid input"}"#)],
    ),
    (
        &["flat-error"],
        &[refused(
            404,
            r#"{"error": "Not found", "code": "404", "details": {}}"#,
        )],
    ),
    (
        &["flat-error"],
        &[refused(
            404,
            r#"{"error": "Not Found", "message": "m", "available_endpoints": []}"#,
        )],
    ),
    (
        &["flat-error"],
        &[refused(
            429,
            r#"{"error": "Rate limit exceeded: 10 per 1 minute"}"#,
        )],
    ),
    (
        &["error-without-code"],
        &[refused(
            500,
            r#"{"error": {"type": "t", "message": "m", "status_code": 500}}"#,
        )],
    ),
    (
        &["message"],
        &[refused(502, r#"{"message": "Bad Gateway"}"#)],
    ),
    (
        &["error-time-without-zone"],
        &[refused(
            400,
            r#"{"error": {"code": "INVALID_INPUT", "message": "m", "timestamp": "2026-01-31T12:00:00"}}"#,
        )],
    ),
    (
        &["agent-name"],
        &[capabilities(
            r#"{"agent_id": "hello", "agent_name": "Hello", "description": "", "version": "1.0.0",
            "protocol_version": "acp/v0", "capabilities": [{"name": "hello"}], "supported_languages": ["en"]}"#,
        )],
    ),
    (
        &["acp-version"],
        &[capabilities(
            r#"{"name": "n", "version": "1.0.0", "acp_version": "0.1", "capabilities": [{"name": "n"}]}"#,
        )],
    ),
    (
        &["protocol-and-version"],
        &[capabilities(
            r#"{"version": "v0", "protocol": "acp", "capabilities": [{"name": "n"}]}"#,
        )],
    ),
    (
        &["bare-capabilities"],
        &[capabilities(r#"{"capabilities": [{"name": "n"}]}"#)],
    ),
    (
        &["capabilities-by-name"],
        &[capabilities(
            r#"{"version": "1.0.0", "protocol_version": "acp/v0", "capabilities": ["n"]}"#,
        )],
    ),
    (
        &["camel-case-schemas"],
        &[capabilities(
            r#"{"version": "1.0.0", "protocol_version": "acp/v0", "capabilities": [{"name": "n", "inputSchema": {}}]}"#,
        )],
    ),
    (
        &["stream-by-flag"],
        &[(
            Topic::Discovery,
            Step::Main,
            "/invoke",
            200,
            "data: {\"status\": \"started\"}\n\n",
        )],
    ),
    (
        &["completed"],
        &[streamed(
            "data: {\"status\": \"started\"}\n\ndata: {\"status\": \"completed\", \"result\": {}}\n\n",
        )],
    ),
    (
        &["output-for-result"],
        &[streamed(
            "data: {\"status\": \"started\"}\n\ndata: {\"status\": \"complete\", \"output\": {}}\n\n",
        )],
    ),
    (
        &["response-for-result"],
        &[
            schema(r#"{"input": {}, "output": {"required": ["city"]}, "config": {}}"#),
            streamed(
                "data: {\"status\": \"started\"}\n\ndata: {\"status\": \"complete\", \"result\": {\"id\": \"1\", \"output\": {\"city\": \"x\"}}}\n\n",
            ),
        ],
    ),
    (
        &["done-sentinel"],
        &[streamed(
            "data: {\"status\": \"started\"}\n\ndata: {\"status\": \"complete\", \"result\": {}}\n\ndata: [DONE]\n\n",
        )],
    ),
    (
        &["bare-error-event", "refusal-in-the-stream"],
        &[(
            Topic::StreamInvalid,
            Step::Main,
            "/invoke/stream",
            200,
            "data: {\"error\": \"Invalid input\"}\n\n",
        )],
    ),
    (
        &["opens-with-processing"],
        &[streamed(
            "data: {\"status\": \"processing\"}\n\ndata: {\"status\": \"complete\", \"result\": {}}\n\n",
        )],
    ),
    (
        &["health-in-other-words"],
        &[health(r#"{"status": "warning"}"#)],
    ),
    (
        &["health-without-zone"],
        &[health(
            r#"{"status": "healthy", "timestamp": "2026-01-31T12:00:00"}"#,
        )],
    ),
    (
        &["registration-under-v1"],
        &[(
            Topic::Registration,
            Step::Call,
            "/v1/agents/register",
            404,
            "{}",
        )],
    ),
];

/// What the profile puts first, and answers that every reader understands.
const CANONICAL: &[Said] = &[
    auth(r#"{"type": "api_key", "description": "d", "required": true}"#),
    schema(
        r#"{"input": {"enum": ["a"]}, "output": {}, "config": {}, "input_schema": {}, "output_schema": {}}"#,
    ),
    capabilities(
        r#"{"name": "n", "agent_id": "n", "agent_name": "n", "version": "1.0.0", "acp_version": "0.1",
            "protocol": "acp", "protocol_version": "acp/v0", "auth": {"required": false}, "streaming": true,
            "capabilities": [{"name": "n", "description": "d", "input_schema": {}, "inputSchema": {}}]}"#,
    ),
    health(r#"{"status": "healthy", "timestamp": 1769860800.5}"#),
    health(r#"{"status": "degraded", "timestamp": "2026-01-31T12:00:00Z"}"#),
    stored(
        r#"{"config_id": "1", "config": {}, "status": "created", "created_at": "2026-01-31T12:00:00Z"}"#,
    ),
    invoked(
        r#"{"output": {"timestamp": "x"}, "metadata": {"execution_time": 0.1}, "execution_time": null}"#,
    ),
    (
        Topic::Cache,
        Step::Main,
        "/invoke",
        200,
        r#"{"output": {"_from_cache": true}}"#,
    ),
    refused(
        400,
        r#"{"error": {"code": "INVALID_INPUT", "message": "m", "details": {}, "timestamp": "2026-01-31T12:00:00Z"}}"#,
    ),
    (Topic::InvokeShapes, Step::Main, "/invoke", 400, "{}"),
    streamed(
        "data: {\"status\": \"started\"}\n\ndata: {\"status\": \"complete\", \"result\": {\"output\": 1}}\n\n",
    ),
    streamed("data: {\"event\": \"start\"}\n\ndata: {\"event\": \"error\", \"error\": \"e\"}\n\n"),
    (
        Topic::Registration,
        Step::Call,
        "/agents/register",
        200,
        r#"{"registration_id": "1"}"#,
    ),
];

#[test]
fn each_dialect_is_recognised_by_its_name_and_no_other() {
    let mut seen = BTreeSet::new();
    for (dialects, said) in SPOKEN {
        let (mut told, mut named) = (names(said), dialects.to_vec());
        seen.extend(named.iter().copied());
        told.sort_unstable();
        named.sort_unstable();
        assert_eq!(told, named, "{said:?}");
    }
    let all: BTreeSet<_> = DIALECTS.iter().map(|dialect| dialect.name).collect();
    assert_eq!(seen, all, "each dialect is spoken here");
}

#[test]
fn canonical_forms_and_supersets_of_them_are_no_dialect() {
    for said in CANONICAL {
        assert_eq!(names(&[*said]), Vec::<&str>::new(), "{said:?}");
    }
}

#[test]
fn every_dialect_and_every_mistake_names_a_rule_or_says_why_not() {
    let mut seen = BTreeSet::new();
    for dialect in DIALECTS {
        assert!(seen.insert(dialect.name), "{} stands twice", dialect.name);
        assert!(dialect.cost.ends_with('.'), "{}", dialect.name);
        let is_known = dialect.rule.is_none_or(|id| rules::find(id).is_some());
        assert!(is_known, "{}: {:?}", dialect.name, dialect.rule);
    }
    for mistake in MISTAKES {
        assert_ne!(
            mistake.rules.is_empty(),
            mistake.note.is_empty(),
            "{}",
            mistake.what
        );
        for id in mistake.rules {
            assert!(rules::find(id).is_some(), "{}: {id}", mistake.what);
        }
    }
}
