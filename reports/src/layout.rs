//! Lines on a terminal: styles, marks, wrapping, labels in a column. Knows no report.

use std::io;

use anstyle::{AnsiColor, Style};

use crate::details::{Flow, Row};
use crate::{Status, Verdict};

/// The width that text is broken at. A fixed one, so that a report is the same everywhere;
/// the narrowest terminal that is still common.
pub(crate) const WIDTH: usize = 80;

/// Labels stand in a column of this width, indented by two.
const LABEL: usize = 13;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
const PLAIN: Style = Style::new();
const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const MAGENTA: Style = AnsiColor::Magenta.on_default();

/// Text in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The mark, the word and the style of a status. The word always stands beside the mark.
pub(crate) fn face(status: Status) -> (&'static str, &'static str, Style) {
    match status {
        Status::Pass => ("✓", "PASS", GREEN),
        Status::Fail => ("✗", "FAIL", RED),
        Status::Warn => ("!", "WARN", YELLOW),
        Status::Skip => ("-", "SKIP", DIM),
        Status::Inconclusive => ("?", "INCONCLUSIVE", MAGENTA),
        Status::Error => ("✗", "ERROR", MAGENTA),
        Status::Expected => ("~", "EXPECTED", DIM),
    }
}

/// The style that a verdict is said in.
pub(crate) fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => GREEN.bold(),
        Verdict::Fail => RED.bold(),
        Verdict::Error => MAGENTA.bold(),
    }
}

/// A heading, after an empty line.
pub(crate) fn heading(out: &mut dyn io::Write, text: &str) -> io::Result<()> {
    writeln!(out)?;
    writeln!(out, "{}", paint(BOLD, text))
}

/// Text of any length, indented, broken at the width.
pub(crate) fn paragraph(out: &mut dyn io::Write, indent: usize, text: &str) -> io::Result<()> {
    for line in wrap(text, WIDTH - indent) {
        writeln!(out, "{:indent$}{line}", "")?;
    }
    Ok(())
}

/// A label in its column; an empty one for what stands below another.
pub(crate) fn label(name: &str) -> String {
    let colon = if name.is_empty() { "" } else { ":" };
    format!(
        "  {}",
        paint(DIM, &format!("{:LABEL$}", format!("{name}{colon}")))
    )
}

/// A label in its column, and its lines beside it.
pub(crate) fn row(out: &mut dyn io::Write, row: &Row) -> io::Result<()> {
    let style = match row.label {
        "expected" => GREEN,
        "got" => RED,
        _ => PLAIN,
    };
    let mut label = row.label;
    for line in &row.lines {
        let pieces = match row.flow {
            Flow::Wrap => wrap(line, WIDTH - LABEL - 2),
            Flow::AsIs => vec![line.clone()],
        };
        for piece in pieces {
            let column = self::label(std::mem::take(&mut label));
            writeln!(out, "{column}{}", paint(style, &piece))?;
        }
    }
    Ok(())
}

/// A label in its column, and one text beside it.
pub(crate) fn labelled(
    out: &mut dyn io::Write,
    label: &'static str,
    text: String,
) -> io::Result<()> {
    let lines = vec![text];
    let flow = Flow::Wrap;
    row(out, &Row { label, lines, flow })
}

/// Breaks at spaces where it can, and within a word where it must.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 && used + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if index > 0 {
            line.push(' ');
            used += 1;
        }
        for character in word.chars() {
            if used == width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(character);
            used += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_spaces_and_words_only_where_they_are_too_long() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("aaaaaaa b", 5), ["aaaaa", "aa b"]);
        assert_eq!(wrap("a  b", 5), ["a  b"]);
    }

    #[test]
    fn a_line_that_is_to_be_copied_is_not_broken() {
        let copied = Row {
            label: "curl",
            lines: vec!["x y ".repeat(100)],
            flow: Flow::AsIs,
        };
        let mut out = Vec::new();
        row(&mut out, &copied).expect("a vector takes everything");
        let text = String::from_utf8(out).expect("styled text is UTF-8");
        assert_eq!(text.lines().count(), 1);
    }
}
