//! Rate limits: how many requests a client has had, and what it is told of it.

use std::net::IpAddr;

use axum::http::HeaderMap;

use crate::{auth::Identity, endpoints::Allowance, settings::Settings};

/// The limits of one agent.
#[derive(Debug)]
pub(crate) struct Limiter {}

/// What a limit says of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ruling {
    pub(crate) admits: bool,
}

impl Limiter {
    pub(crate) fn of(_settings: &Settings) -> Self {
        Self {}
    }

    /// Takes one request from a client's allowance; `None` where there is no limit.
    pub(crate) fn take(
        &self,
        _allowance: Allowance,
        _peer: IpAddr,
        _identity: Option<&Identity>,
    ) -> Option<Ruling> {
        None
    }
}

impl Ruling {
    /// Says in the head of an answer how much is left, and when there is more.
    pub(crate) fn tell(&self, _headers: &mut HeaderMap) {}
}
