//! The documents: /auth, /schema, /capabilities, and the index.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    agent::Agent,
    settings::{Quota, Settings},
    validation::Contracts,
};

const DESCRIPTION: &str = "Tells the weather of a place, and what to make of it.";

/// The documents of one agent, each written once.
#[derive(Debug)]
pub(crate) struct Documents {
    auth: Bytes,
    schema: Bytes,
    index: Bytes,
    capabilities: watch::Sender<Arc<Capabilities>>,
}

/// The one document that can change while the agent serves.
#[derive(Debug)]
pub(crate) struct Capabilities {
    pub(crate) document: Value,
    written: Bytes,
}

impl Capabilities {
    fn of(document: Value) -> Arc<Self> {
        let written = document.to_string().into();
        Arc::new(Self { document, written })
    }
}

impl Documents {
    pub(crate) fn of(settings: &Settings, contracts: &Contracts, auth: &Value) -> Self {
        let capabilities = Capabilities::of(capabilities(settings, contracts, auth));
        Self {
            auth: auth.to_string().into(),
            schema: schema(contracts).to_string().into(),
            index: index(settings).to_string().into(),
            capabilities: watch::Sender::new(capabilities),
        }
    }

    /// The schemas of questions, answers and configurations.
    #[cfg(feature = "graphql")]
    pub(crate) fn schema(&self) -> Value {
        serde_json::from_slice(&self.schema).unwrap_or_default()
    }

    /// The capabilities as they are now, and word of each change.
    pub(crate) fn capabilities(&self) -> watch::Receiver<Arc<Capabilities>> {
        self.capabilities.subscribe()
    }

    /// Changes the list of capabilities.
    pub(crate) fn change_capabilities(&self, change: impl FnOnce(&mut Vec<Value>)) {
        self.capabilities.send_modify(|known| {
            let mut document = known.document.clone();
            if let Some(list) = document["capabilities"].as_array_mut() {
                change(list);
            }
            *known = Capabilities::of(document);
        });
    }
}

/// Both pairs of names that readers look for.
pub(crate) fn schema(contracts: &Contracts) -> Value {
    let [input, output] = [&contracts.input.schema, &contracts.output.schema];
    json!({
        "input": input,
        "output": output,
        "config": contracts.config.schema,
        "input_schema": input,
        "output_schema": output,
    })
}

/// The superset of what the known readers ask of this document.
pub(crate) fn capabilities(settings: &Settings, contracts: &Contracts, auth: &Value) -> Value {
    let ability = |name: &str, description: &str, tags: [&str; 2], example: Value| {
        json!({
            "name": name,
            "description": description,
            "version": settings.version,
            "tags": tags,
            "examples": [example],
            "input_schema": contracts.input.schema,
            "output_schema": contracts.output.schema,
        })
    };
    json!({
        "agent_id": settings.agent_id,
        "agent_name": settings.agent_name,
        "name": settings.agent_name,
        "description": DESCRIPTION,
        "version": settings.version,
        "acp_version": "0.1",
        "protocol_version": "acp/v0",
        "supported_languages": ["en", "de", "fr", "es"],
        "auth": {"type": auth["type"], "required": auth["required"]},
        "streaming": settings.enable_streaming,
        "config_versions": true,
        "metrics": settings.enable_metrics,
        "cache": cache(settings),
        "rate_limit": rate_limit(settings),
        "capabilities": [
            ability(
                "weather_advice",
                "What to wear, take along and mind, given the weather and the plan.",
                ["weather", "advice"],
                json!({"city": "London", "activity_type": "outdoor"}),
            ),
            ability(
                "weather_forecast",
                "The weather of the coming days, if the configuration asks for it.",
                ["weather", "forecast"],
                json!({"city": "Oslo", "days": 2}),
            ),
        ],
    })
}

/// How long answers are served again.
fn cache(settings: &Settings) -> Value {
    match settings.enable_caching {
        true => json!({"enabled": true, "ttl_seconds": settings.cache_ttl.as_secs_f64()}),
        false => json!({"enabled": false}),
    }
}

/// What `/invoke` allows, and beside it what the rest does.
fn rate_limit(settings: &Settings) -> Value {
    let quota = |quota: &Quota| {
        json!({
            "requests": quota.requests,
            "window_seconds": quota.window.as_secs_f64(),
            "algorithm": settings.rate_limit_algorithm.name(),
            "scope": settings.rate_limit_by.name(),
        })
    };
    let mut limit = settings
        .rate_limit_invoke
        .as_ref()
        .map_or_else(|| json!({}), quota);
    if let Some(others) = &settings.rate_limit {
        limit["others"] = quota(others);
    }
    limit
}

fn index(settings: &Settings) -> Value {
    json!({
        "name": settings.agent_name,
        "agent_id": settings.agent_id,
        "version": settings.version,
        "protocol": "acp",
        "protocol_version": "acp/v0",
        "endpoints": {
            "auth": "/auth",
            "schema": "/schema",
            "config": "/config",
            "invoke": "/invoke",
            "capabilities": "/capabilities",
            "health": "/health",
            "stream": "/invoke/stream",
            "advanced_stream": "/invoke/advanced-stream",
        },
    })
}

pub(crate) async fn auth(State(agent): State<Arc<Agent>>) -> Response {
    json_bytes(StatusCode::OK, agent.documents.auth.clone())
}

pub(crate) async fn read_schema(State(agent): State<Arc<Agent>>) -> Response {
    json_bytes(StatusCode::OK, agent.documents.schema.clone())
}

pub(crate) async fn read_capabilities(State(agent): State<Arc<Agent>>) -> Response {
    let written = agent.documents.capabilities.borrow().written.clone();
    json_bytes(StatusCode::OK, written)
}

pub(crate) async fn read_index(State(agent): State<Arc<Agent>>) -> Response {
    json_bytes(StatusCode::OK, agent.documents.index.clone())
}

/// A JSON answer.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    json_bytes(status, body.to_string().into())
}

/// An answer with JSON that is written already.
pub(crate) fn json_bytes(status: StatusCode, body: Bytes) -> Response {
    let json = HeaderValue::from_static("application/json");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    // Room for what every answer is given on its way out, so that the map need not grow.
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(header::CONTENT_TYPE, json);
    *response.headers_mut() = headers;
    response
}

/// The time of day, RFC 3339 in UTC, to the millisecond.
pub(crate) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
