//! Runs in an SQLite file: a table `runs`, a report a row, as JSON.

use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::read::{self, Document};
use crate::exit::Failure;
use crate::{input, uses};

/// What every SQLite file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";
/// Other columns may stand beside these.
const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS runs (started_at TEXT NOT NULL, report TEXT NOT NULL)";

/// Whether the file is one of SQLite's.
pub(super) fn is_one(file: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    let read = std::fs::File::open(file).and_then(|mut it| it.read_exact(&mut begin));
    read.is_ok() && begin == MAGIC
}

/// Hands each report of the file over.
pub(super) fn each(file: &Path, mut take: impl FnMut(Document)) -> Result<(), Failure> {
    let told = |error| told(file, error);
    uses::reads(file)?;
    let store =
        Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(told)?;
    let mut rows = store
        .prepare("SELECT rowid, report FROM runs ORDER BY rowid")
        .map_err(told)?;
    let mut rows = rows.query([]).map_err(told)?;
    while let Some(row) = rows.next().map_err(told)? {
        let number: i64 = row.get(0).map_err(told)?;
        let report = row.get_ref(1).map_err(told)?;
        let report = report.as_bytes().unwrap_or_default();
        let name = format!("{}: run {number}", file.display());
        take(read::of_bytes(&name, report)?);
    }
    Ok(())
}

/// Adds reports, all or none; the file is made if it is not there. One that is in it already is not
/// added again, so that a job may run twice.
pub(super) fn add(file: &Path, reports: &[PathBuf]) -> Result<(), Failure> {
    let told = |error| told(file, error);
    let mut runs = Vec::new();
    for report in reports {
        let bytes = input::bytes(report)?;
        let began = match read::of_bytes(&report.display().to_string(), &bytes)? {
            Document::Check(it) => it.started_at,
            Document::Load(it) => it.started_at,
        };
        runs.push((began, String::from_utf8_lossy(&bytes).into_owned()));
    }
    let mut store = Connection::open(file).map_err(told)?;
    let change = store.transaction().map_err(told)?;
    change.execute(TABLE, []).map_err(told)?;
    for run in runs {
        let absent = "INSERT INTO runs (started_at, report) SELECT ?1, ?2 WHERE NOT EXISTS
            (SELECT 1 FROM runs WHERE started_at = ?1 AND report = ?2)";
        change.execute(absent, run).map_err(told)?;
    }
    change.commit().map_err(told)
}

fn told(file: &Path, error: impl Display) -> Failure {
    Failure::usage(format!("{}: {error}", file.display()))
}
