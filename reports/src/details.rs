//! What is shown of a finding: labelled lines, already escaped and bounded.
//!
//! The terminal wraps and colours them, JUnit prints them as they are; what they say, and that
//! nothing in them can act on a terminal or flood it, is decided here alone.

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::{Evidence, Finding, Response, text, words};

/// Of a body, this many characters and lines are shown: enough for a shrunk case or a short
/// stream, and an answer of any size still leaves the next finding on the screen.
const BODY_CHARACTERS: usize = 400;
const BODY_LINES: usize = 10;

/// Of further exchanges, and of notes, this many are shown.
const FURTHER: usize = 3;
const NOTES: usize = 5;

/// A curl line is never cut, since half of one is of no use; past this many bytes it is not
/// shown at all. Chosen as what a person may still paste.
const CURL_BYTES: usize = 8 * 1024;

/// A label and what stands beside it.
#[derive(Debug)]
pub(crate) struct Row {
    /// A word, without its colon.
    pub(crate) label: &'static str,
    /// At least one line.
    pub(crate) lines: Vec<String>,
    /// Whether the lines may be broken.
    pub(crate) flow: Flow,
}

/// Whether a face may break a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It may, to fit a screen.
    Wrap,
    /// It may not: the line is to be copied.
    AsIs,
}

impl Row {
    fn sentence(label: &'static str, sentence: &str) -> Option<Self> {
        let lines = vec![text::clip(sentence, text::SENTENCE)];
        (!sentence.is_empty()).then_some(Self {
            label,
            lines,
            flow: Flow::Wrap,
        })
    }
}

/// Everything that helps to understand a finding and to mend its cause.
pub(crate) fn whole(finding: &Finding) -> Vec<Row> {
    let mut rows = brief(finding);
    rows.extend(Row::sentence("clause", &finding.clause));
    let mut evidence = finding.evidence.iter();
    if let Some(first) = evidence.next() {
        rows.extend(exchange(first, &finding.message));
    }
    rows.extend(further(evidence.as_slice()));
    rows.extend(Row::sentence("mend", &finding.mend));
    rows.extend(notes(&finding.notes));
    rows
}

