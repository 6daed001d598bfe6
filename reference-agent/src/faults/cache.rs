//! Faults of what is served from the cache.

use super::Fault;

pub(super) static FAULTS: &[Fault] = &[];
