//! Properties that hold for any bytes: no panic, no matter of splits, the naive reference's
//! reading, and offsets that stand where they say.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::fuzzing::sse;
use crate::fuzzing::sse::{agrees_with_its_defects, tight};
use crate::sse::{Limits, Parser, parse, tests::parse_pieces};

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
    fn the_standards_reading_and_offsets_that_stand_where_they_say(bytes in any_stream()) {
        sse(&bytes);
    }

    #[test]
    fn a_grammar_defect_is_recorded_where_no_other_is(bytes in any_stream()) {
        agrees_with_its_defects(&parse_pieces([bytes.as_slice()], Limits { defects: 0, ..tight() }));
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
