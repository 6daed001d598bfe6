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

    /// Counts a registration, and whether the registry took it.
    pub(crate) fn registration(&self, _ok: bool) {}

    /// Counts a heartbeat, and whether the registry took it.
    pub(crate) fn heartbeat(&self, _ok: bool) {}
}

/// `GET /metrics`.
pub(crate) async fn read(State(_agent): State<Arc<Agent>>) -> Result<Response, Failure> {
    Err(Failure::not_found())
}
