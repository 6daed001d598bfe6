//! The agent as a client of an orchestrator: it registers, sends heartbeats, tells of changes,
//! and says goodbye.
//!
//! [`standing`] decides what is to be said and when, and knows neither clocks nor sockets;
//! [`client`] says it; [`registry`] brings the two together, in one task for each registry.
//! One call is under way at a time, so that no heartbeat can overtake a registration.

mod call;
mod client;
mod registry;
mod standing;

pub(crate) use call::{Call, Errand, Outcome};
pub(crate) use registry::spawn;
