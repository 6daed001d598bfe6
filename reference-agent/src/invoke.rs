//! /invoke, and what the streams share with it: from a request body to a job.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    advice,
    agent::Agent,
    body,
    documents::json_bytes,
    failure::Failure,
    judgements::Question,
    preferences::Preferences,
    results::{Computed, Found, Key},
    seams::Place,
    validation::Violation,
    weather::Weather,
};

/// One question, judged and ready to be answered.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) input: Arc<Value>,
    /// The input as canonical JSON (RFC 8785).
    pub(crate) canonical: Arc<str>,
    pub(crate) preferences: Preferences,
    /// The configuration that the preferences come from.
    pub(crate) config: Option<Configured>,
}

/// A configuration that a request names, and the version of it that was active then.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Configured {
    pub(crate) id: String,
    pub(crate) version: String,
}

/// Where questions are asked.
pub(crate) const PATH: &str = "/invoke";

/// `POST /invoke`.
pub(crate) async fn answer(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let began = Instant::now();
    let job = accept(&agent, Place::Invoke, &headers, &bytes)?;
    let mut found = find(&agent, &job).await?;
    if !agent.seams.are_none() {
        found.output = bend(&agent, &job, &found)?.to_string().into();
        found.from_cache = false;
    }
    let body = write(&agent.settings.agent_id, &found, began.elapsed());
    Ok(json_bytes(StatusCode::OK, body.into()))
}

/// What [`answer`] would say, if all that it takes is to remember; else `None`.
pub(crate) fn recalled(
    agent: &Agent,
    began: Instant,
    headers: &HeaderMap,
    bytes: &Bytes,
) -> Option<Response> {
    if !agent.settings.enable_caching || !body::is_json(headers) {
        return None;
    }
    let question = agent.judgements.recall(bytes)?;
    let job = settle(agent, Place::Invoke, &question).ok()?;
    let output = agent.results.recall(&Key::of(&job))?;
    let found = agent.results.hit(output);
    let body = write(&agent.settings.agent_id, &found, began.elapsed());
    Some(json_bytes(StatusCode::OK, body.into()))
}

/// What `/invoke` answers to this body, whichever way it has come.
pub(crate) async fn run(agent: &Arc<Agent>, body: Value) -> Result<Value, Failure> {
    let began = Instant::now();
    let job = judge(agent, Place::Invoke, body)?;
    let output = perform(agent, &job).await?;
    Ok(json!({"output": output, "metadata": metadata(agent, began)}))
}

/// What is told of an answer beside it.
pub(crate) fn metadata(agent: &Agent, began: Instant) -> Value {
    json!({
        "agent_id": agent.settings.agent_id,
        "execution_time_ms": milliseconds(began.elapsed()),
    })
}

/// The body of an answer, around an output that is written already.
fn write(agent_id: &str, found: &Found, time: Duration) -> Vec<u8> {
    let mut body = Vec::with_capacity(found.output.len() + 160);
    body.extend_from_slice(b"{\"output\":");
    match found.output.strip_suffix(b"}") {
        Some(open) if found.from_cache => {
            body.extend_from_slice(open);
            body.extend_from_slice(b",\"_from_cache\":true}");
        }
        _ => body.extend_from_slice(&found.output),
    }
    // Writing texts and numbers to a vector does not fail.
    body.extend_from_slice(b",\"metadata\":{\"agent_id\":");
    let _ = serde_json::to_writer(&mut body, agent_id);
    body.extend_from_slice(b",\"execution_time_ms\":");
    let _ = serde_json::to_writer(&mut body, &milliseconds(time));
    body.extend_from_slice(b"}}");
    body
}

fn milliseconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1000.0
}

/// Answers the question, however long that takes: the `output` of `/invoke`.
pub(crate) async fn perform(agent: &Arc<Agent>, job: &Job) -> Result<Value, Failure> {
    let found = find(agent, job).await?;
    bend(agent, job, &found)
}

/// An output as the faults want it.
fn bend(agent: &Agent, job: &Job, found: &Found) -> Result<Value, Failure> {
    // What is read here was written here.
    let mut output: Value =
        serde_json::from_slice(&found.output).map_err(|_| Failure::execution())?;
    if found.from_cache {
        output["_from_cache"] = true.into();
    }
    agent.seams.output(job, &mut output);
    Ok(output)
}

/// The written output: from the cache, or else computed.
async fn find(agent: &Arc<Agent>, job: &Job) -> Result<Found, Failure> {
    let compute = || compute(agent.clone(), job.clone());
    if !agent.settings.enable_caching {
        let output = compute().await?;
        return Ok(Found {
            output,
            from_cache: false,
        });
    }
    let key = agent.seams.key(job, Key::of(job));
    let recalled = agent.results.recall(&key);
    let recalled = agent.seams.recalled(&agent.settings, &key, recalled);
    agent.results.find(key, recalled, compute).await
}

async fn compute(agent: Arc<Agent>, job: Job) -> Computed {
    if let Some(time) = agent.delay(&job.input) {
        tokio::time::sleep(time).await;
    }
    let weather = agent.atlas.weather(&job.input);
    let output = advice::give(&agent, &weather, &job.input, &job.preferences);
    Ok(output.to_string().into())
}

/// The answer computed here and now: the `result` of a stream.
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
    if !body::is_json(headers) {
        return Err(Failure::unsupported_media_type());
    }
    let question = || question(agent, place, read(bytes)?);
    // A fault may judge the same bytes in one way now and in another later.
    let question = match agent.seams.are_none() {
        true => agent.judgements.of(bytes, question)?,
        false => Arc::new(question()?),
    };
    settle(agent, place, &question)
}

/// From a body to a job, or the reason why not.
pub(crate) fn judge(agent: &Agent, place: Place, body: Value) -> Result<Job, Failure> {
    settle(agent, place, &question(agent, place, body)?)
}

/// The job that a question makes, under the configuration that it names.
fn settle(agent: &Agent, place: Place, question: &Question) -> Result<Job, Failure> {
    let (config, preferences) = match &question.config_id {
        None => (None, Preferences::default()),
        Some(id) => configured(agent, place, id)?,
    };
    Ok(Job {
        place,
        input: question.input.clone(),
        canonical: question.canonical.clone(),
        preferences,
        config,
    })
}

/// What a body asks, if it holds to the schemas.
fn question(agent: &Agent, place: Place, mut body: Value) -> Result<Question, Failure> {
    let mut violations = agent.contracts.invoke_request.violations(&body, "");
    if violations.is_empty() {
        let input = body.get("input").unwrap_or(&Value::Null);
        violations = agent.contracts.input.violations(input, "/input");
    }
    agent.seams.verdict(place, &body, &mut violations);
    refuse_if_any(violations)?;
    let input = body.get_mut("input").map(Value::take).unwrap_or_default();
    // Values that were read from JSON can be written as JSON, canonical or not.
    let canonical = serde_jcs::to_string(&input).map_err(|_| Failure::execution())?;
    let config_id = body.get("config_id").and_then(Value::as_str);
    Ok(Question {
        input: Arc::new(input),
        canonical: canonical.into(),
        config_id: config_id.map(str::to_owned),
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
    read(bytes)
}

fn read(bytes: &[u8]) -> Result<Value, Failure> {
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
