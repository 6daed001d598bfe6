//! Faults of who is let in.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
