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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn json(report: &Report) -> String {
        let format: Format = "json".parse().expect("json is a format");
        let mut out = Vec::new();
        let written = format.write(report, &mut out);
        written.expect("a vector takes everything");
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn the_json_report_has_its_fixed_shape() {
        insta::assert_snapshot!(json(&sample::report()));
    }

    #[test]
    fn a_report_is_the_same_after_it_was_written_and_read() {
        for report in [sample::report(), sample::clean(), sample::unreachable()] {
            let read: Report = serde_json::from_str(&json(&report)).expect("it is a report");
            assert_eq!(read, report);
        }
    }

    #[test]
    fn an_unknown_format_is_refused_with_those_that_there_are() {
        let error = "yaml"
            .parse::<Format>()
            .expect_err("there is no such format");
        assert_eq!(
            error.to_string(),
            "there is no format `yaml`; there are human, json, junit"
        );
    }
}
