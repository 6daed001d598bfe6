//! Faults of /health and /metrics.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
