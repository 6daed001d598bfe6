//! Strings: by length, pattern and format, and of every corner of Unicode.

use serde_json::Value;

use super::{
    formats,
    maker::Maker,
    pattern::{self, LONGEST_TEXT},
    shape::Shape,
};

/// What a shape asks of a string.
#[derive(Clone, Debug)]
pub(super) struct TextRule<'s> {
    /// Code points at least.
    pub(super) least: usize,
    /// Code points at most.
    pub(super) most: usize,
    patterns: Vec<&'s str>,
    formats: Vec<&'s str>,
}

/// Ways to fill a length: bytes, UTF-16 units and what a reader sees as a letter differ.
pub(super) const FILLINGS: [(&str, &str); 3] = [
    ("letters", "abcdefghij"),
    ("astral characters", "😀"),
    ("combining marks", "e\u{301}"),
];

/// Strings with something in them, each repeated or cut to the length that is asked for.
const CONTENTS: [(&str, &str); 21] = [
    ("an astral character", "😀"),
    ("quotes and backslashes", "\"\\/'`"),
    ("accents and CJK", "Zürich 東京"),
    ("NUL", "a\0b"),
    ("a numeric string", "42"),
    ("the word null", "null"),
    ("control characters", "\u{1}\u{1f}\u{7f}\u{9f}"),
    ("line ends and tabs", "a\r\n\tb"),
    ("U+2028 and U+2029", "a\u{2028}b\u{2029}"),
    ("combining marks", "e\u{301}\u{327}"),
    ("right-to-left letters", "שלום عالم"),
    ("a right-to-left override", "a\u{202e}b"),
    ("noncharacters", "\u{fffe}\u{ffff}\u{fdd0}\u{1ffff}"),
    ("the last code point", "\u{10ffff}"),
    ("a byte order mark", "\u{feff}a"),
    ("a joined emoji", "👩\u{200d}👩\u{200d}👧"),
    ("blanks at both ends", " a "),
    ("an exponent", "1e400"),
    ("a template", "{{7*7}} %s ${x}"),
    ("the word true", "true"),
    ("letters of other case rules", "İıßſ"),
];

