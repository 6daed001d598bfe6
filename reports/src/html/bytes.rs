//! Places in a body: what is at fault, line by line and byte by byte. Offsets come from a report
//! that anyone may have written: none is trusted to lie within the body.

use serde::Serialize;

use crate::{Response, Span, text};

/// Of a stream, this many lines are shown.
const LINES: usize = 120;
/// In a hex view, this many bytes stand in a row, and this many rows around a place.
const ROW: usize = 16;
const ROWS: usize = 6;

/// A part of a body: plain, or at fault.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Piece {
    text: String,
    is_marked: bool,
}

/// A line of a stream.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    offset: usize,
    /// When its last byte had arrived.
    at: Option<String>,
    /// The number of the event that begins here.
    event: Option<usize>,
    /// Nothing for the blank line that ends an event.
    pieces: Vec<Piece>,
    /// How it ends, as a person can see it.
    end: &'static str,
}

/// A row of a hex view.
#[derive(Debug, Serialize)]
pub(super) struct HexRow {
    offset: String,
    cells: Vec<Piece>,
    text: Vec<Piece>,
}

fn end_of(span: Span) -> usize {
    span.offset.saturating_add(span.length)
}

fn is_in(spans: &[Span], at: usize) -> bool {
    let mut spans = spans.iter();
    spans.any(|span| span.offset <= at && at < end_of(*span))
}

/// The places where marked becomes plain or plain marked, and both ends.
fn borders(from: usize, until: usize, spans: &[Span]) -> Vec<usize> {
    let ends = spans.iter().flat_map(|span| [span.offset, end_of(*span)]);
    let mut borders: Vec<usize> = ends.filter(|at| from < *at && *at < until).collect();
    borders.extend([from, until]);
    borders.sort_unstable();
    borders.dedup();
    borders
}

/// A part of a body as text, cut where a mark begins or ends. Line feeds stay, all else that
/// does not show is escaped; what is no text is shown as `\xff`.
fn cut(body: &[u8], from: usize, until: usize, spans: &[Span]) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for border in borders(from, until, spans).windows(2) {
        let is_marked = is_in(spans, border[0]);
        let text = shown(&body[border[0]..border[1]]);
        match pieces.last_mut() {
            Some(last) if last.is_marked == is_marked => last.text.push_str(&text),
            _ => pieces.push(Piece { text, is_marked }),
        }
    }
    pieces
}

fn shown(bytes: &[u8]) -> String {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let line = |line: &[u8]| {
        let (text, end) = match line.strip_suffix(b"\n") {
            Some(text) => (text, "\n"),
            None => (line, ""),
        };
        let chunks = text.utf8_chunks().map(|chunk| {
            let invalid = chunk.invalid().escape_ascii();
            format!("{}{invalid}", text::escape(chunk.valid()))
        });
        chunks.chain([end.to_owned()]).collect::<String>()
    };
    lines.map(line).collect()
}

/// A body in pieces.
pub(super) fn pieces(body: &[u8], spans: &[Span]) -> Vec<Piece> {
    if body.is_empty() {
        return Vec::new();
    }
    cut(body, 0, body.len(), spans)
}

/// Where the words of what was seen stand in the body, if they do so once.
pub(super) fn guess(body: &[u8], got: Option<&str>) -> Option<Span> {
    /// Shorter words stand everywhere.
    const SHORTEST: usize = 4;
    let body = std::str::from_utf8(body).ok()?;
    let got = got?.trim();
    let mut found = body.match_indices(got);
    let (offset, _) = found.next().filter(|_| got.len() >= SHORTEST)?;
    found.next().is_none().then_some(Span {
        offset,
        length: got.len(),
    })
}

/// The lines of a stream, and how many are not shown.
pub(super) fn lines(body: &[u8], response: &Response) -> (Vec<Line>, usize) {
    let spans: Vec<Span> = response.marks.iter().map(|mark| mark.span).collect();
    let mut lines = Vec::new();
    let mut from = 0;
    let mut left_out = 0;
    while from < body.len() {
        let (content, next, end) = line_end(body, from);
        if lines.len() < LINES {
            lines.push(Line {
                offset: from,
                at: arrival(response, next),
                event: begins(response, from),
                pieces: cut(body, from, content, &spans),
                end,
            });
        } else {
            left_out += 1;
        }
        from = next;
    }
    (lines, left_out)
}

/// Where a line's text ends, where the next one begins, and how that looks.
fn line_end(body: &[u8], from: usize) -> (usize, usize, &'static str) {
    let rest = &body[from..];
    match rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        None => (body.len(), body.len(), ""),
        Some(at) if rest[at..].starts_with(b"\r\n") => (from + at, from + at + 2, "CRLF"),
        Some(at) if rest[at] == b'\r' => (from + at, from + at + 1, "CR"),
        Some(at) => (from + at, from + at + 1, "LF"),
    }
}

