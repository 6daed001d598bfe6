//! The body of an answer: transfer coding removed, incrementally (RFC 9112, sections 6 and 7).

use super::head::Framing;

/// Bound on a chunk's size line, and on all trailer fields together, in bytes.
const MAX_LINE: usize = 16 * 1024;
/// Bound on all chunk extensions of a body together, in bytes: nobody reads them.
const MAX_EXTENSIONS: usize = 1 << 20;

/// Takes bytes as they come off the connection, and tells the body and its end.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    line: Vec<u8>,
    extensions: usize,
    trailers: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Length(u64),
    UntilClose,
    Size,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Done,
}

impl Decoder {
    /// At the beginning of a body.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::UntilClose => State::UntilClose,
            Framing::Chunked => State::Size,
        };
        Self {
            state,
            line: Vec::new(),
            extensions: 0,
            trailers: 0,
        }
    }

    /// Whether the message has ended, as far as its own framing tells.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether the end of the connection is the end of the message.
    #[must_use]
    pub fn may_close(&self) -> bool {
        matches!(self.state, State::Done | State::UntilClose)
    }

    /// Appends to `body` what `bytes` hold of it, and leaves in `bytes` what follows its end.
    ///
    /// # Errors
    /// Says what is wrong with the framing.
    pub fn push(&mut self, bytes: &mut &[u8], body: &mut Vec<u8>) -> Result<(), String> {
        while !bytes.is_empty() {
            match self.state {
                State::Done => return Ok(()),
                State::UntilClose => {
                    take(bytes, u64::MAX, body);
                }
                State::Length(left) => {
                    let taken = take(bytes, left, body);
                    self.state = match left - taken {
                        0 => State::Done,
                        left => State::Length(left),
                    };
                }
                State::Chunk(left) => {
                    let taken = take(bytes, left, body);
                    self.state = match left - taken {
                        0 => State::ChunkEnd,
                        left => State::Chunk(left),
                    };
                }
                State::Size | State::ChunkEnd | State::Trailers => self.push_line(bytes)?,
            }
        }
        Ok(())
    }

    fn push_line(&mut self, bytes: &mut &[u8]) -> Result<(), String> {
        let end = memchr::memchr(b'\n', bytes);
        let (now, rest) = bytes.split_at(end.map_or(bytes.len(), |end| end + 1));
        *bytes = rest;
        self.line.extend_from_slice(now);
        if self.line.len() > MAX_LINE {
            return Err(format!(
                "a line of the chunked coding is longer than {MAX_LINE} bytes"
            ));
        }
        if end.is_none() {
            return Ok(());
        }
        let line = std::mem::take(&mut self.line);
        self.count(&line)?;
        let text = line.trim_ascii();
        self.state = match self.state {
            State::ChunkEnd if text.is_empty() => State::Size,
            State::ChunkEnd => return Err("a chunk is longer than its size says".to_owned()),
            State::Trailers if text.is_empty() => State::Done,
            State::Trailers => State::Trailers,
            _ => match chunk_size(text)? {
                0 => State::Trailers,
                size => State::Chunk(size),
            },
        };
        Ok(())
    }
}

impl Decoder {
    /// Bounds what is read and is no part of the body.
    fn count(&mut self, line: &[u8]) -> Result<(), String> {
        match self.state {
            State::Trailers => self.trailers += line.len(),
            State::Size => {
                let extension = memchr::memchr(b';', line).map_or(0, |at| line.len() - at);
                self.extensions += extension;
            }
            _ => {}
        }
        if self.trailers > MAX_LINE {
            return Err(format!(
                "the trailer fields are longer than {MAX_LINE} bytes"
            ));
        }
        if self.extensions > MAX_EXTENSIONS {
            return Err(format!(
                "the chunk extensions are longer than {MAX_EXTENSIONS} bytes"
            ));
        }
        Ok(())
    }
}

fn take(bytes: &mut &[u8], left: u64, body: &mut Vec<u8>) -> u64 {
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    let (now, rest) = bytes.split_at(count);
    body.extend_from_slice(now);
    *bytes = rest;
    count as u64
}

fn chunk_size(line: &[u8]) -> Result<u64, String> {
    let digits = line
        .split(|&byte| byte == b';')
        .next()
        .unwrap_or(line)
        .trim_ascii();
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or_else(|| format!("not a chunk size: {:?}", String::from_utf8_lossy(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(framing: Framing, pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), String> {
        let mut decoder = Decoder::new(framing);
        let mut body = Vec::new();
        for mut piece in pieces.iter().copied() {
            decoder.push(&mut piece, &mut body)?;
        }
        Ok((body, decoder.is_done()))
    }

    #[test]
    fn a_chunked_body_is_the_same_at_every_split() {
        let wire = b"4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: 1\r\n\r\n";
        for split in 0..=wire.len() {
            let (left, right) = wire.split_at(split);
            assert_eq!(
                decode(Framing::Chunked, &[left, right]),
                Ok((b"Wikipedia".to_vec(), true))
            );
        }
    }

    #[test]
    fn a_chunked_body_without_its_last_chunk_is_not_done() {
        assert_eq!(
            decode(Framing::Chunked, &[b"4\r\nWiki\r\n"]),
            Ok((b"Wiki".to_vec(), false))
        );
    }

    #[test]
    fn sizes_that_lie_or_are_no_numbers_are_not_http() {
        assert!(decode(Framing::Chunked, &[b"2\r\nWiki\r\n"]).is_err());
        assert!(decode(Framing::Chunked, &[b"+4\r\nWiki\r\n"]).is_err());
        assert!(decode(Framing::Chunked, &[b"\r\nWiki"]).is_err());
        assert!(decode(Framing::Chunked, &[b"fffffffffffffffff\r\n"]).is_err());
    }

    #[test]
    fn extensions_and_trailers_end_at_their_bounds() {
        let extended = format!("1;{}\r\nx\r\n", "e".repeat(10_000)).repeat(1_000);
        let told = decode(Framing::Chunked, &[extended.as_bytes()]);
        assert!(told.is_err_and(|told| told.contains("extensions")));
        let trailers = format!("0\r\n{}", "T: x\r\n".repeat(10_000));
        let told = decode(Framing::Chunked, &[trailers.as_bytes()]);
        assert!(told.is_err_and(|told| told.contains("trailer")));
    }

    #[test]
    fn bytes_after_the_declared_length_are_not_the_body() {
        assert_eq!(
            decode(Framing::Length(3), &[b"abcdef"]),
            Ok((b"abc".to_vec(), true))
        );
    }
}
