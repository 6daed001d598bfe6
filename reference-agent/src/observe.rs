//! What is noted of every request when its answer has gone out: metrics, log lines, its span.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    http::{HeaderValue, StatusCode, request::Parts},
    response::Response,
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::{
    call::{self, Call, Head, REQUEST_ID},
    failure::Cause,
    metrics::{Observation, StreamEnd},
    telemetry::ServerSpan,
    visit::Visit,
};

/// What a request is noted under whose client has left before there was an answer: no status
/// of HTTP, but the one that proxies have made customary.
const LEFT: u16 = 499;

/// A request from its head on: noted when this is dropped, whatever came of it.
pub(crate) struct Noted {
    visit: Arc<Visit>,
    call: Call,
    span: Option<ServerSpan>,
    status: Option<StatusCode>,
    /// Why the request has failed, or was refused.
    cause: Option<Box<str>>,
    stream: Option<Stream>,
}

/// What else there is to note of a stream.
struct Stream {
    head_time: Duration,
    end: StreamEnd,
}

impl Noted {
    /// Takes note of a request that has just come in.
    pub(crate) fn of(visit: Arc<Visit>, parts: &Parts) -> Self {
        let head = Head::of(&visit.app.agent, parts, visit.peer.ip());
        Self::begin(visit, head)
    }

    /// Takes note of what was refused before there was a request, under an id of ours.
    pub(crate) fn refused(visit: &Arc<Visit>, status: StatusCode) -> HeaderValue {
        let head = Head::unread(&visit.app.agent, visit.peer.ip());
        let mut noted = Self::begin(visit.clone(), head);
        noted.status = Some(status);
        noted.call.id.clone()
    }

    fn begin(visit: Arc<Visit>, mut head: Head) -> Self {
        visit.begin();
        Self {
            span: visit.app.agent.tracer.receive(&mut head),
            visit,
            call: head.into(),
            status: None,
            cause: None,
            stream: None,
        }
    }

    pub(crate) fn call(&self) -> &Call {
        &self.call
    }

    pub(crate) fn visit(&self) -> &Arc<Visit> {
        &self.visit
    }

    /// Marks the answer with the request's id, and notes the request: now, or at a stream's end.
    pub(crate) fn answer(mut self, mut response: Response) -> Response {
        self.status = Some(response.status());
        let cause = response.extensions_mut().remove::<Cause>();
        self.cause = cause.map(|Cause(cause)| cause);
        let id = self.call.id.clone();
        response.headers_mut().insert(REQUEST_ID, id);
        if response.body().size_hint().exact().is_some() {
            return response;
        }
        self.stream = Some(Stream {
            head_time: self.call.began.elapsed(),
            end: StreamEnd::Left,
        });
        response.map(|inner| Body::new(Watched { inner, noted: self }))
    }

    fn end_stream(&mut self, end: StreamEnd) {
        if let Some(stream) = &mut self.stream {
            stream.end = end;
        }
    }

    fn has_failed(&self) -> bool {
        self.call.has_failed.load(Ordering::Relaxed)
    }

    fn log(&self, status: u16, time: Duration) {
        /// One line of either level; a macro, as a level is fixed where it is written.
        macro_rules! line {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    cause = self.cause.as_deref(),
                    request_id = self.call.id(),
                    method = self.call.method(),
                    endpoint = self.call.endpoint.template,
                    status,
                    duration_ms = time.as_micros() as f64 / 1000.0,
                    trace_id = self.call.trace.as_ref().map(|trace| trace.id()),
                    $message
                )
            };
        }
        match status {
            500.. => line!(warn, "request failed"),
            _ if self.has_failed() => line!(warn, "stream failed"),
            401 | 403 | 429 => line!(info, "request refused"),
            _ => line!(debug, "request"),
        }
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let agent = &self.visit.app.agent;
        let time = self.call.began.elapsed();
        let status = self.status.map_or(LEFT, |status| status.as_u16());
        let mut head_time = time;
        if let Some(stream) = &self.stream {
            head_time = stream.head_time;
            agent.metrics.stream_ended(self.call.endpoint, stream.end);
        }
        let observed = Observation::of(&self.call, status, head_time, time);
        agent.metrics.answered(&agent.seams, observed);
        self.log(status, time);
        if let Some(span) = self.span.take() {
            span.end(self.status);
        }
        self.visit.end();
    }
}

/// The body of a stream: dropped when it has ended, or its client has left.
struct Watched {
    inner: Body,
    noted: Noted,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let call = self.noted.call.clone();
        let polled = call::within_now(call, || Pin::new(&mut self.inner).poll_frame(cx));
        match &polled {
            Poll::Ready(None) if self.noted.has_failed() => {
                self.noted.end_stream(StreamEnd::Failed);
            }
            Poll::Ready(None) => self.noted.end_stream(StreamEnd::Completed),
            Poll::Ready(Some(Err(_))) => self.noted.end_stream(StreamEnd::Failed),
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
