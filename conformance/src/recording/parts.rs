//! The parts of a record that are written otherwise than they are held: bytes, and times.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Nothing that is recorded takes longer than a month; sums of what is shorter never overflow.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3600);

/// A time in whole nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nanoseconds(pub(super) Duration);

impl Serialize for Nanoseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let most = self.0.min(LONGEST).as_nanos();
        serializer.serialize_u64(u64::try_from(most).unwrap_or(u64::MAX))
    }
}

impl<'de> Deserialize<'de> for Nanoseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = Duration::from_nanos(u64::deserialize(deserializer)?);
        match time <= LONGEST {
            true => Ok(Self(time)),
            false => Err(de::Error::custom("a time is longer than a month")),
        }
    }
}

/// Exact bytes: as text where they are readable text, else in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bytes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl Bytes {
    /// Control characters would be six bytes each in JSON.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let is_plain = |text: &&str| {
            let mut controls = text.bytes().filter(u8::is_ascii_control);
            controls.all(|byte| matches!(byte, b'\n' | b'\r' | b'\t'))
        };
        match std::str::from_utf8(bytes).ok().filter(is_plain) {
            Some("") => Self::default(),
            Some(text) => Self {
                text: Some(text.to_owned()),
                base64: None,
            },
            None => Self {
                text: None,
                base64: Some(STANDARD.encode(bytes)),
            },
        }
    }

    pub(super) fn bytes(self) -> Result<Vec<u8>, &'static str> {
        match (self.text, self.base64) {
            (Some(_), Some(_)) => Err("a body is both text and base64"),
            (Some(text), None) => Ok(text.into_bytes()),
            (None, Some(encoded)) => STANDARD
                .decode(encoded)
                .map_err(|_| "a body is not in base64"),
            (None, None) => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were_however_they_are_written() {
        for bytes in [
            &b""[..],
            b"plain\r\n\ttext",
            b"\xff",
            b"\0",
            b"\x1b[2J",
            "é\"\\".as_bytes(),
        ] {
            let written = serde_json::to_string(&Bytes::of(bytes)).expect("JSON");
            let read: Bytes = serde_json::from_str(&written).expect(&written);
            assert_eq!(read.bytes(), Ok(bytes.to_vec()), "{written}");
        }
    }

    #[test]
    fn no_time_is_so_long_that_a_sum_overflows() {
        assert!(serde_json::from_str::<Nanoseconds>("18446744073709551615").is_err());
        let hour = Nanoseconds(Duration::from_secs(3600));
        let written = serde_json::to_string(&hour).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Nanoseconds>(&written).ok(),
            Some(hour)
        );
    }
}
