//! One exchange as the page shows it, and how much room there is for all of them.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::Serialize;

use super::bytes::{self, HexRow, Line, Piece};
use super::prose::{Word, prose};
use super::timeline::Timeline;
use crate::{Evidence, Report, Request, Response, text, words};

/// For all bodies together, in bytes of the page, and for all curl lines.
const BODIES: usize = 1_000_000;
const CURLS: usize = 700_000;
/// For one body, at most and at least; for one curl line likewise. A line that is longer than a
/// person pastes is of no use.
const BODY: (usize, usize) = (4_000, 200);
const CURL: (usize, usize) = (8 * 1024, 300);
/// Of header fields, this many are shown of one message.
const HEADERS: usize = 40;
/// With more exchanges than this, fields, bytes and arrivals are shown of the first one of a rule
/// alone.
const MANY: usize = 300;

/// How much may still be shown, shared by all exchanges of a page.
pub(super) struct Room {
    bodies: usize,
    curls: usize,
    body: usize,
    curl: usize,
    is_crowded: bool,
}

impl Room {
    pub(super) fn of(report: &Report) -> Self {
        let exchanges: usize = report.results.iter().map(|it| it.evidence.len()).sum();
        let each = |whole: usize, parts: usize, (most, least): (usize, usize)| {
            (whole / parts.max(1)).clamp(least, most)
        };
        Self {
            bodies: BODIES,
            curls: CURLS,
            body: each(BODIES, exchanges * 2, BODY),
            curl: each(CURLS, exchanges, CURL),
            is_crowded: exchanges > MANY,
        }
    }

    /// How many bytes of a body may be shown now.
    fn for_body(&mut self, length: usize) -> usize {
        let granted = length.min(self.body).min(self.bodies);
        // Escaping makes text longer, up to six times; twice is what JSON comes to.
        self.bodies = self.bodies.saturating_sub(granted * 2);
        granted
    }

    fn for_curl(&mut self, length: usize) -> bool {
        let fits = length <= self.curl && length <= self.curls;
        self.curls = self.curls.saturating_sub(if fits { length * 2 } else { 0 });
        fits
    }
}

#[derive(Serialize)]
pub(super) struct Exchange {
    number: usize,
    of: usize,
    note: Vec<Word>,
    expected: Option<String>,
    got: Option<String>,
    curl: String,
    can_copy: bool,
    request: Message,
    /// Nothing if none came.
    response: Option<Message>,
    elapsed: String,
    stream: Option<Stream>,
    marks: Vec<Marked>,
    is_guess: bool,
}

/// A request or an answer.
#[derive(Serialize)]
struct Message {
    start: String,
    headers: Vec<(String, String)>,
    body: Vec<Piece>,
    left_out: usize,
}

/// An event stream, line by line.
#[derive(Serialize)]
struct Stream {
    timeline: Option<Timeline>,
    lines: Vec<Line>,
    left_out: usize,
}

/// Bytes at fault.
#[derive(Serialize)]
struct Marked {
    message: Vec<Word>,
    place: String,
    rows: Vec<HexRow>,
}

impl Exchange {
    pub(super) fn of(evidence: &Evidence, index: usize, total: usize, room: &mut Room) -> Self {
        let is_detailed = !room.is_crowded || index == 0;
        let said = |text: &String| text::clip(text, text::SENTENCE);
        let (curl, can_copy) = curl(&evidence.curl, room);
        let mut request = request(&evidence.request, is_detailed, room);
        if can_copy && !is_detailed {
            // The curl line has it already.
            request.body.clear();
        }
        let body = evidence.response.as_ref().map(received).unwrap_or_default();
        let mut exchange = Self {
            number: index + 1,
            of: total,
            note: prose(&evidence.note),
            expected: evidence.expected.as_ref().map(said),
            got: evidence.got.as_ref().map(said),
            curl,
            can_copy,
            request,
            response: None,
            elapsed: words::duration(evidence.elapsed_ms),
            stream: None,
            marks: Vec::new(),
            is_guess: false,
        };
        if let Some(response) = &evidence.response {
            exchange.answer(evidence, response, &body, is_detailed, room);
        }
        exchange
    }

    fn answer(
        &mut self,
        evidence: &Evidence,
        response: &Response,
        body: &[u8],
        is_detailed: bool,
        room: &mut Room,
    ) {
        let granted = room.for_body(body.len());
        let shown = &body[..granted];
        let mut message = Message {
            start: response.status.to_string(),
            headers: headers(&response.headers, is_detailed),
            body: Vec::new(),
            left_out: body.len() - granted,
        };
        if is_detailed && is_stream(response) {
            let (lines, lines_left_out) = bytes::lines(shown, response);
            self.stream = Some(Stream {
                timeline: Timeline::of(response, evidence.elapsed_ms),
                lines,
                left_out: lines_left_out,
            });
        } else if response.marks.is_empty() {
            let guess = bytes::guess(shown, evidence.got.as_deref());
            self.is_guess = guess.is_some();
            message.body = bytes::pieces(shown, &guess.into_iter().collect::<Vec<_>>());
        } else {
            let spans: Vec<_> = response.marks.iter().map(|mark| mark.span).collect();
            message.body = bytes::pieces(shown, &spans);
        }
        if is_detailed {
            self.marks = marks(response, body);
        }
        self.response = Some(message);
    }
}

fn curl(line: &str, room: &mut Room) -> (String, bool) {
    match line.len() {
        0 => ("none: curl cannot send such a request".to_owned(), false),
        length if room.for_curl(length) => (text::one_shell_line(line), true),
        length => {
            let said = format!("a line of {length} bytes: see the JSON report");
            (said, false)
        }
    }
}

fn request(request: &Request, is_detailed: bool, room: &mut Room) -> Message {
    let body = request.body.as_bytes();
    let granted = room.for_body(body.len());
    let line = format!("{} {}", request.method, request.url);
    Message {
        start: text::clip(&line, text::SENTENCE),
        headers: headers(&request.headers, is_detailed),
        body: bytes::pieces(&body[..granted], &[]),
        left_out: body.len() - granted,
    }
}

fn headers(fields: &[(String, String)], are_shown: bool) -> Vec<(String, String)> {
    let shown = if are_shown { HEADERS } else { 0 };
    let fields = fields.iter().take(shown);
    fields
        .map(|(name, value)| (text::clip(name, 80), text::clip(value, 300)))
        .collect()
}

/// The bytes of a body as far as the report has them.
fn received(response: &Response) -> Vec<u8> {
    let encoded = response.body_base64.as_deref();
    let decoded = encoded.and_then(|text| BASE64_STANDARD.decode(text).ok());
    decoded.unwrap_or_else(|| response.body.as_bytes().to_vec())
}

fn is_stream(response: &Response) -> bool {
    let is_kind = |(name, value): &(String, String)| {
        name.eq_ignore_ascii_case("content-type")
            && value.to_ascii_lowercase().starts_with("text/event-stream")
    };
    !response.events.is_empty() || response.headers.iter().any(is_kind)
}

fn marks(response: &Response, body: &[u8]) -> Vec<Marked> {
    let marks = response.marks.iter().take(3);
    marks
        .map(|mark| Marked {
            message: prose(&mark.message),
            place: match mark.span.length {
                0 => format!("at byte {}", mark.span.offset),
                1 => format!("byte {}", mark.span.offset),
                length => format!(
                    "bytes {} to {}",
                    mark.span.offset,
                    mark.span.offset.saturating_add(length - 1)
                ),
            },
            rows: bytes::hex(body, mark.span),
        })
        .collect()
}
