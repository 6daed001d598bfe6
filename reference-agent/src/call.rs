//! What is known of a request from its head, before anything is done for it.

use std::{
    future::Future,
    net::IpAddr,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, request::Parts};

use crate::{
    agent::Agent,
    endpoints::{Endpoint, UNKNOWN},
    telemetry::Trace,
};

/// The header field that carries a request's id, in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A caller's own id is taken over if it is no longer than this many bytes.
const LONGEST_ID: usize = 128;

/// One request; carried along as an extension of it, and cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Call(Arc<Head>);

/// What is known of it.
#[derive(Debug)]
pub(crate) struct Head {
    /// The caller's id, or one of ours.
    pub(crate) id: HeaderValue,
    pub(crate) method: Method,
    pub(crate) endpoint: &'static Endpoint,
    /// The path as it was sent: kept for faults alone, as nothing else may depend on it.
    pub(crate) path: Option<Arc<str>>,
    pub(crate) peer: IpAddr,
    pub(crate) began: Instant,
    /// Where the request stands in its caller's trace, or in one that began here.
    pub(crate) trace: Option<Arc<Trace>>,
    /// Whether its stream has told of a failure: its status had gone out by then.
    pub(crate) has_failed: AtomicBool,
}

impl From<Head> for Call {
    fn from(head: Head) -> Self {
        Self(Arc::new(head))
    }
}

impl Deref for Call {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.0
    }
}

impl Head {
    pub(crate) fn of(agent: &Agent, parts: &Parts, peer: IpAddr) -> Self {
        let path = parts.uri.path();
        Self {
            id: given_id(&parts.headers).unwrap_or_else(|| agent.ids.next()),
            method: parts.method.clone(),
            endpoint: agent.endpoints.find(path),
            path: (!agent.seams.are_none()).then(|| path.into()),
            peer,
            began: Instant::now(),
            trace: Trace::of(&parts.headers).map(Arc::new),
            has_failed: AtomicBool::new(false),
        }
    }

    /// What could not be read: all that is known of it is who sent it.
    pub(crate) fn unread(agent: &Agent, peer: IpAddr) -> Self {
        Self {
            id: agent.ids.next(),
            // A word that is none of HTTP's methods.
            method: Method::from_bytes(b"_OTHER").unwrap_or_default(),
            endpoint: &UNKNOWN,
            path: None,
            peer,
            began: Instant::now(),
            trace: None,
            has_failed: AtomicBool::new(false),
        }
    }

    /// Some request, at some place in a trace.
    #[cfg(test)]
    pub(crate) fn some(trace: Option<Trace>) -> Self {
        Self {
            id: HeaderValue::from_static("req-1"),
            method: Method::POST,
            endpoint: &UNKNOWN,
            path: None,
            peer: std::net::Ipv4Addr::LOCALHOST.into(),
            began: Instant::now(),
            trace: trace.map(Arc::new),
            has_failed: AtomicBool::new(false),
        }
    }

    /// The id as text; it is plain ASCII.
    pub(crate) fn id(&self) -> &str {
        self.id.to_str().unwrap_or_default()
    }

    /// The method, or one word for all that HTTP does not know.
    pub(crate) fn method(&self) -> &'static str {
        match self.method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            Method::CONNECT => "CONNECT",
            Method::TRACE => "TRACE",
            _ => "_OTHER",
        }
    }
}

tokio::task_local! {
    /// The request that is being worked on: so that log lines and calls to other services
    /// know of it, without each function in between.
    static CURRENT: Call;
}

/// The work, done on behalf of the request.
pub(crate) fn within<F: Future>(call: Call, work: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(call, work)
}

/// The same, for work that does not wait.
pub(crate) fn within_now<T>(call: Call, work: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(call, work)
}

/// Looks at the request that is being worked on, if there is one.
pub(crate) fn current<T>(look: impl FnOnce(&Call) -> T) -> Option<T> {
    CURRENT.try_with(look).ok()
}

/// Ids for requests that come without: unique, and made without asking the system each time.
#[derive(Debug)]
pub(crate) struct Ids {
    prefix: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            prefix: uuid::Uuid::new_v4().as_u64_pair().0,
            next: AtomicU64::new(1),
        }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = (u128::from(self.prefix) << 64) | u128::from(number);
        let mut digits = [0; 32];
        for (at, digit) in digits.iter_mut().enumerate() {
            let nibble = (id >> (124 - 4 * at)) & 0xf;
            *digit = b"0123456789abcdef"[nibble as usize];
        }
        // Hexadecimal digits can stand in a header field.
        HeaderValue::from_bytes(&digits).unwrap_or(HeaderValue::from_static("none"))
    }
}

/// The caller's id, if it is short and plain: it comes back in headers and log lines.
fn given_id(headers: &HeaderMap) -> Option<HeaderValue> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(byte);
    headers
        .get(REQUEST_ID)
        .filter(|id| (1..=LONGEST_ID).contains(&id.len()) && id.as_bytes().iter().all(plain))
        .cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ids_are_alike_and_each_is_32_hexadecimal_digits() {
        let ids = Ids::new();
        let made: std::collections::HashSet<_> = (0..1000).map(|_| ids.next()).collect();
        assert_eq!(made.len(), 1000);
        let is_hex = |id: &HeaderValue| {
            let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
            id.len() == 32 && id.as_bytes().iter().all(hex)
        };
        assert!(made.iter().all(is_hex));
    }

    #[test]
    fn a_callers_id_is_taken_over_only_if_it_is_short_and_plain() {
        let given = |id: &[u8]| {
            let id = HeaderValue::from_bytes(id).expect("a header value");
            given_id(&HeaderMap::from_iter([(REQUEST_ID, id)]))
        };
        assert!(given(b"req-1.a_B:2").is_some());
        assert!(given(&[b'a'; 128]).is_some());
        let long = [b'a'; 129];
        for id in [&b""[..], b"a b", b"a\"b", b"a\xffb", b"{\"a\":1}", &long] {
            assert!(given(id).is_none(), "{id:?}");
        }
    }
}
