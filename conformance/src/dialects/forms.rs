//! How dialects are told: looks at one exchange, each a question of yes or no.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::cached;
use crate::evidence::{Ask, Step, Topic};
use crate::probe::{Part, Probe};
use crate::terminal::{Kind, SENTINEL};
use crate::time::rfc3339;

/// A time as ISO 8601 has it, without a zone.
static WITHOUT_ZONE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?$").ok());
/// Words between bars, and nothing else.
static WORDS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\^\([\w -]+(\|[\w -]+)+\)\$$").ok());

/// One of the documents, if it was answered 200.
fn document(ask: &Ask, step: Step) -> Option<&Value> {
    let is_it = ask.topic == Topic::Documents && ask.about.step == step;
    let is_there = ask.answer().is_some_and(|answer| answer.status == 200);
    ask.json().filter(|_| is_it && is_there)
}

/// The answer to a request to a path that succeeded.
fn success<'a>(ask: &'a Ask, path: &str) -> Option<&'a Value> {
    let request = &ask.exchange.request;
    let is_it = request.method == "POST" && request.path == path && !ask.topic.is_scene();
    let is_success = ask.answer().is_some_and(|answer| answer.is_success());
    ask.json()
        .filter(|_| is_it && is_success && !ask.is_stream())
}

fn has(body: &Value, name: &str) -> bool {
    body.get(name).is_some_and(|member| !member.is_null())
}

/// Has the one and not the other.
fn has_instead(body: &Value, name: &str, canonical: &str) -> bool {
    has(body, name) && !has(body, canonical)
}

pub(super) fn auth_type(_: &Probe, ask: &Ask) -> bool {
    const OTHERS: &[&str] = &[
        "none",
        "apikey",
        "apikeys",
        "key",
        "bearer",
        "bearertoken",
        "jwt",
        "oauth",
        "oauth2",
    ];
    const KNOWN: &[&str] = &["none", "api_key", "bearer", "oauth2"];
    let kind = document(ask, Step::Auth).and_then(|auth| auth.get("type")?.as_str());
    kind.is_some_and(|kind| {
        let letters = kind.chars().filter(char::is_ascii_alphanumeric);
        let letters: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        !KNOWN.contains(&kind) && OTHERS.contains(&letters.as_str())
    })
}

pub(super) fn schema_keys(_: &Probe, ask: &Ask) -> bool {
    document(ask, Step::Schema).is_some_and(|schemas| {
        let mut parts = Part::ALL.iter().map(|part| part.name());
        parts.any(|name| has_instead(schemas, &format!("{name}_schema"), name))
    })
}

pub(super) fn no_config_schema(_: &Probe, ask: &Ask) -> bool {
    document(ask, Step::Schema).is_some_and(|schemas| {
        let has_others = has(schemas, "input") || has(schemas, "input_schema");
        has_others && !has(schemas, "config") && !has(schemas, "config_schema")
    })
}

pub(super) fn pattern_for_enum(_: &Probe, ask: &Ask) -> bool {
    fn is_shown(value: &Value) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, member)| {
                let pattern = member.as_str().filter(|_| name == "pattern");
                let is_words = |text| WORDS.as_ref().is_some_and(|words| words.is_match(text));
                pattern.is_some_and(is_words) || is_shown(member)
            }),
            Value::Array(items) => items.iter().any(is_shown),
            _ => false,
        }
    }
    document(ask, Step::Schema).is_some_and(is_shown)
}

pub(super) fn optional_config(_: &Probe, ask: &Ask) -> bool {
    ask.topic == Topic::ConfigShapes && success(ask, "/config").is_some()
}

pub(super) fn config_echo(_: &Probe, ask: &Ask) -> bool {
    success(ask, "/config").is_some_and(|body| has_instead(body, "config", "status"))
}

pub(super) fn config_timestamp(_: &Probe, ask: &Ask) -> bool {
    success(ask, "/config").is_some_and(|body| has_instead(body, "timestamp", "created_at"))
}

pub(super) fn zoneless_creation(_: &Probe, ask: &Ask) -> bool {
    success(ask, "/config").is_some_and(|body| is_zoneless(body.get("created_at")))
}