fn arrival(response: &Response, until: usize) -> Option<String> {
    let arrivals = &response.arrivals;
    let arrival = arrivals.iter().find(|arrival| arrival.until >= until)?;
    Some(format!("{:.1}", arrival.at_ms))
}

fn begins(response: &Response, offset: usize) -> Option<usize> {
    let mut events = response.events.iter();
    let index = events.position(|event| event.offset == offset)?;
    Some(index + 1)
}

/// The bytes around a place; none if the report does not have them.
pub(super) fn hex(body: &[u8], span: Span) -> Vec<HexRow> {
    if span.offset >= body.len() {
        return Vec::new();
    }
    let first = (span.offset / ROW).saturating_sub(1);
    let rows = body.chunks(ROW).enumerate().skip(first).take(ROWS);
    rows.map(|(index, row)| hex_row(index * ROW, row, span))
        .collect()
}

fn hex_row(offset: usize, row: &[u8], span: Span) -> HexRow {
    let mut cells: Vec<Piece> = Vec::new();
    let mut text: Vec<Piece> = Vec::new();
    for (index, byte) in row.iter().enumerate() {
        let is_marked = is_in(&[span], offset + index);
        let glyph = match byte {
            b' '..=b'~' => char::from(*byte).to_string(),
            _ => "·".to_owned(),
        };
        push(&mut cells, format!("{byte:02x} "), is_marked);
        push(&mut text, glyph, is_marked);
    }
    let missing = "   ".repeat(ROW - row.len());
    if !missing.is_empty() {
        push(&mut cells, missing, false);
    }
    HexRow {
        offset: format!("{offset:06x}"),
        cells,
        text,
    }
}

fn push(pieces: &mut Vec<Piece>, text: String, is_marked: bool) {
    match pieces.last_mut() {
        Some(last) if last.is_marked == is_marked => last.text.push_str(&text),
        _ => pieces.push(Piece { text, is_marked }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(body: &[u8], spans: &[(usize, usize)]) -> String {
        let span = |(offset, length): &(usize, usize)| Span {
            offset: *offset,
            length: *length,
        };
        let spans: Vec<Span> = spans.iter().map(span).collect();
        let pieces = pieces(body, &spans).into_iter();
        let shown = pieces.map(|piece| match piece.is_marked {
            true => format!("[{}]", piece.text),
            false => piece.text,
        });
        shown.collect()
    }

    #[test]
    fn what_is_at_fault_is_cut_out_and_the_rest_kept() {
        assert_eq!(marked(b"abcdef", &[(2, 2)]), "ab[cd]ef");
        assert_eq!(marked(b"abcdef", &[(0, 3), (2, 2)]), "[abcd]ef");
        assert_eq!(marked("aäb".as_bytes(), &[(2, 1)]), "a\\xc3[\\xa4]b");
        assert_eq!(marked(b"a\n\x1b", &[]), "a\n\\u{1b}");
    }

    #[test]
    fn a_place_outside_of_the_body_does_no_harm() {
        for span in [(6, 1), (3, usize::MAX), (usize::MAX, usize::MAX), (2, 0)] {
            let shown = marked(b"abcdef", &[span]).replace(['[', ']'], "");
            assert_eq!(shown, "abcdef", "{span:?}");
            let (offset, length) = span;
            hex(b"abcdef", Span { offset, length });
        }
        assert_eq!(marked(b"", &[(0, 1)]), "");
    }

    #[test]
    fn lines_end_in_each_of_the_three_ways() {
        let ends = |body: &[u8]| {
            let mut ends = Vec::new();
            let mut from = 0;
            while from < body.len() {
                let (_, next, end) = line_end(body, from);
                ends.push(end);
                from = next;
            }
            ends
        };
        assert_eq!(ends(b"a\r\nb\rc\n\nd"), ["CRLF", "CR", "LF", "LF", ""]);
    }

    #[test]
    fn a_guess_is_made_only_where_there_is_one_place() {
        let at = |body: &str, got| guess(body.as_bytes(), Some(got)).map(|span| span.offset);
        assert_eq!(at("{\"a\": \"sunny\"}", "sunny"), Some(7));
        assert_eq!(at("sunny sunny", "sunny"), None);
        assert_eq!(at("200", "200"), None);
        assert_eq!(at("x", "sunny"), None);
    }

    #[test]
    fn a_hex_row_shows_bytes_and_letters_beside_each_other() {
        let span = Span {
            offset: 17,
            length: 1,
        };
        let rows = hex(b"0123456789abcdef0\xff", span);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1].offset, "000010");
        assert_eq!(rows[1].cells[1].text, "ff ");
        assert!(rows[1].cells[1].is_marked);
        assert_eq!(rows[1].text[1].text, "·");
    }
}
