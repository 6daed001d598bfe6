//! One example of each kind of defect: where it stands, and what the client gets all the same.

use std::collections::HashSet;

use crate::sse::{DefectKind, Limits, parse, tests::parse_pieces};

/// A kind, a stream that shows it, the span where it stands, and the data of all events.
type Example = (
    DefectKind,
    &'static [u8],
    (u64, u64),
    &'static [&'static str],
);

use DefectKind as K;

const GRAMMAR: &[Example] = &[
    (
        K::NotUtf8,
        b"data: a\xf0\x9f\x8eb\n\n",
        (7, 3),
        &["a\u{fffd}b"],
    ),
    (
        K::UnterminatedEvent,
        b"data: a\n\ndata: b\n",
        (9, 8),
        &["a"],
    ),
    (K::UnterminatedComment, b"data: a\n\n: b", (9, 3), &["a"]),
];

const LOST: &[Example] = &[
    (
        K::BomMidStream,
        b"data: a\n\n\xef\xbb\xbfdata: b\n\n",
        (9, 10),
        &["a"],
    ),
    (
        K::UnknownField,
        b"data: a\ncolour: red\n\n",
        (8, 11),
        &["a"],
    ),
    (K::WrongCaseField, b"Data: a\n\n", (0, 7), &[]),
    (
        K::SpaceBeforeField,
        b"data: a\n data: b\n\n",
        (8, 8),
        &["a"],
    ),
    (K::SpaceAfterField, b"data : a\n\n", (0, 8), &[]),
    (K::BareJson, b"{\"a\": 1}\n\n", (0, 8), &[]),
    (K::BareText, b"data: a\nhello\n\n", (8, 5), &["a"]),
    (
        K::WhitespaceLine,
        b"data: a\n \ndata: b\n\n",
        (8, 1),
        &["a\nb"],
    ),
    (
        K::BlockWithoutData,
        b"event: a\nid: 1\n\ndata: b\n\n",
        (0, 15),
        &["b"],
    ),
    (
        K::RetryNotDigits,
        b"retry: 1.5\ndata: a\n\n",
        (0, 10),
        &["a"],
    ),
    (K::IdWithNul, b"id: 1\0\ndata: a\n\n", (0, 6), &["a"]),
    (
        K::OverwrittenField,
        b"event: a\ndata: 1\nevent: b\ndata: 2\n\n",
        (17, 8),
        &["1\n2"],
    ),
    (
        K::EventTooLarge,
        b"data: 0123456789012345678901234567890123456789\n\n",
        (0, 46),
        &[],
    ),
    (
        K::EventsLeftOut,
        b"data: a\n\ndata: b\n\ndata: c\n\n",
        (18, 8),
        &["a", "b"],
    ),
    (K::DefectsLeftOut, b"a\na\na\na\na\na\n\n", (10, 1), &[]),
];

const NOTES: &[Example] = &[
    (K::LeadingBom, b"\xef\xbb\xbfdata: a\n\n", (0, 3), &["a"]),
    (K::CrLineEnd, b"data: a\r\r", (7, 1), &["a"]),
    (K::CrlfLineEnd, b"data: a\r\n\r\n", (7, 2), &["a"]),
    (K::MixedLineEnds, b"data: a\n\r\n", (8, 2), &["a"]),
    (K::NoSpaceAfterColon, b"data:a\n\n", (0, 6), &["a"]),
    (K::FieldWithoutColon, b"data\n\n", (0, 4), &[""]),
    (K::SpaceInValue, b"data:  a\n\n", (0, 8), &[" a"]),
    (
        K::BomInValue,
        b"data: \xef\xbb\xbf{}\n\n",
        (0, 11),
        &["\u{feff}{}"],
    ),
    (K::MultiLineData, b"data: a\ndata: b\n\n", (8, 7), &["a\nb"]),
    (K::EmptyData, b"data:\n\n", (0, 6), &[""]),
    (K::EmptyEventType, b"event:\ndata: a\n\n", (0, 6), &["a"]),
    (K::Comment, b"data: a\n\n:\n\n", (9, 1), &["a"]),
    (K::ExtraBlankLine, b"data: a\n\n\n", (9, 1), &["a"]),
    (
        K::RepeatedField,
        b"id: 1\ndata: a\nid: 1\n\n",
        (14, 5),
        &["a"],
    ),
    (
        K::RetryTooLarge,
        b"retry: 2147483648\ndata: a\n\n",
        (0, 17),
        &["a"],
    ),
    (K::NulCharacter, b"data: a\0\n\n", (7, 1), &["a\0"]),
    (
        K::UnicodeLineBreak,
        b"data: a\xe2\x80\xa8b\n\n",
        (7, 3),
        &["a\u{2028}b"],
    ),
];

/// Small enough for the examples of limits, and too large for the others.
fn limits() -> Limits {
    Limits {
        event_bytes: 40,
        kept_bytes: 2 * (size_of::<crate::sse::Event>() + 20),
        defects: 5,
    }
}

fn examples() -> impl Iterator<Item = &'static Example> {
    [GRAMMAR, LOST, NOTES].into_iter().flatten()
}

