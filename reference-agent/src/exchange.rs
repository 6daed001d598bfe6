//! Requests and answers as values: what the seams are shown.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde_json::Value;

/// A request, as the seams see it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// Empty, too, if the body was not taken.
    pub(crate) body: Bytes,
}

impl Asked {
    pub(crate) fn of(parts: &Parts, body: Option<&Bytes>) -> Self {
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers.clone(),
            body: body.cloned().unwrap_or_default(),
        }
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// An answer, as the seams see it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) content: Content,
}

/// What an answer holds.
#[derive(Debug)]
pub(crate) enum Content {
    /// All of it.
    Whole(Bytes),
    /// A stream, which the seam [`Seam::Plan`](crate::seams::Seam::Plan) has had in hand before.
    Stream(Body),
}

impl Reply {
    /// An answer with a JSON body, or with what claims to be one.
    pub(crate) fn json(status: StatusCode, body: impl ToString) -> Self {
        let json = HeaderValue::from_static("application/json");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, json)]);
        Self {
            status,
            headers,
            content: Content::Whole(body.to_string().into()),
        }
    }

    /// The JSON body; null if it is none.
    pub(crate) fn body(&self) -> Value {
        match &self.content {
            Content::Whole(bytes) => serde_json::from_slice(bytes).unwrap_or_default(),
            Content::Stream(_) => Value::Null,
        }
    }

    /// Changes the JSON body; leaves an answer alone that has none.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        let mut body = self.body();
        if body.is_object() {
            change(&mut body);
            self.write(body.to_string());
        }
    }

    /// Puts other bytes in place of the body.
    pub(crate) fn write(&mut self, body: impl Into<Bytes>) {
        self.content = Content::Whole(body.into());
    }

    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let kind = parts
            .headers
            .get(header::CONTENT_TYPE)
            .map(HeaderValue::as_bytes);
        let content = if kind.is_some_and(|kind| kind.starts_with(b"text/event-stream")) {
            Content::Stream(body)
        } else {
            // Our own answers are whole in memory already, so this neither waits nor fails.
            Content::Whole(to_bytes(body, usize::MAX).await.unwrap_or_default())
        };
        Self {
            status: parts.status,
            headers: parts.headers,
            content,
        }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let body = match self.content {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Stream(body) => body,
        };
        (self.status, self.headers, body).into_response()
    }
}
