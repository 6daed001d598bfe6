//! The start and the end.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
