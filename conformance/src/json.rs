//! Reading JSON strictly (RFC 8259, and I-JSON's ban on duplicate names).

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// How deep a document may nest, as `serde_json` has it.
const DEEPEST: usize = 128;

/// Says what keeps `bytes` from being one JSON text that every reader understands alike.
///
/// # Errors
/// Not UTF-8, not JSON (`NaN`, a lone surrogate, trailing text, …), or a name twice in one object.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    match fault(bytes) {
        None => Ok(()),
        Some((_, message)) => Err(message),
    }
}

/// Whether a fault is only that the document nests deeper than it is read here: RFC 8259 sets no bound.
pub(crate) fn is_depth(fault: &str) -> bool {
    fault.starts_with("recursion limit exceeded")
}

/// The same, with the first byte at which it shows.
pub(crate) fn fault(bytes: &[u8]) -> Option<(usize, String)> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return Some((at, format!("not UTF-8 at byte {at}")));
        }
    };
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict.deserialize(&mut reader).and_then(|()| reader.end());
    let error = read.err()?;
    // RFC 8259 sets numbers no bound; only our reader does.
    if lenient(bytes).is_some_and(|(_, has_huge_number)| has_huge_number) {
        return None;
    }
    let lines = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(<[u8]>::len);
    let before: usize = lines.take(error.line().saturating_sub(1)).sum();
    let at = before + error.column().saturating_sub(1);
    Some((at.min(bytes.len()), error.to_string()))
}

/// The document, of duplicate names the last; and whether a number in it is beyond a double's
/// range, which then stands as the largest there is. `None` if it is not JSON.
pub(crate) fn lenient(bytes: &[u8]) -> Option<(Value, bool)> {
    if let Ok(document) = serde_json::from_slice(bytes) {
        return Some((document, false));
    }
    // Level by level, a raw value is read as often as it has levels.
    if is_too_deep(bytes) {
        return None;
    }
    let raw: &RawValue = serde_json::from_slice(bytes).ok()?;
    Some((unbounded(raw, DEEPEST)?, true))
}

fn is_too_deep(bytes: &[u8]) -> bool {
    let (mut levels, mut in_string, mut is_escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_string => is_escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => levels += 1,
            b']' | b'}' if !in_string => levels = levels.saturating_sub(1),
            _ => {}
        }
        if levels > DEEPEST {
            return true;
        }
    }
    false
}

/// A raw value is taken however deep it nests; each level of it is a level of our own stack.
fn unbounded(raw: &RawValue, levels: usize) -> Option<Value> {
    let levels = levels.checked_sub(1)?;
    let text = raw.get().trim();
    match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let read = members
                .into_iter()
                .map(|(name, member)| Some((name, unbounded(member, levels)?)));
            read.collect::<Option<_>>().map(Value::Object)
        }
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items
                .into_iter()
                .map(|item| unbounded(item, levels))
                .collect::<Option<_>>()
                .map(Value::Array)
        }
        b'-' | b'0'..=b'9' => serde_json::from_str(text)
            .ok()
            .or_else(|| Some(Value::from(f64::MAX))),
        _ => serde_json::from_str(text).ok(),
    }
}

#[derive(Clone, Copy)]
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key_seed(Name)? {
            if names.contains(&name) {
                let message = format!("the name {name:?} stands twice in one object");
                return Err(serde::de::Error::custom(message));
            }
            names.insert(name);
            members.next_value_seed(self)?;
        }
        Ok(())
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_reader_understands_is_fine() {
        for text in [
            "{}",
            "[1, 2.5, -3e2, null, true, \"ü\\u00e9\"]",
            "\"x\"",
            " {\"a\": {\"a\": 1}} ",
        ] {
            assert_eq!(check(text.as_bytes()), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_number_beyond_a_double_is_json_all_the_same() {
        let huge = format!("{{\"a\": [{}, 1e999], \"b\": \"x\"}}", "9".repeat(400));
        assert_eq!(check(huge.as_bytes()), Ok(()));
        let (document, has_huge_number) = lenient(huge.as_bytes()).expect("JSON");
        assert!(has_huge_number && document["b"] == "x");
        assert!(check(b"{\"a\": 1e999, \"b\": NaN}").is_err());
    }

    #[test]
    fn what_is_only_deep_is_told_from_what_is_wrong() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        assert!(check(deep.as_bytes()).is_err_and(|why| is_depth(&why)));
        let wrong = "oops".to_owned() + &deep;
        assert!(check(wrong.as_bytes()).is_err_and(|why| !is_depth(&why)));
    }

    #[test]
    fn a_document_of_any_depth_is_read_or_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = open.repeat(100_000) + "1e999" + &close.repeat(100_000);
            assert!(check(deep.as_bytes()).is_err());
            assert!(lenient(deep.as_bytes()).is_none());
            let fine = open.repeat(100) + "1e999" + &close.repeat(100);
            assert_eq!(check(fine.as_bytes()), Ok(()));
        }
    }

    #[test]
    fn what_readers_differ_on_is_not() {
        for text in [
            "{\"a\": 1, \"a\": 1}",
            "NaN",
            "[Infinity]",
            "\"\\ud800\"",
            "{} {}",
            "",
            "{\"a\":1,}",
        ] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(b"\"\xff\"").is_err());
        assert!(check(b"\xef\xbb\xbf{}").is_err());
    }
}
