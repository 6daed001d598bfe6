//! What an ACP agent's users would feel when there are many of them, in numbers that can be
//! believed.
//!
//! *attack → summarise → write*: an attack does all the I/O and yields a tape; what it means
//! is worked out by pure functions; `acp-reports` writes it. This crate knows no rules, prints
//! nothing, and reads neither files nor the environment, its own process's usage excepted.

pub mod attack;
pub mod baseline;
pub mod chance;
pub mod figures;
pub mod hlog;
pub mod hot;
pub mod inlet;
mod limits;
pub mod live;
pub mod merge;
pub mod metrics;
pub mod plan;
pub mod popularity;
pub mod recorder;
pub mod run;
pub mod scenarios;
pub mod schedule;
pub mod script;
mod socket;
mod summary;
pub mod target;
pub mod threshold;
pub mod traffic;
pub mod trend;
pub mod watch;
mod worth;
