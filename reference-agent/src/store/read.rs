//! What can be asked of the store.

use rusqlite::{
    OptionalExtension, Row,
    types::{FromSql, FromSqlError, FromSqlResult, ValueRef},
};
use serde_json::Value;

use super::{connections::Connections, open};
use crate::{
    failure::Failure,
    preferences::Preferences,
    settings::{Error, Settings},
};

/// More than this many are not listed at once.
const LONGEST_PAGE: usize = 1000;

/// Configurations, each with its versions.
#[derive(Debug)]
pub(crate) struct Store {
    pub(super) connections: Connections,
    /// How many versions there may be in all.
    pub(super) limit: usize,
}

/// The version of a configuration that `/invoke` uses.
#[derive(Debug, Clone)]
pub(crate) struct Active {
    pub(crate) version: String,
    pub(crate) preferences: Preferences,
}

/// A version of a configuration, as it was stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Version {
    pub(crate) version: String,
    pub(crate) config: Value,
    pub(crate) metadata: Option<Value>,
    pub(crate) created_at: String,
    pub(crate) is_active: bool,
}

/// A configuration, in a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) config_id: String,
    /// The active one.
    pub(crate) version: String,
    pub(crate) versions: u32,
    /// When the active version was stored.
    pub(crate) created_at: String,
}

impl Store {
    pub(crate) fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            connections: open::open(settings)?,
            limit: settings.config_limit,
        })
    }

    /// What `/invoke` uses of a configuration.
    pub(crate) fn find(&self, id: &str) -> Result<Option<Active>, Failure> {
        const SQL: &str = "SELECT version, config FROM config \
            JOIN version ON version.config_id = config.config_id AND seq = active_seq \
            WHERE config.config_id = ?1";
        self.connections.read(|connection| {
            let mut statement = connection.prepare_cached(SQL)?;
            let active = statement.query_row([id], |row| {
                let Json(config) = row.get(1)?;
                Ok(Active {
                    version: row.get(0)?,
                    preferences: Preferences::read(&config),
                })
            });
            active.optional()
        })
    }

    /// All of the active version.
    pub(crate) fn active(&self, id: &str) -> Result<Option<Version>, Failure> {
        const SQL: &str = "SELECT version, config, metadata, created_at, TRUE FROM config \
            JOIN version ON version.config_id = config.config_id AND seq = active_seq \
            WHERE config.config_id = ?1";
        self.connections.read(|connection| {
            let mut statement = connection.prepare_cached(SQL)?;
            statement.query_row([id], version).optional()
        })
    }

    /// The versions of a configuration, the oldest first; none if there is no such id.
    pub(crate) fn history(&self, id: &str) -> Result<Vec<Version>, Failure> {
        const SQL: &str = "SELECT version, config, metadata, created_at, seq = active_seq \
            FROM config JOIN version ON version.config_id = config.config_id \
            WHERE config.config_id = ?1 ORDER BY seq";
        self.connections.read(|connection| {
            let mut statement = connection.prepare_cached(SQL)?;
            statement.query_map([id], version)?.collect()
        })
    }

    /// How many configurations there are.
    pub(crate) fn count(&self) -> usize {
        let configs = self.connections.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT configs FROM tally")?;
            statement.query_row([], |row| row.get::<_, u32>(0))
        });
        // Why it cannot be told has been logged.
        configs.unwrap_or_default() as usize
    }

    /// The configurations after this id, in the order of their ids; a page of them at most.
    pub(crate) fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Summary>, Failure> {
        const SQL: &str = "SELECT config_id, version, created_at, \
                (SELECT COUNT(*) FROM version AS each WHERE each.config_id = config.config_id) \
            FROM config JOIN version USING (config_id) \
            WHERE seq = active_seq AND config_id > ?1 ORDER BY config_id LIMIT ?2";
        let limit = limit.min(LONGEST_PAGE) as i64;
        self.connections.read(|connection| {
            let mut statement = connection.prepare_cached(SQL)?;
            // No id is empty.
            let rows = statement.query_map((after.unwrap_or_default(), limit), |row| {
                Ok(Summary {
                    config_id: row.get(0)?,
                    version: row.get(1)?,
                    created_at: row.get(2)?,
                    versions: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }
}

fn version(row: &Row<'_>) -> rusqlite::Result<Version> {
    let Json(config) = row.get(1)?;
    let metadata: Option<Json> = row.get(2)?;
    Ok(Version {
        version: row.get(0)?,
        config,
        metadata: metadata.map(|Json(metadata)| metadata),
        created_at: row.get(3)?,
        is_active: row.get(4)?,
    })
}

/// JSON that is kept as text.
struct Json(Value);

impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let parsed = serde_json::from_str(value.as_str()?);
        parsed.map(Self).map_err(FromSqlError::other)
    }
}
