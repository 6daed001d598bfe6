//! The vocabulary of outcomes, and its faces.
//!
//! A run of the kit ends in a [`Report`]; each face is a function from a report to text, one
//! file a format, listed in [`Format`]. This crate does not know agents, HTTP, or what any rule
//! asks for: it is given findings and says them.

mod badge;
pub mod certificate;
mod chart;
mod check;
mod details;
mod diff;
mod evidence;
mod format;
mod history;
mod html;
mod human;
mod junit;
mod layout;
mod level;
pub mod load;
mod markdown;
mod matrix;
mod merge;
#[cfg(test)]
mod published;
#[cfg(test)]
mod sample;
mod sarif;
mod tap;
mod text;
mod words;

pub use check::{
    Dialect, Feature, Finding, Level, ProfileLevel, Report, Stale, Status, Summary, Target, Tool,
    Verdict,
};
pub use diff::{Cause, Change, Comparison, Difference, Run};
pub use evidence::{Arrival, Evidence, Mark, Request, Response, Span};
pub use format::{Format, UnknownFormat};
pub use history::History;
pub use load::Report as LoadReport;
pub use matrix::Matrix;
pub use merge::{MergeError, merge};
pub use text::{escape, shorten};
