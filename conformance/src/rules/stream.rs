//! Rules on what a stream says: its vocabulary, its course, its end.

use acp_reports::Level::{Must, Should};
use serde_json::Value;

use super::looks::{answered, settle, without_cases};
use super::sse::{STREAMS, loses, streams};
use crate::drive::CONFIG_KEY;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Streaming;
use crate::probe::Part;
use crate::protocol;
use crate::rule::{Judgement, Look, Rule, each};
use crate::show;
use crate::sse::DefectKind;
use crate::terminal::{Kind, SENTINEL};
use crate::wire::End;

pub(super) const VALID: &[Topic] = &[Topic::Documents, Topic::Discovery, Topic::StreamValid];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "stream.opens-with-start",
        level: Must,
        feature: Streaming,
        clause: "The first event is `started` (or `start`).",
        source: "seed",
        why: "It tells a client at once that its request was taken.",
        mend: "Send it before any work.",
        reads: VALID,
        judge: opens_with_start,
    },
    Rule {
        id: "stream.known-vocabulary",
        level: Should,
        feature: Streaming,
        clause: "All events belong to one of the two vocabularies, unmixed.",
        source: "seed",
        why: "A client that waits for a word that never comes waits for ever.",
        mend: "Use the words of the profile: `complete`, not `completed`; `result`, not `output`.",
        reads: VALID,
        judge: known_vocabulary,
    },
    Rule {
        id: "stream.progress-monotonic",
        level: Must,
        feature: Streaming,
        clause: "`progress` is a number in 0..100 that never falls, and `step` never exceeds `total`.",
        source: "seed",
        why: "Progress bars overflow or run backwards, and people stop trusting them.",
        mend: "Compute progress from work done, once.",
        reads: VALID,
        judge: progress_monotonic,
    },
    Rule {
        id: "stream.one-terminal",
        level: Must,
        feature: Streaming,
        clause: "There is exactly one of complete, error, cancelled, and it is the last event.",
        source: "seed",
        why: "Without it a client cannot tell success from silence; after two it cannot tell which holds.",
        mend: "Send the terminal event in one place, on every way out, and return.",
        reads: VALID,
        judge: one_terminal,
    },
    Rule {
        id: "stream.rejects-invalid",
        level: Must,
        feature: Streaming,
        clause: "An invalid input, or an unknown configuration, gets 4xx, or an error event as the last.",
        source: "seed, P3",
        why: "What `/invoke` refuses must not pass by another door.",
        mend: "Validate before the stream starts, and answer 400 or 404.",
        reads: &[Topic::Documents, Topic::Discovery, Topic::StreamInvalid],
        judge: rejects_invalid,
    },
    Rule {
        id: "stream.not-cut",
        level: Must,
        feature: Streaming,
        clause: "The body ends as HTTP says it should: by its last chunk or its length.",
        source: "RFC 9112, 8",
        why: "A client cannot tell a cut connection from a lost network, and asks again.",
        mend: "Catch errors in the generator, send an error event, and end the body.",
        reads: STREAMS,
        judge: not_cut,
    },
    Rule {
        id: "stream.closes",
        level: Must,
        feature: Streaming,
        clause: "The agent ends the stream within 2 s of the terminal event.",
        source: "seed",
        why: "Streams that stay open use up connections on both sides.",
        mend: "Return from the generator after the terminal event.",
        reads: STREAMS,
        judge: closes,
    },
    Rule {
        id: "stream.survives-disconnect",
        level: Must,
        feature: Streaming,
        clause: "After many clients leave in mid-stream, the agent still answers and streams.",
        source: "seed (cancellation)",
        why: "People close tabs; work that goes on for nobody fills the agent up.",
        mend: "Stop the work when the client is gone, and free its place.",
        reads: &[
            Topic::Documents,
            Topic::Discovery,
            Topic::StreamValid,
            Topic::StreamLeave,
        ],
        judge: survives_disconnect,
    },
];

