//! Text to lines: CRLF, LF and CR, wherever the pushes cut them (HTML, 9.2.5).

use std::sync::LazyLock;

use memchr::{memchr, memchr2, memchr2_iter, memmem::Finder};

use super::{
    blocks::Blocks,
    decode::Piece,
    defect::DefectKind,
    log::Span,
    transcript::{Limits, Transcript},
};

/// What a client reads in place of bytes that are not UTF-8.
const REPLACEMENT: &str = "\u{fffd}";

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
            self.note_end(End::Cr);
        }
        self.blocks.finish(&self.pending, self.offset)
    }

    fn push_text(&mut self, text: &str) {
        let end = self.offset + text.len() as u64;
        let mut rest = self.begin(text);
        // Most streams have neither: to look for both at once, and then for LF alone, is
        // faster than to look for each of them in each line.
        let has_cr_or_nul = memchr2(b'\r', 0, rest.as_bytes()).is_some();
        self.note_characters(rest.as_bytes(), end - rest.len() as u64, has_cr_or_nul);
        let line_length = |rest: &[u8]| match rest {
            [b'\n', ..] => Some(0),
            _ if has_cr_or_nul => memchr2(b'\n', b'\r', rest),
            _ => memchr(b'\n', rest),
        };
        while let Some(length) = line_length(rest.as_bytes()) {
            let (line, from_end) = rest.split_at(length);
            self.end_line(line, end - from_end.len() as u64);
            if let Some(after) = from_end.strip_prefix('\n') {
                self.note_end(End::Lf);
                rest = after;
            } else {
                self.after_cr = true;
                rest = self.settle_cr(&from_end[1..]);
            }
        }
        self.hold(rest);
        self.offset = end;
    }

    fn push_broken(&mut self, bytes: &[u8]) {
        self.settle_cr(REPLACEMENT);
        let at = Span {
            offset: self.offset,
            length: bytes.len() as u64,
            line: self.blocks.here().line,
        };
        let seen = || bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        self.blocks.log.record(DefectKind::NotUtf8, at, seen);
        self.hold(REPLACEMENT);
        self.offset += at.length;
    }

    /// The piece without what belongs to the one before, the LF of a CRLF, and without the byte
    /// order mark that "UTF-8 decode" strips, the first of the stream alone.
    fn begin<'a>(&mut self, text: &'a str) -> &'a str {
        let after_mark = text.strip_prefix('\u{feff}');
        let (0, Some(rest)) = (self.offset, after_mark) else {
            return self.settle_cr(text);
        };
        let length = (text.len() - rest.len()) as u64;
        self.blocks.begin_at(length);
        self.blocks.log.note(DefectKind::LeadingBom, || Span {
            offset: 0,
            length,
            line: 1,
        });
        rest
    }

    /// Says what the CR before `text` was, if there was one, once `text` tells: an LF belongs to
    /// it, and is left out of what is returned.
    fn settle_cr<'a>(&mut self, text: &'a str) -> &'a str {
        if !self.after_cr || text.is_empty() {
            return text;
        }
        self.after_cr = false;
        let Some(after_lf) = text.strip_prefix('\n') else {
            self.note_end(End::Cr);
            return text;
        };
        self.note_end(End::Crlf);
        self.blocks.extend_line_end();
        after_lf
    }

    /// A line ends before the byte `end`; `text` is what this piece holds of it.
    #[inline]
    fn end_line(&mut self, text: &str, end: u64) {
        if self.pending.is_empty() && !self.cut {
            self.blocks.line(text, text.len() <= self.limit, end);
        } else {
            self.end_held_line(text, end);
        }
    }

    /// Likewise, where earlier pieces hold the line's beginning.
    #[inline(never)]
    fn end_held_line(&mut self, text: &str, end: u64) {
        self.hold(text);
        self.blocks.line(&self.pending, !self.cut, end);
        self.pending.clear();
        self.cut = false;
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

    /// The line before the current one has ended like this, or begun to.
    #[inline]
    fn note_end(&mut self, end: End) {
        if self.ends != end as u8 {
            self.note_new_end(end);
        }
    }

    #[cold]
    fn note_new_end(&mut self, end: End) {
        let here = self.blocks.here();
        let at = || Span {
            offset: here.offset - 1,
            length: if matches!(end, End::Crlf) { 2 } else { 1 },
            line: here.line - 1,
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
    fn note_characters(&mut self, bytes: &[u8], base: u64, has_nul: bool) {
        let number = self.blocks.here().line;
        let log = &mut self.blocks.log;
        let span = |at: usize, length| Span {
            offset: base + at as u64,
            length,
            line: number + line_ends(&bytes[..at]),
        };
        if has_nul
            && !log.has_noted(DefectKind::NulCharacter)
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

/// The first character that Unicode, and the standard does not, take for a line break, and its
/// length.
fn unicode_line_break(bytes: &[u8]) -> Option<(usize, u64)> {
    static FINDERS: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["\u{85}", "\u{2028}", "\u{2029}"].map(Finder::new));
    let finders = FINDERS.iter();
    let found = finders.filter_map(|f| Some((f.find(bytes)?, f.needle().len() as u64)));
    found.min()
}

/// How many lines end in these bytes.
fn line_ends(bytes: &[u8]) -> u64 {
    memchr2_iter(b'\n', b'\r', bytes)
        .filter(|&at| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n'))
        .count() as u64
}
