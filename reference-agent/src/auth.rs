//! Credentials: what is asked for, and who has shown it.

use axum::http::request::Parts;
use serde_json::{Value, json};

use crate::{
    failure::Failure,
    settings::{Error, Settings},
};

/// Somebody whose credentials hold: the name of a key, or the subject of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity(pub(crate) String);

/// What the settings say of credentials, ready to judge.
#[derive(Debug)]
pub(crate) struct Guard {}

impl Guard {
    pub(crate) fn of(_settings: &Settings) -> Result<Self, Error> {
        Ok(Self {})
    }

    /// What `/auth` says.
    pub(crate) fn document(&self) -> Value {
        json!({
            "type": "none",
            "description": "No credentials are needed.",
            "required": false,
        })
    }

    /// Who is asking; `None` if nobody needs to say.
    pub(crate) async fn identify(&self, _parts: &Parts) -> Result<Option<Identity>, Failure> {
        Ok(None)
    }
}
