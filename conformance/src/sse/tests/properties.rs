//! Properties that hold for any bytes: no panic, no matter of splits, the naive reference's
//! reading, and offsets that stand where they say.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::sse::{
    Limits, Parser, Tier, Transcript, falls_short, parse,
    tests::{parse_pieces, reference},
};

/// Streams made of what matters to a parser, so that the odd cases meet often.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let atoms: Vec<&'static [u8]> = vec![
        b"\n",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"\r\n\r\n",
        b"data",
        b"data:",
        b"data: ",
        b"event: ",
        b"event",
        b"id:",
        b"id: ",
        b"retry: ",
        b"retry",
        b":",
        b" ",
        b"\t",
        b"12",
        b"99999999999999999999",
        b"x",
        b"Data: ",
        b"{\"a\":1}",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xef\xbb",
        b"\xff",
        b"\xe2\x80\xa8",
        b"\xe2\x80",
        b"\xf0\x9f\x8e\x89",
        b"\xf0\x9f",
        b"\xed\xa0\x80",
        b"\xc2\x85",
        b"\xc3\xa4",
        // Longer than what the searches and the decoder take in one step.
        &[b'y'; 150],
    ];
    vec(select(atoms), 0..40).prop_map(|atoms| atoms.concat())
}

fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => streams(), 1 => vec(any::<u8>(), 0..200)]
}

fn tight() -> Limits {
    Limits {
        event_bytes: 6,
        kept_bytes: 400,
        defects: 3,
    }
}

/// Cuts the bytes at these points, taken modulo what is left.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for cut in cuts {
        let (piece, after) = rest.split_at(cut % (rest.len() + 1));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces
}

fn assert_offsets_stand_in_order(transcript: &Transcript, bytes: &[u8]) {
    let length = bytes.len() as u64;
    assert_eq!(transcript.length, length);
    let mut before = 0;
    for event in &transcript.events {
        assert!(before <= event.offset && event.offset < event.end && event.end <= length);
        assert!(matches!(bytes[event.end as usize - 1], b'\n' | b'\r'));
        before = event.end;
    }
    assert!(transcript.defects.is_sorted_by_key(|d| d.offset));
    for defect in &transcript.defects {
        assert!(defect.offset + defect.length <= length, "{defect:?}");
        assert!(defect.line >= 1);
        assert!(!defect.message.chars().any(char::is_control), "{defect:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn splits_do_not_matter(bytes in any_stream(), cuts in vec(0..60_usize, 0..12)) {
        prop_assert_eq!(parse_pieces(pieces(&bytes, &cuts), Limits::default()), parse(&bytes));
    }

    #[test]
    fn splits_do_not_matter_where_limits_are_hit(bytes in any_stream(), cuts in vec(0..20_usize, 0..12)) {
        let whole = parse_pieces([bytes.as_slice()], tight());
        prop_assert_eq!(&parse_pieces(pieces(&bytes, &cuts), tight()), &whole);
        prop_assert_eq!(parse_pieces(bytes.chunks(1), tight()), whole);
    }

    #[test]
    fn the_naive_reference_reads_the_same(bytes in any_stream()) {
        prop_assert_eq!(reference::told(&parse(&bytes)), reference::read(&bytes));
    }

    #[test]
    fn offsets_stand_in_bounds_and_in_order(bytes in any_stream()) {
        assert_offsets_stand_in_order(&parse(&bytes), &bytes);
        assert_offsets_stand_in_order(&parse_pieces([bytes.as_slice()], tight()), &bytes);
    }

    #[test]
    fn the_grammar_fails_exactly_where_a_grammar_defect_is_recorded(bytes in any_stream()) {
        for limits in [Limits::default(), tight(), Limits { defects: 0, ..tight() }] {
            let transcript = parse_pieces([bytes.as_slice()], limits);
            let worst = transcript.defects.iter().map(|d| d.tier).min();
            prop_assert_eq!(transcript.grammar_valid, worst != Some(Tier::Grammar));
            prop_assert_eq!(falls_short(&transcript), worst.is_some_and(|t| t < Tier::Note));
        }
    }

    #[test]
    fn an_event_is_there_once_its_last_byte_is_pushed(bytes in any_stream()) {
        let whole = parse(&bytes).events;
        let mut parser = Parser::default();
        for (at, byte) in bytes.iter().enumerate() {
            parser.push(&[*byte]);
            let due = whole.iter().filter(|event| event.end <= at as u64 + 1).count();
            prop_assert!(parser.events().len() >= due);
        }
        prop_assert_eq!(parser.events(), whole);
    }
}
