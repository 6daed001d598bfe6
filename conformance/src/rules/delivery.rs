//! Rules on how an event stream is delivered: its head, and its timing.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_reports::Level::{Must, Should};

use super::looks::{answered, settle};
use super::sse::{STREAMS, streams};
use crate::evidence::{Ask, Evidence};
use crate::feature::Feature::Streaming;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::wire::Answer;

/// Streams whose events are spread over less than this are done at once (profile, section 4).
const AT_ONCE: Duration = Duration::from_millis(200);
/// If all events of a slow stream arrive within this time, they were held back: a buffer that is
/// emptied takes a few milliseconds, on a loaded machine some more.
const HELD_BACK: Duration = Duration::from_millis(20);

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
    let fastest = fastest(evidence);
    for ask in streams(evidence) {
        match answered(ask).map(|answer| timing(ask, answer, fastest)) {
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

/// How long the fastest of all answers took: what the way to the agent and back costs at least.
fn fastest(evidence: &Evidence) -> Duration {
    let answered = evidence.all().filter(|ask| ask.answer().is_some());
    answered
        .map(|ask| ask.exchange.elapsed)
        .min()
        .unwrap_or_default()
}

fn timing(ask: &Ask, answer: &Answer, fastest: Duration) -> Option<Timing> {
    let events = &ask.stream().events;
    let arrival = |end: u64| answer.arrival(usize::try_from(end).ok()?.checked_sub(1)?);
    let (first, last) = (events.first()?, events.last()?);
    let (first, last) = (arrival(first.end)?, arrival(last.end)?);
    if !answer.is_success() {
        return None;
    }
    if events.len() < 2 || last.saturating_sub(fastest) < AT_ONCE {
        return Some(Timing::AtOnce);
    }
    Some(if last.saturating_sub(first) > HELD_BACK {
        Timing::Spread
    } else {
        Timing::HeldBack
    })
}
