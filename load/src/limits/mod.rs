//! What a load test has of rate limits: the wire on which they are searched for, and how a run went.
//!
//! The search itself is `acp_conformance::limits::find`.

pub(crate) mod course;
pub(crate) mod progress;
pub(crate) mod wire;
