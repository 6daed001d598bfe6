//! The text exposition format of Prometheus (0.0.4) and `OpenMetrics` (1.0), read strictly: what
//! the text says, and each way in which it is not what it should be.
//!
//! Parsing never fails. The parsers in the registry are lenient, or under licences that do
//! not go with this project's.

mod families;
mod lines;

pub use families::{Exposition, Family};
pub use lines::{Sample, parse};

/// One way in which a text is no exposition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it, in a fragment.
    pub message: String,
}

/// Which of the two formats a text is in: `OpenMetrics` ends with `# EOF`, and asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `text/plain; version=0.0.4`.
    Prometheus,
    /// `application/openmetrics-text`.
    OpenMetrics,
}

impl Format {
    /// The format that a content type names, if it is one of the two.
    #[must_use]
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "text/plain" => Some(Self::Prometheus),
            "application/openmetrics-text" => Some(Self::OpenMetrics),
            _ => None,
        }
    }
}
