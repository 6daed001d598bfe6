//! /config: configurations and their versions.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use crate::{
    agent::Agent,
    documents::json_response,
    failure::Failure,
    invoke::{parse, refuse_if_any},
    seams::Place,
    store::{Draft, Version},
    validation::Violation,
};

/// What a caller may say about a version, as JSON: a note, not a place to keep things.
const LONGEST_METADATA: usize = 4096;

/// The id in a path. One that is no text can be nobody's.
type Id = Result<Path<String>, PathRejection>;

/// `POST /config`.
pub(crate) async fn create(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let answer = store(&agent, parse(&headers, &bytes)?).await?;
    Ok(json_response(StatusCode::CREATED, &answer))
}

/// A new configuration or, under an id that there is, a new version of it: what `/config`
/// answers to this body, whichever way it has come.
pub(crate) async fn store(agent: &Agent, mut body: Value) -> Result<Value, Failure> {
    let mut violations = agent.contracts.config_request.violations(&body, "");
    let config = body.get("config").cloned().unwrap_or_default();
    if violations.is_empty() {
        violations = agent.contracts.config.violations(&config, "/config");
        violations.extend(too_long(&body["metadata"]));
        violations.extend(unreachable(&body["config_id"]));
    }
    agent.seams.verdict(Place::Config, &body, &mut violations);
    refuse_if_any(violations)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let minted = || format!("cfg_{}", uuid::Uuid::new_v4().simple());
    let id = text("config_id").unwrap_or_else(|| agent.seams.minted(minted()));
    let version = text("version");
    let metadata = body.get_mut("metadata").map(Value::take);
    let draft = Draft {
        config_id: id.clone(),
        version,
        config,
        metadata: metadata.filter(Value::is_object),
    };
    let stored = agent.store.add(draft).await?;
    Ok(json!({
        "config_id": id,
        "status": "created",
        "version": stored.version,
        "created_at": stored.created_at,
    }))
}

/// The two names that clients take out of a path before they send it.
fn unreachable(id: &Value) -> Option<Violation> {
    let is_dots = matches!(id.as_str(), Some("." | ".."));
    is_dots.then(|| Violation::at("/config_id", "pattern", "cannot stand in a path"))
}

fn too_long(metadata: &Value) -> Option<Violation> {
    let is_too_long = metadata.to_string().len() > LONGEST_METADATA;
    let what = format!("is longer than {LONGEST_METADATA} bytes");
    is_too_long.then(|| Violation::at("/metadata", "maxLength", &what))
}

/// `GET /config/{id}`.
pub(crate) async fn read(State(agent): State<Arc<Agent>>, id: Id) -> Result<Response, Failure> {
    Ok(json_response(StatusCode::OK, &show(&agent, &known(id)?)?))
}

/// The active version of a configuration, as `/config/{id}` answers it.
pub(crate) fn show(agent: &Agent, id: &str) -> Result<Value, Failure> {
    let active = agent
        .store
        .active(id)?
        .ok_or_else(Failure::config_not_found)?;
    let mut answer = json!({"config_id": id});
    tell(&mut answer, active);
    Ok(answer)
}

/// `GET /config/{id}/history`: every version, the oldest first.
pub(crate) async fn history(State(agent): State<Arc<Agent>>, id: Id) -> Result<Response, Failure> {
    let id = known(id)?;
    // Long enough, at its longest, not to be read where requests are served.
    let read = spawn_blocking(move || {
        let versions = agent.store.history(&id)?;
        Ok::<_, Failure>((id, versions))
    });
    let (id, versions) = read.await.map_err(|_| Failure::execution())??;
    if versions.is_empty() {
        return Err(Failure::config_not_found());
    }
    let history = versions.into_iter().map(|version| {
        let mut entry = json!({});
        tell(
            &mut entry,
            Version {
                metadata: None,
                ..version
            },
        );
        entry
    });
    let history: Vec<Value> = history.collect();
    let answer = json!({"config_id": id, "history": history});
    Ok(json_response(StatusCode::OK, &answer))
}

/// `POST /config/{id}/rollback`: makes a version that was stored before the active one.
pub(crate) async fn roll_back(
    State(agent): State<Arc<Agent>>,
    id: Id,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let id = known(id)?;
    let body = parse(&headers, &bytes)?;
    refuse_if_any(agent.contracts.rollback_request.violations(&body, ""))?;
    let version = body["version"].as_str().unwrap_or_default().to_owned();
    let active = agent.store.roll_back(id.clone(), version).await?;
    Ok(json_response(
        StatusCode::OK,
        &json!({
            "config_id": id,
            "version": active.version,
            "status": "active",
            "created_at": active.created_at,
        }),
    ))
}

fn known(id: Id) -> Result<String, Failure> {
    id.map(|Path(id)| id)
        .map_err(|_| Failure::config_not_found())
}

/// Writes a version into an answer.
fn tell(answer: &mut Value, version: Version) {
    answer["version"] = version.version.into();
    answer["config"] = version.config;
    if let Some(metadata) = version.metadata {
        answer["metadata"] = metadata;
    }
    answer["created_at"] = version.created_at.into();
    answer["active"] = version.is_active.into();
}