/// The events of a successful stream, if a client receives them all and each is JSON.
pub(super) fn events(ask: &Ask) -> Result<Vec<Value>, Look> {
    let answer = answered(ask)?;
    if !answer.is_success() {
        return Err(Look::Beside);
    }
    if let End::NotHttp(_) = &ask.exchange.end {
        return Err(Look::missing(
            "the stream cannot be read: see stream.not-cut",
        ));
    }
    let transcript = ask.stream();
    let lost = |kind| loses(kind) || kind == DefectKind::BomMidStream;
    if transcript.defects.iter().any(|defect| lost(defect.kind)) {
        return Err(Look::missing(
            "the stream loses events: see sse.nothing-lost",
        ));
    }
    let is_unterminated = |kind| kind == DefectKind::UnterminatedEvent;
    if ask.exchange.end == End::Complete
        && transcript
            .defects
            .iter()
            .any(|defect| is_unterminated(defect.kind))
    {
        return Err(Look::missing(
            "the stream loses its last event: see sse.ends-on-boundary",
        ));
    }
    let told = transcript
        .events
        .iter()
        .filter(|event| event.data != SENTINEL);
    told.map(|event| {
        serde_json::from_str(&event.data)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| Look::missing("an event is no JSON object: see sse.data-is-json"))
    })
    .collect()
}

/// A rule over the events of streams of valid inputs.
pub(super) fn each_valid(evidence: &Evidence, look: impl Fn(&Ask, &[Value]) -> Look) -> Judgement {
    each(
        evidence,
        evidence.at(Topic::StreamValid, Step::Main),
        |ask| settle(events(ask).map(|events| look(ask, &events))),
    )
}

/// The terminal event, or what it means that there is none.
pub(super) fn terminal<'v>(ask: &Ask, events: &'v [Value]) -> Result<&'v Value, Look> {
    let is_terminal = |event: &&Value| Kind::of(event).is_some_and(Kind::is_terminal);
    events
        .iter()
        .find(is_terminal)
        .ok_or_else(|| match ask.exchange.end {
            End::Complete => Look::missing("there is no terminal event: see stream.one-terminal"),
            _ => unended(ask),
        })
}

/// What it means that a stream without a terminal event did not come to its end.
fn unended(ask: &Ask) -> Look {
    Look::missing(match ask.exchange.end {
        End::TooLarge => "the stream is longer than the checker reads",
        End::TimedOut => {
            "the stream did not end within the time allowed: give it more by --timeout"
        }
        _ => "the stream is cut: see stream.not-cut",
    })
}

fn opens_with_start(evidence: &Evidence) -> Judgement {
    each_valid(evidence, |_, events| match events.first() {
        Some(first) if Kind::of(first) == Some(Kind::Start) => Look::Fine,
        Some(first) => Look::flaw(
            "the stream does not open with a start",
            "`started` or `start`",
            show::value(first),
        ),
        None => Look::missing("the stream holds no event: see stream.one-terminal"),
    })
}

fn known_vocabulary(evidence: &Evidence) -> Judgement {
    let vocabularies = [
        (
            "status",
            protocol::STATUS_EVENT.words("/properties/status/enum"),
        ),
        (
            "event",
            protocol::STEP_EVENT.words("/properties/event/enum"),
        ),
    ];
    each_valid(evidence, |_, events| {
        let mut used = None;
        for event in events {
            let own = vocabularies
                .iter()
                .find(|(name, _)| event.get(*name).is_some());
            let is_known = own.is_some_and(|(name, words)| {
                event[*name]
                    .as_str()
                    .is_some_and(|word| words.contains(&word))
            });
            // A dialect says `output` for `result`.
            let is_empty = Kind::of(event) == Some(Kind::Complete) && event.get("result").is_none();
            if !is_known || is_empty {
                let message = "an event is not of the vocabulary";
                let expected = "the words of the profile, section 1";
                return Look::flaw(message, expected, show::value(event));
            }
            let name = own.map(|(name, _)| *name);
            if used.is_some_and(|used| used != name) {
                return Look::flaw(
                    "two vocabularies are mixed",
                    "one of them",
                    show::value(event),
                );
            }
            used = Some(name);
        }
        Look::Fine
    })
}

fn progress_monotonic(evidence: &Evidence) -> Judgement {
    each_valid(evidence, |_, events| {
        let mut reached = 0.0;
        for event in events {
            if let Some(progress) = event.get("progress") {
                let number = progress
                    .as_f64()
                    .filter(|number| (0.0..=100.0).contains(number));
                let Some(number) = number else {
                    let got = show::value(progress);
                    return Look::flaw("progress is out of range", "a number in 0..100", got);
                };
                if number < reached {
                    let got = format!("{number} after {reached}");
                    return Look::flaw("progress falls", "as much as before, or more", got);
                }
                reached = number;
            }
            let step = event.get("step").and_then(Value::as_f64);
            let total = event.get("total").and_then(Value::as_f64);
            if step.zip(total).is_some_and(|(step, total)| step > total) {
                return Look::flaw(
                    "a step beyond the total",
                    "step ≤ total",
                    show::value(event),
                );
            }
        }
        Look::Fine
    })
}

