//! The Markdown face of a load report: for a job's summary, or a comment on a change.

use std::io;

use super::blocks::{self, Kind, Table};
use super::words::{comparison, figure, share};
use super::{Report, curve, words};
use crate::text;

/// Writes a load report as GitHub-flavoured Markdown.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "## Load: {}\n", cell(&report.scenario))?;
    writeln!(out, "**{}**\n", cell(&words::verdict(report)))?;
    if let (false, Some(why)) = (report.generator.trusted, &report.generator.why) {
        writeln!(out, "**Not trusted:** {}\n", cell(why))?;
    }
    rows(&blocks::head(report), out)?;
    gates(report, out)?;
    if report.requests.total > 0 {
        figures(report, out)?;
    }
    list(out, "Notes", report.notes.iter().map(|note| cell(note)))
}

/// What decides stands before what explains.
fn gates(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let defects = report.defects.iter();
    let defects = defects.map(|it| format!("**{}**: {}", cell(&it.name), cell(&it.message)));
    list(out, "Defects", defects)?;
    if !report.thresholds.is_empty() {
        let lines = report.thresholds.iter().map(|it| {
            let value = match it.value {
                Some(value) => figure(it.unit, value),
                None => cell(it.why.as_deref().unwrap_or("not measured")),
            };
            let holds = if it.holds { "holds" } else { "**missed**" };
            vec![cell(&it.expression), value, holds.to_owned()]
        });
        writeln!(out, "### Thresholds\n")?;
        grid(out, &["threshold", "is", ""], lines)?;
    }
    let Some(baseline) = &report.baseline else {
        return Ok(());
    };
    let allowed = share(baseline.max_regression);
    writeln!(
        out,
        "### Beside {} (allowed: {allowed})\n",
        cell(&baseline.file)
    )?;
    let lines = baseline.metrics.iter().map(|it| {
        let [low, high] = it.interval.map(|edge| format!("{:+.1}", edge * 100.0));
        vec![
            cell(&it.name),
            figure(it.unit, it.before),
            figure(it.unit, it.after),
            format!("{:+.1} % [{low}, {high}]", it.change * 100.0),
            comparison(it).to_owned(),
        ]
    });
    grid(
        out,
        &["figure", "before", "after", "change [95 %]", ""],
        lines,
    )
}

fn figures(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for block in blocks::all(report) {
        writeln!(out, "### {}\n", block.title)?;
        rows(&block.rows, out)?;
        if let Some(Table { head, rows }) = &block.table {
            let lines = rows
                .iter()
                .map(|row| row.iter().map(|it| cell(it)).collect());
            grid(out, head, lines)?;
        }
        if block.kind == Kind::Latency {
            let lines = curve::lines(&report.curve);
            if !lines.is_empty() {
                writeln!(out, "```text\n{}\n```\n", lines.join("\n"))?;
            }
        }
    }
    Ok(())
}

fn rows(rows: &[(&str, String)], out: &mut dyn io::Write) -> io::Result<()> {
    for (label, line) in rows {
        match *label {
            "" => writeln!(out, "- {}", cell(line))?,
            label => writeln!(out, "- {label}: {}", cell(line))?,
        }
    }
    if !rows.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn list(
    out: &mut dyn io::Write,
    title: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> io::Result<()> {
    if lines.len() == 0 {
        return Ok(());
    }
    writeln!(out, "### {title}\n")?;
    for line in lines {
        writeln!(out, "- {line}")?;
    }
    writeln!(out)
}

fn grid(
    out: &mut dyn io::Write,
    head: &[&str],
    lines: impl Iterator<Item = Vec<String>>,
) -> io::Result<()> {
    writeln!(out, "| {} |", head.join(" | "))?;
    // Names stand left, figures right.
    let rule = head.iter().skip(1).map(|_| "---:");
    let rule: Vec<_> = std::iter::once("---").chain(rule).collect();
    writeln!(out, "| {} |", rule.join(" | "))?;
    for line in lines {
        writeln!(out, "| {} |", line.join(" | "))?;
    }
    writeln!(out)
}

/// Text of any origin as one line that Markdown gives no meaning to.
fn cell(text: &str) -> String {
    let mut safe = String::new();
    for character in text::clip(text, text::SENTENCE).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            // A mention of somebody would send them a mail.
            '@' => safe.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("Markdown is text")
    }

    #[test]
    fn a_load_run_is_written_as_markdown() {
        insta::assert_snapshot!(written(&sample::cache()));
    }

    #[test]
    fn what_an_agent_says_is_text_and_no_markup() {
        let text = written(&sample::hostile());
        assert!(!text.contains("<script") && !text.contains("[a]"), "{text}");
        assert!(!text.contains(" @"), "{text}");
    }
}
