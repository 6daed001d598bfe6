//! What is right for an ACP agent, and how it is found out.
//!
//! *drive → judge*: gathering does all the I/O and yields evidence, judging is a pure function
//! of evidence. This crate knows no command line, prints nothing, and reads neither files nor
//! the environment.

mod cached;
pub mod cases;
mod credentials;
pub mod deadline;
pub mod described;
pub mod dialects;
pub mod drive;
pub mod evidence;
pub mod expected;
pub mod exposition;
pub mod feature;
mod fold;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod json;
pub mod judge;
pub mod launch;
pub mod limits;
#[cfg(test)]
mod made_up;
pub mod merge;
mod order;
pub mod params;
mod places;
mod present;
pub mod probe;
pub mod profile;
mod protocol;
pub mod recording;
pub mod redact;
pub mod rule;
pub mod rules;
pub mod run;
mod scenes;
pub mod schema;
pub mod select;
pub mod settings;
mod show;
mod shrink;
pub mod snapshot;
pub mod sse;
mod summary;
mod terminal;
mod time;
pub mod unchecked;
mod verdict;
pub mod volatile;
pub mod wire;
pub mod witness;
