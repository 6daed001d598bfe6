//! The head of an answer (RFC 9112, sections 4 and 5), and what it says of the body's length.

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

/// A parsed head.
#[derive(Debug)]
pub struct Head {
    /// The answer, whose body is still to come.
    pub answer: Answer,
    /// How the end of the body is told.
    pub framing: Framing,
    /// How many bytes of the buffer it took.
    pub length: usize,
    /// Whether another exchange may follow on the connection.
    pub keeps_alive: bool,
}

impl Head {
    /// Reads the head of an answer to a request of this method from the start of `buffer`:
    /// `Ok(None)` if more bytes are needed.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn read(buffer: &[u8], method: &str) -> Result<Option<Self>, String> {
        parse(buffer, method)
    }
}

/// Reads a head from the start of `buffer`: `Ok(None)` if more bytes are needed.
pub(super) fn parse(buffer: &[u8], method: &str) -> Result<Option<Head>, String> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(buffer) {
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
    let headers = response
        .headers
        .iter()
        .map(|field| {
            (
                field.name.to_owned(),
                String::from_utf8_lossy(field.value).into_owned(),
            )
        })
        .collect();
    let answer = Answer {
        status,
        headers,
        body: Vec::new(),
        reads: Vec::new(),
        surplus: 0,
    };
    let framing = framing(&answer, method)?;
    let keeps_alive = keeps_alive(&answer, response.version == Some(1), framing);
    Ok(Some(Head {
        answer,
        framing,
        length,
        keeps_alive,
    }))
}

fn framing(answer: &Answer, method: &str) -> Result<Framing, String> {
    if method == "HEAD" || matches!(answer.status, 100..200 | 204 | 304) {
        return Ok(Framing::Length(0));
    }
    let codings: Vec<&str> = answer.all_headers("transfer-encoding").collect();
    if !codings.is_empty() {
        let codings = codings.join(",");
        let last = codings.rsplit(',').next().unwrap_or("").trim();
        if last.eq_ignore_ascii_case("chunked") {
            return Ok(Framing::Chunked);
        }
        return Ok(Framing::UntilClose);
    }
    let mut lengths = answer.all_headers("content-length");
    let Some(first) = lengths.next() else {
        return Ok(Framing::UntilClose);
    };
    if lengths.any(|other| other != first) {
        return Err("two different Content-Length fields".to_owned());
    }
    let digits = first.trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("Content-Length is no number: {digits:?}"));
    }
    digits
        .parse()
        .map(Framing::Length)
        .map_err(|_| format!("Content-Length is out of range: {digits}"))
}

fn keeps_alive(answer: &Answer, is_1_1: bool, framing: Framing) -> bool {
    let asks = |wanted: &str| {
        answer
            .all_headers("connection")
            .flat_map(|value| value.split(','))
            .any(|option| option.trim().eq_ignore_ascii_case(wanted))
    };
    framing != Framing::UntilClose && !asks("close") && (is_1_1 || asks("keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing_of(head: &str, method: &str) -> Result<Framing, String> {
        parse(head.as_bytes(), method).map(|head| head.expect("a complete head").framing)
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
