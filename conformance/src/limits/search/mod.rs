//! What a rate limit is, found out from outside.
//!
//! [`find`] asks by a plan that depends on what came before; it has neither clock nor socket, both
//! are the [`Probe`]'s. [`judge`] then holds what the answers told against what came. Whatever an
//! agent does, all of this ends: rows of requests, waits, and rounds are bounded by [`Means`].

mod bucket;
mod finder;
mod judge;
mod looks;
mod penalty;
mod promises;
mod rows;
#[cfg(test)]
mod simulated;
mod stale;
#[cfg(test)]
mod tests;
mod verdict;

pub use finder::find;
pub use judge::{Truth, judge};
pub use looks::{Client, Found, Means, Outcome, Probe, Seen, Told};