fn is_zoneless(time: Option<&Value>) -> bool {
    let text = time.and_then(Value::as_str).unwrap_or_default();
    let is_like = WITHOUT_ZONE
        .as_ref()
        .is_some_and(|form| form.is_match(text));
    is_like && rfc3339(text).is_none()
}

pub(super) fn any_object(_: &Probe, ask: &Ask) -> bool {
    ask.topic == Topic::InvokeShapes && success(ask, "/invoke").is_some()
}

pub(super) fn output_data(_: &Probe, ask: &Ask) -> bool {
    success(ask, "/invoke").is_some_and(|body| has_instead(body, "output_data", "output"))
}

pub(super) fn outer_run_time(_: &Probe, ask: &Ask) -> bool {
    success(ask, "/invoke").is_some_and(|body| {
        let inner = body.pointer("/metadata/execution_time");
        body.get("execution_time").is_some_and(Value::is_number) && inner.is_none()
    })
}

pub(super) fn run_time_in_ms(_: &Probe, ask: &Ask) -> bool {
    let metadata = success(ask, "/invoke").and_then(|body| body.get("metadata"));
    metadata.is_some_and(|told| has_instead(told, "processing_time_ms", "execution_time"))
}

pub(super) fn elsewhere_marked(_: &Probe, ask: &Ask) -> bool {
    ask.topic == Topic::Cache
        && ask.about.step == Step::Main
        && cached::mark(ask).is_some_and(|at| at != "/output/_from_cache")
}

/// The body of an error of the agent's own.
fn error(ask: &Ask) -> Option<&Value> {
    let is_own = !ask.about.is_beneath && !ask.topic.is_scene() && ask.topic != Topic::Described;
    let is_error = ask.answer().is_some_and(|answer| answer.is_error());
    ask.json().filter(|_| is_own && is_error)
}

pub(super) fn unprocessable(_: &Probe, ask: &Ask) -> bool {
    error(ask).is_some() && ask.answer().is_some_and(|answer| answer.status == 422)
}

pub(super) fn detail(_: &Probe, ask: &Ask) -> bool {
    let has_text = |body: &Value| body.get("detail").is_some_and(Value::is_string);
    error(ask).is_some_and(|body| has_text(body) && !has(body, "error"))
}

pub(super) fn detail_list(_: &Probe, ask: &Ask) -> bool {
    let has_list = |body: &Value| body.get("detail").is_some_and(|it| !it.is_string());
    error(ask).is_some_and(|body| has_list(body) && has_instead(body, "detail", "error"))
}

pub(super) fn flat_error(_: &Probe, ask: &Ask) -> bool {
    error(ask).is_some_and(|body| body.get("error").is_some_and(Value::is_string))
}

pub(super) fn error_without_code(_: &Probe, ask: &Ask) -> bool {
    let inner = error(ask).and_then(|body| body.get("error"));
    inner.is_some_and(|inner| has_instead(inner, "message", "code"))
}

pub(super) fn bare_message(_: &Probe, ask: &Ask) -> bool {
    error(ask).is_some_and(|body| has_instead(body, "message", "error") && !has(body, "detail"))
}

pub(super) fn zoneless_error(_: &Probe, ask: &Ask) -> bool {
    error(ask).is_some_and(|body| is_zoneless(body.pointer("/error/timestamp")))
}

/// A member of `/capabilities` in place of another.
fn capabilities_have(ask: &Ask, name: &str, canonical: &str) -> bool {
    document(ask, Step::Capabilities).is_some_and(|body| has_instead(body, name, canonical))
}

pub(super) fn agent_name(_: &Probe, ask: &Ask) -> bool {
    capabilities_have(ask, "agent_name", "name")
}

pub(super) fn acp_version(_: &Probe, ask: &Ask) -> bool {
    capabilities_have(ask, "acp_version", "protocol_version")
}

pub(super) fn protocol_and_version(_: &Probe, ask: &Ask) -> bool {
    capabilities_have(ask, "protocol", "protocol_version")
}

pub(super) fn bare_capabilities(_: &Probe, ask: &Ask) -> bool {
    capabilities_have(ask, "capabilities", "version")
}

