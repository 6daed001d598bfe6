//! /health, /metrics, logs and traces.

mod exposition;
mod logs;
mod metrics;
mod shown;
mod traces;

pub(crate) use shown::SHOWN;
