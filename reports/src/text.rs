//! Making text that an agent sent safe to show, and short enough to read.

use std::borrow::Cow;

/// Of a sentence (a message, a note) this many characters are shown: five lines of a terminal,
/// which no honest one exceeds.
pub(crate) const SENTENCE: usize = 400;

/// Replaces what a terminal would act on or not show (control characters, bidirectional
/// overrides, invisible characters, non-characters) by visible escapes. Line feeds are escaped
/// too: the result is one line, and every character of it may stand in XML.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        push_safe(&mut safe, character);
    }
    Cow::Owned(safe)
}

fn push_safe(safe: &mut String, character: char) {
    if is_unsafe(character) {
        safe.extend(character.escape_default());
    } else {
        safe.push(character);
    }
}

fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{fffe}'
                | '\u{ffff}'
                | '\u{e0000}'..='\u{e007f}'
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

/// Escapes and cuts: at most `limit` characters are shown, escapes counted as they are shown,
/// and a word on how much is missing.
pub(crate) fn clip(text: &str, limit: usize) -> String {
    let (shown, rest) = split(text, limit);
    match left_out(rest) {
        Some(more) => format!("{}{more}", escape(shown)),
        None => escape(shown).into_owned(),
    }
}

/// Splits where what comes before takes at most `limit` characters when it is escaped.
pub(crate) fn split(text: &str, limit: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += if is_unsafe(character) {
            character.escape_default().count()
        } else {
            1
        };
        if used > limit {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// How much of a text is not shown, in words; nothing if all of it is.
pub(crate) fn left_out(rest: &str) -> Option<String> {
    let more = match rest.chars().count() {
        0 => return None,
        1 => "1 more character".to_owned(),
        number => format!("{number} more characters"),
    };
    Some(format!("… ({more})"))
}

/// Where in a shell command a character stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Bare,
    Single,
    Double,
    Dollar,
}

/// A shell command as one line that does the same and that no terminal acts on: what
/// [`escape`] would replace becomes a `$'\x1b'` piece, at home in sh (POSIX 2024), bash, zsh.
pub(crate) fn one_shell_line(command: &str) -> String {
    let mut line = String::with_capacity(command.len());
    let mut quoting = Quoting::Bare;
    let mut characters = command.chars().peekable();
    while let Some(character) = characters.next() {
        if is_unsafe(character) {
            push_bytes(&mut line, character, quoting);
        } else if character == '\\' && quoting != Quoting::Single {
            push_escaped(&mut line, characters.next(), quoting);
        } else if quoting == Quoting::Bare
            && character == '$'
            && characters.next_if_eq(&'\'').is_some()
        {
            quoting = Quoting::Dollar;
            line.push_str("$'");
        } else {
            quoting = after(character, quoting);
            line.push(character);
        }
    }
    line
}

fn after(character: char, quoting: Quoting) -> Quoting {
    match (quoting, character) {
        (Quoting::Bare, '\'') => Quoting::Single,
        (Quoting::Bare, '"') => Quoting::Double,
        (Quoting::Single | Quoting::Dollar, '\'') | (Quoting::Double, '"') => Quoting::Bare,
        _ => quoting,
    }
}

fn push_escaped(line: &mut String, escaped: Option<char>, quoting: Quoting) {
    match escaped {
        // A shell removes a continued line end, so it can be left out here.
        Some('\n') if quoting != Quoting::Dollar => {}
        Some(character) if is_unsafe(character) => {
            // Only bare does a backslash vanish; elsewhere it stands for itself here.
            if quoting != Quoting::Bare {
                line.push_str(r"\\");
            }
            push_bytes(line, character, quoting);
        }
        _ => {
            line.push('\\');
            line.extend(escaped);
        }
    }
}

fn push_bytes(line: &mut String, character: char, quoting: Quoting) {
    let (open, close) = match quoting {
        Quoting::Bare => ("$'", "'"),
        Quoting::Single => ("'$'", "''"),
        Quoting::Double => ("\"$'", "'\""),
        Quoting::Dollar => ("", ""),
    };
    line.push_str(open);
    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
        line.push_str(&format!("\\x{byte:02x}"));
    }
    line.push_str(close);
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
    fn what_cannot_be_seen_is_made_visible() {
        assert_eq!(
            escape("a\u{202e}b\u{200b}\u{9b}\u{fffe}\u{e0041}"),
            r"a\u{202e}b\u{200b}\u{9b}\u{fffe}\u{e0041}"
        );
        assert_eq!(escape("👩\u{200d}🌾"), "👩\u{200d}🌾");
    }

    #[test]
    fn a_long_text_says_how_much_is_missing() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äöü… (1 more characters)");
    }

    #[test]
    fn a_clipped_text_is_bounded_and_safe() {
        let escapes = "\u{1b}\u{1b}\u{1b}";
        assert_eq!(clip(escapes, 6), r"\u{1b}… (2 more characters)");
        assert_eq!(clip(escapes, 17), r"\u{1b}\u{1b}… (1 more character)");
        assert_eq!(clip(escapes, 18), r"\u{1b}\u{1b}\u{1b}");
    }

    #[test]
    fn an_ordinary_command_is_left_as_it_is() {
        let command = r#"curl -H "A: \"$B" -d '{"a":"b\n"}' 'it'\''s' $'\x1b\'' http://h/"#;
        assert_eq!(one_shell_line(command), command);
    }

    #[test]
    fn a_command_keeps_its_meaning_when_it_is_made_one_safe_line() {
        let command = "curl -d 'a\u{1b}\nb' \\\n \"x\ty\" $'z\u{202e}' \u{7}";
        assert_eq!(
            one_shell_line(command),
            r#"curl -d 'a'$'\x1b'''$'\x0a''b'  "x"$'\x09'"y" $'z\xe2\x80\xae' $'\x07'"#
        );
    }
}
