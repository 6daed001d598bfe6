//! What is served again.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
