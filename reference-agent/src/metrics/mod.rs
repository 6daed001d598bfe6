//! /metrics: what is counted and measured, and how it is written.

mod exposition;
mod series;

pub(crate) use exposition::read;
pub(crate) use series::{Metrics, Observation, StreamEnd};
