//! Strings that a regular expression describes, read as ECMA-262 reads it.

use fancy_regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::rng::Rng;

/// As in the validator: a millisecond of backtracking.
const BACKTRACK_LIMIT: usize = 20_000;
/// Characters of a generated string: four bytes each still fit a case.
pub(super) const LONGEST_TEXT: usize = 16_000;
/// Steps of writing one string: repetitions of what may be empty, within each other, come to no
/// end and to no text.
const MOST_STEPS: usize = 200_000;
/// What a large class (`.` above all) is drawn from, where it has them: one of each sort that
/// look-aheads tend to ask for.
const FAVOURITES: &str = "aA1b_-Z9z.!0x ";

/// Compiles for matching; `None` where it cannot be read.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(&translate(pattern))
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .ok()
}

/// Parses for generating: look-arounds are left out, the caller tests what comes of it.
pub(super) fn parse(pattern: &str) -> Option<Hir> {
    let translated = translate(pattern);
    regex_syntax::parse(&without_look_around(&translated)).ok()
}

/// A string of the expression, about `length` characters long where it is given, else of a
/// length left to chance. Greedy for a given length: the first repetition takes what it can.
pub(super) fn generate(hir: &Hir, length: Option<usize>, rng: &mut Rng) -> String {
    let least = least_length(hir);
    let wanted = length
        .unwrap_or_else(|| least + rng.below(9))
        .min(LONGEST_TEXT);
    let mut writer = Writer {
        steps: MOST_STEPS,
        spare: wanted.saturating_sub(least),
        greedy: length.is_some(),
        out: String::new(),
        rng,
    };
    writer.write(hir);
    writer.out
}

struct Writer<'r> {
    steps: usize,
    spare: usize,
    greedy: bool,
    out: String,
    rng: &'r mut Rng,
}

impl Writer<'_> {
    fn write(&mut self, hir: &Hir) {
        if self.out.len() > 4 * LONGEST_TEXT {
            return;
        }
        let Some(steps) = self.steps.checked_sub(1) else {
            return;
        };
        self.steps = steps;
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.out.push_str(&String::from_utf8_lossy(&literal.0)),
            HirKind::Class(class) => self.out.extend(pick(class, self.rng)),
            HirKind::Capture(capture) => self.write(&capture.sub),
            HirKind::Concat(parts) => parts.iter().for_each(|part| self.write(part)),
            HirKind::Alternation(ways) => self.write_one_of(ways),
            HirKind::Repetition(repetition) => {
                let unit = least_length(&repetition.sub).max(1);
                let room = repetition.max.map_or(u32::MAX, |max| max - repetition.min);
                let most = (self.spare / unit).min(room as usize);
                let more = if self.greedy {
                    most
                } else {
                    self.rng.below(most + 1)
                };
                self.spare -= more * unit;
                for _ in 0..(repetition.min as usize).min(LONGEST_TEXT) + more {
                    if self.steps == 0 {
                        break;
                    }
                    self.write(&repetition.sub);
                }
            }
        }
    }

    fn write_one_of(&mut self, ways: &[Hir]) {
        let least = ways.iter().map(least_length).min().unwrap_or_default();
        let affordable: Vec<&Hir> = ways
            .iter()
            .filter(|way| least_length(way) - least <= self.spare)
            .collect();
        if let Some(way) = self.rng.pick(&affordable) {
            self.spare -= least_length(way) - least;
            self.write(way);
        }
    }
}

/// Characters of the shortest string, roughly.
pub(super) fn least_length(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).chars().count(),
        HirKind::Class(_) => 1,
        HirKind::Capture(capture) => least_length(&capture.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .map(least_length)
            .fold(0, usize::saturating_add),
        HirKind::Alternation(ways) => ways.iter().map(least_length).min().unwrap_or(0),
        HirKind::Repetition(repetition) => {
            least_length(&repetition.sub).saturating_mul(repetition.min as usize)
        }
    }
}

