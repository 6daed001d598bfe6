//! Faults of the start and the end of the agent.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
