//! /metrics: what is counted and measured.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode, response::Response};

use crate::{agent::Agent, call::Call, failure::Failure};

/// The metrics of one agent.
#[derive(Debug)]
pub(crate) struct Metrics {}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// Counts a request whose answer has gone out to its end, after `time`.
    pub(crate) fn answered(&self, _call: &Call, _status: StatusCode, _time: Duration) {}

    /// Counts what came of asking the weather service once.
    pub(crate) fn external(&self, _outcome: &'static str) {}
}

/// `GET /metrics`.
pub(crate) async fn read(State(_agent): State<Arc<Agent>>) -> Result<Response, Failure> {
    Err(Failure::not_found())
}
