//! What an ACP agent's users would feel when there are many of them, in numbers that can be
//! believed.
//!
//! *attack → summarise → write*: an attack does all the I/O and yields recordings; what they mean
//! is worked out by pure functions; `acp-reports` writes it. This crate knows no rules, prints
//! nothing, and reads neither files nor the environment, its own process's usage excepted.

pub mod baseline;
pub mod figures;
pub mod hlog;
pub mod limits;
pub mod popularity;
pub mod run;
pub mod scenarios;
pub mod threshold;
pub mod trend;
