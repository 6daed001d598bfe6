//! What is noted of every request when its answer has gone out: metrics, log lines, its id.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    body::{Body, HttpBody},
    http::StatusCode,
    response::Response,
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::{
    agent::Agent,
    call::{Call, REQUEST_ID},
};

/// Marks the answer with the request's id, and notes the request: now, or when the stream ends.
pub(crate) fn note(agent: &Arc<Agent>, call: Call, mut response: Response) -> Response {
    response.headers_mut().insert(REQUEST_ID, call.id.clone());
    let noted = Noted {
        status: response.status(),
        agent: agent.clone(),
        call,
    };
    if response.body().size_hint().exact().is_some() {
        drop(noted);
        return response;
    }
    response.map(|inner| {
        Body::new(Watched {
            inner,
            _noted: noted,
        })
    })
}

/// A request that is noted when this is dropped.
struct Noted {
    agent: Arc<Agent>,
    call: Call,
    status: StatusCode,
}

impl Drop for Noted {
    fn drop(&mut self) {
        let time = self.call.began.elapsed();
        self.agent.metrics.answered(&self.call, self.status, time);
    }
}

/// The body of a stream: dropped when it has ended, or its client has left.
struct Watched {
    inner: Body,
    _noted: Noted,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
