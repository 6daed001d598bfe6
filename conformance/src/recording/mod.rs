//! Recorded evidence: all that the report of a run is made from, without the secrets that were
//! given; written down, read again, judged again.
//!
//! *drive → recording → judge*: a run ends in a [`Recording`], and its report is made from that,
//! as is the report of a recording that was read from a file. So both say the same.

mod file;
mod har;
mod introduction;
mod line;
mod made;
mod parts;
mod redacted;

pub use file::{FORMAT, NotARecording, VERSION};
pub use introduction::Introduction;
pub use made::Recording;
pub(crate) use made::{Ended, RULES_PER_SHARE};
