//! /health and /health/ready: whether the agent lives, and whether it takes work.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode, response::Response};
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    documents::{json_response, now},
};

/// `GET /health`: it lives; a dead one does not answer.
pub(crate) async fn live(State(agent): State<Arc<Agent>>) -> Response {
    json_response(StatusCode::OK, &body(&agent, "healthy"))
}

/// `GET /health/ready`: 503 as soon as no new work is taken.
pub(crate) async fn ready(State(agent): State<Arc<Agent>>) -> Response {
    match agent.is_draining() {
        false => json_response(StatusCode::OK, &body(&agent, "healthy")),
        true => json_response(StatusCode::SERVICE_UNAVAILABLE, &body(&agent, "unhealthy")),
    }
}

/// The document of both.
pub(crate) fn body(agent: &Agent, status: &str) -> Value {
    json!({
        "status": status,
        "agent_id": agent.settings.agent_id,
        "version": agent.settings.version,
        "timestamp": now(),
    })
}
