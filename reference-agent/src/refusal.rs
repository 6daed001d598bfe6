//! What HTTP refuses by itself, before there is a request: hyper answers it with a head and
//! nothing else. Here the answer gets what every other refusal of the agent has.
//!
//! Such a head is the last that hyper writes over a connection, and says that it is the last.

use std::sync::Arc;

use axum::http::StatusCode;

use crate::{call::REQUEST_ID, failure::Failure, observe::Noted, visit::Visit};

/// Longer than any head that hyper writes without fields of ours.
const LONGEST_HEAD: usize = 160;

const NO_BODY: &[u8] = b"content-length: 0\r\n";

/// The head of a refusal among bytes on their way out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where it begins.
    pub(crate) at: usize,
    status: StatusCode,
}

impl Refusal {
    /// The refusal that these bytes end in, if they do.
    pub(crate) fn in_the_end_of(bytes: &[u8]) -> Option<Self> {
        // Nearly all answers end in a body.
        if !bytes.ends_with(b"\r\n\r\n") {
            return None;
        }
        let tail = bytes.len().saturating_sub(LONGEST_HEAD);
        let at = tail + last(&bytes[tail..], b"HTTP/1.")?;
        let head = &bytes[at..];
        let status = StatusCode::from_bytes(head.get(9..12)?).ok()?;
        let is_bare = status.is_client_error() && last(head, NO_BODY).is_some();
        // A fault of ours may leave out the body, too.
        let is_ours = last(head, REQUEST_ID.as_str().as_bytes()).is_some();
        (is_bare && !is_ours).then_some(Self { at, status })
    }

    /// The whole answer: this head, the fields that it lacks, and the envelope. Notes it, too.
    pub(crate) fn complete(&self, head: &[u8], visit: &Arc<Visit>) -> Vec<u8> {
        let failure = Failure::by_http(self.status);
        let body = failure.envelope().to_string();
        let id = Noted::refused(visit, self.status);
        let id = id.to_str().unwrap_or_default();
        let at = last(head, NO_BODY).unwrap_or_default();
        let mut answer = Vec::with_capacity(head.len() + body.len() + 128);
        answer.extend_from_slice(&head[..at]);
        let fields = format!(
            "content-type: application/json\r\ncontent-length: {}\r\n{REQUEST_ID}: {id}\r\n",
            body.len()
        );
        answer.extend_from_slice(fields.as_bytes());
        answer.extend_from_slice(head[at..].strip_prefix(NO_BODY).unwrap_or_default());
        answer.extend_from_slice(body.as_bytes());
        answer
    }
}

/// Where these bytes are for the last time.
fn last(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .rposition(|found| found == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
        content-length: 0\r\ndate: Mon, 23 Nov 2026 05:24:40 GMT\r\n\r\n";

    #[test]
    fn a_bare_refusal_is_seen_wherever_it_begins() {
        assert!(HEAD.len() < LONGEST_HEAD);
        for before in ["", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"] {
            let all = format!("{before}{HEAD}");
            let refusal = Refusal::in_the_end_of(all.as_bytes()).expect("a refusal");
            assert_eq!((refusal.at, refusal.status.as_u16()), (before.len(), 431));
        }
    }

    #[test]
    fn nothing_else_is_one() {
        for other in [
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 91\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-request-id: 7\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "0\r\n\r\n",
            "\r\n\r\n",
            "",
        ] {
            assert_eq!(Refusal::in_the_end_of(other.as_bytes()), None, "{other}");
        }
    }
}
