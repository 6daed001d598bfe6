//! A hostile stream costs little memory, and what is left out is named.

use crate::sse::{
    DefectKind, Event, Limits, Parser, Tier, Transcript, falls_short, tests::parse_pieces,
};

fn kinds(transcript: &Transcript) -> Vec<DefectKind> {
    transcript.defects.iter().map(|d| d.kind).collect()
}

fn with_event_bytes(event_bytes: usize) -> Limits {
    Limits {
        event_bytes,
        ..Limits::default()
    }
}

#[test]
fn an_endless_line_is_cut_at_the_limit_and_the_stream_goes_on_after_its_blank_line() {
    let mut parser = Parser::new(with_event_bytes(1_000));
    parser.push(b"data: ");
    for _ in 0..1_000 {
        parser.push(&[b'x'; 1_000]);
    }
    parser.push(b"\n\ndata: after\n\n");
    assert!(parser.held_bytes() < 10_000);
    let transcript = parser.finish();
    assert_eq!(transcript.events.len(), 1);
    assert_eq!(transcript.events[0].data, "after");
    assert_eq!(kinds(&transcript), [DefectKind::EventTooLarge]);
    assert_eq!(
        (transcript.defects[0].offset, transcript.defects[0].length),
        (0, 1_000_006)
    );
}

#[test]
fn endless_data_lines_are_dropped_at_the_limit() {
    let mut parser = Parser::new(with_event_bytes(1_000));
    for _ in 0..100_000 {
        parser.push(b"data: 0123456789\n");
        assert!(parser.held_bytes() < 10_000);
    }
    parser.push(b"\n");
    let transcript = parser.finish();
    assert!(transcript.events.is_empty());
    let large = transcript
        .defects
        .iter()
        .find(|d| d.kind == DefectKind::EventTooLarge);
    assert_eq!(large.map(|d| d.offset), Some(91 * 17));
}

#[test]
fn data_of_exactly_the_limit_is_dispatched() {
    let limits = with_event_bytes(16);
    let transcript = parse_pieces([b"data: 0123456789\n\n".as_slice()], limits);
    assert_eq!(transcript.events.len(), 1);
    let transcript = parse_pieces([b"data: 0123456789a\n\n".as_slice()], limits);
    assert_eq!(kinds(&transcript), [DefectKind::EventTooLarge]);
}

#[test]
fn a_long_comment_harms_no_event() {
    let transcript = parse_pieces(
        [b": 0123456789\ndata: x\n\n".as_slice()],
        with_event_bytes(8),
    );
    assert_eq!(transcript.events.len(), 1);
    assert!(!falls_short(&transcript));
}

#[test]
fn a_long_id_that_stands_in_each_event_stops_the_recording_and_not_the_machine() {
    let mut stream = format!("id: {}\ndata\n\n", "i".repeat(10_000)).into_bytes();
    stream.extend(b"data\n\n".repeat(10_000));
    let limits = Limits {
        kept_bytes: 100_000,
        ..Limits::default()
    };
    let transcript = parse_pieces([stream.as_slice()], limits);
    assert_eq!(transcript.events.len(), 9);
    let left_out = transcript
        .defects
        .iter()
        .find(|d| d.kind == DefectKind::EventsLeftOut);
    let left_out = left_out.expect("the limit is named");
    assert_eq!(left_out.offset, transcript.events[8].end);
    assert!(falls_short(&transcript));
}

#[test]
fn events_that_are_taken_free_their_share_of_the_limit() {
    let kept_bytes = 2 * (size_of::<Event>() + "message".len() + "x".len());
    let mut parser = Parser::new(Limits {
        kept_bytes,
        ..Limits::default()
    });
    for _ in 0..100 {
        parser.push(b"data: x\n\ndata: y\n\n");
        assert_eq!(parser.drain_events().count(), 2);
    }
    let transcript = parser.finish();
    assert!(transcript.events.is_empty() && transcript.defects.is_empty());
}

#[test]
fn defects_beyond_the_limit_are_counted() {
    let limits = Limits {
        defects: 10,
        ..Limits::default()
    };
    let transcript = parse_pieces([b"nonsense\n".repeat(1_000).as_slice()], limits);
    assert_eq!(transcript.defects.len(), 11);
    let last = &transcript.defects[10];
    assert_eq!((last.kind, last.offset), (DefectKind::DefectsLeftOut, 90));
    assert!(last.message.contains(" 991 more"), "{}", last.message);
    // The unterminated block is among those that are only counted, and is not forgotten.
    assert_eq!(last.tier, Tier::Grammar);
    assert!(!transcript.grammar_valid);
}

#[test]
fn no_limit_is_so_small_that_a_defect_goes_unnoticed() {
    let limits = Limits {
        event_bytes: 0,
        kept_bytes: 0,
        defects: 0,
    };
    let transcript = parse_pieces([b"data: x\n\n".as_slice()], limits);
    assert_eq!(kinds(&transcript), [DefectKind::DefectsLeftOut]);
    assert!(falls_short(&transcript));
}
