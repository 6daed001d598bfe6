//! The formats a report can be written in: one line each, and nowhere else a list of them.

use std::io;
use std::str::FromStr;

use crate::{Report, human, junit};

/// A face of the check report.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is for, in a line of help.
    pub summary: &'static str,
    write: fn(&Report, &mut dyn io::Write) -> io::Result<()>,
}

impl Format {
    /// Every format, in the order that help lists them.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "human",
            summary: "text for people, coloured on a terminal",
            write: human::write,
        },
        Self {
            name: "json",
            summary: "the whole model, format `acp-tck/check` version 1",
            write: write_json,
        },
        Self {
            name: "junit",
            summary: "JUnit XML, which CI systems show as tests",
            write: junit::write,
        },
    ];

    /// Writes a report in this format.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write(self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        (self.write)(report, out)
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no format `{name}`; there are {known}", known = known())]
pub struct UnknownFormat {
    name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .iter()
            .find(|format| format.name == name)
            .copied()
            .ok_or_else(|| UnknownFormat {
                name: name.to_owned(),
            })
    }
}

fn known() -> String {
    Format::ALL
        .iter()
        .map(|format| format.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn write_json(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}