impl<'s> Maker<'s> {
    /// What the atoms of a shape ask of a string.
    pub(super) fn text_rule(&self, shape: &Shape) -> TextRule<'s> {
        TextRule {
            least: self.at_least(shape, "minLength"),
            most: self.at_most(shape, "maxLength"),
            patterns: self
                .values(shape, "pattern")
                .filter_map(Value::as_str)
                .collect(),
            formats: self
                .values(shape, "format")
                .filter_map(Value::as_str)
                .filter(|format| formats::examples(format).is_some())
                .collect(),
        }
    }

    /// Whether a string keeps the lengths and patterns of a rule.
    pub(super) fn text_fits(&mut self, rule: &TextRule<'_>, text: &str) -> bool {
        let length = text.chars().count();
        (rule.least..=rule.most).contains(&length) && self.text_matches(rule, text)
    }

    fn text_matches(&mut self, rule: &TextRule<'_>, text: &str) -> bool {
        rule.patterns
            .iter()
            .all(|pattern| self.matches(pattern, text))
    }

    /// Strings that keep a rule, the telling ones first.
    pub(super) fn texts(&mut self, rule: &TextRule<'s>) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if rule.formats.is_empty() {
            if rule.most != usize::MAX {
                found.extend(self.texts_of_length(rule, rule.most, "exactly maxLength"));
            }
            found.extend(self.texts_of_length(rule, rule.least, "exactly minLength"));
        }
        found.extend(self.described_texts(rule));
        if rule.formats.is_empty() {
            found.extend(CONTENTS.iter().map(|(name, content)| {
                let length = content
                    .chars()
                    .count()
                    .clamp(rule.least, rule.most.max(rule.least));
                ((*name).to_owned(), fill(content, length))
            }));
        }
        found.retain(|(_, text)| self.text_fits(rule, text));
        found
    }

    /// Strings of exactly `length` that keep the patterns of a rule, whatever its lengths are.
    pub(super) fn texts_of_length(
        &mut self,
        rule: &TextRule<'s>,
        length: usize,
        name: &str,
    ) -> Vec<(String, String)> {
        if length > LONGEST_TEXT {
            return Vec::new();
        }
        let mut found: Vec<(String, String)> = FILLINGS
            .iter()
            .map(|(filling, content)| (format!("{name}, {filling}"), fill(content, length)))
            .collect();
        if length == 0 {
            found.truncate(1);
        }
        for described in &rule.patterns {
            let Some(hir) = pattern::parse(described) else {
                continue;
            };
            for _ in 0..4 {
                let text = pattern::generate(&hir, Some(length), &mut self.rng);
                let missing = length.saturating_sub(text.chars().count());
                found.push((name.to_owned(), format!("{text}{}", fill("a", missing))));
            }
        }
        found.retain(|(_, text)| text.chars().count() == length && self.text_matches(rule, text));
        found
    }

    /// What patterns and formats describe.
    fn described_texts(&mut self, rule: &TextRule<'s>) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for format in &rule.formats {
            let examples = formats::examples(format).unwrap_or_default();
            found.extend(
                examples
                    .iter()
                    .map(|text| (format!("a {format}"), (*text).to_owned())),
            );
        }
        for described in &rule.patterns {
            let Some(hir) = pattern::parse(described) else {
                continue;
            };
            let shortest = pattern::generate(&hir, Some(0), &mut self.rng);
            found.push(("as short as the pattern allows".to_owned(), shortest));
            for _ in 0..3 {
                let text = pattern::generate(&hir, None, &mut self.rng);
                found.push(("as the pattern describes".to_owned(), text));
            }
        }
        found
    }

    /// Some string that keeps a rule; the plainest one unless `random`.
    pub(super) fn some_text(&mut self, rule: &TextRule<'s>, random: bool) -> Option<String> {
        if rule.least > rule.most || rule.least > LONGEST_TEXT {
            return None;
        }
        let described = !rule.patterns.is_empty() || !rule.formats.is_empty();
        for attempt in 0..12 {
            let text = match (described, random || attempt > 3) {
                (false, false) => fill("sunny", 5.clamp(rule.least, rule.most)),
                (false, true) => self.random_text(rule),
                (true, random) => self.some_described(rule, random)?,
            };
            if self.text_fits(rule, &text) {
                return Some(text);
            }
        }
        self.texts(rule).into_iter().next().map(|(_, text)| text)
    }

    fn some_described(&mut self, rule: &TextRule<'s>, random: bool) -> Option<String> {
        if let Some(format) = rule.formats.first() {
            return match random {
                true => formats::random(format, &mut self.rng),
                false => formats::examples(format)?
                    .first()
                    .map(|text| (*text).to_owned()),
            };
        }
        let described = self.rng.pick(&rule.patterns).copied()?;
        let Some(hir) = pattern::parse(described) else {
            return Some(String::new());
        };
        let spread = rule.most.saturating_sub(rule.least).min(12);
        let wanted = rule.least + self.rng.below(spread + 1);
        let text = if random && rule.least == 0 && rule.most == usize::MAX {
            pattern::generate(&hir, None, &mut self.rng)
        } else {
            pattern::generate(&hir, Some(wanted.max(1)), &mut self.rng)
        };
        let missing = rule.least.saturating_sub(text.chars().count());
        Some(format!("{text}{}", fill("a", missing)))
    }

    fn random_text(&mut self, rule: &TextRule<'_>) -> String {
        let spread = rule.most.saturating_sub(rule.least).min(24);
        let length = rule.least + self.rng.below(spread + 1);
        let mut text = String::new();
        for _ in 0..length {
            let (_, content) = CONTENTS[self.rng.below(CONTENTS.len())];
            let letters: Vec<char> = if self.rng.chance(1, 3) {
                content.chars().collect()
            } else {
                ('a'..='z').chain('A'..='Z').chain('0'..='9').collect()
            };
            text.extend(self.rng.pick(&letters));
        }
        text
    }
}

/// `content` repeated, or cut, to `length` code points.
pub(super) fn fill(content: &str, length: usize) -> String {
    content
        .chars()
        .cycle()
        .take(length.min(LONGEST_TEXT))
        .collect()
}
