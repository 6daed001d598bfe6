//! Taking in a request body, up to a bound.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};

use crate::{failure::Failure, settings::Settings};

/// How much of a body that is too long is still taken in, after the answer, so that the
/// client reads the answer and not a reset, and for how long.
struct Patience {
    bytes: usize,
    time: Duration,
}

/// Enough for a client that sends 64 times the default limit before it listens.
const PATIENCE: Patience = Patience {
    bytes: 64 * 1024 * 1024,
    time: Duration::from_secs(10),
};

/// A body, and what of it was there together with the head.
pub(crate) struct Arriving {
    body: Incoming,
    begun: Bytes,
}

impl Arriving {
    /// Takes what is there already; a body that is declared too long is not asked for.
    pub(crate) fn of(mut body: Incoming, limit: usize, cx: &mut Context<'_>) -> Self {
        let mut begun = Bytes::new();
        let is_bounded = body.size_hint().lower() <= limit as u64;
        if is_bounded && let Poll::Ready(Some(Ok(frame))) = Pin::new(&mut body).poll_frame(cx) {
            begun = frame.into_data().unwrap_or_default();
        }
        Self { body, begun }
    }

    /// All of the body, if that was there.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        self.body.is_end_stream().then_some(&self.begun)
    }
}

/// The whole body, if it is there by the deadline, or why it was not taken.
pub(crate) async fn take_in_time(
    settings: &Settings,
    deadline: Instant,
    parts: &Parts,
    body: Arriving,
) -> Result<Bytes, Failure> {
    let taken = timeout_at(deadline, take(parts, body, settings.body_limit)).await;
    taken.unwrap_or_else(|_| Err(Failure::request_timeout(settings.request_timeout)))
}

async fn take(parts: &Parts, arriving: Arriving, limit: usize) -> Result<Bytes, Failure> {
    let Arriving { body, begun } = arriving;
    let is_whole = body.is_end_stream() && begun.len() <= limit;
    if is_whole {
        return Ok(begun);
    }
    let mut stream = Body::new(body).into_data_stream();
    if begun.len() > limit
        || declared_length(&parts.headers).is_some_and(|length| length > limit as u64)
    {
        return Err(refuse(parts, stream, limit));
    }
    let mut taken = BytesMut::from(begun);
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
        tokio::spawn(drain(stream, PATIENCE));
    }
    Failure::payload_too_large(limit)
}

async fn drain<E>(mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin, patience: Patience) {
    let mut dropped = 0;
    let dropping = async {
        while let Some(Ok(chunk)) = stream.next().await {
            dropped += chunk.len();
            if dropped > patience.bytes {
                return;
            }
        }
    };
    // Whichever ends it: it has ended.
    let _ = timeout(patience.time, dropping).await;
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn no_more_is_taken_in_after_a_refusal_than_a_bound() {
        const CHUNK: usize = 1024 * 1024;
        let mut chunks = 0;
        let chunk = |_| {
            chunks += 1;
            Ok::<_, Infallible>(Bytes::from_static(&[0; CHUNK]))
        };
        let body = stream::iter(0..2 * PATIENCE.bytes / CHUNK).map(chunk);
        drain(body, PATIENCE).await;
        assert_eq!(chunks, PATIENCE.bytes / CHUNK + 1);
    }

    #[tokio::test]
    async fn nobody_waits_long_for_the_rest_of_what_is_refused() {
        let patience = Patience {
            time: Duration::from_millis(20),
            ..PATIENCE
        };
        let drained = drain(stream::pending::<Result<_, Infallible>>(), patience);
        timeout(LONG, drained).await.expect("an end");
    }
}
