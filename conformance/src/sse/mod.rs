//! The event-stream parser: bytes in, events and defects with their byte offsets out.
//!
//! It follows the HTML standard, "Server-sent events": 9.2.5 for the grammar and 9.2.6 for
//! what a client makes of it. It is pure and incremental: however the bytes are cut into
//! pushes, the result is the same. It knows nothing of HTTP, JSON, rules or time; whoever
//! reads the socket maps an event's `end` to the moment at which that byte arrived.
//!
//! Bytes pass through three stages, none of which looks ahead: `decode` makes text of them,
//! `lines` makes lines of the text, and `blocks` makes events of the lines. What is wrong
//! or odd goes to `log` at each stage.

mod blocks;
mod decode;
mod defect;
mod fields;
mod lines;
mod log;
mod parser;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod reference;
pub mod report;
#[cfg(test)]
mod tests;
mod transcript;

pub use defect::{Defect, DefectKind, Tier};
pub use parser::{Parser, parse};
pub use transcript::{Event, Limits, Transcript, falls_short};
