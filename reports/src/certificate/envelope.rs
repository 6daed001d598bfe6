//! DSSE: a payload with its type, and signatures over both.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use super::SigningKey;

/// The type of an in-toto statement's JSON.
pub(super) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// An envelope, as its JSON has it. A name twice is refused by serde.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) payload: String,
    #[serde(rename = "payloadType")]
    pub(super) payload_type: String,
    pub(super) signatures: Vec<Signature>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Signature {
    /// A hint, which nobody has signed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) keyid: String,
    pub(super) sig: String,
}

impl Envelope {
    /// Signs a statement.
    pub(super) fn seal(payload: &[u8], key: &SigningKey) -> Self {
        let signature = key.sign(&to_sign(PAYLOAD_TYPE, payload));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![Signature {
                keyid: key.id().to_owned(),
                sig: STANDARD.encode(signature),
            }],
        }
    }
}

/// DSSE's pre-authentication encoding: what is signed.
pub(super) fn to_sign(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut text = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    )
    .into_bytes();
    text.extend_from_slice(payload);
    text
}

/// Either of base64's two alphabets, as DSSE asks of readers.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let standard = STANDARD.decode(text);
    standard.or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_dsses_own_example() {
        let text = to_sign("http://example.com/HelloWorld", b"hello world");
        assert_eq!(
            text,
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn both_alphabets_are_read_and_no_part_of_one() {
        assert_eq!(decoded("+/8="), decoded("-_8="));
        assert_eq!(decoded("aGVsbG8="), Some(b"hello".to_vec()));
        for broken in ["aGVsbG8", "aGVsb", "aGVs bG8=", "aGVsbG8=\n", "aGVsbG9="] {
            assert_eq!(decoded(broken), None, "{broken}");
        }
    }
}
