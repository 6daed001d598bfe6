//! The terminal face of a load report: what a person reads after a run, the most telling last.

use std::io;

use super::blocks::{self, Block, Kind, Table};
use super::words::{comparison, figure, share};
use super::{Baseline, Report, Threshold, curve, words};
use crate::layout::{BOLD, DIM, face, heading, labelled, paint, paragraph, verdict_style};
use crate::{Status, text};

/// Of the name of a row in a table this many characters are shown.
const NAME: usize = 21;

/// Writes a load report for a terminal.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    header(report, out)?;
    if report.requests.total > 0 {
        for block in blocks::all(report) {
            self::block(&block, out)?;
            if block.kind == Kind::Latency {
                curve(report, out)?;
            }
        }
    }
    thresholds(&report.thresholds, out)?;
    if let Some(baseline) = &report.baseline {
        self::baseline(baseline, out)?;
    }
    defects(report, out)?;
    notes(report, out)?;
    verdict(report, out)
}

fn header(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let tool = report.tool.as_ref();
    let tool = tool.map_or("acp-tck".to_owned(), |it| {
        format!("{} {}", it.name, it.version)
    });
    let tool = paint(BOLD, &text::clip(&tool, NAME * 2));
    writeln!(out, "{tool} · load {}", text::clip(&report.scenario, NAME))?;
    for (label, line) in blocks::head(report) {
        labelled(out, label, text::clip(&line, text::SENTENCE))?;
    }
    Ok(())
}

fn block(block: &Block, out: &mut dyn io::Write) -> io::Result<()> {
    heading(out, block.title)?;
    for (label, line) in &block.rows {
        labelled(out, label, text::clip(line, text::SENTENCE))?;
    }
    block
        .table
        .iter()
        .try_for_each(|table| self::table(table, out))
}

fn table(table: &Table, out: &mut dyn io::Write) -> io::Result<()> {
    let names = table.rows.iter().map(|row| short(&row[0], NAME));
    let names: Vec<_> = names.collect();
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max(12);
    let cells = |cells: &[String]| {
        // The first is a count, and may be great.
        let cells = cells.iter().enumerate();
        let cells = cells.map(|(at, cell)| format!("{cell:>0$}", if at == 0 { 7 } else { 6 }));
        cells.collect::<Vec<_>>().join(" ")
    };
    let head: Vec<_> = table.head[1..].iter().map(|it| (*it).to_owned()).collect();
    let head = format!("  {:width$} {}", table.head[0], cells(&head));
    writeln!(out, "{}", paint(DIM, head.trim_end()))?;
    for (name, row) in names.iter().zip(&table.rows) {
        writeln!(out, "  {name:width$} {}", cells(&row[1..]))?;
    }
    Ok(())
}

/// A name that fits its column, cut where it does not.
fn short(name: &str, limit: usize) -> String {
    let (shown, rest) = text::split(name, limit - 1);
    let cut = if rest.is_empty() { "" } else { "…" };
    format!("{}{cut}", text::escape(shown))
}

fn curve(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let lines = curve::lines(&report.curve);
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    for line in lines {
        writeln!(out, "{line}")?;
    }
    writeln!(
        out,
        "{}",
        paint(DIM, "      ms by percentile; both axes logarithmic")
    )
}

fn thresholds(thresholds: &[Threshold], out: &mut dyn io::Write) -> io::Result<()> {
    if thresholds.is_empty() {
        return Ok(());
    }
    heading(out, "Thresholds")?;
    for threshold in thresholds {
        let status = if threshold.holds {
            Status::Pass
        } else {
            Status::Fail
        };
        let (mark, _, style) = face(status);
        let word = if threshold.holds { "holds" } else { "MISSED" };
        let value = match (threshold.value, &threshold.why) {
            (Some(value), _) => format!("is {}", figure(threshold.unit, value)),
            (None, Some(_)) => "is not known".to_owned(),
            (None, None) => threshold.lack().to_owned(),
        };
        let expression = text::clip(&threshold.expression, NAME * 2);
        let mark = paint(style, &format!("{mark} {word:6}"));
        writeln!(
            out,
            "  {mark} {expression}  {}",
            paint(DIM, &format!("({value})"))
        )?;
        if let Some(why) = &threshold.why {
            paragraph(out, 11, &text::clip(why, text::SENTENCE))?;
        }
    }
    Ok(())
}