fn each_capability(ask: &Ask, is_so: impl Fn(&Value) -> bool) -> bool {
    let listed = document(ask, Step::Capabilities).and_then(|body| body.get("capabilities"));
    let entries = listed.and_then(Value::as_array);
    entries.is_some_and(|entries| entries.iter().any(is_so))
}

pub(super) fn capabilities_by_name(_: &Probe, ask: &Ask) -> bool {
    each_capability(ask, Value::is_string)
}

pub(super) fn camel_case(_: &Probe, ask: &Ask) -> bool {
    each_capability(ask, |entry| {
        has_instead(entry, "inputSchema", "input_schema")
            || has_instead(entry, "outputSchema", "output_schema")
    })
}

pub(super) fn by_flag(probe: &Probe, ask: &Ask) -> bool {
    let is_it = ask.topic == Topic::Discovery && ask.about.key == 0;
    let is_only_way = !probe.streams.is_empty() && probe.streams.iter().all(|way| way.by_flag);
    is_it && is_only_way
}

/// The events of a stream that was asked for, those that are JSON.
fn events(ask: &Ask) -> Vec<Value> {
    let is_it = matches!(ask.topic, Topic::StreamValid | Topic::StreamInvalid);
    if !is_it || !ask.is_stream() {
        return Vec::new();
    }
    let events = ask.stream().events.iter();
    let read = events.filter_map(|event| serde_json::from_str(&event.data).ok());
    read.collect()
}

/// The event that completes a stream.
fn completion(ask: &Ask) -> Option<Value> {
    let mut events = events(ask).into_iter();
    events.find(|event| Kind::of(event) == Some(Kind::Complete))
}

pub(super) fn completed(_: &Probe, ask: &Ask) -> bool {
    let says = |event: &Value, name: &str| event.get(name) == Some(&Value::from("completed"));
    completion(ask).is_some_and(|event| says(&event, "status") || says(&event, "event"))
}

pub(super) fn output_for_result(_: &Probe, ask: &Ask) -> bool {
    completion(ask).is_some_and(|event| has_instead(&event, "output", "result"))
}

pub(super) fn whole_response(probe: &Probe, ask: &Ask) -> bool {
    let Ok(schema) = probe.schema(Part::Output) else {
        return false;
    };
    completion(ask).is_some_and(|event| {
        let result = event.get("result");
        result.is_some_and(|result| has(result, "output") && !schema.is_valid(result))
    })
}

pub(super) fn sentinel(_: &Probe, ask: &Ask) -> bool {
    let is_it = matches!(ask.topic, Topic::StreamValid | Topic::StreamInvalid) && ask.is_stream();
    is_it
        && ask
            .stream()
            .events
            .last()
            .is_some_and(|event| event.data == SENTINEL)
}

pub(super) fn bare_error_event(_: &Probe, ask: &Ask) -> bool {
    let is_bare = |event: &Value| {
        has(event, "error") && event.get("status").is_none() && event.get("event").is_none()
    };
    events(ask).iter().any(is_bare)
}

pub(super) fn late_refusal(_: &Probe, ask: &Ask) -> bool {
    let is_success = ask.answer().is_some_and(|answer| answer.is_success());
    let is_error = |event: &Value| Kind::of(event) == Some(Kind::Error);
    ask.topic == Topic::StreamInvalid && is_success && events(ask).last().is_some_and(is_error)
}

pub(super) fn opens_with_processing(_: &Probe, ask: &Ask) -> bool {
    let first = || events(ask).into_iter().next();
    ask.topic == Topic::StreamValid
        && first().is_some_and(|event| Kind::of(&event) == Some(Kind::Progress))
}

pub(super) fn health_words(_: &Probe, ask: &Ask) -> bool {
    let word = document(ask, Step::Health).and_then(|body| body.get("status")?.as_str());
    word.is_some_and(|word| matches!(word, "warning" | "error" | "critical" | "ok" | "OK" | "up"))
}

pub(super) fn zoneless_health(_: &Probe, ask: &Ask) -> bool {
    document(ask, Step::Health).is_some_and(|body| is_zoneless(body.get("timestamp")))
}

pub(super) fn registers_under_v1(_: &Probe, ask: &Ask) -> bool {
    let path = &ask.exchange.request.path;
    ask.about.step == Step::Call && path.starts_with("/v1/agents")
}
