//! Faults of registration and heartbeats.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
