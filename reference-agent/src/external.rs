//! /invoke-external: the weather service that the agent asks.

use crate::settings::Settings;

/// The weather service, as a client sees it.
#[derive(Debug)]
pub(crate) struct Weather {}

impl Weather {
    pub(crate) fn of(_settings: &Settings) -> Self {
        Self {}
    }
}
