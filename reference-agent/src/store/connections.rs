//! Connections to the database: one that writes, and some that read.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::task::spawn_blocking;

use crate::failure::Failure;

#[derive(Debug)]
pub(super) struct Connections {
    /// The file, if it is one.
    file: Option<File>,
    writer: Arc<Mutex<Connection>>,
    readers: Vec<Arc<Mutex<Connection>>>,
    next: AtomicUsize,
    /// Held by the one that writes: the others wait here, in turn, and hold no thread.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Connections {
    /// A database that only this connection sees.
    pub(super) fn one(connection: Connection) -> Self {
        let connection = Arc::new(Mutex::new(connection));
        Self {
            file: None,
            writer: connection.clone(),
            readers: vec![connection],
            next: AtomicUsize::new(0),
            turn: Arc::default(),
        }
    }

    pub(super) fn many(file: File, writer: Connection, readers: Vec<Connection>) -> Self {
        let share = |connection| Arc::new(Mutex::new(connection));
        Self {
            file: Some(file),
            writer: share(writer),
            readers: readers.into_iter().map(share).collect(),
            next: AtomicUsize::new(0),
            turn: Arc::default(),
        }
    }

    /// Reads, from what has been committed by now.
    pub(super) fn read<T>(
        &self,
        ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, Failure> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let reader = |offset| &self.readers[next.wrapping_add(offset) % self.readers.len()];
        let free = (0..self.readers.len()).find_map(|offset| reader(offset).try_lock().ok());
        let connection = free.unwrap_or_else(|| lock(reader(0)));
        Ok(ask(&connection)?)
    }

    /// Makes a change: all of it or, if it fails, nothing. Once begun it is carried through,
    /// even if nobody waits for it any more.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = self.turn.clone().lock_owned().await;
        let writer = self.writer.clone();
        let file = self.file.clone();
        // A commit waits for the disk.
        let written = spawn_blocking(move || {
            let _turn = turn;
            if file.is_some_and(|file| !file.is_there()) {
                tracing::error!("the store's file was removed or replaced: start the agent anew");
                return Err(Failure::execution());
            }
            let mut connection = lock(&writer);
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&transaction)?;
            transaction.commit()?;
            Ok(done)
        });
        written.await.unwrap_or_else(|_| Err(Failure::execution()))
    }
}

/// The file of a database, as it was when it was opened: SQLite goes on writing to one that has been
/// removed, and nobody would find there what was acknowledged.
#[derive(Debug, Clone)]
pub(super) struct File {
    path: PathBuf,
    identity: Option<Identity>,
}

/// The device and the number of a file on it.
type Identity = (u64, u64);

impl File {
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: identity(path),
        }
    }

    fn is_there(&self) -> bool {
        identity(&self.path).is_some_and(|found| Some(found) == self.identity)
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    let found = path.metadata().ok()?;
    Some((found.dev(), found.ino()))
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn identity(_: &Path) -> Option<Identity> {
    Some((0, 0))
}

/// A transaction that was under way in a panic has been undone by its drop.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the store of configurations has failed");
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => Self::unavailable("the store is busy; try again"),
            _ => Self::execution(),
        }
    }
}
