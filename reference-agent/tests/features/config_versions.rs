//! The versions of a configuration.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
