//! A weather advisor that speaks ACP: the agent that obeys every rule of the profile, and
//! can break any one of them on demand.
//!
//! It knows nothing of the checker: the two meet on the wire alone, so that one mistake is
//! not made on both sides. [`start`] serves an agent on the current runtime; several run
//! side by side in one process, as nothing here is global. [`faults`] lists the ways in
//! which an agent can be told to be wrong.

mod admin;
mod advice;
mod agent;
mod app;
mod auth;
mod backoff;
mod body;
mod call;
mod config;
mod descriptor;
mod documents;
mod endpoints;
mod exchange;
mod external;
mod failure;
pub mod faults;
mod gate;
#[cfg(feature = "graphql")]
mod graphql;
mod health;
mod invoke;
mod judgements;
mod limits;
mod listener;
mod metrics;
mod observe;
mod orchestrator;
mod outbound;
mod preferences;
mod probe;
mod refusal;
mod results;
mod seams;
mod server;
pub mod settings;
mod store;
mod stream;
pub mod telemetry;
mod validation;
mod visit;
mod weather;
mod websocket;

pub use descriptor::{descriptor, manifest};
pub use probe::probe;
pub use server::{Running, Stopped, start};
pub use settings::{Error, Settings};
