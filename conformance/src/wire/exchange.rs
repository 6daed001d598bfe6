//! What is recorded: requests, answers, and how they ended. Plain data.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a request leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", content = "bytes", rename_all = "kebab-case")]
pub enum Manner {
    /// Whole, as RFC 9112 says.
    #[default]
    Polite,
    /// With another `Content-Length` than the body has; the connection stays open.
    Declares(usize),
    /// The head and this many bytes of the body; then the connection is dropped.
    Drops(usize),
}

/// A request to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The origin-form target, below the agent's base path.
    pub path: String,
    /// Header fields. `Host`, `Content-Length` and the user's own are added when it is sent, and
    /// stand here in a recorded exchange.
    pub headers: Vec<(String, String)>,
    /// The body; a recorded one is cut to [`Request::KEPT`] bytes.
    pub body: Vec<u8>,
    /// How many bytes the body has (or had, before it was cut).
    pub body_length: usize,
    /// How it leaves.
    pub manner: Manner,
    /// Whether the user's own header fields, which may hold credentials, are left out.
    pub is_anonymous: bool,
}

impl Request {
    /// How much of a body is kept in a record, in bytes: any generated case, whole.
    pub const KEPT: usize = 128 * 1024;

    /// A `GET`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::bare("GET", path)
    }

    /// A request of any method without a body.
    #[must_use]
    pub fn bare(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// A `POST` of JSON text (or of what passes itself off as that).
    #[must_use]
    pub fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::bare("POST", path)
            .with_header("Content-Type", "application/json")
            .with_body(body)
    }

    /// With one more header field.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.body_length = self.body.len();
        self
    }

    /// Sent in this manner.
    #[must_use]
    pub fn in_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

/// One request and its answer, as they went over the wire.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was sent, with every header field.
    pub request: Request,
    /// When it began, since the run's start.
    pub began: Duration,
    /// From the beginning to the end.
    pub elapsed: Duration,
    /// What came back; `None` if no complete head did.
    pub answer: Option<Answer>,
    /// How it ended.
    pub end: End,
}

/// An answer: its head, and the body as it arrived.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header fields as received, in order; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, transfer coding removed.
    pub body: Vec<u8>,
    /// When each piece of the body arrived.
    pub reads: Vec<Read>,
    /// How many bytes came with the answer that belong to no message.
    pub surplus: usize,
}

/// The arrival of a piece of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// How many bytes of the body there were after it.
    pub until: usize,
    /// When, since the exchange began.
    pub at: Duration,
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", content = "why", rename_all = "kebab-case")]
pub enum End {
    /// As HTTP says a message ends: its length reached, its last chunk, or, without
    /// either, the end of the connection.
    Complete,
    /// The agent ended the connection before the message's end. Says how.
    Cut(String),
    /// Not HTTP: the head or the framing could not be read. Says why.
    NotHttp(String),
    /// Nothing more came within the time that was allowed.
    TimedOut,
    /// The checker left: the body passed its bound.
    TooLarge,
    /// The checker left, as it meant to.
    Left,
    /// No connection could be made. Says why.
    Unreachable(String),
}

/// What a byte that begins a value, a member, a line or an event may cost once the body has been
/// read as JSON or as a stream: somewhat more than `serde_json` and our parser were measured to take.
const ITEM: usize = 128;
/// What a header field costs beside its text.
const FIELD: usize = 2 * size_of::<String>();

/// Weighs a body as it comes in, piece by piece.
///
/// What stands in quotes begins no item, so that a long text does not weigh as much as a list. A line's
/// end always ends the quotes: no JSON text goes on in them, and what is wrong before it is not kept.
#[derive(Debug, Default)]
pub(super) struct Scale {
    in_quotes: bool,
    is_escaped: bool,
}

impl Scale {
    /// What the next piece may come to in memory: itself, a copy of its texts, and its items.
    pub(super) fn weigh(&mut self, piece: &[u8]) -> usize {
        let items = piece.iter().filter(|byte| self.begins_item(**byte)).count();
        2 * piece.len() + ITEM * items
    }

    fn begins_item(&mut self, byte: u8) -> bool {
        let is_escaped = std::mem::take(&mut self.is_escaped);
        match byte {
            b'\n' | b'\r' => self.in_quotes = false,
            b'\\' => self.is_escaped = self.in_quotes && !is_escaped,
            b'"' if !is_escaped => self.in_quotes = !self.in_quotes,
            _ => {}
        }
        let is_item = matches!(byte, b'[' | b'{' | b',' | b':');
        matches!(byte, b'\n' | b'\r') || is_item && !self.in_quotes
    }
}

impl Answer {
    /// What it may come to in memory, in bytes, with all that is read out of it.
    #[must_use]
    pub fn weight(&self) -> usize {
        let fields = self.headers.iter();
        let fields = fields.map(|(name, value)| name.len() + value.len() + FIELD);
        fields.sum::<usize>()
            + Scale::default().weigh(&self.body)
            + self.reads.len() * size_of::<Read>()
    }

    /// The first header field of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all_headers(name).next()
    }

    /// All header fields of this name, in any case.
    pub fn all_headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The media type of `Content-Type`, lower-case, without parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        Some(
            value
                .split(';')
                .next()
                .unwrap_or(value)
                .trim()
                .to_ascii_lowercase(),
        )
    }

    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the status is 4xx.
    #[must_use]
    pub fn is_client_error(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// Whether the status is 4xx or 5xx.
    #[must_use]
    pub fn is_error(&self) -> bool {
        (400..600).contains(&self.status)
    }

    /// When the byte at `offset` of the body had arrived, since the exchange began.
    #[must_use]
    pub fn arrival(&self, offset: usize) -> Option<Duration> {
        let index = self.reads.partition_point(|read| read.until <= offset);
        self.reads.get(index).map(|read| read.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_weighs_less_than_a_list_and_the_pieces_as_much_as_the_whole() {
        let items = |body: &str| (Scale::default().weigh(body.as_bytes()) - 2 * body.len()) / ITEM;
        assert_eq!(items(r#"{"a": "so, so: [{\", \\\"{"}"#), 2);
        assert_eq!(items(r#"{"a": "\\", "b": [1, 2]}"#), 6);
        // Nobody reads the first line as JSON; the second may be read.
        assert_eq!(items("\"{{{{\n[1, 2]"), 3);
        let body = br#"{"a, b": ["\\\", \"", 1]}"#;
        let whole = Scale::default().weigh(body);
        for at in 0..body.len() {
            let (first, second) = body.split_at(at);
            let mut scale = Scale::default();
            assert_eq!(scale.weigh(first) + scale.weigh(second), whole, "{at}");
        }
    }
}
