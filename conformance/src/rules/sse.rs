//! Rules on the event stream's bytes.

use acp_reports::Level::{Must, Should};

use super::looks::{TOO_DEEP, answered, settle};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Streaming;
use crate::json;
use crate::rule::{Judgement, Look, Rule, each};
use crate::sse::{DefectKind, Tier};
use crate::terminal::SENTINEL;
use crate::wire::{Answer, End};

/// Where streams are read to their end.
pub(super) const STREAMS: &[Topic] = &[
    Topic::Discovery,
    Topic::StreamValid,
    Topic::StreamInvalid,
    Topic::StreamLeave,
];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sse.utf8",
        level: Must,
        feature: Streaming,
        clause: "The stream is valid UTF-8.",
        source: "HTML, 9.2.5",
        why: "Clients replace what is not UTF-8; names and texts arrive broken.",
        mend: "Encode each event as a whole; do not cut strings by bytes.",
        reads: STREAMS,
        judge: utf8,
    },
    Rule {
        id: "sse.grammar",
        level: Must,
        feature: Streaming,
        clause: "The bytes match the standard's grammar: lines with ends, and a blank line after the last comment or field.",
        source: "HTML, 9.2.5 (ABNF)",
        why: "What a client makes of the rest is not defined.",
        mend: "End the stream with a blank line, after comments too.",
        reads: STREAMS,
        judge: grammar,
    },
    Rule {
        id: "sse.nothing-lost",
        level: Must,
        feature: Streaming,
        clause: "Every line is a comment or a known field, and every block with a field has `data`.",
        source: "HTML, 9.2.6",
        why: "The grammar lets bare JSON, `Data:` or ` data:` pass, and a client then receives nothing.",
        mend: "Write each event as `data: ` and its JSON in one line, then a blank line.",
        reads: STREAMS,
        judge: nothing_lost,
    },
    Rule {
        id: "sse.ends-on-boundary",
        level: Must,
        feature: Streaming,
        clause: "The last event is dispatched: the stream ends after a blank line.",
        source: "HTML, 9.2.6",
        why: "Clients discard an event without its blank line: often the one with the result.",
        mend: "End every event with two line feeds, the last one too.",
        reads: STREAMS,
        judge: ends_on_boundary,
    },
    Rule {
        id: "sse.bom-first-only",
        level: Must,
        feature: Streaming,
        clause: "A byte order mark, if any, is the first three bytes.",
        source: "HTML, 9.2.5",
        why: "Anywhere else it becomes part of a field's name, and the line is lost.",
        mend: "Encode with plain UTF-8, not with a signature (in Python not `utf-8-sig`).",
        reads: STREAMS,
        judge: bom_first_only,
    },
    Rule {
        id: "sse.retry-digits",
        level: Must,
        feature: Streaming,
        clause: "`retry` holds ASCII digits alone.",
        source: "HTML, 9.2.6",
        why: "Clients ignore the field otherwise, and reconnect as they please.",
        mend: "Write whole milliseconds.",
        reads: STREAMS,
        judge: retry_digits,
    },
    Rule {
        id: "sse.id-no-nul",
        level: Must,
        feature: Streaming,
        clause: "`id` holds no U+0000.",
        source: "HTML, 9.2.6",
        why: "Clients ignore the field, and resume at the wrong place.",
        mend: "Make ids of printable characters.",
        reads: STREAMS,
        judge: id_no_nul,
    },
    Rule {
        id: "sse.data-is-json",
        level: Must,
        feature: Streaming,
        clause: "Each `data` is one JSON object (a last `[DONE]` aside).",
        source: "seed",
        why: "Clients parse each event, and most stop at the first that does not parse.",
        mend: "Serialise each event with a strict JSON encoder.",
        reads: STREAMS,
        judge: data_is_json,
    },
    Rule {
        id: "sse.no-sentinel",
        level: Should,
        feature: Streaming,
        clause: "The stream ends with its terminal event, without `[DONE]`.",
        source: "seed",
        why: "Clients that parse every event as JSON raise an error on it, after all went well.",
        mend: "Leave it out: the terminal event tells the end.",
        reads: STREAMS,
        judge: no_sentinel,
    },
];

/// The streams that were read for their own sake.
pub(super) fn streams(evidence: &Evidence) -> impl Iterator<Item = &Ask> {
    evidence.all().filter(|ask| {
        STREAMS.contains(&ask.topic)
            && matches!(ask.about.step, Step::Main | Step::After)
            && ask.about.wants_stream
    })
}

