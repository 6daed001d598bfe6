//! The formats a load report can be written in: one line each, and nowhere else a list of them.

use std::io;
use std::str::FromStr;

use super::{Report, html, human, junit, markdown};

/// A face of the load report.
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
            summary: "text for people, with a latency curve, coloured on a terminal",
            suffixes: &[".txt", ".log"],
            write: human::write,
        },
        Self {
            name: "json",
            summary: "the whole model, format `acp-tck/load` version 1",
            suffixes: &[".json"],
            write: write_json,
        },
        Self {
            name: "junit",
            summary: "JUnit XML: a test for each threshold and each compared figure",
            suffixes: &[".xml"],
            write: junit::write,
        },
        Self {
            name: "markdown",
            summary: "Markdown, for a job's summary or a comment",
            suffixes: &[".md"],
            write: markdown::write,
        },
        Self {
            name: "html",
            summary: "one page that needs nothing else: curves, courses, two runs beside each other",
            suffixes: &[".html", ".htm"],
            write: html::write,
        },
    ];

    /// The format that a file's name asks for by how it ends, whatever its case.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let asks = |format: &&Self| format.suffixes.iter().any(|end| name.ends_with(end));
        Self::ALL.iter().find(asks).copied()
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
#[error("a load report has no format `{name}`; there are {known}", known = known())]
pub struct UnknownFormat {
    name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let format = Self::ALL.iter().find(|format| format.name == name);
        format.copied().ok_or_else(|| UnknownFormat {
            name: name.to_owned(),
        })
    }
}

fn known() -> String {
    let names = Format::ALL.iter().map(|format| format.name);
    names.collect::<Vec<_>>().join(", ")
}

fn write_json(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, report)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::sample;
    use super::*;

    fn written(name: &str, report: &Report) -> String {
        let format: Format = name.parse().expect("a format");
        let mut out = Vec::new();
        let done = format.write(report, &mut out);
        done.expect("a vector takes everything");
        String::from_utf8(out).expect("formats are text")
    }

    #[test]
    fn the_json_report_has_its_fixed_shape() {
        insta::assert_snapshot!(written("json", &sample::cache()));
    }

    #[test]
    fn a_report_is_the_same_after_it_was_written_and_read() {
        for report in sample::all() {
            let read: Report =
                serde_json::from_str(&written("json", &report)).expect("it is a report");
            assert_eq!(read, report);
        }
    }

    #[test]
    fn every_fixed_key_is_there() {
        let value = |report: &Report| -> Value {
            serde_json::from_str(&written("json", report)).expect("it is JSON")
        };
        let all = [
            "format",
            "format_version",
            "scenario",
            "target",
            "model",
            "users",
            "rate",
            "duration_s",
            "seed",
            "requests",
            "throughput_rps",
            "latency_ms",
            "generator",
            "thresholds",
            "verdict",
        ];
        for report in sample::all() {
            let value = value(&report);
            for key in all {
                assert!(value.get(key).is_some(), "{key} of {}", report.scenario);
            }
        }
        let limit = value(&sample::rate_limit());
        assert_eq!(limit["rate_limit"]["algorithm"], json!("fixed-window"));
        assert_eq!(limit["rate_limit"]["scope"], json!("address"));
        assert!(limit.get("cache").is_none());
    }

    #[test]
    fn a_distribution_without_anything_measured_has_no_figures() {
        let empty = serde_json::to_value(super::super::Latency::default()).expect("JSON");
        assert_eq!(empty, json!({"count": 0}));
        let read: super::super::Latency =
            serde_json::from_value(json!({})).expect("a distribution");
        assert_eq!(read.figures, None);
    }

    #[test]
    fn the_name_of_a_file_tells_the_format_as_it_does_for_check_reports() {
        for format in Format::ALL {
            for suffix in format.suffixes {
                let name = format!("a{suffix}");
                let known = Format::of_file(&name).map(|format| format.name);
                assert_eq!(known, Some(format.name));
                let of_check = crate::Format::of_file(&name).map(|format| format.name);
                assert_eq!(of_check, known);
            }
        }
        assert!(Format::of_file("a.sarif").is_none());
    }

    #[test]
    fn an_unknown_format_is_refused_with_those_that_there_are() {
        let error = "yaml".parse::<Format>().expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "a load report has no format `yaml`; there are human, json, junit, markdown, html"
        );
    }
}
