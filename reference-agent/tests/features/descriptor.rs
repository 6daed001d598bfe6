//! The descriptor and the manifest.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
