//! Text to lines: CRLF, LF and CR, wherever the pushes cut them (HTML, 9.2.5).

use std::mem;

use memchr::{memchr, memchr2, memchr2_iter};

use super::{
    blocks::Blocks,
    decode::Piece,
    defect::DefectKind,
    log::Span,
    transcript::{Limits, Transcript},
};

/// What a client reads in place of bytes that are not UTF-8.
const REPLACEMENT: &str = "\u{fffd}";

/// One line without its end.
pub(super) struct Line<'a> {
    /// The line, or as much of it as the limit allows.
    pub(super) text: &'a str,
    /// Whether `text` is all of it.
    pub(super) whole: bool,
    /// Where the bytes stand that it was decoded from.
    pub(super) at: Span,
}

/// The ways to end a line, a bit each.
#[derive(Clone, Copy)]
enum End {
    Lf = 1,
    Cr = 2,
    Crlf = 4,
}

/// Cuts text into lines, and knows at which byte of the stream it stands.
pub(super) struct Lines {
    blocks: Blocks,
    /// The first byte of the next piece.
    offset: u64,
    /// The first byte of the current line, and its number.
    start: u64,
    number: u64,
    /// What earlier pieces held of the current line, up to the limit.
    pending: String,
    /// Whether the limit has cut `pending`.
    cut: bool,
    limit: usize,
    /// The last character was a CR that has ended a line: an LF now belongs to it.
    after_cr: bool,
    /// The ways in which lines have ended so far.
    ends: u8,
}

