//! The head of an answer (RFC 9112, sections 4 and 5), and what it says of the body's length.

use std::mem::MaybeUninit;

use super::exchange::Answer;

/// Bound on an answer's head, in bytes; servers commonly refuse requests at a quarter of it.
pub(super) const MAX_HEAD: usize = 64 * 1024;
const MAX_FIELDS: usize = 256;

/// How the end of a body is told (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// In chunks, the last of which is empty.
    Chunked,
    /// So many bytes.
    Length(u64),
    /// By the end of the connection.
    UntilClose,
}

/// A header field as it stands in the buffer.
pub use httparse::Header as Field;

/// What a head says of its message.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// How the end of the body is told.
    pub framing: Framing,
    /// How many bytes of the buffer the head took.
    pub length: usize,
    /// Whether another exchange may follow on the connection.
    pub keeps_alive: bool,
}

impl Head {
    /// Reads the head of an answer to a request of this method from the start of `buffer`, and
    /// lets `look` see its fields: `Ok(None)` if more bytes are needed.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(
        buffer: &[u8],
        method: &str,
        look: impl FnOnce(&Self, &[Field<'_>]),
    ) -> Result<Option<Self>, String> {
        // To make so many empty ones for each answer would cost more than to read it.
        let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut []);
        let config = httparse::ParserConfig::default();
        let parsed = config.parse_response_with_uninit_headers(&mut response, buffer, &mut fields);
        let length = match parsed {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if buffer.len() > MAX_HEAD => {
                return Err(format!("the head is longer than {MAX_HEAD} bytes"));
            }
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(httparse::Error::TooManyHeaders) => {
                return Err(format!(
                    "the head has more than {MAX_FIELDS} fields, which is more than the checker reads"
                ));
            }
            Err(error) => return Err(format!("the head is not HTTP/1.1: {error}")),
        };
        let status = response.code.unwrap_or(0);
        let framing = framing(status, response.headers, method)?;
        let head = Self {
            status,
            framing,
            length,
            keeps_alive: keeps_alive(response.headers, response.version == Some(1), framing),
        };
        look(&head, response.headers);
        Ok(Some(head))
    }
}

/// Reads a head from the start of `buffer`, and keeps its fields for an answer whose body is still
/// to come: `Ok(None)` if more bytes are needed.
pub(super) fn parse(buffer: &[u8], method: &str) -> Result<Option<(Head, Answer)>, String> {
    let mut headers = Vec::new();
    let head = Head::read(buffer, method, |_, fields| {
        let field = |it: &Field<'_>| {
            let value = String::from_utf8_lossy(it.value).into_owned();
            (it.name.to_owned(), value)
        };
        headers.extend(fields.iter().map(field));
    })?;
    Ok(head.map(|head| {
        let answer = Answer {
            status: head.status,
            headers,
            body: Vec::new(),
            reads: Vec::new(),
            surplus: 0,
        };
        (head, answer)
    }))
}

/// What all fields of this name say, in any case.
fn values<'f>(fields: &'f [Field<'f>], name: &'f str) -> impl Iterator<Item = &'f [u8]> {
    let named = fields
        .iter()
        .filter(move |field| field.name.eq_ignore_ascii_case(name));
    named.map(|field| field.value)
}

fn framing(status: u16, fields: &[Field<'_>], method: &str) -> Result<Framing, String> {
    if method == "HEAD" || matches!(status, 100..200 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    if let Some(codings) = values(fields, "transfer-encoding").last() {
        let last = codings.rsplit(|byte| *byte == b',').next();
        let is_chunked = last.is_some_and(|it| it.trim_ascii().eq_ignore_ascii_case(b"chunked"));
        return Ok(match is_chunked {
            true => Framing::Chunked,
            false => Framing::UntilClose,
        });
    }
    let mut lengths = values(fields, "content-length");
    let Some(first) = lengths.next() else {
        return Ok(Framing::UntilClose);
    };
    if lengths.any(|other| other != first) {
        return Err("two different Content-Length fields".to_owned());
    }
    let digits = String::from_utf8_lossy(first.trim_ascii());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Content-Length is no number: {digits:?}"));
    }
    digits
        .parse()
        .map(Framing::Length)
        .map_err(|_| format!("Content-Length is out of range: {digits}"))
}

fn keeps_alive(fields: &[Field<'_>], is_1_1: bool, framing: Framing) -> bool {
    let asks = |wanted: &[u8]| {
        values(fields, "connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(wanted))
    };
    framing != Framing::UntilClose && !asks(b"close") && (is_1_1 || asks(b"keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing_of(head: &str, method: &str) -> Result<Framing, String> {
        parse(head.as_bytes(), method).map(|head| head.expect("a complete head").0.framing)
    }

    #[test]
    fn an_answer_to_head_has_no_body_whatever_it_declares() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
        assert_eq!(framing_of(head, "HEAD"), Ok(Framing::Length(0)));
        assert_eq!(framing_of(head, "GET"), Ok(Framing::Length(10)));
    }

    #[test]
    fn chunked_wins_over_a_length() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: Chunked\r\n\r\n";
        assert_eq!(framing_of(head, "GET"), Ok(Framing::Chunked));
    }

    #[test]
    fn lengths_that_disagree_or_are_no_numbers_are_not_http() {
        let two = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
        assert!(framing_of(two, "GET").is_err());
        let signed = "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n";
        assert!(framing_of(signed, "GET").is_err());
    }

    #[test]
    fn a_head_without_end_is_refused_at_its_bound() {
        let mut head = b"HTTP/1.1 200 OK\r\nX: ".to_vec();
        head.resize(MAX_HEAD + 1, b'a');
        assert!(parse(&head, "GET").is_err());
        assert!(parse(&head[..100], "GET").is_ok_and(|head| head.is_none()));
    }
}
