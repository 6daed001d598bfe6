//! Faults of who is let in.
//!
//! Those of `auth.enforced` act on `/invoke` alone, so that the streams stay guarded as the
//! clean agent's are; those of the streams leave `/invoke` as it is.

mod any;
mod keys;
mod request;
mod tokens;

pub(super) use self::{any::FAULTS, keys::FAULTS as KEY_FAULTS, tokens::FAULTS as TOKEN_FAULTS};
