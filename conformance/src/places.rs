//! Where in a body the report points: bytes at fault, events, and when they arrived. Bounded,
//! since a stream may be of defects, events or one-byte reads alone.

use acp_reports::{Arrival, Mark, Span};

use crate::evidence::Ask;
use crate::json;
use crate::sse::{Event, Tier};
use crate::wire::Answer;

/// How many bytes at fault are pointed out: more than anyone looks at.
const MARKS: usize = 20;
/// How many events, and how many arrivals, are told of.
const PIECES: usize = 500;

/// What is pointed at in one body.
#[derive(Debug, Default)]
pub(crate) struct Places {
    pub(crate) marks: Vec<Mark>,
    pub(crate) events: Vec<Span>,
    pub(crate) arrivals: Vec<Arrival>,
}

impl Places {
    /// Reads them off an answer.
    pub(crate) fn of(ask: &Ask, answer: &Answer) -> Self {
        if ask.is_stream() {
            return Self::of_stream(ask, answer);
        }
        let is_json = answer
            .media_type()
            .is_some_and(|kind| kind.ends_with("json"));
        Self {
            marks: is_json
                .then(|| json_fault(&answer.body))
                .flatten()
                .into_iter()
                .collect(),
            ..Self::default()
        }
    }

    fn of_stream(ask: &Ask, answer: &Answer) -> Self {
        let transcript = ask.stream();
        let defects = transcript.defects.iter();
        let defects = defects.filter(|defect| defect.tier != Tier::Note);
        let mut marks: Vec<Mark> = defects
            .map(|defect| mark(defect.offset, defect.length, &defect.message))
            .chain(
                transcript
                    .events
                    .iter()
                    .filter_map(|event| data_fault(event, &answer.body)),
            )
            .take(MARKS)
            .collect();
        marks.sort_by_key(|mark| mark.span.offset);
        let events = transcript.events.iter().take(PIECES);
        Self {
            marks,
            events: events
                .map(|event| span(event.offset, event.end - event.offset))
                .collect(),
            arrivals: arrivals(answer),
        }
    }
}

fn span(offset: u64, length: u64) -> Span {
    let small = |number| usize::try_from(number).unwrap_or(usize::MAX);
    Span {
        offset: small(offset),
        length: small(length),
    }
}

fn mark(offset: u64, length: u64, message: &str) -> Mark {
    Mark {
        span: span(offset, length),
        message: message.to_owned(),
    }
}

/// An event whose data is no JSON: from its first `data` line to its end.
fn data_fault(event: &Event, body: &[u8]) -> Option<Mark> {
    let error = json::check(event.data.as_bytes()).err()?;
    let whole = span(event.offset, event.end - event.offset);
    let block = body.get(whole.offset..whole.offset + whole.length)?;
    let mut before = 0;
    for line in block.split_inclusive(|byte| matches!(byte, b'\r' | b'\n')) {
        if line.starts_with(b"data") {
            break;
        }
        before += line.len();
    }
    let rest = block.get(before..)?.trim_ascii_end().len();
    let span = Span {
        offset: whole.offset + before,
        length: rest,
    };
    let message = format!("the data of this event is not JSON: {error}");
    Some(Mark { span, message })
}

/// The byte at which a body stops being one JSON text that every reader understands alike.
fn json_fault(body: &[u8]) -> Option<Mark> {
    let (offset, message) = json::fault(body)?;
    let length = usize::from(offset < body.len());
    Some(mark(offset as u64, length as u64, &message))
}

/// The arrivals, evenly thinned where there are many; the last one is always there.
fn arrivals(answer: &Answer) -> Vec<Arrival> {
    let every = answer.reads.len().div_ceil(PIECES).max(1);
    let last = answer.reads.len().saturating_sub(1);
    let kept = answer.reads.iter().enumerate();
    kept.filter(|(index, _)| index % every == 0 || *index == last)
        .map(|(_, read)| Arrival {
            until: read.until,
            at_ms: read.at.as_secs_f64() * 1e3,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::Read;

    fn at(body: &str) -> Option<(usize, usize)> {
        json_fault(body.as_bytes()).map(|mark| (mark.span.offset, mark.span.length))
    }

    #[test]
    fn the_byte_at_which_json_ends_to_be_json_is_marked() {
        assert_eq!(at("{\"a\": 1}"), None);
        assert_eq!(at("{\"a\": 1e999}"), None);
        assert_eq!(at("{\"a\": NaN}"), Some((6, 1)));
        assert_eq!(at("{\n \"a\": 1,\n}"), Some((11, 1)));
        assert_eq!(at("{\"a\": 1, \"a\": 2}"), Some((11, 1)));
        assert_eq!(at(""), Some((0, 0)));
        let not_text = json_fault(b"{\"a\": \"\xff\"}").map(|mark| mark.span.offset);
        assert_eq!(not_text, Some(7));
    }

    #[test]
    fn of_an_event_the_data_is_marked() {
        let body = b"event: a\ndata: {\"a\": 1}\n\nid: 7\ndata: {'a': 2}\n\n";
        let transcript = crate::sse::parse(body);
        let marks = transcript.events.iter();
        let marks: Vec<Mark> = marks.filter_map(|event| data_fault(event, body)).collect();
        assert_eq!(marks.len(), 1);
        let Span { offset, length } = marks[0].span;
        assert_eq!(&body[offset..offset + length], b"data: {'a': 2}");
    }

    #[test]
    fn arrivals_are_bounded_and_keep_the_last() {
        let reads = (1..=5_003_usize).map(|until| Read {
            until,
            at: Duration::from_millis(until as u64),
        });
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
            reads: reads.collect(),
            surplus: 0,
        };
        let kept = arrivals(&answer);
        assert!(kept.len() <= PIECES + 1, "{}", kept.len());
        assert_eq!(kept.last().map(|arrival| arrival.until), Some(5_003));
    }
}
