//! Keeping the user's secrets out of everything that leaves the process.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::credentials::{altered, is_harmless};

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "<redacted>";

/// Shorter values are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;

/// Knows the secrets, and takes them out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    names: Vec<String>,
    values: Vec<String>,
}

impl Redactor {
    /// Redacts the values of these header fields, with and without a scheme before them; and what
    /// the drives make of them.
    #[must_use]
    pub(crate) fn new(headers: &[(String, String)]) -> Self {
        let mut redactor = Self::default();
        for (name, value) in headers {
            if is_harmless(name) {
                continue;
            }
            redactor.names.push(name.to_ascii_lowercase());
            let token = value.split_once(' ').map(|(_, token)| token.trim());
            redactor.values.extend(
                [Some(value.trim()), token]
                    .into_iter()
                    .flatten()
                    .map(str::to_owned),
            );
        }
        let derived = |secret: &String| altered(secret).into_iter().map(|(_, text)| text);
        let derived: Vec<String> = redactor.values.iter().flat_map(derived).collect();
        redactor.values.extend(derived);
        redactor.settle();
        redactor
    }

    /// Redacts these too, wherever they stand.
    #[must_use]
    pub(crate) fn and(mut self, secrets: &[String]) -> Self {
        self.values.extend_from_slice(secrets);
        self.settle();
        self
    }

    /// As they may stand in a query string too; the longest first, as a token stands within its
    /// header's value, and what was altered within or around what it was made of.
    fn settle(&mut self) {
        let encoded = |value: &String| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
        let encoded: Vec<String> = self.values.iter().map(encoded).collect();
        self.values.extend(encoded);
        let can_be_replaced = |value: &str| value.len() >= SHORTEST && !REDACTED.contains(value);
        self.values.retain(|value| can_be_replaced(value));
        self.values
            .sort_by(|left, right| right.len().cmp(&left.len()).then(left.cmp(right)));
        self.values.dedup();
    }

    /// A header field's value, as it may be shown.
    #[must_use]
    pub(crate) fn header(&self, name: &str, value: &str) -> String {
        if self
            .names
            .iter()
            .any(|secret| name.eq_ignore_ascii_case(secret))
        {
            return REDACTED.to_owned();
        }
        self.text(value)
    }

    /// A text without secrets.
    #[must_use]
    pub(crate) fn text(&self, text: &str) -> String {
        let found = self
            .values
            .iter()
            .filter(|secret| text.contains(secret.as_str()));
        found.fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), REDACTED)
        })
    }

    /// Bytes without secrets.
    #[must_use]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = bytes.to_vec();
        for secret in &self.values {
            let finder = memchr::memmem::Finder::new(secret.as_bytes());
            while let Some(at) = finder.find(&clean) {
                clean.splice(at..at + secret.len(), REDACTED.bytes());
            }
        }
        clean
    }

    /// Takes secrets out of every string of a document.
    pub(crate) fn document(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.document(item)),
            Value::Object(members) => {
                members
                    .iter_mut()
                    .for_each(|(_, member)| self.document(member));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new(&[
            ("Authorization".to_owned(), "Bearer s3cr3t-t0ken".to_owned()),
            ("X-Id".to_owned(), "1".to_owned()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ])
    }

    #[test]
    fn a_token_is_found_wherever_it_is_echoed() {
        assert_eq!(
            redactor().text("no such token: s3cr3t-t0ken!"),
            "no such token: <redacted>!"
        );
        assert_eq!(
            redactor().bytes(b"\xffs3cr3t-t0ken\xff"),
            b"\xff<redacted>\xff"
        );
    }

    #[test]
    fn what_is_made_of_a_secret_is_redacted_as_the_secret_is() {
        let secret = "sK/test+0123";
        for name in ["X-API-Key", "X-Tenant"] {
            let redactor = Redactor::new(&[(name.to_owned(), secret.to_owned())]);
            let made = altered(secret);
            assert!(made.len() >= 5);
            for (how, text) in made {
                let told = redactor.text(&format!("{text} opens nothing"));
                assert_eq!(told, "<redacted> opens nothing", "{how}");
            }
            let asked = redactor.text("/invoke?api_key=sK%2Ftest%2B0123&x=1");
            assert_eq!(asked, "/invoke?api_key=<redacted>&x=1");
        }
    }

    #[test]
    fn a_token_is_redacted_however_it_is_altered() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl";
        let value = format!("Bearer {token}");
        let redactor = Redactor::new(&[("Authorization".to_owned(), value)]);
        for (how, text) in altered(token) {
            assert!(!redactor.text(&text).contains("eyJzdWIi"), "{how}");
            assert!(!redactor.text(&text).contains("c2lnbmF0"), "{how}");
        }
    }

    #[test]
    fn a_secret_that_is_like_its_replacement_ends_no_loop() {
        let redactor = Redactor::new(&[("X-API-Key".to_owned(), "redacted1".to_owned())]);
        assert_eq!(
            redactor.bytes(b"redacted1 redacted"),
            b"<redacted> redacted"
        );
        let more = Redactor::default().and(&["revoked-key".to_owned()]);
        assert_eq!(more.text("a revoked-key!"), "a <redacted>!");
    }

    #[test]
    fn the_users_fields_are_redacted_whole_and_harmless_ones_shown() {
        assert_eq!(
            redactor().header("authorization", "Bearer s3cr3t-t0ken"),
            REDACTED
        );
        assert_eq!(redactor().header("x-id", "1"), REDACTED);
        assert_eq!(
            redactor().text("1 of 10 application/json"),
            "1 of 10 application/json"
        );
    }
}
