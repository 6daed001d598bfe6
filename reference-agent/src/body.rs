//! Taking in a request body, up to a bound.

use std::time::Duration;

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{failure::Failure, settings::Settings};

/// How much of a body that is too long is still taken in, after the answer, so that the
/// client reads the answer and not a reset. Enough for a client that sends 64 times the
/// default limit before it listens.
const DRAIN_BYTES: usize = 64 * 1024 * 1024;

/// How long that is gone on with.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The whole body, if it is there by the deadline, or why it was not taken.
pub(crate) async fn take_in_time(
    settings: &Settings,
    deadline: Instant,
    parts: &Parts,
    body: Body,
) -> Result<Bytes, Failure> {
    let taken = timeout_at(deadline, take(parts, body, settings.body_limit)).await;
    taken.unwrap_or_else(|_| Err(Failure::request_timeout(settings.request_timeout)))
}

async fn take(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, Failure> {
    let mut stream = body.into_data_stream();
    if declared_length(&parts.headers).is_some_and(|length| length > limit as u64) {
        return Err(refuse(parts, stream, limit));
    }
    let mut taken = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let Ok(chunk) = chunk else {
            return Err(Failure::invalid_input(
                "the body could not be read to its end",
                vec![],
            ));
        };
        if taken.len() + chunk.len() > limit {
            return Err(refuse(parts, stream, limit));
        }
        taken.extend_from_slice(&chunk);
    }
    Ok(taken.freeze())
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// The refusal leaves at once; what the client is still sending is read and dropped beside it.
fn refuse(parts: &Parts, stream: BodyDataStream, limit: usize) -> Failure {
    // A client that waits for "100 Continue" has sent nothing, and need not: reading would invite it to.
    if !parts.headers.contains_key(header::EXPECT) {
        tokio::spawn(timeout(DRAIN_TIME, drain(stream)));
    }
    Failure::payload_too_large(limit)
}

async fn drain(mut stream: BodyDataStream) {
    let mut dropped = 0;
    while let Some(Ok(chunk)) = stream.next().await {
        dropped += chunk.len();
        if dropped > DRAIN_BYTES {
            return;
        }
    }
}

/// Whether the body is declared to be JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers
        .get(header::CONTENT_TYPE)
        .map(|value| value.to_str())
    else {
        return false;
    };
    // Nearly all write it so.
    if value == "application/json" {
        return true;
    }
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}
