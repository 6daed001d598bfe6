//! Who is let in.

use super::shown::Shown;

pub(crate) const SHOWN: &[Shown] = &[];
