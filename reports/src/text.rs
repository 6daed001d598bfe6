//! Making text that an agent sent safe to show, and short enough to read.

use std::borrow::Cow;

/// Replaces what a terminal would act on (control characters, bidirectional overrides) by
/// visible escapes. Line feeds are escaped too: the result is one line.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_unsafe(character) {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Cuts `text` to at most `limit` characters, and says how many were left out.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    let Some((cut, _)) = text.char_indices().nth(limit) else {
        return Cow::Borrowed(text);
    };
    let left_out = text[cut..].chars().count();
    Cow::Owned(format!("{}… ({left_out} more characters)", &text[..cut]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_sequence_is_shown_and_not_acted_on() {
        assert_eq!(escape("\u{1b}[31mred\n"), "\\u{1b}[31mred\\n");
        assert_eq!(escape("plain ü 🌍"), "plain ü 🌍");
    }

    #[test]
    fn a_long_text_says_how_much_is_missing() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü… (1 more characters)");
    }
}
