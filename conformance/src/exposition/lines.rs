//! Line by line: comments, types, samples.

use std::collections::BTreeMap;

use super::families::Exposition;
use super::{Defect, Format};

/// More defects than this only repeat themselves.
const MOST_DEFECTS: usize = 20;
/// More samples than this are not kept; that is more than any scraper takes.
pub(super) const MOST_SAMPLES: usize = 200_000;

/// One value of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The line, from 1.
    pub line: usize,
    /// Its name, with the suffix if it has one.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

/// Reads a whole exposition.
#[must_use]
pub fn parse(text: &str, format: Format) -> (Exposition, Vec<Defect>) {
    let mut reader = Reader {
        exposition: Exposition::default(),
        defects: Vec::new(),
        line: 0,
    };
    if !text.is_empty() && !text.ends_with('\n') {
        reader.line = text.lines().count();
        reader.complain("the last line does not end with a line feed");
    }
    let mut has_ended = false;
    for (index, line) in text.split_terminator('\n').enumerate() {
        reader.line = index + 1;
        if has_ended {
            reader.complain("something follows `# EOF`");
            break;
        }
        has_ended = format == Format::OpenMetrics && line == "# EOF";
        if !has_ended {
            reader.read(line, format);
        }
    }
    if format == Format::OpenMetrics && !has_ended {
        reader.complain("there is no `# EOF` at the end");
    }
    let Reader {
        exposition,
        mut defects,
        ..
    } = reader;
    defects.extend(exposition.defects());
    defects.truncate(MOST_DEFECTS);
    (exposition, defects)
}

struct Reader {
    exposition: Exposition,
    defects: Vec<Defect>,
    line: usize,
}

impl Reader {
    fn complain(&mut self, message: impl Into<String>) {
        if self.defects.len() < MOST_DEFECTS {
            self.defects.push(Defect {
                line: self.line,
                message: message.into(),
            });
        }
    }

    fn read(&mut self, line: &str, format: Format) {
        if line.trim().is_empty() {
            if format == Format::OpenMetrics {
                self.complain("an empty line");
            }
            return;
        }
        if let Some(comment) = line.strip_prefix('#') {
            self.comment(comment.trim_start());
            return;
        }
        match sample(line) {
            Ok(sample) => {
                let sample = Sample {
                    line: self.line,
                    ..sample
                };
                if let Err(message) = self.exposition.add(sample) {
                    self.complain(message);
                }
            }
            Err(message) => self.complain(message),
        }
    }

    fn comment(&mut self, comment: &str) {
        let mut words = comment.splitn(3, ' ');
        let (keyword, name, rest) = (words.next(), words.next(), words.next());
        match (keyword, name) {
            (Some("TYPE"), Some(name)) => {
                let kind = rest.unwrap_or_default().trim();
                if let Err(message) = self.exposition.declare(name, kind) {
                    self.complain(message);
                }
            }
            (Some("HELP" | "TYPE" | "UNIT"), None) => self.complain("a comment without a name"),
            _ => {}
        }
    }
}

/// Whether a text can be the name of a metric; of a label if it has no colon.
pub(super) fn is_name(text: &str) -> bool {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    text.starts_with(is_first) && text.chars().all(|c| is_first(c) || c.is_ascii_digit())
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line
        .find(['{', ' ', '\t'])
        .ok_or("a sample without a value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name) {
        return Err(format!("`{}` is no name of a metric", shorten(name)));
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    // An exemplar stands behind a `#`; what it says is not looked at.
    let rest = rest.split(" # ").next().unwrap_or_default();
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let text = words.next().ok_or("a sample without a value")?;
    let value = number(text).ok_or_else(|| format!("`{}` is no value", shorten(text)))?;
    if let Some(time) = words.next() {
        number(time).ok_or_else(|| format!("`{}` is no timestamp", shorten(time)))?;
    }
    if words.next().is_some() {
        return Err("more than a value and a timestamp".to_owned());
    }
    Ok(Sample {
        line: 0,
        name: name.to_owned(),
        labels,
        value,
    })
}

/// The labels behind an opening brace, and what follows the closing one.
fn labels(mut rest: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = rest.split_once('=').ok_or("labels without an end")?;
        let name = name.trim();
        if !is_name(name) || name.contains(':') {
            return Err(format!("`{}` is no name of a label", shorten(name)));
        }
        let after = after.trim_start().strip_prefix('"');
        let (value, after) = quoted(after.ok_or("a label's value without quotes")?)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("the label `{name}` comes twice"));
        }
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None if rest.starts_with('}') => {}
            None => return Err("no comma between two labels".to_owned()),
        }
    }
}

/// A quoted text up to its closing quote, and what follows.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match letters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                _ => return Err("a backslash that escapes nothing".to_owned()),
            },
            letter => value.push(letter),
        }
    }
    Err("a label's value without an end".to_owned())
}

fn number(text: &str) -> Option<f64> {
    let is_plain = text
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    match text.trim_start_matches('+') {
        "Inf" | "inf" => Some(f64::INFINITY),
        "-Inf" | "-inf" => Some(f64::NEG_INFINITY),
        "NaN" | "nan" => Some(f64::NAN),
        text if is_plain => text.parse().ok(),
        _ => None,
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
