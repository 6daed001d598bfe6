//! The endpoint: a question as `/invoke` takes it, answered after somebody else's weather.

use std::{sync::Arc, time::Instant};

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Value, json};

use crate::{
    agent::Agent,
    call::{Call, REQUEST_ID},
    documents::json_response,
    failure::Failure,
    invoke::{accept, metadata, word},
    seams::Place,
};

/// `POST /invoke-external`.
pub(crate) async fn answer(
    State(agent): State<Arc<Agent>>,
    Extension(call): Extension<Call>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Failure> {
    let began = Instant::now();
    let job = accept(&agent, Place::Invoke, &headers, &bytes)?;
    let city = job.input.get("city").and_then(Value::as_str);
    let weather = agent
        .external
        .ask(
            (&agent.metrics, &agent.tracer),
            city.unwrap_or_default(),
            &passed_on(&call),
        )
        .await?;
    let mut metadata = metadata(&agent, began);
    metadata["source"] = "external".into();
    let output = word(&agent, &job, &weather);
    Ok(json_response(
        StatusCode::OK,
        &json!({"output": output, "metadata": metadata}),
    ))
}

/// What the service is told of the request that it is asked for.
fn passed_on(call: &Call) -> HeaderMap {
    HeaderMap::from_iter([(REQUEST_ID, call.id.clone())])
}
