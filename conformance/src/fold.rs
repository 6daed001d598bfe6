//! A text as those read it who undo its escapes: `%41`, `\\u0041`, `\\x41`, `&#65;`, and a
//! stream's texts put together again. Every letter knows where it came from.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Escapes within escapes: JSON in JSON in a query.
const LEVELS: usize = 3;
/// The longest escape, in bytes: `&#x10FFFF;`.
const LONGEST: usize = 10;

type Range = std::ops::Range<usize>;

/// A reading of a text.
#[derive(Debug)]
pub(crate) struct Folded<'b> {
    pub(crate) bytes: Cow<'b, [u8]>,
    /// Where each byte came from; `None`: from its own place.
    origins: Option<Vec<Range>>,
}

impl Folded<'_> {
    /// Where a range of the reading stands in the text: one range, or several where the reading
    /// has left something out.
    pub(crate) fn origin(&self, range: Range) -> Vec<Range> {
        let Some(origins) = &self.origins else {
            return vec![range];
        };
        let mut found: Vec<Range> = Vec::new();
        for origin in &origins[range] {
            match found.last_mut() {
                Some(last) if last.end == origin.start => last.end = origin.end,
                Some(last) if *last == *origin => {}
                _ => found.push(origin.clone()),
            }
        }
        found
    }
}

/// All readings of a text that differ, the plain one first.
pub(crate) fn all(text: &[u8]) -> Vec<Folded<'_>> {
    let mut found = vec![Folded {
        bytes: Cow::Borrowed(text),
        origins: None,
    }];
    for _ in 0..LEVELS {
        let Some(next) = found.last().and_then(unescaped) else {
            break;
        };
        found.push(next);
    }
    let joined: Vec<Folded<'_>> = found.iter().flat_map(joined).collect();
    found.extend(joined);
    found
}

/// The text without one level of escapes; `None` if it has none.
fn unescaped<'b>(text: &Folded<'_>) -> Option<Folded<'b>> {
    let bytes = text.bytes.as_ref();
    memchr::memchr3(b'\\', b'%', b'&', bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    let mut origins = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let (letter, length) = escape(&bytes[at..(at + LONGEST).min(bytes.len())]);
        let origin = text.origin(at..at + length);
        let origin = span(&origin);
        let mut buffer = [0; 4];
        match letter {
            Some(letter) => {
                for byte in letter.encode_utf8(&mut buffer).bytes() {
                    out.push(byte);
                    origins.push(origin.clone());
                }
            }
            None => {
                out.push(bytes[at]);
                origins.push(origin);
            }
        }
        at += length;
    }
    (out.len() < bytes.len()).then_some(Folded {
        bytes: Cow::Owned(out),
        origins: Some(origins),
    })
}

fn span(ranges: &[Range]) -> Range {
    let start = ranges.first().map_or(0, |range| range.start);
    start..ranges.last().map_or(start, |range| range.end)
}

/// What an escape at the beginning stands for, and its length; `None` and 1 if there is none.
fn escape(bytes: &[u8]) -> (Option<char>, usize) {
    let hex = |from: usize, digits: usize| {
        let text = std::str::from_utf8(bytes.get(from..from + digits)?).ok()?;
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let code = u32::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
        Some((char::from_u32(code)?, from + digits))
    };
    let found = match bytes {
        [b'%', ..] => hex(1, 2),
        [b'\\', b'u', ..] => hex(2, 4),
        [b'\\', b'x', ..] => hex(2, 2),
        [b'\\', letter @ (b'\\' | b'/' | b'"' | b'\''), ..] => Some((char::from(*letter), 2)),
        [b'&', b'#', ..] => entity(bytes),
        [b'&', ..] => [
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&quot;", '"'),
        ]
        .into_iter()
        .find(|(name, _)| bytes.starts_with(name.as_bytes()))
        .map(|(name, letter)| (letter, name.len())),
        _ => None,
    };
    found.map_or((None, 1), |(letter, length)| (Some(letter), length))
}