fn pick(class: &Class, rng: &mut Rng) -> Option<char> {
    let Class::Unicode(class) = class else {
        return None;
    };
    let ranges = class.ranges();
    let has = |letter: char| {
        ranges
            .iter()
            .any(|r| (r.start()..=r.end()).contains(&letter))
    };
    let liked: Vec<char> = FAVOURITES.chars().filter(|letter| has(*letter)).collect();
    if !liked.is_empty() && !rng.chance(1, 4) {
        return rng.pick(&liked).copied();
    }
    let range = rng.pick(ranges)?;
    let (low, high) = (u32::from(range.start()), u32::from(range.end()));
    // Wide ranges are cut short: their first letters are the ones that people use.
    let drawn = low + u32::try_from(rng.below((high - low).min(95) as usize + 1)).ok()?;
    char::from_u32(drawn).or(Some(range.start()))
}

/// ECMA-262 to the syntax of the `regex` crates: ASCII `\d` and `\w`, `$` at the very end only,
/// classes that do not nest, escapes that the other side does not know.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut letters = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some(escaped) => translate_escape(escaped, in_class, &mut letters, &mut out),
                None => out.push_str("\\\\"),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                if letters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if letters.peek() == Some(&']') {
                    // `[]` is nothing and `[^]` anything in ECMA-262.
                    letters.next();
                    in_class = false;
                    let any = out.ends_with('^');
                    out.truncate(out.len() - 1 - usize::from(any));
                    out.push_str(if any {
                        "(?s:.)"
                    } else {
                        "[^\\x{0}-\\x{10FFFF}]"
                    });
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', letter]),
            '$' if !in_class => out.push_str("\\z"),
            other => out.push(other),
        }
    }
    out
}

type Letters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn translate_escape(escaped: char, in_class: bool, letters: &mut Letters<'_>, out: &mut String) {
    let class = |body: &str| {
        if in_class {
            body.to_owned()
        } else {
            format!("[{body}]")
        }
    };
    match escaped {
        'd' => out.push_str(&class("0-9")),
        'w' => out.push_str(&class("A-Za-z0-9_")),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^A-Za-z0-9_]"),
        '0' => out.push_str("\\x{0}"),
        'b' if in_class => out.push_str("\\x{8}"),
        'u' if letters.peek() != Some(&'{') => {
            let digits: String = letters.by_ref().take(4).collect();
            out.push_str(&format!("\\x{{{digits}}}"));
        }
        'u' => out.push_str("\\x"),
        'c' => {
            let control = letters.next().map_or(0, |letter| u32::from(letter) % 32);
            out.push_str(&format!("\\x{{{control:x}}}"));
        }
        '/' | '-' | '"' | '\'' | '@' | '%' | ',' | ':' | ';' | '=' | '!' | '<' | '>' | '_'
        | ' ' => {
            if escaped == '-' || escaped == '/' && in_class {
                out.push('\\');
            }
            out.push(escaped);
        }
        other => out.extend(['\\', other]),
    }
}

/// Cuts `(?=…)`, `(?!…)`, `(?<=…)` and `(?<!…)` out.
fn without_look_around(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(letter) = rest.chars().next() {
        if ["(?=", "(?!", "(?<=", "(?<!"]
            .iter()
            .any(|opening| rest.starts_with(opening))
        {
            rest = &rest[group_end(rest)..];
            continue;
        }
        let escaped = if letter == '\\' {
            rest.chars().nth(1)
        } else {
            None
        };
        let taken = letter.len_utf8() + escaped.map_or(0, char::len_utf8);
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

/// Bytes of the group that `pattern` opens with.
fn group_end(pattern: &str) -> usize {
    let (mut depth, mut escaped, mut in_class) = (0_usize, false, false);
    for (at, letter) in pattern.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => depth += 1,
            ')' if !in_class => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + letter.len_utf8();
        }
    }
    pattern.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_of_nothing_within_each_other_come_to_an_end() {
        let mut pattern = "(?!x)a?".to_owned();
        for _ in 0..6 {
            pattern = format!("(?:{pattern}){{1000}}");
        }
        let hir = parse(&pattern).expect("it can be read");
        assert!(generate(&hir, None, &mut Rng::new(0, 0)).len() <= LONGEST_TEXT);
    }
}
