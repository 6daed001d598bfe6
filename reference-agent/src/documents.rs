//! The documents that never change: /auth, /schema, /capabilities, and the index. And
//! /health, which does.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{agent::Agent, settings::Settings, validation::Contracts};

const NAME: &str = "Weather Advisor";
const DESCRIPTION: &str = "Tells the weather of a place, and what to make of it.";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The fixed documents of one agent.
#[derive(Debug)]
pub(crate) struct Documents {
    auth: Value,
    schema: Value,
    capabilities: Value,
    index: Value,
}

impl Documents {
    pub(crate) fn of(settings: &Settings, contracts: &Contracts) -> Self {
        Self {
            auth: json!({
                "type": "none",
                "description": "No credentials are needed.",
                "required": false,
            }),
            schema: schema(contracts),
            capabilities: capabilities(settings, contracts),
            index: index(settings),
        }
    }
}

/// Both pairs of names that readers look for.
fn schema(contracts: &Contracts) -> Value {
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
fn capabilities(settings: &Settings, contracts: &Contracts) -> Value {
    let ability = |name: &str, description: &str, tags: [&str; 2], example: Value| {
        json!({
            "name": name,
            "description": description,
            "version": VERSION,
            "tags": tags,
            "examples": [example],
            "input_schema": contracts.input.schema,
            "output_schema": contracts.output.schema,
        })
    };
    json!({
        "agent_id": settings.agent_id,
        "agent_name": NAME,
        "name": NAME,
        "description": DESCRIPTION,
        "version": VERSION,
        "acp_version": "0.1",
        "protocol_version": "acp/v0",
        "supported_languages": ["en", "de", "fr", "es"],
        "auth": {"type": "none", "required": false},
        "streaming": true,
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

fn index(settings: &Settings) -> Value {
    json!({
        "name": NAME,
        "agent_id": settings.agent_id,
        "version": VERSION,
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
    json_response(StatusCode::OK, &agent.documents.auth)
}

pub(crate) async fn read_schema(State(agent): State<Arc<Agent>>) -> Response {
    json_response(StatusCode::OK, &agent.documents.schema)
}

pub(crate) async fn read_capabilities(State(agent): State<Arc<Agent>>) -> Response {
    json_response(StatusCode::OK, &agent.documents.capabilities)
}

pub(crate) async fn read_index(State(agent): State<Arc<Agent>>) -> Response {
    json_response(StatusCode::OK, &agent.documents.index)
}

pub(crate) async fn health(State(agent): State<Arc<Agent>>) -> Response {
    let body = json!({
        "status": "healthy",
        "agent_id": agent.settings.agent_id,
        "version": VERSION,
        "timestamp": now(),
    });
    json_response(StatusCode::OK, &body)
}

/// A JSON answer.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], body.to_string()).into_response()
}

/// The time of day, RFC 3339 in UTC, to the millisecond.
pub(crate) fn now() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}
