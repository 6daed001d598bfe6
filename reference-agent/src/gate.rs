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
    if let Some(entry) = turn_away(agent, call, parts) {
        return entry;
    }
    let shown = identify(agent, call, parts).await;
    let ruling = count(agent, call, &shown);
    let ruling = agent.seams.ruling(call.endpoint, ruling).await;
    entry(ruling, shown)
}

/// The same, where it takes no waiting; `None`, and nothing is counted, where it may.
pub(crate) fn admit_now(agent: &Agent, call: &Call, parts: &Parts) -> Option<Entry> {
    if !agent.seams.are_none() {
        return None;
    }
    if let Some(entry) = turn_away(agent, call, parts) {
        return Some(entry);
    }
    let shown = match is_named(agent, call, call.endpoint.door) {
        Named::Must => agent.guard.identify_now(parts)?,
        Named::May => Ok(agent.guard.identify_now(parts)?.ok().flatten()),
        Named::No => Ok(None),
    };
    let ruling = count(agent, call, &shown);
    Some(entry(ruling, shown))
}

/// What is refused whoever asks.
fn turn_away(agent: &Agent, call: &Call, parts: &Parts) -> Option<Entry> {
    if !names_its_host(parts) {
        let message = "an HTTP/1.1 request names its host, and once";
        return Some(refuse(None, Failure::invalid_input(message, Vec::new())));
    }
    let door = call.endpoint.door;
    let is_late = agent.is_draining() && door != Door::Open && door != Door::Admin;
    is_late.then(|| refuse(None, Failure::unavailable("the agent is on its way out")))
}

/// Takes the request from the allowance of whoever asks.
fn count(agent: &Agent, call: &Call, shown: &Found) -> Option<Ruling> {
    let identity = shown.as_ref().ok().and_then(Option::as_ref);
    match call.endpoint.allowance {
        Allowance::Exempt => None,
        allowance => agent.limiter.take(allowance, call.peer, identity),
    }
}

fn entry(ruling: Option<Ruling>, shown: Found) -> Entry {
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

/// Whether whoever asks has to say who it is.
enum Named {
    Must,
    /// Whoever shows a key that holds is counted by it where none is asked for, too.
    May,
    No,
}

fn is_named(agent: &Agent, call: &Call, door: Door) -> Named {
    let is_guarded = match door {
        Door::Guarded => true,
        Door::Metrics => agent.settings.guard_metrics,
        // The admin API has a key and a guard of its own.
        Door::Open | Door::Admin => false,
    };
    let by_key = agent.settings.rate_limit_by == Client::Key;
    match by_key && call.endpoint.allowance != Allowance::Exempt {
        _ if is_guarded => Named::Must,
        true => Named::May,
        false => Named::No,
    }
}

/// Whoever has shown what the door asks for; `None` where it asks for nothing.
async fn identify(agent: &Agent, call: &Call, parts: &Parts) -> Found {
    match is_named(agent, call, agent.seams.door(parts, call.endpoint.door)) {
        Named::Must => {
            let shown = agent.seams.shown(parts);
            let found = agent.guard.identify(&shown, &agent.seams).await;
            agent.seams.found(parts, found)
        }
        Named::May => {
            let found = agent.guard.identify(parts, &agent.seams).await;
            Ok(found.ok().flatten())
        }
        Named::No => Ok(None),
    }
}

fn refuse(ruling: Option<Ruling>, failure: Failure) -> Entry {
    Entry {
        ruling,
        identity: None,
        refused: Some(failure),
    }
}
