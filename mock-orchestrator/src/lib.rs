//! An orchestrator that agents register with and send heartbeats to. It records every call
//! that comes in, stray ones too, and misbehaves on purpose when told to.
//!
//! It judges nothing: whether an agent did right is for the rules to say, from the journal.
//! Behind the server stands a pure state machine ([`Registry`]); wiremock serves it.

mod journal;
mod mischief;
mod registry;
mod server;

pub use journal::{Act, Entry, Journal};
pub use mischief::{KINDS, Kind, Mischief, What};
pub use registry::{Call, Registry, Reply};
pub use server::{Error, Orchestrator, start};
