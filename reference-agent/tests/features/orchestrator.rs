//! Registration and heartbeats.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
