//! Rate limits: what an agent says of its own, and what is measured.
//!
//! Pure; the asking is in `drive::rate_limit`.

mod measure;
mod told;

pub(crate) use measure::{Algorithm, Counted, Counts, Returned, is_admitted, is_refused};
pub(crate) use told::Limit;
pub(crate) use told::{State, Wait, announced, declared, shows, states, wait};
