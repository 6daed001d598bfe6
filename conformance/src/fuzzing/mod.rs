//! What must hold whatever the bytes are: the bodies of the fuzz targets, and of the properties
//! that `cargo test` runs with fewer inputs.
//!
//! Each is a plain function of bytes that panics where something is wrong. `fuzz/` finds the
//! bytes by coverage, the tests at the end of each file leave them to chance.

mod answers;
mod cases;
mod evidence;
mod exposition;
mod judge;
mod lives;
mod pick;
mod schemas;
pub mod seeds;
pub(crate) mod sse;
#[cfg(test)]
mod tests;

pub use cases::cases;
pub use exposition::exposition;
pub use judge::judge;
pub use sse::sse;

/// A target: its name, what it does with bytes, and what to begin with.
pub type Target = (&'static str, fn(&[u8]), fn() -> Vec<Vec<u8>>);

/// All of them.
pub static TARGETS: &[Target] = &[
    ("sse", sse, seeds::sse),
    ("exposition", exposition, seeds::exposition),
    ("cases", cases, seeds::cases),
    ("judge", judge, seeds::judge),
];
