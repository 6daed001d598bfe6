//! The store of configurations: an SQLite database, in a file or in memory.
//!
//! A configuration is an id with versions that never change, exactly one of which is active:
//! the tables allow nothing else. What was acknowledged is on the disk. Processes may share a
//! file: a read sees what any of them has committed.

mod connections;
mod open;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use read::{Store, Version};
pub(crate) use write::Draft;