fn entity(bytes: &[u8]) -> Option<(char, usize)> {
    let end = memchr::memchr(b';', bytes)?;
    let digits = std::str::from_utf8(&bytes[2..end]).ok()?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => digits.parse(),
    };
    Some((char::from_u32(code.ok()?)?, end + 1))
}

/// What the `data` lines of a stream say when they are put together: whole, and for each name the
/// strings under it, as clients do who show an answer while it comes in.
fn joined<'b>(text: &Folded<'_>) -> Vec<Folded<'b>> {
    let bytes = text.bytes.as_ref();
    let mut all: BTreeMap<&[u8], (Vec<u8>, Vec<Range>)> = BTreeMap::new();
    let mut add = |name, range: Range| {
        let (out, origins) = all.entry(name).or_default();
        out.extend_from_slice(&bytes[range.clone()]);
        origins.extend(range.map(|at| span(&text.origin(at..at + 1))));
    };
    for colon in memchr::memmem::find_iter(bytes, b"data:") {
        if colon > 0 && !matches!(bytes[colon - 1], b'\n' | b'\r') {
            continue;
        }
        let begin = colon + b"data:".len();
        let begin = begin + usize::from(bytes.get(begin) == Some(&b' '));
        let rest = bytes.get(begin..).unwrap_or_default();
        let end = begin + memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        add(b"".as_slice(), begin..end);
        for (name, value) in members(bytes, begin..end) {
            add(&bytes[name], value);
        }
    }
    all.into_values()
        .map(|(bytes, origins)| Folded {
            bytes: Cow::Owned(bytes),
            origins: Some(origins),
        })
        .collect()
}

/// Where in a line of JSON names and the strings under them stand, without their quotes.
fn members(bytes: &[u8], line: Range) -> Vec<(Range, Range)> {
    let mut strings: Vec<Range> = Vec::new();
    let mut open = None;
    let mut at = line.start;
    while at < line.end {
        match (bytes[at], open) {
            (b'\\', Some(_)) => at += 1,
            (b'"', None) => open = Some(at + 1),
            (b'"', Some(begin)) => {
                strings.push(begin..at);
                open = None;
            }
            _ => {}
        }
        at += 1;
    }
    let pairs = strings.windows(2).filter(|pair| {
        let between = &bytes[pair[0].end + 1..pair[1].start - 1];
        between.trim_ascii() == b":"
    });
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        let all = all(text.as_bytes());
        all.iter()
            .map(|folded| String::from_utf8_lossy(&folded.bytes).into_owned())
            .collect()
    }

    #[test]
    fn escapes_are_undone_level_by_level() {
        let text = r"a%62\\u0063&#100;&#x65;\/%2566";
        let readings = readings(text);
        assert_eq!(readings[1], r"ab\u0063de/%66");
        assert_eq!(readings[2], "abcde/f");
        assert_eq!(readings.len(), 3);
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(readings(r"100% \ufoo &c &#; %zz").len(), 1);
        assert_eq!(readings("plain"), ["plain"]);
    }

    #[test]
    fn a_letter_knows_where_it_came_from() {
        let all = all(b"x%41%2542y");
        let last = all.last().expect("a reading");
        assert_eq!(last.bytes.as_ref(), b"xABy");
        assert_eq!(last.origin(1..3).first(), Some(&(1..9)));
    }

    #[test]
    fn a_stream_is_put_together_again() {
        let text =
            "event: a\ndata: {\"event\":\"chunk\",\"delta\":\"ab\"}\n\ndata:{\"delta\": \"cd\"}\n";
        let all = all(text.as_bytes());
        let whole = all.iter().find(|one| one.bytes.as_ref() == b"abcd");
        let origins = whole.expect("the deltas").origin(0..4);
        let origins = origins.iter().map(|range| &text[range.clone()]);
        assert_eq!(origins.collect::<Vec<_>>(), ["ab", "cd"]);
    }
}
