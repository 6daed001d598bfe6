//! What can be done to the store.

use rusqlite::{OptionalExtension, Transaction};
use serde_json::Value;

use super::Store;
use crate::{documents::now, failure::Failure, validation::Violation};

/// How many versions one configuration may have: a history is answered in one piece.
pub(super) const MOST_VERSIONS: u32 = 1000;

/// A version that is to be stored.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) config_id: String,
    /// The next free of `v1`, `v2` and so on, if the caller does not care.
    pub(crate) version: Option<String>,
    pub(crate) config: Value,
    pub(crate) metadata: Option<Value>,
}

/// A version that has become the active one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activated {
    pub(crate) version: String,
    /// When it was stored.
    pub(crate) created_at: String,
}

impl Store {
    /// Adds a version, which becomes the active one. It is on the disk when this returns.
    pub(crate) async fn add(&self, draft: Draft) -> Result<Activated, Failure> {
        let limit = self.limit;
        self.connections
            .write(move |transaction| add(transaction, draft, limit))
            .await
    }

    /// Makes a version that was stored before the active one.
    pub(crate) async fn roll_back(
        &self,
        id: String,
        version: String,
    ) -> Result<Activated, Failure> {
        self.connections
            .write(move |transaction| roll_back(transaction, &id, version))
            .await
    }
}

fn add(transaction: &Transaction<'_>, draft: Draft, limit: usize) -> Result<Activated, Failure> {
    const TALLY: &str = "SELECT versions FROM tally";
    const LAST: &str = "SELECT COALESCE(MAX(seq), 0) FROM version WHERE config_id = ?1";
    const ADD: &str = "INSERT INTO version VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    const ACTIVATE: &str = "INSERT INTO config VALUES (?1, ?2) \
        ON CONFLICT (config_id) DO UPDATE SET active_seq = excluded.active_seq";
    let Draft {
        config_id,
        version,
        config,
        metadata,
    } = draft;
    let all: u32 = transaction
        .prepare_cached(TALLY)?
        .query_row([], |row| row.get(0))?;
    if all as usize >= limit {
        return Err(Failure::unavailable("the store of configurations is full"));
    }
    let last: u32 = transaction
        .prepare_cached(LAST)?
        .query_row([&config_id], |row| row.get(0))?;
    if last >= MOST_VERSIONS {
        return Err(full());
    }
    let seq = last + 1;
    let version = match version {
        None => free_name(transaction, &config_id, seq)?,
        Some(name) if find(transaction, &config_id, &name)?.is_some() => return Err(taken()),
        Some(name) => name,
    };
    let created_at = now();
    let metadata = metadata.map(|metadata| metadata.to_string());
    transaction.prepare_cached(ADD)?.execute((
        &config_id,
        seq,
        &version,
        config.to_string(),
        metadata,
        &created_at,
    ))?;
    transaction
        .prepare_cached(ACTIVATE)?
        .execute((&config_id, seq))?;
    Ok(Activated {
        version,
        created_at,
    })
}

fn roll_back(
    transaction: &Transaction<'_>,
    id: &str,
    version: String,
) -> Result<Activated, Failure> {
    const ACTIVATE: &str = "UPDATE config SET active_seq = ?2 WHERE config_id = ?1";
    const IS_THERE: &str = "SELECT 1 FROM config WHERE config_id = ?1";
    let Some((seq, created_at)) = find(transaction, id, &version)? else {
        let is_there = transaction.prepare_cached(IS_THERE)?.exists([id])?;
        return Err(match is_there {
            true => Failure::version_not_found(),
            false => Failure::config_not_found(),
        });
    };
    transaction.prepare_cached(ACTIVATE)?.execute((id, seq))?;
    Ok(Activated {
        version,
        created_at,
    })
}

/// A version by its name: its place in the order, and when it was stored.
fn find(
    transaction: &Transaction<'_>,
    id: &str,
    name: &str,
) -> rusqlite::Result<Option<(u32, String)>> {
    const SQL: &str = "SELECT seq, created_at FROM version WHERE config_id = ?1 AND version = ?2";
    let mut statement = transaction.prepare_cached(SQL)?;
    let found = statement.query_row((id, name), |row| Ok((row.get(0)?, row.get(1)?)));
    found.optional()
}

/// The version's number, unless somebody has given that name already. There are no more names
/// to try than versions.
fn free_name(transaction: &Transaction<'_>, id: &str, seq: u32) -> rusqlite::Result<String> {
    let mut number = seq;
    loop {
        let name = format!("v{number}");
        if find(transaction, id, &name)?.is_none() {
            return Ok(name);
        }
        number += 1;
    }
}

/// No 503: the configuration will not have room again, however often it is tried.
fn full() -> Failure {
    let what = format!("names a configuration of {MOST_VERSIONS} versions, the most there may be");
    let field = Violation::at("/config_id", "maxItems", &what);
    let message = "this configuration has all the versions that it may have";
    Failure::invalid_input(message, vec![field])
}

fn taken() -> Failure {
    let what = "is the name of a version that is stored already";
    let field = Violation::at("/version", "unique", what);
    Failure::invalid_input("this version is there already", vec![field])
}
