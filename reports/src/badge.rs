//! The badge: the level and how much was not covered, as SVG and as shields.io's endpoint has it.

use std::io;

use serde_json::json;

use crate::{ProfileLevel, Report, Status, Verdict, words};

const LABEL: &str = "ACP";
/// The space beside a text, in pixels.
const PADDING: usize = 6;

/// Colours with white text on them at a contrast of 4.5 or more (WCAG 2.2, 1.4.3).
const GREEN: &str = "#1f7a3d";
const BLUE: &str = "#1f6feb";
const AMBER: &str = "#8a5a00";
const RED: &str = "#b3261e";
const GREY: &str = "#57606a";

/// What the badge says, and in what colour.
fn message(report: &Report) -> (String, &'static str) {
    if report.verdict == Verdict::Error {
        return ("no verdict".to_owned(), GREY);
    }
    let (level, colour) = match report.level {
        ProfileLevel::Production => ("production", GREEN),
        ProfileLevel::Core => ("core", BLUE),
        ProfileLevel::None => ("no level", AMBER),
    };
    let mut parts = vec![level.to_owned(), coverage(report)];
    if report.summary.expected > 0 {
        parts.push(format!("{} excused", report.summary.expected));
    }
    if report.verdict == Verdict::Fail {
        parts.insert(0, "failing".to_owned());
        return (parts.join(" · "), RED);
    }
    (parts.join(" · "), colour)
}

/// How many rules were not decided, whatever the reason.
fn coverage(report: &Report) -> String {
    let undecided = [Status::Skip, Status::Inconclusive, Status::Error];
    let undecided: usize = undecided.map(|it| report.summary.number(it)).iter().sum();
    let total = report.results.len();
    match undecided {
        0 => format!("all {} covered", words::count(total, "rule", "rules")),
        _ => format!("{undecided} of {total} rules not covered"),
    }
}

/// Writes the badge as SVG.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let (message, colour) = message(report);
    let (left, right) = (width(LABEL) + 2 * PADDING, width(&message) + 2 * PADDING);
    let total = left + right;
    writeln!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img" aria-label="{LABEL}: {message}">
<title>{LABEL}: {message}</title>
<clipPath id="r"><rect width="{total}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#30363d"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">{}{}</g>
</svg>"##,
        placed(LABEL, PADDING),
        placed(&message, left + PADDING),
    )
}

/// The text at its place, as wide as was reckoned, whatever the font.
fn placed(text: &str, x: usize) -> String {
    let width = width(text);
    format!(r#"<text x="{x}" y="14" textLength="{width}">{text}</text>"#)
}

/// How wide a text is in Verdana at 11 pixels, nearly: three classes of letters are enough, as
/// `textLength` makes up for the rest.
fn width(text: &str) -> usize {
    let tenths = text.chars().map(|character| match character {
        'i' | 'j' | 'l' | ' ' | '·' | '.' | ',' | 'f' | 't' | 'r' => 40,
        'm' | 'w' | 'M' | 'W' => 100,
        'A'..='Z' => 76,
        _ => 68,
    });
    tenths.sum::<usize>().div_ceil(10)
}

/// Writes the badge for shields.io: <https://shields.io/badges/endpoint-badge>.
pub(crate) fn write_endpoint(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let (message, colour) = message(report);
    let badge = json!({
        "schemaVersion": 1,
        "label": LABEL,
        "message": message,
        "color": colour,
        "isError": report.verdict == Verdict::Error,
    });
    serde_json::to_writer_pretty(&mut *out, &badge)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Summary, sample};

    #[test]
    fn the_badge_is_an_svg() {
        let mut out = Vec::new();
        write(&sample::clean(), &mut out).expect("a vector takes everything");
        insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
    }

    #[test]
    fn the_endpoint_is_what_shields_reads() {
        let mut out = Vec::new();
        write_endpoint(&sample::clean(), &mut out).expect("a vector takes everything");
        insta::assert_snapshot!(String::from_utf8(out).expect("UTF-8"));
    }

    #[test]
    fn it_states_the_level_and_what_was_not_covered() {
        let mut report = sample::report();
        assert_eq!(message(&report), ("no verdict".to_owned(), GREY));
        report.results.retain(|it| it.status != Status::Error);
        report.summary = Summary::of(&report.results);
        report.verdict = Verdict::Fail;
        assert_eq!(
            message(&report),
            (
                "failing · no level · 5 of 14 rules not covered · 1 excused".to_owned(),
                RED
            )
        );
        assert_eq!(
            message(&sample::clean()),
            ("core · all 4 rules covered".to_owned(), BLUE)
        );
    }
}