impl Lines {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            blocks: Blocks::new(limits),
            offset: 0,
            start: 0,
            number: 1,
            pending: String::new(),
            cut: false,
            limit: limits.event_bytes,
            after_cr: false,
            ends: 0,
        }
    }

    pub(super) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    pub(super) fn blocks_mut(&mut self) -> &mut Blocks {
        &mut self.blocks
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.pending.capacity() + self.blocks.held_bytes()
    }

    pub(super) fn push(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Text(text) => self.push_text(text),
            Piece::Broken(bytes) => self.push_broken(bytes),
        }
    }

    /// The stream has ended, perhaps within a line.
    pub(super) fn finish(mut self) -> Transcript {
        if self.after_cr {
            self.note_end(End::Cr, self.offset - 1);
        }
        let tail = Line {
            text: &self.pending,
            whole: !self.cut,
            at: self.span(self.offset),
        };
        self.blocks.finish(&tail)
    }

    fn push_text(&mut self, text: &str) {
        let base = self.offset;
        let bytes = text.as_bytes();
        let mut from = self.begin(text);
        self.note_characters(&bytes[from..], base + from as u64);
        // Most streams have no CR at all, and to look for one byte is faster than for two.
        let has_cr = memchr(b'\r', bytes).is_some();
        let next = |from: usize| match has_cr {
            true => memchr2(b'\n', b'\r', &bytes[from..]),
            false => memchr(b'\n', &bytes[from..]),
        };
        while let Some(found) = next(from) {
            let at = from + found;
            self.end_line(&text[from..at], base + at as u64);
            from = at + 1;
            if bytes[at] == b'\n' {
                self.note_end(End::Lf, base + at as u64);
            } else {
                self.after_cr = true;
                from += self.settle_cr(&bytes[from..]);
            }
        }
        self.hold(&text[from..]);
        self.offset = base + bytes.len() as u64;
    }

    fn push_broken(&mut self, bytes: &[u8]) {
        self.settle_cr(REPLACEMENT.as_bytes());
        let at = Span {
            offset: self.offset,
            length: bytes.len() as u64,
            line: self.number,
        };
        let seen = || bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.blocks.log.record(DefectKind::NotUtf8, at, seen);
        self.hold(REPLACEMENT);
        self.offset += at.length;
    }

    /// How many bytes at the beginning of a piece belong to what came before: the LF of a CRLF,
    /// and the byte order mark that "UTF-8 decode" strips, the first of the stream alone.
    fn begin(&mut self, text: &str) -> usize {
        if self.offset > 0 || !text.starts_with('\u{feff}') {
            return self.settle_cr(text.as_bytes());
        }
        let length = '\u{feff}'.len_utf8();
        self.start = length as u64;
        self.blocks.begin_at(self.start, self.number);
        self.blocks.log.note(DefectKind::LeadingBom, || Span {
            offset: 0,
            length: length as u64,
            line: 1,
        });
        length
    }

    /// Says what the CR before `rest` was, if there was one, once `rest` tells: it returns 1 if
    /// an LF belongs to it.
    fn settle_cr(&mut self, rest: &[u8]) -> usize {
        let (true, Some(&next)) = (self.after_cr, rest.first()) else {
            return 0;
        };
        self.after_cr = false;
        if next == b'\n' {
            self.note_end(End::Crlf, self.start - 1);
            self.start += 1;
            self.blocks.extend_line_end(self.start);
            return 1;
        }
        self.note_end(End::Cr, self.start - 1);
        0
    }

    /// A line ends before the byte `end`; `text` is what this piece holds of it.
    fn end_line(&mut self, text: &str, end: u64) {
        let at = self.span(end);
        if self.pending.is_empty() && !self.cut && text.len() <= self.limit {
            let whole = true;
            self.blocks.line(&Line { text, whole, at });
        } else {
            self.hold(text);
            let text = mem::take(&mut self.pending);
            let whole = !mem::take(&mut self.cut);
            self.blocks.line(&Line {
                text: &text,
                whole,
                at,
            });
            self.pending = text;
            self.pending.clear();
        }
        self.start = end + 1;
        self.number += 1;
    }

    /// Keeps the beginning of a line whose end is in a later piece.
    fn hold(&mut self, text: &str) {
        if self.cut {
            return;
        }
        let room = self.limit - self.pending.len();
        self.cut = text.len() > room;
        self.pending
            .push_str(&text[..text.floor_char_boundary(room)]);
    }

    fn span(&self, end: u64) -> Span {
        Span {
            offset: self.start,
            length: end - self.start,
            line: self.number,
        }
    }

    /// A line, the one before the current, has ended like this at the byte `offset`.
    #[inline]
    fn note_end(&mut self, end: End, offset: u64) {
        if self.ends != end as u8 {
            self.note_new_end(end, offset);
        }
    }

    #[cold]
    fn note_new_end(&mut self, end: End, offset: u64) {
        let at = || Span {
            offset,
            length: if matches!(end, End::Crlf) { 2 } else { 1 },
            line: self.number - 1,
        };
        match end {
            End::Lf => {}
            End::Cr => self.blocks.log.note(DefectKind::CrLineEnd, at),
            End::Crlf => self.blocks.log.note(DefectKind::CrlfLineEnd, at),
        }
        if self.ends != 0 && self.ends != end as u8 {
            self.blocks.log.note(DefectKind::MixedLineEnds, at);
        }
        self.ends |= end as u8;
    }

    /// Looks for characters that the standard lets pass and that sloppy clients trip over.
    fn note_characters(&mut self, bytes: &[u8], base: u64) {
        let log = &mut self.blocks.log;
        let span = |at: usize, length| Span {
            offset: base + at as u64,
            length,
            line: self.number + line_ends(&bytes[..at]),
        };
        if !log.has_noted(DefectKind::NulCharacter)
            && let Some(at) = memchr(0, bytes)
        {
            log.note(DefectKind::NulCharacter, || span(at, 1));
        }
        if !log.has_noted(DefectKind::UnicodeLineBreak)
            && !bytes.is_ascii()
            && let Some((at, length)) = unicode_line_break(bytes)
        {
            log.note(DefectKind::UnicodeLineBreak, || span(at, length));
        }
    }
}

/// The first of U+0085, U+2028 and U+2029, and its length. Pieces never cut a character.
fn unicode_line_break(bytes: &[u8]) -> Option<(usize, u64)> {
    memchr2_iter(0xc2, 0xe2, bytes).find_map(|at| match bytes[at..] {
        [0xc2, 0x85, ..] => Some((at, 2)),
        [0xe2, 0x80, 0xa8 | 0xa9, ..] => Some((at, 3)),
        _ => None,
    })
}

/// How many lines end in these bytes.
fn line_ends(bytes: &[u8]) -> u64 {
    memchr2_iter(b'\n', b'\r', bytes)
        .filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'))
        .count() as u64
}
