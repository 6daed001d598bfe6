//! Attacks on the reference agent, in this process: what it counts is what we count, and what it
//! is made to do wrong is found.

mod cache;
mod capacity;
mod closed;
mod common;
mod hostile;
mod limits;
mod open;
mod rate_limit;
mod soak;
mod stalling;
mod stream;
mod stub;
mod truth;
mod wire;
mod worth;
