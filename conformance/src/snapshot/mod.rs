//! Snapshots: what an agent answers, without what changes by itself, to be compared with what it
//! answers another day.
//!
//! Everything is asked twice. What differs is volatile, and so is what a rule names: times, ids,
//! durations, cache marks ([`steady`](self) has the rules). Nothing at the agent is changed: its
//! documents are read, and generated inputs are invoked and streamed. Files are the caller's
//! business; [`File`] is the text of one, in insta's format.
//!
//! In the tests of an agent that is written in Rust, insta keeps the files:
//!
//! ```no_run
//! use acp_conformance::snapshot::{self, Asking};
//!
//! # async fn serve() -> String { String::new() }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let url = serve().await; // the agent under test, on a port of its own
//! for snapshot in snapshot::take(&url, &Asking::default()).await? {
//!     insta::assert_snapshot!(snapshot.name.as_str(), snapshot.contents);
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod compare;
mod file;
mod steady;
mod take;

pub use compare::{Line, difference, settled};
pub use file::{File, Unreadable};
pub use steady::Ignored;
pub use take::{Asking, NotTaken, Taken, take, take_until};

/// What an agent answers to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Small letters, digits and hyphens, whatever the agent says: fit for a file's name.
    pub name: String,
    /// What was asked, in words.
    pub description: String,
    /// The question and the answer: JSON text of at most some 256 KiB, which no terminal acts on.
    pub contents: String,
    /// What differed between the two askings and falls under no rule, as JSON Pointers into the
    /// contents, 64 KiB of them at most; `[volatile]` stands there, and where more differed.
    pub volatile: Vec<String>,
}
