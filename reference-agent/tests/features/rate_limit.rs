//! How much a client is allowed.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
