//! What is known of a request from its head, before anything is done for it.

use std::{net::IpAddr, time::Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, request::Parts};

use crate::{agent::Agent, endpoints::Endpoint};

/// The header field that carries a request's id, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A caller's own id is taken over if it is no longer than this many bytes.
const LONGEST_ID: usize = 128;

/// One request; carried along as an extension of it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The caller's id, or one of ours.
    pub(crate) id: HeaderValue,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) peer: IpAddr,
    pub(crate) began: Instant,
}

impl Call {
    pub(crate) fn of(agent: &Agent, parts: &Parts, peer: IpAddr) -> Self {
        Self {
            id: id(&parts.headers),
            endpoint: agent.endpoints.find(parts.uri.path()),
            peer,
            began: Instant::now(),
        }
    }
}

fn id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
        (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(plain)
    });
    given.cloned().unwrap_or_else(|| {
        let id = uuid::Uuid::new_v4().simple().to_string();
        // Hexadecimal digits can stand in a header field.
        HeaderValue::from_str(&id).unwrap_or(HeaderValue::from_static("none"))
    })
}