fn one_terminal(evidence: &Evidence) -> Judgement {
    each_valid(evidence, |ask, events| {
        let expected = "one of complete, error, cancelled, as the last event";
        let is_terminal = |event: &Value| Kind::of(event).is_some_and(Kind::is_terminal);
        let places: Vec<usize> = (0..events.len())
            .filter(|index| is_terminal(&events[*index]))
            .collect();
        match places.as_slice() {
            [] if ask.exchange.end != End::Complete => unended(ask),
            [] => {
                let got = format!("{} events, none of them terminal", events.len());
                Look::flaw("the stream has no terminal event", expected, got)
            }
            [place] if place + 1 == events.len() => Look::Fine,
            [place] => {
                let got = show::value(&events[place + 1]);
                Look::flaw("something comes after the terminal event", expected, got)
            }
            many => {
                let got = format!("{} terminal events", many.len());
                Look::flaw("the stream ends more than once", expected, got)
            }
        }
    })
}

fn rejects_invalid(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_cases(evidence, Topic::StreamInvalid, Part::Input) {
        return judgement;
    }
    each(
        evidence,
        evidence.at(Topic::StreamInvalid, Step::Main),
        |ask| {
            settle(answered(ask).and_then(|answer| {
                let is_config = ask.about.key >= CONFIG_KEY;
                let message = if is_config {
                    "an unknown configuration is streamed all the same"
                } else {
                    "an input that the schema forbids is streamed all the same"
                };
                let expected = if is_config {
                    "404, or an error event"
                } else {
                    "4xx, or an error event"
                };
                if !answer.is_success() {
                    let is_right = if is_config {
                        answer.status == 404
                    } else {
                        answer.is_client_error()
                    };
                    let flaw = || Look::flaw(message, expected, show::answer(answer));
                    return Ok(if is_right { Look::Fine } else { flaw() });
                }
                let events = events(ask)?;
                let last = events.last();
                let is_error = last.is_some_and(|event| Kind::of(event) == Some(Kind::Error));
                if is_error {
                    return Ok(Look::Fine);
                }
                let got = last.map_or_else(|| "no event".to_owned(), show::value);
                Ok(Look::flaw(message, expected, got))
            }))
        },
    )
}

fn not_cut(evidence: &Evidence) -> Judgement {
    each(evidence, streams(evidence), |ask| {
        settle(answered(ask).map(|answer| match &ask.exchange.end {
            _ if !answer.is_success() => Look::Beside,
            End::Cut(_) | End::NotHttp(_) => {
                let got = show::end(&ask.exchange.end);
                Look::flaw(
                    "the stream is cut",
                    "the last chunk, or the whole length",
                    got,
                )
            }
            End::Complete => Look::Fine,
            _ => Look::Beside,
        }))
    })
}

fn closes(evidence: &Evidence) -> Judgement {
    each(evidence, streams(evidence), |ask| {
        let told = match events(ask) {
            Ok(told) => told,
            Err(look) => return look,
        };
        match (terminal(ask, &told), &ask.exchange.end) {
            (Ok(_), End::TimedOut) => Look::flaw(
                "the stream stays open after its terminal event",
                "the end of the body within 2 s",
                "no end within 2 s",
            ),
            (Ok(_), _) => Look::Fine,
            (Err(look), _) => look,
        }
    })
}

fn survives_disconnect(evidence: &Evidence) -> Judgement {
    let completes = |ask: &Ask| {
        let events = events(ask).unwrap_or_default();
        let mut kinds = events.iter().map(Kind::of);
        kinds.any(|kind| kind == Some(Kind::Complete))
    };
    let completed_before = evidence.at(Topic::StreamValid, Step::Main).any(completes);
    let message = "after clients left in mid-stream, the agent does not work as before";
    let streams = |ask: &Ask| {
        let events = events(ask)?;
        let terminal = terminal(ask, &events)?;
        if Kind::of(terminal) == Some(Kind::Complete) {
            return Ok(Look::Fine);
        }
        if !completed_before {
            return Err(Look::missing(
                "no stream completes: see stream.succeeds-on-valid",
            ));
        }
        Ok(Look::flaw(
            message,
            "a complete event",
            show::value(terminal),
        ))
    };
    each(
        evidence,
        evidence.at(Topic::StreamLeave, Step::After),
        |ask| {
            settle(answered(ask).and_then(|answer| {
                if !answer.is_success() {
                    return Ok(Look::flaw(message, "2xx", show::answer(answer)));
                }
                if ask.about.wants_stream {
                    streams(ask)
                } else {
                    Ok(Look::Fine)
                }
            }))
        },
    )
}
