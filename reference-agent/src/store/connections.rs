//! Connections to the database: one that writes, and some that read.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::task::spawn_blocking;

use crate::failure::Failure;

#[derive(Debug)]
pub(super) struct Connections {
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
            writer: connection.clone(),
            readers: vec![connection],
            next: AtomicUsize::new(0),
            turn: Arc::default(),
        }
    }

    pub(super) fn many(writer: Connection, readers: Vec<Connection>) -> Self {
        let share = |connection| Arc::new(Mutex::new(connection));
        Self {
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
        // A commit waits for the disk.
        let written = spawn_blocking(move || {
            let _turn = turn;
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