/// A rule over the bytes of successful streams.
fn each_body(evidence: &Evidence, look: impl Fn(&Ask, &Answer) -> Look) -> Judgement {
    each(evidence, streams(evidence), |ask| {
        settle(answered(ask).map(|answer| {
            if answer.is_success() {
                look(ask, answer)
            } else {
                Look::Beside
            }
        }))
    })
}

/// A rule that certain defects break.
fn without(
    evidence: &Evidence,
    message: &str,
    expected: &str,
    breaks: impl Fn(DefectKind) -> bool,
) -> Judgement {
    each_body(evidence, |ask, _| {
        let defects = &ask.stream().defects;
        match defects.iter().find(|defect| breaks(defect.kind)) {
            None => Look::Fine,
            Some(defect) if is_end(defect.kind) && ask.exchange.end != End::Complete => {
                Look::missing(
                    "the stream did not come to its end: see stream.not-cut and stream.closes",
                )
            }
            Some(defect) => Look::flaw(
                message,
                expected,
                format!("at byte {}: {}", defect.offset, defect.message),
            ),
        }
    })
}

/// Defects that only the end of a stream can show.
fn is_end(kind: DefectKind) -> bool {
    matches!(
        kind,
        DefectKind::UnterminatedEvent | DefectKind::UnterminatedComment
    )
}

fn utf8(evidence: &Evidence) -> Judgement {
    without(evidence, "the stream is not UTF-8", "UTF-8", |kind| {
        kind == DefectKind::NotUtf8
    })
}

fn grammar(evidence: &Evidence) -> Judgement {
    without(
        evidence,
        "the stream is not the grammar",
        "the standard's ABNF",
        |kind| {
            kind.tier() == Tier::Grammar
                && !matches!(kind, DefectKind::NotUtf8 | DefectKind::UnterminatedEvent)
        },
    )
}

/// Defects that cost a client a line or an event, and have no rule of their own.
pub(super) fn loses(kind: DefectKind) -> bool {
    let has_own_rule = [
        DefectKind::BomMidStream,
        DefectKind::RetryNotDigits,
        DefectKind::IdWithNul,
    ];
    kind.tier() == Tier::Lost && !has_own_rule.contains(&kind)
}

fn nothing_lost(evidence: &Evidence) -> Judgement {
    let expected = "comments, known fields, and `data` in every block";
    without(
        evidence,
        "something in the stream does not reach the client",
        expected,
        loses,
    )
}

fn ends_on_boundary(evidence: &Evidence) -> Judgement {
    let expected = "a blank line after the last event";
    without(evidence, "the last event is lost", expected, |kind| {
        kind == DefectKind::UnterminatedEvent
    })
}

fn bom_first_only(evidence: &Evidence) -> Judgement {
    let message = "a byte order mark stands in mid-stream";
    without(evidence, message, "none, or as the first bytes", |kind| {
        kind == DefectKind::BomMidStream
    })
}

fn retry_digits(evidence: &Evidence) -> Judgement {
    without(evidence, "`retry` is no number", "ASCII digits", |kind| {
        kind == DefectKind::RetryNotDigits
    })
}

fn id_no_nul(evidence: &Evidence) -> Judgement {
    without(evidence, "an `id` holds U+0000", "none", |kind| {
        kind == DefectKind::IdWithNul
    })
}

fn data_is_json(evidence: &Evidence) -> Judgement {
    each_body(evidence, |ask, _| {
        let events = &ask.stream().events;
        if events.is_empty() {
            return Look::missing(
                "the stream holds no event: see sse.nothing-lost and stream.one-terminal",
            );
        }
        let last = events.len() - 1;
        let wrong = events.iter().enumerate().find_map(|(index, event)| {
            if event.data == SENTINEL && index == last {
                return None;
            }
            let problem = match json::check(event.data.as_bytes()) {
                Err(problem) if json::is_depth(&problem) => return Some(None),
                Err(problem) => problem,
                Ok(()) if event.data.trim_start().starts_with('{') => return None,
                Ok(()) => "JSON, but no object".to_owned(),
            };
            Some(Some(format!(
                "event {}: {problem}: {}",
                index + 1,
                acp_reports::shorten(&event.data, 120)
            )))
        });
        match wrong {
            None => Look::Fine,
            Some(None) => Look::missing(TOO_DEEP),
            Some(Some(got)) => {
                Look::flaw("an event's data is no JSON object", "one JSON object", got)
            }
        }
    })
}

fn no_sentinel(evidence: &Evidence) -> Judgement {
    each_body(evidence, |ask, _| match ask.stream().events.last() {
        Some(event) if event.data == SENTINEL => Look::flaw(
            "the stream ends with a sentinel",
            "a terminal event, and nothing after it",
            SENTINEL,
        ),
        _ => Look::Fine,
    })
}
