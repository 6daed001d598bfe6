//! The event-stream parser, on any bytes.

use crate::sse::{Limits, Parser, Tier, Transcript, falls_short, parse, reference};

/// The standard's reading, whatever the cuts; offsets that stand where they say.
pub fn sse(bytes: &[u8]) {
    let whole = parse(bytes);
    assert_eq!(reference::told(&whole), reference::read(bytes));
    stands_in_order(&whole, bytes);
    agrees_with_its_defects(&whole);
    // The first byte says how large the pieces are; the bytes themselves stay what they are.
    let size = bytes.first().map_or(1, |byte| usize::from(byte % 31) + 1);
    assert_eq!(in_pieces(bytes, size, Limits::default()), whole);
    let tight = in_pieces(bytes, bytes.len().max(1), tight());
    stands_in_order(&tight, bytes);
    agrees_with_its_defects(&tight);
    assert_eq!(in_pieces(bytes, size, self::tight()), tight);
}

/// Limits that short streams hit.
pub(crate) fn tight() -> Limits {
    Limits {
        event_bytes: 6,
        kept_bytes: 400,
        defects: 3,
    }
}

fn in_pieces(bytes: &[u8], size: usize, limits: Limits) -> Transcript {
    let mut parser = Parser::new(limits);
    bytes.chunks(size).for_each(|piece| parser.push(piece));
    parser.finish()
}

/// Offsets stand in bounds and in order, and no message has control characters.
pub(crate) fn stands_in_order(transcript: &Transcript, bytes: &[u8]) {
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

/// The grammar fails exactly where a grammar defect is recorded.
pub(crate) fn agrees_with_its_defects(transcript: &Transcript) {
    let worst = transcript.defects.iter().map(|d| d.tier).min();
    assert_eq!(transcript.grammar_valid, worst != Some(Tier::Grammar));
    let is_felt = worst.is_some_and(|tier| tier < Tier::Note);
    assert_eq!(falls_short(transcript), is_felt);
}
