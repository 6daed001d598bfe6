//! The formats a report can be written in: one line each, and nowhere else a list of them.

use std::io;
use std::str::FromStr;

use crate::{Report, badge, html, human, junit, markdown, sarif, tap};

/// A face of the check report.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is for, in a line of help.
    pub summary: &'static str,
    /// How the names of files end that are meant to hold it, in lower case.
    pub suffixes: &'static [&'static str],
    write: fn(&Report, &mut dyn io::Write) -> io::Result<()>,
}

impl Format {
    /// Every format, in the order that help lists them.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "human",
            summary: "text for people, coloured on a terminal",
            suffixes: &[".txt", ".log"],
            write: human::write,
        },
        Self {
            name: "json",
            summary: "the whole model, format `acp-tck/check` version 1",
            suffixes: &[".json"],
            write: write_json,
        },
        Self {
            name: "junit",
            summary: "JUnit XML, which CI systems show as tests",
            suffixes: &[".xml"],
            write: junit::write,
        },
        Self {
            name: "sarif",
            summary: "SARIF 2.1.0, which code scanning shows as alerts",
            suffixes: &[".sarif", ".sarif.json"],
            write: sarif::write,
        },
        Self {
            name: "markdown",
            summary: "Markdown for a step summary or a comment, at most 60,000 characters",
            suffixes: &[".md"],
            write: markdown::write,
        },
        Self {
            name: "html",
            summary: "one page that needs nothing else: filters, exchanges, streams drawn to scale",
            suffixes: &[".html", ".htm"],
            write: html::write,
        },
        Self {
            name: "tap",
            summary: "TAP 14, a line a rule",
            suffixes: &[".tap"],
            write: tap::write,
        },
        Self {
            name: "badge",
            summary: "an SVG badge: the level, and how much was not covered",
            suffixes: &[".svg"],
            write: badge::write,
        },
        Self {
            name: "shields",
            summary: "the same for shields.io, as its endpoint reads it",
            suffixes: &[".shields.json"],
            write: badge::write_endpoint,
        },
    ];

    /// The format that a file's name asks for by how it ends, whatever its case.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let fitting = |format: &Self| {
            let endings = format.suffixes.iter().filter(|end| name.ends_with(**end));
            endings.map(|end| end.len()).max()
        };
        let formats = Self::ALL.iter();
        let fitting = formats.filter_map(|format| Some((fitting(format)?, *format)));
        // `.sarif.json` is also a `.json`: the longest ending says most.
        fitting
            .max_by_key(|(length, _)| *length)
            .map(|(_, format)| format)
    }

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
            "there is no format `yaml`; there are human, json, junit, sarif, markdown, html, tap, badge, shields"
        );
    }

    #[test]
    fn the_name_of_a_file_tells_the_format() {
        let of = |name| Format::of_file(name).map(|format| format.name);
        for (name, format) in [
            ("acp.sarif", "sarif"),
            ("acp.sarif.json", "sarif"),
            ("out/acp.json", "json"),
            ("acp.shields.json", "shields"),
            ("README.md", "markdown"),
            ("acp.tap", "tap"),
            ("Report.HTML", "html"),
            ("acp.svg", "badge"),
            ("TEST-acp.xml", "junit"),
            ("acp.txt", "human"),
        ] {
            assert_eq!(of(name), Some(format), "{name}");
        }
        assert_eq!(of("report"), None);
        assert_eq!(of("json"), None);
        assert_eq!(of("a.yaml"), None);
    }

    #[test]
    fn no_two_formats_want_the_same_files() {
        let all = || Format::ALL.iter().flat_map(|format| format.suffixes);
        for suffix in all() {
            assert_eq!(
                all().filter(|other| *other == suffix).count(),
                1,
                "{suffix}"
            );
        }
    }
}
