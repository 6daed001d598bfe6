//! Times as RFC 3339, section 5.6, has them: no other form of ISO 8601, and always with a zone.

use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

static FORM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // jiff reads more forms, and at most nine digits of a fraction.
    Regex::new(r"^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?)\d*([Zz]|[+-]\d\d:\d\d)$").ok()
});

/// The time that a text tells, if it is an RFC 3339 date-time.
pub(crate) fn rfc3339(text: &str) -> Option<Timestamp> {
    let parts = FORM.as_ref()?.captures(text)?;
    format!("{}{}", &parts[1], &parts[2]).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_rfc_allows_is_read() {
        for text in [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00.1234567890123z",
            "2026-01-31 12:00:00+01:00",
        ] {
            assert!(rfc3339(text).is_some(), "{text}");
        }
    }

    #[test]
    fn other_forms_of_iso_8601_are_not() {
        for text in [
            "2026-01-31T12:00:00",
            "20260131T120000Z",
            "2026-01-31T12Z",
            "2026-01-31T12:00:00+01",
            "2026-01-31T12:00:00,5Z",
            "2026-01-31T12:00:00+01:00[Europe/Paris]",
            "+002026-01-31T12:00:00Z",
            "2026-02-30T12:00:00Z",
        ] {
            assert!(rfc3339(text).is_none(), "{text}");
        }
    }
}