#[test]
fn each_kind_is_found_where_it_stands_and_the_client_gets_what_the_standard_says() {
    for (kind, stream, span, data) in examples() {
        let transcript = parse_pieces([*stream], limits());
        let found: Vec<_> = transcript
            .defects
            .iter()
            .filter(|d| d.kind == *kind)
            .collect();
        let [defect] = found[..] else {
            panic!("{kind}: {:?}", transcript.defects);
        };
        assert_eq!((defect.offset, defect.length), *span, "{kind}");
        if *kind != K::DefectsLeftOut {
            assert_eq!(defect.tier, kind.tier(), "{kind}");
        }
        let got: Vec<_> = transcript.events.iter().map(|e| e.data.as_str()).collect();
        assert_eq!(got, *data, "{kind}");
    }
}

#[test]
fn each_kind_has_an_example_and_a_name_of_its_own() {
    let shown: HashSet<_> = examples().map(|example| example.0).collect();
    let all: HashSet<_> = K::ALL.iter().copied().collect();
    assert_eq!(shown, all);
    let names: HashSet<_> = K::ALL.iter().map(|kind| kind.name()).collect();
    assert_eq!(names.len(), K::ALL.len());
    assert!(K::ALL.len() < 64, "a note is a bit of a u64");
    assert!(K::ALL.is_sorted_by_key(|kind| kind.tier()));
}

#[test]
fn a_plain_stream_has_no_defect_at_all() {
    let stream = b"event: status\nid: 1\nretry: 3000\ndata: {\"done\": false}\n\ndata: {}\n\n";
    let transcript = parse(stream);
    assert_eq!(transcript.defects, []);
    assert_eq!(transcript.events.len(), 2);
}

#[test]
fn lines_are_counted_over_all_line_ends_wherever_a_defect_is_found() {
    let transcript = parse(b":\n:\r:\r\n:\0\xe2\x80\xa8\nData: x\n: \xff\n\nid: 1\n\ndata");
    let line = |kind| {
        transcript
            .defects
            .iter()
            .find(|d| d.kind == kind)
            .map(|d| d.line)
    };
    assert_eq!(line(K::NulCharacter), Some(4));
    assert_eq!(line(K::UnicodeLineBreak), Some(4));
    assert_eq!(line(K::WrongCaseField), Some(5));
    assert_eq!(line(K::NotUtf8), Some(6));
    assert_eq!(line(K::BlockWithoutData), Some(8));
    assert_eq!(line(K::UnterminatedEvent), Some(10));
}

#[test]
fn a_line_that_the_end_of_the_stream_cuts_is_blamed_only_for_what_it_can_no_longer_become() {
    let kinds = |stream: &[u8]| -> Vec<_> {
        parse(stream)
            .defects
            .into_iter()
            .map(|d| d.kind)
            .filter(|k| k.tier() < K::Comment.tier())
            .collect()
    };
    assert_eq!(kinds(b"da"), [K::UnterminatedEvent]);
    assert_eq!(kinds(b"data: x"), [K::UnterminatedEvent]);
    assert_eq!(kinds(b"{\"a\":1}"), [K::UnterminatedEvent, K::BareJson]);
    assert_eq!(kinds(b"Data"), [K::UnterminatedEvent, K::WrongCaseField]);
}

#[test]
fn a_block_of_unknown_lines_alone_is_blamed_for_its_lines_and_not_twice() {
    assert_eq!(parse(b"Data: x\n\n").defects.len(), 1);
    assert_eq!(parse(b"event: a\nData: x\n\n").defects.len(), 2);
}

#[test]
fn retry_belongs_to_its_block_and_stays_in_force() {
    let transcript = parse(b"retry: 5\n\ndata: a\n\nretry: 99999999999999999999\ndata: b\n\n");
    let retries: Vec<_> = transcript.events.iter().map(|e| e.retry).collect();
    assert_eq!(retries, [None, Some(u64::MAX)]);
    assert_eq!(transcript.retry, Some(u64::MAX));
}

#[test]
fn the_id_of_a_block_that_dispatches_nothing_is_the_next_events_id() {
    let transcript = parse(b"id: 7\n\ndata: a\n\n");
    assert_eq!(transcript.events[0].id, "7");
}

#[test]
fn the_type_of_a_block_that_dispatches_nothing_is_forgotten() {
    let transcript = parse(b"event: a\n\ndata: b\n\n");
    assert_eq!(transcript.events[0].event, "message");
}

#[test]
fn a_type_or_id_is_this_blocks_or_the_one_before_whatever_its_length() {
    for name in ["short", "longer than what stands in the record itself"] {
        let stream = format!(
            "event: {name}\nid: {name}\ndata\n\nevent: {name}\ndata\n\ndata\n\nevent\nid\ndata\n\n"
        );
        let events = parse(stream.as_bytes()).events;
        let told: Vec<_> = events.iter().map(|e| [e.event.as_str(), &e.id]).collect();
        assert_eq!(
            told,
            [
                [name, name],
                [name, name],
                ["message", name],
                ["message", ""]
            ]
        );
    }
}

#[test]
fn a_blank_line_of_cr_dispatches_at_once_and_an_lf_after_it_belongs_to_the_event() {
    let mut parser = crate::sse::Parser::default();
    parser.push(b"data: a\r\n\r");
    assert_eq!(parser.events()[0].end, 10);
    parser.push(b"\ndata: b\r\r");
    assert_eq!(parser.events()[0].end, 11);
    assert_eq!(
        (parser.events()[1].offset, parser.events()[1].end),
        (11, 20)
    );
}
