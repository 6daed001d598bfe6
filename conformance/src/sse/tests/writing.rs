//! The two ways to write a transcript.

use crate::sse::{
    parse,
    report::{Report, write_human},
};

const STREAM: &[u8] = b"event: status\nid: 7\nretry: 3000\ndata: {\"done\": false}\n\n: alive\n\nData: \x1b[31m\ndata: \x1b[2J\xe2\x80\xae\xc2\x9b\\\ndata: \xff\n\nevent: done\n";

fn human(stream: &[u8]) -> String {
    let mut out = Vec::new();
    write_human(&parse(stream), &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("what is written is text")
}

#[test]
fn the_json_has_the_fixed_shape() {
    let transcript = parse(b"id: 7\nretry: 5\ndata: x\n\ndata: y\nData\n\n");
    let json = serde_json::to_value(Report::from(&transcript)).expect("a report is JSON");
    let expected = serde_json::json!({
        "grammar_valid": true,
        "events": [
            {"event": "message", "data": "x", "id": "7", "retry": 5},
            {"event": "message", "data": "y", "id": "7", "retry": null}
        ],
        "defects": [{
            "kind": "wrong-case-field", "offset": 32, "length": 4, "tier": "lost",
            "message": "\"Data\" is not in lower case, and field names are compared literally: the line is ignored"
        }]
    });
    assert_eq!(json, expected);
}

#[test]
fn a_person_sees_events_defects_and_a_summary() {
    insta::assert_snapshot!(human(STREAM));
}

#[test]
fn an_empty_stream_is_said_to_be_empty() {
    assert_eq!(
        human(b""),
        "the stream holds: 0 events in 0 bytes; 0 grammar defects, 0 lost, 0 notes\n"
    );
}

#[test]
fn no_control_character_reaches_the_terminal() {
    let every: String = (0..0x3000).filter_map(char::from_u32).collect();
    for text in [
        human(every.as_bytes()),
        human(STREAM),
        human(format!("data: {every}\n\n").as_bytes()),
    ] {
        let hidden =
            |c: char| c.is_control() && c != '\n' || ('\u{2028}'..='\u{202e}').contains(&c);
        assert!(!text.contains(hidden), "{text:?}");
    }
}

#[test]
fn long_data_is_cut_and_its_length_is_told() {
    let text = human(format!("data: {}\n\n", "x".repeat(1_000)).as_bytes());
    assert!(text.contains("… (840 characters more)"), "{text}");
}
