//! Runs over time, from folders, files and SQLite files.

use std::path::{Path, PathBuf};

use acp_reports::History;

use super::read::{self, Document};
use super::store;
use crate::exit::{Exit, Failure};
use crate::output::{self, Place};

/// Puts reports into an SQLite file.
pub(super) fn record(files: &[PathBuf], reports: &[PathBuf]) -> Result<Exit, Failure> {
    let [file] = files else {
        return Err(Failure::usage(
            "--add puts reports into one SQLite file: name that alone",
        ));
    };
    store::add(file, reports)?;
    Ok(Exit::Holds)
}

/// Writes the page.
pub(super) fn write(files: &[PathBuf], output: &Path) -> Result<Exit, Failure> {
    let place = Place::of("--output", output)?;
    let mut history = History::default();
    for file in files {
        if store::is_one(file) {
            store::each(file, |document| add(&mut history, document))?;
        } else if file.is_dir() {
            // What else lies in a folder is not the user's mistake.
            for inside in read::reports_in(file)? {
                if let Some(document) = read::if_report(&inside)? {
                    add(&mut history, document);
                }
            }
        } else {
            add(&mut history, read::any(file)?);
        }
    }
    if history.is_empty() {
        let first = files.first().map(|file| file.display().to_string());
        return Err(Failure::usage(format!(
            "{}: no report is there; write some with --output NAME.json",
            first.unwrap_or_default()
        )));
    }
    output::write(&place, |out| history.write_html(out))?;
    Ok(Exit::Holds)
}

fn add(history: &mut History, document: Document) {
    match document {
        Document::Check(report) => history.add_check(*report),
        Document::Load(report) => history.add_load(*report),
    }
}
