//! Sentences in which some words are code.

use serde::Serialize;

use crate::text;

/// A part of a sentence: what stands between backquotes is code.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Word {
    text: String,
    is_code: bool,
}

/// A sentence in parts. A backquote without a partner stands for itself.
pub(super) fn prose(text: &str) -> Vec<Word> {
    let text = text::clip(text, text::SENTENCE);
    let pieces: Vec<&str> = text.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return vec![Word {
            text,
            is_code: false,
        }];
    }
    let pieces = pieces.into_iter().enumerate();
    let words = pieces.map(|(index, piece)| Word {
        text: piece.to_owned(),
        is_code: index % 2 == 1,
    });
    words.filter(|word| !word.text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backquotes_is_code() {
        let shown = |text| {
            let words = prose(text).into_iter();
            let words = words.map(|word| match word.is_code {
                true => format!("<{}>", word.text),
                false => word.text,
            });
            words.collect::<String>()
        };
        assert_eq!(shown("Each `data` is `JSON`."), "Each <data> is <JSON>.");
        assert_eq!(shown("a ` b"), "a ` b");
    }
}
