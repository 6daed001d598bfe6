//! The vocabulary of outcomes, and its faces.
//!
//! A run of the kit ends in a [`Report`]; each face is a function from a report to text, one
//! file a format, listed in [`Format`]. This crate does not know agents, HTTP, or what any rule
//! asks for: it is given findings and says them.

mod check;
mod details;
mod format;
mod human;
mod junit;
mod layout;
pub mod load;
#[cfg(test)]
mod sample;
mod text;
mod words;

pub use check::{
    Evidence, Feature, Finding, Level, ProfileLevel, Report, Request, Response, Stale, Status,
    Summary, Target, Tool, Verdict,
};
pub use format::{Format, UnknownFormat};
pub use load::Report as LoadReport;
pub use text::{escape, shorten};
