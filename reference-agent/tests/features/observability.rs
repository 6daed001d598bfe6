//! /health, /metrics, logs and traces.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
