//! Rules on the event stream's bytes and headers.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::Level::{Must, Should};

use super::looks::{answered, settle};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Streaming;
use crate::json;
use crate::rule::{Judgement, Look, Rule, Tally, each};
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

/// Streams whose events are spread over less than this are done at once (profile, section 4).
const AT_ONCE: Duration = Duration::from_millis(200);
/// If all events arrive within this share of the whole time, they were held back.
const HELD_BACK: f64 = 0.1;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "sse.content-type",
        level: Must,
        feature: Streaming,
        clause: "A stream's content type is `text/event-stream`; its charset, if any, utf-8.",
        source: "HTML, 9.2.2",
        why: "An EventSource closes the connection for good on any other type.",
        mend: "Set the media type of the streaming response.",
        reads: STREAMS,
        judge: content_type,
    },
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
    Rule {
        id: "sse.no-cache",
        level: Should,
        feature: Streaming,
        clause: "A stream carries `Cache-Control: no-cache` (or no-store).",
        source: "seed; HTML, 9.2.1",
        why: "A cache in between may hold the stream back, or play an old one.",
        mend: "Set `Cache-Control: no-cache`.",
        reads: STREAMS,
        judge: no_cache,
    },
    Rule {
        id: "sse.unbuffered",
        level: Should,
        feature: Streaming,
        clause: "A stream carries `X-Accel-Buffering: no`.",
        source: "seed",
        why: "nginx otherwise holds events back until its buffer is full.",
        mend: "Set `X-Accel-Buffering: no`.",
        reads: STREAMS,
        judge: unbuffered,
    },
    Rule {
        id: "sse.incremental",
        level: Must,
        feature: Streaming,
        clause: "Events leave as they are made: the first one well before the last.",
        source: "seed",
        why: "A stream that is held back until its end is a slow answer with extra steps.",
        mend: "Flush after each event; look for middleware that collects bodies (compression, logging).",
        reads: STREAMS,
        judge: incremental,
    },
    Rule {
        id: "sse.no-content-length",
        level: Should,
        feature: Streaming,
        clause: "A stream has no `Content-Length`.",
        source: "RFC 9110, 8.6",
        why: "Who knows the length beforehand has collected the whole stream beforehand.",
        mend: "Stream the body in chunks.",
        reads: STREAMS,
        judge: no_content_length,
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

/// A rule over the heads of successful streams.
fn each_head(evidence: &Evidence, look: impl Fn(&Answer) -> Look) -> Judgement {
    each(evidence, streams(evidence), |ask| {
        settle(answered(ask).map(|answer| {
            if answer.is_success() {
                look(answer)
            } else {
                Look::Beside
            }
        }))
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

fn content_type(evidence: &Evidence) -> Judgement {
    each_head(evidence, |answer| {
        let value = answer.header("content-type").unwrap_or("no Content-Type");
        let mut parameters = value
            .split(';')
            .skip(1)
            .filter_map(|parameter| parameter.split_once('='));
        let charset = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
        let is_utf8 = charset.is_none_or(|(_, charset)| {
            charset
                .trim()
                .trim_matches('"')
                .eq_ignore_ascii_case("utf-8")
        });
        if is_utf8 && answer.media_type().as_deref() == Some("text/event-stream") {
            return Look::Fine;
        }
        Look::flaw(
            "a stream is declared to be something else",
            "text/event-stream",
            value,
        )
    })
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
                Err(problem) => problem,
                Ok(()) if event.data.trim_start().starts_with('{') => return None,
                Ok(()) => "JSON, but no object".to_owned(),
            };
            Some(format!(
                "event {}: {problem}: {}",
                index + 1,
                acp_reports::shorten(&event.data, 120)
            ))
        });
        match wrong {
            None => Look::Fine,
            Some(got) => Look::flaw("an event's data is no JSON object", "one JSON object", got),
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

fn no_cache(evidence: &Evidence) -> Judgement {
    each_head(evidence, |answer| {
        let value = answer
            .all_headers("cache-control")
            .collect::<Vec<_>>()
            .join(", ")
            .to_ascii_lowercase();
        if value.contains("no-cache") || value.contains("no-store") {
            return Look::Fine;
        }
        let got = if value.is_empty() {
            "no Cache-Control".to_owned()
        } else {
            value
        };
        Look::flaw(
            "a cache may keep the stream",
            "Cache-Control: no-cache",
            got,
        )
    })
}

fn unbuffered(evidence: &Evidence) -> Judgement {
    each_head(evidence, |answer| {
        let value = answer.header("x-accel-buffering");
        if value.is_some_and(|value| value.trim().eq_ignore_ascii_case("no")) {
            return Look::Fine;
        }
        let got = value.unwrap_or("no X-Accel-Buffering");
        Look::flaw(
            "a proxy may hold the stream back",
            "X-Accel-Buffering: no",
            got,
        )
    })
}

fn no_content_length(evidence: &Evidence) -> Judgement {
    each_head(evidence, |answer| match answer.header("content-length") {
        None => Look::Fine,
        Some(length) => Look::flaw(
            "a stream declares its length",
            "no Content-Length",
            format!("Content-Length: {length}"),
        ),
    })
}

/// What a slow stream's timing shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    AtOnce,
    Spread,
    HeldBack,
}

/// Judged by the majority of a path's slow streams: what holds events back holds back all of
/// them, while a stall of the machine can make any one stream look so.
fn incremental(evidence: &Evidence) -> Judgement {
    let mut by_path: BTreeMap<&str, Vec<(&Ask, Timing)>> = BTreeMap::new();
    let mut tally = Tally::new(evidence);
    for ask in streams(evidence) {
        match answered(ask).map(|answer| timing(ask, answer)) {
            Err(look) => tally.look(ask, look),
            Ok(None) => {}
            Ok(Some(timing)) => {
                by_path
                    .entry(&ask.exchange.request.path)
                    .or_default()
                    .push((ask, timing));
            }
        }
    }
    let count = |timings: &[(&Ask, Timing)], wanted| {
        timings
            .iter()
            .filter(|(_, timing)| *timing == wanted)
            .count()
    };
    if by_path
        .values()
        .all(|timings| count(timings, Timing::AtOnce) == timings.len())
    {
        tally.note("every stream was done at once: there was nothing to hold back");
    }
    for timings in by_path.values() {
        let is_buffered = count(timings, Timing::HeldBack) > count(timings, Timing::Spread);
        for (ask, timing) in timings {
            let is_flaw = is_buffered && *timing == Timing::HeldBack;
            tally.look(ask, if is_flaw { held_back(ask) } else { Look::Fine });
        }
    }
    tally.judgement()
}

fn held_back(ask: &Ask) -> Look {
    let count = ask.stream().events.len();
    Look::flaw(
        "the events were held back to the end",
        "the first event well before the last",
        format!("{count} events in one go, at the end of a slow stream"),
    )
}

fn timing(ask: &Ask, answer: &Answer) -> Option<Timing> {
    let events = &ask.stream().events;
    let arrival = |end: u64| answer.arrival(usize::try_from(end).ok()?.checked_sub(1)?);
    let (first, last) = (events.first()?, events.last()?);
    let (first, last) = (arrival(first.end)?, arrival(last.end)?);
    if !answer.is_success() {
        return None;
    }
    if events.len() < 2 || last < AT_ONCE {
        return Some(Timing::AtOnce);
    }
    let is_spread = (last - first).as_secs_f64() >= last.as_secs_f64() * HELD_BACK;
    Some(if is_spread {
        Timing::Spread
    } else {
        Timing::HeldBack
    })
}
