//! What these faults ask of a request.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts};
use url::form_urlencoded;

use crate::{
    auth::API_KEY,
    exchange::{Asked, Reply},
};

pub(super) const ENFORCED: &[&str] = &["auth.enforced"];
pub(super) const HEADER_ONLY: &[&str] = &["auth.header-only"];

pub(super) fn is_invoke(parts: &Parts) -> bool {
    parts.uri.path() == "/invoke"
}

pub(super) fn is_stream(parts: &Parts) -> bool {
    matches!(
        parts.uri.path(),
        "/invoke/stream" | "/invoke/advanced-stream"
    )
}

pub(super) fn shows_something(headers: &HeaderMap) -> bool {
    headers.contains_key(API_KEY) || headers.contains_key(header::AUTHORIZATION)
}

/// Puts what a parameter of the query holds into a header field, if there is none.
pub(super) fn from_query(
    parts: &mut Parts,
    is_meant: fn(&str) -> bool,
    name: HeaderName,
    scheme: &str,
) {
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let found = parameters.find(|(name, _)| is_meant(&name.to_ascii_lowercase()));
    let value =
        found.and_then(|(_, value)| HeaderValue::from_str(&format!("{scheme}{value}")).ok());
    if let Some(value) = value {
        parts.headers.entry(name).or_insert(value);
    }
}

/// Changes the 401s that this picks.
pub(super) fn refusal(asked: &Asked, reply: &mut Reply, change: impl FnOnce(&Asked, &mut Reply)) {
    if reply.status == StatusCode::UNAUTHORIZED {
        change(asked, reply);
    }
}
