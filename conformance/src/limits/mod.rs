//! Rate limits: what an agent says of its own, and what is measured.
//!
//! Pure; the asking is in `drive::rate_limit`. What answers tell is read here for whoever asks, load
//! tests too.

mod measure;
mod told;

pub(crate) use measure::{Algorithm, Counted, Counts, Returned, is_admitted, is_refused};
pub use told::{LONGEST, Limit, State, Wait, declared, policy, states, wait};
pub(crate) use told::{announced, shows};
