//! /config: configurations and their versions.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    documents::{json_response, now},
    failure::Failure,
    invoke::{parse, refuse_if_any},
    preferences::Preferences,
    seams::Place,
};

/// `POST /config`. A caller that names an id replaces what is stored under it.
pub(crate) async fn create(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let body = parse(&headers, &bytes)?;
    Ok(json_response(StatusCode::CREATED, &store(&agent, &body)?))
}

/// What `/config` answers to this body, whichever way it has come.
pub(crate) fn store(agent: &Agent, body: &Value) -> Result<Value, Failure> {
    let mut violations = agent.contracts.config_request.violations(body, "");
    let config = body.get("config").cloned().unwrap_or_default();
    if violations.is_empty() {
        violations = agent.contracts.config.violations(&config, "/config");
    }
    agent.seams.verdict(Place::Config, body, &mut violations);
    refuse_if_any(violations)?;
    let id = match body.get("config_id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => agent
            .seams
            .minted(format!("cfg_{}", uuid::Uuid::new_v4().simple())),
    };
    agent.store.keep(id.clone(), Preferences::read(&config));
    let mut answer = json!({"config_id": id, "status": "created", "created_at": now()});
    if let Some(version) = body.get("version").filter(|version| version.is_string()) {
        answer["version"] = version.clone();
    }
    Ok(answer)
}

/// The active version of a configuration.
#[cfg(feature = "graphql")]
pub(crate) fn show(agent: &Agent, id: &str) -> Result<Value, Failure> {
    let active = agent.store.find(id)?;
    let active = active.ok_or_else(Failure::config_not_found)?;
    let Preferences {
        fahrenheit,
        language,
        include_forecast,
        max_recommendations,
    } = active.preferences;
    let units = if fahrenheit { "fahrenheit" } else { "celsius" };
    Ok(json!({
        "config_id": id,
        "version": active.version,
        "config": {
            "units": units,
            "language": language,
            "include_forecast": include_forecast,
            "max_recommendations": max_recommendations,
        },
    }))
}
