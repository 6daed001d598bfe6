//! /invoke, and what the streams share with it: from a request body to a job.

use std::{sync::Arc, time::Instant};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    advice, agent::Agent, body, documents::json_response, failure::Failure,
    preferences::Preferences, seams::Place, validation::Violation, weather::Weather,
};

/// One question, judged and ready to be answered.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) input: Value,
    pub(crate) preferences: Preferences,
    /// The configuration that the preferences come from.
    pub(crate) config: Option<Configured>,
}

/// A configuration that a request names, and the version of it that was active then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Configured {
    pub(crate) id: String,
    pub(crate) version: String,
}

/// `POST /invoke`.
pub(crate) async fn answer(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let body = parse(&headers, &bytes)?;
    Ok(json_response(StatusCode::OK, &run(&agent, &body).await?))
}

/// What `/invoke` answers to this body, whichever way it has come.
pub(crate) async fn run(agent: &Agent, body: &Value) -> Result<Value, Failure> {
    let began = Instant::now();
    let job = judge(agent, Place::Invoke, body)?;
    let output = perform(agent, &job).await?;
    let metadata = json!({
        "agent_id": agent.settings.agent_id,
        "execution_time_ms": began.elapsed().as_micros() as f64 / 1000.0,
    });
    Ok(json!({"output": output, "metadata": metadata}))
}

/// Answers the question, however long that takes: the `output` of `/invoke`.
pub(crate) async fn perform(agent: &Agent, job: &Job) -> Result<Value, Failure> {
    if let Some(time) = agent.delay(&job.input) {
        tokio::time::sleep(time).await;
    }
    Ok(compose(agent, job))
}

/// The answer itself: the `output` of `/invoke`, and the `result` of a stream.
pub(crate) fn compose(agent: &Agent, job: &Job) -> Value {
    word(agent, job, &agent.atlas.weather(&job.input))
}

/// The answer in this weather, wherever it comes from.
pub(crate) fn word(agent: &Agent, job: &Job, weather: &Weather) -> Value {
    let mut output = advice::give(agent, weather, &job.input, &job.preferences);
    agent.seams.output(job, &mut output);
    output
}

/// From the bytes of a request to a job, or the reason why not.
pub(crate) fn accept(
    agent: &Agent,
    place: Place,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Result<Job, Failure> {
    judge(agent, place, &parse(headers, bytes)?)
}

/// From a body to a job, or the reason why not.
pub(crate) fn judge(agent: &Agent, place: Place, body: &Value) -> Result<Job, Failure> {
    let mut violations = agent.contracts.invoke_request.violations(body, "");
    let input = body.get("input").cloned().unwrap_or_default();
    if violations.is_empty() {
        violations = agent.contracts.input.violations(&input, "/input");
    }
    agent.seams.verdict(place, body, &mut violations);
    refuse_if_any(violations)?;
    let (config, preferences) = match body.get("config_id").and_then(Value::as_str) {
        None => (None, Preferences::default()),
        Some(id) => configured(agent, place, id)?,
    };
    Ok(Job {
        place,
        input,
        preferences,
        config,
    })
}

fn configured(
    agent: &Agent,
    place: Place,
    id: &str,
) -> Result<(Option<Configured>, Preferences), Failure> {
    let found = agent.store.find(id)?;
    let config = found.as_ref().map(|active| Configured {
        id: id.to_owned(),
        version: active.version.clone(),
    });
    let found = found.map(|active| active.preferences);
    let preferences = agent.seams.lookup(place, id, found);
    Ok((config, preferences.ok_or_else(Failure::config_not_found)?))
}

/// The JSON of a request body.
pub(crate) fn parse(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Failure> {
    if !body::is_json(headers) {
        return Err(Failure::unsupported_media_type());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!(
            "not JSON at line {}, column {}",
            error.line(),
            error.column()
        );
        let fields = vec![Violation::at("", "json", &message)];
        Failure::invalid_input("the body is not one JSON text", fields)
    })
}

pub(crate) fn refuse_if_any(violations: Vec<Violation>) -> Result<(), Failure> {
    if violations.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid_input(
        "the request does not hold to the schema",
        violations,
    ))
}
