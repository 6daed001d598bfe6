//! Reading reports that were written as JSON; their `format` tells of what they are.

use std::path::{Path, PathBuf};

use acp_reports::{LoadReport, Report};
use serde_json::Value;

use crate::exit::Failure;
use crate::input;

/// A report of either kind.
pub(super) enum Document {
    Check(Box<Report>),
    Load(Box<LoadReport>),
}

/// A report; else what is wrong with the file.
pub(super) fn any(file: &Path) -> Result<Document, Failure> {
    of_bytes(&file.display().to_string(), &input::bytes(file)?)
}

/// A report; else what is wrong with what goes by this name.
pub(super) fn of_bytes(name: &str, bytes: &[u8]) -> Result<Document, Failure> {
    let wrong = |what: String| Failure::usage(format!("{name}: {what}"));
    let document: Value =
        serde_json::from_slice(bytes).map_err(|error| wrong(format!("not JSON: {error}")))?;
    document_of(document).map_err(wrong)?.ok_or_else(|| {
        wrong(format!(
            "not a report of `acp-tck check` or `acp-tck load` as JSON ({} {}, {} {})",
            Report::FORMAT,
            Report::FORMAT_VERSION,
            LoadReport::FORMAT,
            LoadReport::FORMAT_VERSION,
        ))
    })
}

/// A check report; else what is wrong with the file.
pub(super) fn check(file: &Path) -> Result<Report, Failure> {
    match any(file)? {
        Document::Check(report) => Ok(*report),
        Document::Load(_) => Err(Failure::usage(format!(
            "{}: not a report of `acp-tck check`: it is of a load",
            file.display()
        ))),
    }
}

/// A load report; else what is wrong with the file.
pub(crate) fn load(file: &Path) -> Result<LoadReport, Failure> {
    match any(file)? {
        Document::Load(report) => Ok(*report),
        Document::Check(_) => Err(Failure::usage(format!(
            "{}: not a report of `acp-tck load`: it is of a check",
            file.display()
        ))),
    }
}

/// A report, if the file is one: what is no JSON, or another's, is none. One that claims to be and
/// is not whole is told.
pub(super) fn if_report(file: &Path) -> Result<Option<Document>, Failure> {
    let Ok(document) = serde_json::from_slice(&input::bytes(file)?) else {
        return Ok(None);
    };
    document_of(document).map_err(|what| Failure::usage(format!("{}: {what}", file.display())))
}

/// The files of a folder that may be reports, by name.
pub(super) fn reports_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let told = |error| Failure::usage(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        let suffix = path.extension().unwrap_or_default();
        if suffix.eq_ignore_ascii_case("json") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn document_of(document: Value) -> Result<Option<Document>, String> {
    let is = |format: &str, version: u32| {
        let says = |key: &str, wanted: Value| document.get(key) == Some(&wanted);
        says("format", format.into()) && says("format_version", version.into())
    };
    let broken = |error: serde_json::Error| format!("no whole report: {error}");
    if is(Report::FORMAT, Report::FORMAT_VERSION) {
        let report = serde_json::from_value(document).map_err(broken)?;
        return Ok(Some(Document::Check(report)));
    }
    if is(LoadReport::FORMAT, LoadReport::FORMAT_VERSION) {
        let report = serde_json::from_value(document).map_err(broken)?;
        return Ok(Some(Document::Load(report)));
    }
    Ok(None)
}
