//! Faults of the versions of a configuration.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
