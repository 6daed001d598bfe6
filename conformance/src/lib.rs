//! What is right for an ACP agent, and how it is found out.
//!
//! *drive → judge*: gathering does all the I/O and yields evidence, judging is a pure function
//! of evidence. This crate knows no command line, prints nothing, and reads neither files nor
//! the environment.

mod cached;
pub mod cases;
mod credentials;
pub mod drive;
pub mod evidence;
pub mod expected;
pub mod exposition;
pub mod feature;
mod json;
pub mod judge;
pub mod launch;
pub mod limits;
pub mod params;
pub mod probe;
mod protocol;
mod record;
mod redact;
pub mod rule;
pub mod rules;
pub mod run;
mod scenes;
pub mod schema;
pub mod select;
pub mod settings;
mod show;
mod shrink;
pub mod sse;
mod summary;
mod terminal;
mod time;
pub mod volatile;
pub mod wire;
pub mod witness;