/// The same by label: what has several lines, or comes several times, as one entry.
pub(crate) fn by_label(finding: &Finding) -> Vec<(&'static str, Vec<String>)> {
    let mut entries: Vec<(&'static str, Vec<String>)> = Vec::new();
    for row in whole(finding) {
        match entries.last_mut() {
            Some((label, lines)) if *label == row.label => lines.extend(row.lines),
            _ => entries.push((row.label, row.lines)),
        }
    }
    entries
}

/// What is said of a failure that is known already.
pub(crate) fn brief(finding: &Finding) -> Vec<Row> {
    let unsteady = words::unsteady(finding).unwrap_or_default();
    let excuse = finding.excuse.as_deref().unwrap_or_default();
    Row::sentence("unsteady", &unsteady)
        .into_iter()
        .chain(Row::sentence("excused", excuse))
        .collect()
}

/// The notes of a finding.
pub(crate) fn notes(notes: &[String]) -> Vec<Row> {
    let mut rows: Vec<_> = notes
        .iter()
        .take(NOTES)
        .filter_map(|note| Row::sentence("note", note))
        .collect();
    rows.extend(rest(notes.len(), NOTES, "note"));
    rows
}

fn exchange(evidence: &Evidence, message: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    if evidence.note != message {
        rows.extend(Row::sentence("seen", &evidence.note));
    }
    let expected = evidence.expected.as_deref().unwrap_or_default();
    rows.extend(Row::sentence("expected", expected));
    let got = evidence.got.as_deref().unwrap_or_default();
    rows.extend(Row::sentence("got", got));
    rows.extend(Row::sentence("request", &request_line(evidence)));
    if !evidence.request.body.is_empty() {
        rows.push(Row {
            label: "body",
            lines: body(&evidence.request.body),
            flow: Flow::Wrap,
        });
    }
    rows.push(answer(evidence));
    rows.push(curl(&evidence.curl));
    rows
}

fn request_line(evidence: &Evidence) -> String {
    format!("{} {}", evidence.request.method, evidence.request.url)
}

fn answer(evidence: &Evidence) -> Row {
    let elapsed = words::duration(evidence.elapsed_ms);
    let lines = match &evidence.response {
        None => vec![format!("none came (after {elapsed})")],
        Some(response) => {
            let mut lines = vec![answer_line(response, &elapsed)];
            lines.extend(answer_body(response));
            lines
        }
    };
    Row {
        label: "answer",
        lines,
        flow: Flow::Wrap,
    }
}

fn answer_line(response: &Response, elapsed: &str) -> String {
    let kind = response
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        .map_or("no content type", |(_, value)| value);
    let kind = text::clip(kind, 80);
    let empty = if response.body.is_empty() && response.body_base64.is_none() {
        ", no body"
    } else {
        ""
    };
    format!("{} ({kind}, {elapsed}{empty})", response.status)
}

fn answer_body(response: &Response) -> Vec<String> {
    let encoded = response.body_base64.as_deref();
    match encoded.and_then(|text| BASE64_STANDARD.decode(text).ok()) {
        Some(bytes) => bytes_shown(&bytes),
        None if response.body.is_empty() => Vec::new(),
        None => body(&response.body),
    }
}

/// The lines of a body; each shows its own end as an escape.
fn body(body: &str) -> Vec<String> {
    let (shown, rest) = text::split(body, BODY_CHARACTERS);
    let lines = shown.split_inclusive('\n').map(text::escape);
    let mut lines: Vec<_> = lines.map(|line| line.into_owned()).collect();
    lines.extend(text::left_out(rest));
    first_lines(lines)
}

/// The same for bytes that are not UTF-8: the bytes at fault are shown as `\xff`.
fn bytes_shown(bytes: &[u8]) -> Vec<String> {
    let short = &bytes[..bytes.len().min(BODY_CHARACTERS)];
    let mut lines: Vec<_> = short
        .split_inclusive(|byte| *byte == b'\n')
        .map(line_of_bytes)
        .collect();
    if bytes.len() > short.len() {
        lines.push(format!("… ({} more bytes)", bytes.len() - short.len()));
    }
    first_lines(lines)
}

fn line_of_bytes(line: &[u8]) -> String {
    line.utf8_chunks()
        .flat_map(|chunk| {
            let invalid = chunk.invalid().escape_ascii().to_string();
            [text::escape(chunk.valid()).into_owned(), invalid]
        })
        .collect()
}

fn first_lines(mut lines: Vec<String>) -> Vec<String> {
    let left_out = lines.len().saturating_sub(BODY_LINES);
    if left_out > 0 {
        lines.truncate(BODY_LINES);
        let more = words::count(left_out, "more line", "more lines");
        lines.push(format!("… ({more})"));
    }
    lines
}

fn curl(line: &str) -> Row {
    let shown = match line.len() {
        0 => "(none: curl cannot send such a request)".to_owned(),
        length if length > CURL_BYTES => {
            format!("(a line of {length} bytes: see the JSON report)")
        }
        _ => text::one_shell_line(line),
    };
    Row {
        label: "curl",
        lines: vec![shown],
        flow: Flow::AsIs,
    }
}

fn further(evidence: &[Evidence]) -> Vec<Row> {
    let mut rows: Vec<_> = evidence
        .iter()
        .take(FURTHER)
        .filter_map(|evidence| {
            let request = text::shorten(&request_line(evidence), 120).into_owned();
            Row::sentence("also", &format!("{request}: {}", evidence.note))
        })
        .collect();
    rows.extend(rest(evidence.len(), FURTHER, "also"));
    rows
}

fn rest(total: usize, shown: usize, label: &'static str) -> Option<Row> {
    let left_out = total.checked_sub(shown).filter(|number| *number > 0)?;
    Row::sentence(label, &format!("{left_out} more, in the JSON report"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn lines_of(rows: &[Row], label: &str) -> Vec<String> {
        let matching = rows.iter().filter(|row| row.label == label);
        matching.flat_map(|row| row.lines.clone()).collect()
    }

    #[test]
    fn a_body_of_line_ends_alone_is_bounded_too() {
        let lines = body(&"\n".repeat(5_000));
        assert_eq!(lines.len(), BODY_LINES + 1);
        assert_eq!(lines[0], "\\n");
        assert_eq!(lines[BODY_LINES], "… (191 more lines)");
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_bytes() {
        let lines = bytes_shown(b"data: \"\xff\xc3\x28\"\nnext ok");
        assert_eq!(lines, ["data: \"\\xff\\xc3(\"\\n", "next ok"]);
        assert_eq!(bytes_shown(&[b'a'; 500])[1], "… (100 more bytes)");
    }

    #[test]
    fn a_curl_line_is_whole_or_not_there() {
        let line = format!("curl -d '{}' http://h/", "x".repeat(5_000));
        assert_eq!(curl(&line).lines, [line]);
        let shown = curl(&"x".repeat(10_000)).lines.concat();
        assert_eq!(shown, "(a line of 10000 bytes: see the JSON report)");
        assert!(curl("").lines[0].contains("curl cannot"));
    }

    #[test]
    fn further_exchanges_are_named_and_then_counted() {
        let one = sample::evidence();
        let rows = further(&vec![one; 5]);
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[3].lines, ["2 more, in the JSON report"]);
        assert!(further(&[]).is_empty());
    }

    #[test]
    fn an_answer_that_never_came_is_said_to_be_missing() {
        let mut evidence = sample::evidence();
        evidence.response = None;
        let rows = exchange(&evidence, "");
        assert_eq!(lines_of(&rows, "answer"), ["none came (after 12 ms)"]);
    }

    #[test]
    fn a_note_that_repeats_the_message_is_not_said_twice() {
        let evidence = sample::evidence();
        assert!(lines_of(&exchange(&evidence, &evidence.note), "seen").is_empty());
        assert_eq!(lines_of(&exchange(&evidence, "else"), "seen").len(), 1);
    }
}
