//! Faults of how much a client is allowed.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
