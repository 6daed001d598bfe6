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
            .chain(transcript.events.iter().filter_map(data_fault))
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

fn data_fault(event: &Event) -> Option<Mark> {
    let error = json::check(event.data.as_bytes()).err()?;
    let message = format!("the data of this event is not JSON: {error}");
    Some(mark(event.offset, event.end - event.offset, &message))
}

/// The first byte at which a body is no JSON.
fn json_fault(body: &[u8]) -> Option<Mark> {
    if let Err(error) = std::str::from_utf8(body) {
        let length = error
            .error_len()
            .unwrap_or(body.len() - error.valid_up_to());
        return Some(mark(error.valid_up_to() as u64, length as u64, "not UTF-8"));
    }
    if json::lenient(body).is_some() {
        return None;
    }
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(body).err()?;
    let before = body.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len);
    let line: usize = before.take(error.line().saturating_sub(1)).sum();
    let offset = (line + error.column().saturating_sub(1)).min(body.len());
    let length = usize::from(offset < body.len());
    Some(mark(
        offset as u64,
        length as u64,
        &format!("not JSON: {error}"),
    ))
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
        assert_eq!(at(""), Some((0, 0)));
        let not_text = json_fault(b"{\"a\": \"\xff\"}").map(|mark| mark.span.offset);
        assert_eq!(not_text, Some(7));
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
