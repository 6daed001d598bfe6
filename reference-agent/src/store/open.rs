//! Opening the database, and making sure that it is ours before anything is written.

use std::{
    path::{self, Path},
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::connections::{Connections, File};
use crate::settings::{Error, Settings};

const SCHEMA: &str = include_str!("schema.sql");

/// The version of that schema.
const SCHEMA_VERSION: i64 = 1;

/// Says whose the file is: `ACPc`.
const APPLICATION: i64 = 0x4143_5063;

/// How long a write of another process is waited for: many times what one takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// A read takes microseconds: more connections than this would only wait for each other.
const MOST_READERS: usize = 8;

/// Connections to the database that the settings name.
pub(super) fn open(settings: &Settings) -> Result<Connections, Error> {
    let memory = Path::new(":memory:");
    let path = settings.store_path.as_deref().unwrap_or(memory);
    let opened = match path == memory {
        true => in_memory(),
        false => in_file(path, settings.max_workers.clamp(1, MOST_READERS)),
    };
    opened.map_err(|refusal| Error::Store {
        path: path.to_owned(),
        reason: refusal.reason(path),
    })
}

/// Why a file is not used.
enum Refusal {
    /// It is not ours to write to.
    Foreign(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Refusal {
    fn reason(self, path: &Path) -> String {
        let error = match self {
            Self::Foreign(reason) => return reason,
            Self::Sqlite(error) => error,
        };
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let has_no_folder = folder.is_some_and(|folder| !folder.is_dir());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => "it is not an SQLite database".to_owned(),
            Some(ErrorCode::CannotOpen) if has_no_folder => "its folder is not there".to_owned(),
            Some(ErrorCode::CannotOpen) if path.is_dir() => "it is a folder".to_owned(),
            Some(ErrorCode::CannotOpen) => "it may not be read and written here".to_owned(),
            _ => error.to_string(),
        }
    }
}

fn in_memory() -> Result<Connections, Refusal> {
    let mut connection = Connection::open_in_memory()?;
    tune(&connection)?;
    claim(&mut connection)?;
    Ok(Connections::one(connection))
}

fn in_file(path: &Path, readers: usize) -> Result<Connections, Refusal> {
    // An absolute path means nothing but itself to SQLite, whatever it begins with.
    let path = path::absolute(path).map_err(|error| Refusal::Foreign(error.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connect = |flags| -> Result<Connection, Refusal> {
        let connection = Connection::open_with_flags(&path, flags)?;
        tune(&connection)?;
        Ok(connection)
    };
    let mut writer = connect(flags | OpenFlags::SQLITE_OPEN_CREATE)?;
    patiently(|| prepare(&mut writer))?;
    let readers = (0..readers).map(|_| {
        let reader = connect(flags)?;
        reader.pragma_update(None, "query_only", true)?;
        Ok(reader)
    });
    let readers = readers.collect::<Result<_, Refusal>>()?;
    Ok(Connections::many(File::at(&path), writer, readers))
}

/// What holds for one connection, and is not kept in the file.
fn tune(connection: &Connection) -> Result<(), Refusal> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A commit is on the disk when it returns, come what may to the machine.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(())
}

fn prepare(connection: &mut Connection) -> Result<(), Refusal> {
    if connection.is_readonly("main")? {
        return Err(Refusal::Foreign("it is write-protected".to_owned()));
    }
    claim(connection)?;
    // With a write-ahead log, nobody who reads waits for somebody who writes.
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    match mode.as_str() {
        "wal" => Ok(()),
        _ => Err(Refusal::Foreign(
            "its file system has no shared memory, which a write-ahead log needs".to_owned(),
        )),
    }
}

/// Makes the tables in a database that is new; leaves any other alone that is not ours.
fn claim(connection: &mut Connection) -> Result<(), Refusal> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |sql: &str| transaction.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let objects = number("SELECT COUNT(*) FROM sqlite_schema")?;
    match (application, version, objects) {
        (APPLICATION, SCHEMA_VERSION, _) => Ok(()),
        (APPLICATION, newer, _) if newer > SCHEMA_VERSION => Err(Refusal::Foreign(format!(
            "a newer agent has written it (schema {newer}; this agent knows {SCHEMA_VERSION})"
        ))),
        (0, 0, 0) => {
            transaction.execute_batch(SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION)?;
            transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
            Ok(transaction.commit()?)
        }
        _ => Err(Refusal::Foreign(
            "it is the database of another program".to_owned(),
        )),
    }
}

/// Again for as long as another process is in the way: SQLite waits by itself for a lock that
/// it wants, but not for the one that it takes to begin a write-ahead log.
fn patiently(mut step: impl FnMut() -> Result<(), Refusal>) -> Result<(), Refusal> {
    let began = Instant::now();
    loop {
        match step() {
            Err(Refusal::Sqlite(error))
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && began.elapsed() < PATIENCE =>
            {
                thread::sleep(Duration::from_millis(10));
            }
            done => return done,
        }
    }
}
