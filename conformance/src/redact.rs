//! Keeping the user's secrets out of everything that leaves the process.

use serde_json::Value;

/// What stands in a secret's place.
pub(crate) const REDACTED: &str = "<redacted>";

/// Shorter values are not looked for in texts: they would be found everywhere.
const SHORTEST: usize = 4;
/// Header fields whose values are no secrets.
const HARMLESS: &[&str] = &[
    "accept",
    "accept-language",
    "accept-encoding",
    "content-type",
    "user-agent",
    "traceparent",
];

/// Knows the secrets, and takes them out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redactor {
    names: Vec<String>,
    values: Vec<String>,
}

impl Redactor {
    /// Redacts the values of these header fields, with and without a scheme before them.
    #[must_use]
    pub(crate) fn new(headers: &[(String, String)]) -> Self {
        let mut redactor = Self::default();
        for (name, value) in headers {
            if HARMLESS
                .iter()
                .any(|harmless| name.eq_ignore_ascii_case(harmless))
            {
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
        redactor.values.retain(|value| value.len() >= SHORTEST);
        // The longest first: a token stands within its header's value.
        redactor
            .values
            .sort_by_key(|value| std::cmp::Reverse(value.len()));
        redactor
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
