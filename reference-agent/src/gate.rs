//! Who is let in, and how often: asked of every request before its handler.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header, request::Parts};

use crate::{
    agent::Agent,
    auth::{Found, Identity},
    call::Call,
    endpoints::{Allowance, Door},
    failure::Failure,
    limits::Ruling,
    settings::Client,
};

/// What was found at the gate.
pub(crate) struct Entry {
    /// What the rate limit says, whatever comes of the request: told in its answer's head.
    pub(crate) ruling: Option<Ruling>,
    /// Who asks, if that was shown and holds.
    pub(crate) identity: Option<Identity>,
    /// Why the request goes no further, if it does not.
    pub(crate) refused: Option<Failure>,
}

impl Entry {
    /// Adds to an answer's head what the client should know of its allowance.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        if let Some(ruling) = &self.ruling {
            ruling.tell(headers);
        }
        let status = self.refused.as_ref().map(Failure::status);
        if status == Some(StatusCode::SERVICE_UNAVAILABLE) {
            // The client had better look elsewhere, over a connection of its own.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Judges a request by its head.
pub(crate) async fn admit(agent: &Agent, call: &Call, parts: &Parts) -> Entry {
    if !names_its_host(parts) {
        let message = "an HTTP/1.1 request names its host, and once";
        return refuse(None, Failure::invalid_input(message, Vec::new()));
    }
    let door = call.endpoint.door;
    if agent.is_draining() && door != Door::Open && door != Door::Admin {
        return refuse(None, Failure::unavailable("the agent is on its way out"));
    }
    let shown = identify(agent, call, parts).await;
    let identity = shown.as_ref().ok().and_then(Option::as_ref);
    let ruling = match call.endpoint.allowance {
        Allowance::Exempt => None,
        allowance => agent.limiter.take(allowance, call.peer, identity),
    };
    let ruling = agent.seams.ruling(call.endpoint, ruling).await;
    match (&ruling, shown) {
        (Some(ruling), _) if !ruling.admits => refuse(Some(*ruling), Failure::rate_limited(ruling)),
        (_, Err(failure)) => refuse(ruling, failure),
        (_, Ok(identity)) => Entry {
            ruling,
            identity,
            refused: None,
        },
    }
}

/// As RFC 9112, section 3.2, has it.
fn names_its_host(parts: &Parts) -> bool {
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    parts.version < Version::HTTP_11 || (hosts.next().is_some() && hosts.next().is_none())
}

/// Takes one more request from a client's allowance, where one request asks for much.
pub(crate) fn pay(
    agent: &Agent,
    allowance: Allowance,
    peer: IpAddr,
    identity: Option<&Identity>,
) -> Result<(), Failure> {
    match agent.limiter.take(allowance, peer, identity) {
        Some(ruling) if !ruling.admits => Err(Failure::rate_limited(&ruling)),
        _ => Ok(()),
    }
}

/// Whoever has shown what the door asks for; `None` where it asks for nothing.
async fn identify(agent: &Agent, call: &Call, parts: &Parts) -> Found {
    let is_guarded = match agent.seams.door(parts, call.endpoint.door) {
        Door::Guarded => true,
        Door::Metrics => agent.settings.guard_metrics,
        // The admin API has a key and a guard of its own.
        Door::Open | Door::Admin => false,
    };
    if !is_guarded {
        return Ok(counted_as(agent, call, parts).await);
    }
    let shown = agent.seams.shown(parts);
    let found = agent.guard.identify(&shown, &agent.seams).await;
    agent.seams.found(parts, found)
}

/// Whoever shows a key that holds is counted by it where none is asked for, too.
async fn counted_as(agent: &Agent, call: &Call, parts: &Parts) -> Option<Identity> {
    let by_key = agent.settings.rate_limit_by == Client::Key;
    if !by_key || call.endpoint.allowance == Allowance::Exempt {
        return None;
    }
    let found = agent.guard.identify(parts, &agent.seams).await;
    found.ok().flatten()
}

fn refuse(ruling: Option<Ruling>, failure: Failure) -> Entry {
    Entry {
        ruling,
        identity: None,
        refused: Some(failure),
    }
}
