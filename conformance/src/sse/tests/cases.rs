//! The cases of web-platform-tests and of the standard's own examples, in `fixtures/sse`.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::sse::{Limits, Tier, parse, reference, tests::parse_pieces};

#[derive(Deserialize)]
pub(super) struct Case {
    pub(super) name: String,
    bytes_base64: String,
    expected_events: Vec<Expected>,
    grammar_valid: bool,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
struct Expected {
    event: String,
    data: String,
    id: String,
    retry: Option<u64>,
}

impl Case {
    pub(super) fn bytes(&self) -> Vec<u8> {
        STANDARD
            .decode(&self.bytes_base64)
            .expect("fixture is base64")
    }
}

pub(super) fn all() -> Vec<Case> {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fixtures/sse/cases.json"
    ));
    let cases: Vec<Case> = serde_json::from_str(text).expect("fixture is a list of cases");
    assert_eq!(cases.len(), 32);
    cases
}

#[test]
fn every_case_gives_the_expected_events_and_grammar() {
    for case in all() {
        let transcript = parse(&case.bytes());
        let events: Vec<_> = transcript
            .events
            .into_iter()
            .map(|e| Expected {
                event: e.event.into(),
                data: e.data,
                id: e.id.into(),
                retry: e.retry,
            })
            .collect();
        assert_eq!(events, case.expected_events, "{}", case.name);
        assert_eq!(
            transcript.grammar_valid, case.grammar_valid,
            "{}",
            case.name
        );
        let grammar = transcript.defects.iter().any(|d| d.tier == Tier::Grammar);
        assert_eq!(grammar, !case.grammar_valid, "{}", case.name);
    }
}

#[test]
fn every_case_says_the_same_at_every_split_and_pair_of_splits() {
    for case in all() {
        let bytes = case.bytes();
        let whole = parse(&bytes);
        // The one case of 2 KiB is mostly a long comment: pairs there are tried near its ends.
        let near = |at: usize| at < 80 || bytes.len() - at < 80;
        for first in (0..=bytes.len()).filter(|&at| near(at)) {
            for second in (first..=bytes.len()).filter(|&at| near(at)) {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let split = parse_pieces(pieces, Limits::default());
                assert_eq!(split, whole, "{} split at {first} and {second}", case.name);
            }
        }
        for at in 0..=bytes.len() {
            let split = parse_pieces([&bytes[..at], &bytes[at..]], Limits::default());
            assert_eq!(split, whole, "{} split at {at}", case.name);
        }
        let by_byte = parse_pieces(bytes.chunks(1), Limits::default());
        assert_eq!(by_byte, whole, "{} byte by byte", case.name);
    }
}

#[test]
fn every_case_agrees_with_the_naive_reference() {
    for case in all() {
        let bytes = case.bytes();
        assert_eq!(
            reference::told(&parse(&bytes)),
            reference::read(&bytes),
            "{}",
            case.name
        );
    }
}