fn baseline(baseline: &Baseline, out: &mut dyn io::Write) -> io::Result<()> {
    heading(out, "Beside the baseline")?;
    labelled(out, "file", text::clip(&baseline.file, text::SENTENCE))?;
    labelled(out, "allowed", share(baseline.max_regression))?;
    for difference in &baseline.differences {
        labelled(out, "differs", text::clip(difference, text::SENTENCE))?;
    }
    for metric in &baseline.metrics {
        let status = match (metric.regressed, metric.significant) {
            (true, _) => Status::Fail,
            (false, true) => Status::Pass,
            (false, false) => Status::Skip,
        };
        let (mark, _, style) = face(status);
        let name = text::clip(&metric.name, NAME);
        let [low, high] = metric.interval.map(|edge| format!("{:+.1}", edge * 100.0));
        let change = format!("{:+.1} % [{low}, {high}]", metric.change * 100.0);
        let before = figure(metric.unit, metric.before);
        let after = figure(metric.unit, metric.after);
        writeln!(
            out,
            "  {} {name:12} {before} → {after}  {change}",
            paint(style, mark)
        )?;
        paragraph(out, 17, comparison(metric))?;
    }
    Ok(())
}

fn defects(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.defects.is_empty() {
        return Ok(());
    }
    heading(out, &format!("Defects ({})", report.defects.len()))?;
    let (mark, _, style) = face(Status::Fail);
    for defect in &report.defects {
        let name = paint(BOLD, &short(&defect.name, 60));
        let count = match defect.count {
            0 | 1 => String::new(),
            count => paint(DIM, &format!("  ({count} times)")),
        };
        writeln!(out, "{} {name}{count}", paint(style, mark))?;
        paragraph(out, 2, &text::clip(&defect.message, text::SENTENCE))?;
    }
    Ok(())
}

fn notes(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.notes.is_empty() {
        return Ok(());
    }
    heading(out, "Notes")?;
    for note in &report.notes {
        paragraph(out, 2, &text::clip(note, text::SENTENCE))?;
    }
    Ok(())
}

fn verdict(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out)?;
    if !report.generator.trusted {
        let why = report
            .generator
            .why
            .as_deref()
            .unwrap_or("the generator was too slow");
        let (.., style) = face(Status::Warn);
        writeln!(out, "{}", paint(style.bold(), "NOT TRUSTED"))?;
        paragraph(out, 2, &text::clip(why, text::SENTENCE))?;
    }
    let style = verdict_style(report.verdict);
    writeln!(out, "{}", paint(style, &words::verdict(report)))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    /// The text without its colours.
    fn plain(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        let styled = String::from_utf8(out).expect("the text is UTF-8");
        let mut pieces = styled.split('\u{1b}');
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (_, rest) = piece.split_once('m').expect("a colour ends in m");
            plain.push_str(rest);
        }
        plain
    }

    #[test]
    fn a_cache_under_load_is_written_for_a_person() {
        insta::assert_snapshot!(plain(&sample::cache()));
    }

    #[test]
    fn a_rate_limit_is_written_for_a_person() {
        insta::assert_snapshot!(plain(&sample::rate_limit()));
    }

    #[test]
    fn streams_capacity_and_drift_are_written_for_a_person() {
        insta::assert_snapshot!(plain(&sample::rest()));
    }

    #[test]
    fn a_run_without_an_agent_says_so_and_shows_no_figures() {
        insta::assert_snapshot!(plain(&sample::unreachable()));
    }

    #[test]
    fn the_head_is_written_as_that_of_a_check_is() {
        let mut report = sample::cache();
        report.target.url = "http://127.0.0.1:8000/".to_owned();
        for began in [
            "2026-11-22T10:00:00.123456789Z",
            "2026-11-22T10:00:00.1234Z",
        ] {
            report.started_at = began.to_owned();
            let text = plain(&report);
            assert!(text.contains("2026-11-22T10:00:00.123Z, seed"), "{text}");
            assert!(text.contains("http://127.0.0.1:8000\n"), "{text}");
        }
    }

    #[test]
    fn invalid_requests_stand_beside_the_total_that_leaves_them_out() {
        let mut report = sample::cache();
        report.invalid = Some(crate::load::Invalid {
            sent: 603,
            refused: 603,
            ..crate::load::Invalid::default()
        });
        assert!(plain(&report).contains("and 603 invalid ones beside them"));
    }

    #[test]
    fn a_percentile_among_the_dropped_says_why_it_does_not_hold() {
        let mut report = sample::cache();
        report.thresholds[0].value = None;
        let why =
            "317 of the 800 arrivals were dropped, and p95 lies among them: they waited for ever";
        report.thresholds[0].why = Some(why.to_owned());
        let text = plain(&report);
        assert!(
            text.contains("(is not known)\n           317 of the 800"),
            "{text}"
        );
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= crate::layout::WIDTH)
        );
    }

    #[test]
    fn no_line_is_too_wide() {
        for report in sample::all() {
            for line in plain(&report).lines() {
                assert!(line.chars().count() <= crate::layout::WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn an_agent_can_neither_act_on_the_screen_nor_forge_a_line() {
        let text = plain(&sample::hostile());
        assert!(!text.contains("\u{1b}") && !text.contains('\u{202e}'));
        assert!(!text.lines().any(|line| line.starts_with("HOLDS")));
        assert!(text.len() < 20_000, "{} bytes", text.len());
    }
}
