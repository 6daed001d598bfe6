//! Faults of the descriptor and the manifest.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
