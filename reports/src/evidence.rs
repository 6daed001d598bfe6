//! What a finding rests on: exchanges, and the places in them that matter. Part of the check
//! report's fixed JSON.

use serde::{Deserialize, Serialize};

/// One exchange that a finding rests on. Secrets are already redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Evidence {
    /// What the checker was about, and what was wrong with the answer.
    pub note: String,
    /// What the rule asks for here, if that can be said in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// A shell command that shows it; empty where curl cannot send such a request.
    pub curl: String,
    /// What was sent.
    pub request: Request,
    /// What came back; absent if nothing did.
    pub response: Option<Response>,
    /// From the first byte sent to the end of the answer, in milliseconds.
    pub elapsed_ms: f64,
}

/// A request, as sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Request {
    /// The method.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Header fields, in the order sent.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
}

/// An answer, as received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Header fields, in the order received.
    pub headers: Vec<(String, String)>,
    /// The body as text, shortened where it is long.
    pub body: String,
    /// The body in base64 where it is not UTF-8.
    pub body_base64: Option<String>,
    /// The bytes of the body that are at fault, as far as that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Of an event stream: the events, as far as they were dispatched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Span>,
    /// Of an event stream: when which part of it had arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arrivals: Vec<Arrival>,
}

/// Bytes of a body, and what is the matter with them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mark {
    /// Where they are.
    #[serde(flatten)]
    pub span: Span,
    /// What is the matter, in one line.
    pub message: String,
}

/// A piece of a body as the agent sent it, before it was shortened for the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Span {
    /// Its first byte.
    pub offset: usize,
    /// How many bytes it has; 0 for a place between two.
    pub length: usize,
}

/// The arrival of a piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Arrival {
    /// How many bytes of the body there were after it.
    pub until: usize,
    /// When, in milliseconds since the exchange began.
    pub at_ms: f64,
}
