//! Bytes to text, as the standard's "UTF-8 decode" does it: never fatal, one U+FFFD for each
//! maximal subpart that is not UTF-8. The byte order mark is the next stage's business.

use simdutf8::compat::from_utf8;

/// What stands next in the stream.
pub(super) enum Piece<'a> {
    /// Valid UTF-8, as it stood.
    Text(&'a str),
    /// A maximal subpart that is not UTF-8: a client reads one U+FFFD in its place.
    Broken(&'a [u8]),
}

/// Holds the bytes of a character that a push has cut in two.
#[derive(Default)]
pub(super) struct Decoder {
    held: [u8; 4],
    count: usize,
}

impl Decoder {
    /// Hands on all that is certain after these bytes: at most three are held back.
    pub(super) fn push(&mut self, bytes: &[u8], sink: &mut impl FnMut(Piece<'_>)) {
        let mut rest = self.complete_held(bytes, sink);
        while !rest.is_empty() {
            let error = match from_utf8(rest) {
                Ok(text) => return sink(Piece::Text(text)),
                Err(error) => error,
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            if let (Ok(text), false) = (from_utf8(valid), valid.is_empty()) {
                sink(Piece::Text(text));
            }
            let Some(length) = error.error_len() else {
                return self.hold(after);
            };
            let (broken, after) = after.split_at(length);
            sink(Piece::Broken(broken));
            rest = after;
        }
    }

    /// The stream has ended: what is held will never be a character.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        if self.count > 0 {
            sink(Piece::Broken(&self.held[..self.count]));
            self.count = 0;
        }
    }

    /// Feeds the held bytes until they are a character or cannot be one; what is left of `bytes`.
    fn complete_held<'a>(&mut self, bytes: &'a [u8], sink: &mut impl FnMut(Piece<'_>)) -> &'a [u8] {
        let mut rest = bytes;
        while let (1.., [next, after @ ..]) = (self.count, rest) {
            self.held[self.count] = *next;
            match from_utf8(&self.held[..=self.count]) {
                Ok(text) => {
                    sink(Piece::Text(text));
                    self.count = 0;
                }
                Err(error) if error.error_len().is_none() => self.count += 1,
                // The held bytes were a good beginning, so the subpart ends before this byte,
                // which may begin a character of its own and is therefore not consumed.
                Err(_) => {
                    self.finish(sink);
                    return rest;
                }
            }
            rest = after;
        }
        rest
    }

    fn hold(&mut self, tail: &[u8]) {
        self.held[..tail.len()].copy_from_slice(tail);
        self.count = tail.len();
    }
}
