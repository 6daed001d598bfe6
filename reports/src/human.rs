//! The terminal face: what a person reads after a run, the most telling last.
//!
//! It always writes colours, as escape codes; a caller that does not want them strips them.
//! Nothing that an agent sent reaches the terminal unescaped, and colour never says anything
//! that a word beside it does not.

use std::io;

use crate::layout::{BOLD, DIM, heading, labelled, paint, paragraph, row};
use crate::{
    Dialect, Feature, Finding, ProfileLevel, Report, Stale, Status, details, layout, text, words,
};

/// The blocks that follow the table, in order, with their headings.
const SECTIONS: [(Status, &str); 4] = [
    (Status::Fail, "Failures"),
    (Status::Warn, "Warnings: SHOULDs that do not hold"),
    (Status::Error, "Errors: checks that failed themselves"),
    (Status::Expected, "Expected failures, excused"),
];

/// The words for counts, in the order in which they are listed.
const COUNTS: [(Status, &str, &str); 7] = [
    (Status::Pass, "passed", "passed"),
    (Status::Fail, "failed", "failed"),
    (Status::Warn, "warning", "warnings"),
    (Status::Inconclusive, "inconclusive", "inconclusive"),
    (Status::Error, "error", "errors"),
    (Status::Expected, "expected", "expected"),
    (Status::Skip, "skipped", "skipped"),
];

/// Of an area's name, this many characters are shown; those of the profile are half as long.
const AREA: usize = 30;

/// Writes a report for a terminal.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    header(report, out)?;
    if words::is_void(report) {
        return verdict(report, out);
    }
    areas(&report.results, out)?;
    reasons(&report.results, Status::Skip, "Skipped", out)?;
    let title = "Inconclusive: evidence is missing";
    reasons(&report.results, Status::Inconclusive, title, out)?;
    for (status, title) in SECTIONS {
        section(&report.results, status, title, out)?;
    }
    notes(&report.results, out)?;
    dialects(&report.dialects, out)?;
    unscored(report, out)?;
    stale(&report.stale_expectations, out)?;
    closing(report, out)
}

fn header(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let tool = format!("{} {}", report.tool.name, report.tool.version);
    let profile = format!("profile {}", report.profile);
    writeln!(
        out,
        "{} · {}",
        paint(BOLD, &text::escape(&tool)),
        text::escape(&profile)
    )?;
    labelled(out, "agent", text::clip(&report.target.url, text::SENTENCE))?;
    if let Some(id) = &report.target.agent_id {
        let version = report.target.agent_version.as_deref();
        let version = version.unwrap_or("(gives no version)");
        labelled(out, "", text::clip(&format!("{id} {version}"), 160))?;
    }
    let cases = words::count(report.cases, "case", "cases");
    let strict = if report.strict { ", strict" } else { "" };
    let run = format!(
        "{}, seed {}, {cases} a rule{strict}",
        report.started_at, report.seed
    );
    labelled(out, "run", text::clip(&run, text::SENTENCE))
}

fn areas(findings: &[Finding], out: &mut dyn io::Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    heading(out, "Rules by area")?;
    let areas = words::by_area(findings);
    let names = areas.iter().map(|(name, _)| name.chars().count());
    let width = names.max().unwrap_or(0).min(AREA);
    for (name, members) in areas {
        let number = |status| members.iter().filter(|it| it.status == status).count();
        let gravest = Status::BY_GRAVITY
            .into_iter()
            .find(|status| number(*status) > 0);
        let (mark, _, style) = layout::face(gravest.unwrap_or(Status::Skip));
        // What passed is not to look like a failure because something else did.
        let good = match number(Status::Pass) {
            0 => DIM,
            _ => layout::face(Status::Pass).2,
        };
        let passed = paint(good, &format!("{:>3} passed", number(Status::Pass)));
        let others = counts(|status| match status {
            Status::Pass => 0,
            _ => number(status),
        });
        let comma = if others.is_empty() { "" } else { ", " };
        let checked: usize = members.iter().map(|finding| finding.checked).sum();
        let checked = paint(DIM, &format!("({checked} checked)"));
        let name = text::clip(name, AREA);
        let mark = paint(style, mark);
        writeln!(
            out,
            "  {mark} {name:width$} {passed}{comma}{others}  {checked}"
        )?;
    }
    Ok(())
}

/// `13 passed, 1 failed`: what there is none of is left out.
fn counts(number_of: impl Fn(Status) -> usize) -> String {
    let said = COUNTS.into_iter().filter_map(|(status, one, many)| {
        let number = number_of(status);
        let (_, _, style) = layout::face(status);
        (number > 0).then(|| paint(style, &words::count(number, one, many)))
    });
    said.collect::<Vec<_>>().join(", ")
}

fn with_status(findings: &[Finding], status: Status) -> Vec<&Finding> {
    let matching = findings.iter().filter(|finding| finding.status == status);
    matching.collect()
}

/// Rules that were not decided, by the reason: one gap often leaves many rules open.
fn reasons(
    findings: &[Finding],
    status: Status,
    title: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let undecided = with_status(findings, status);
    if undecided.is_empty() {
        return Ok(());
    }
    heading(out, &format!("{title} ({})", undecided.len()))?;
    let areas = words::by_area(findings);
    let reasons = words::group(undecided.into_iter(), |finding| &finding.message);
    for (reason, members) in reasons {
        paragraph(out, 2, &text::clip(reason, text::SENTENCE))?;
        paragraph(out, 4, &names(&members, &areas))?;
    }
    Ok(())
}

/// The rules by name; a whole area as `cache.* (7)`.
fn names(members: &[&Finding], areas: &[(&str, Vec<&Finding>)]) -> String {
    let by_area = words::group(members.iter().copied(), |it| words::area(&it.rule));
    let parts = by_area.into_iter().map(|(area, some)| {
        let all = areas.iter().find(|(name, _)| *name == area);
        if some.len() > 1 && all.is_some_and(|(_, all)| all.len() == some.len()) {
            return format!("{}.* ({})", text::clip(area, AREA), some.len());
        }
        let rules = some.iter().map(|finding| text::clip(&finding.rule, 80));
        rules.collect::<Vec<_>>().join(", ")
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn section(
    findings: &[Finding],
    status: Status,
    title: &str,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let members = with_status(findings, status);
    if members.is_empty() {
        return Ok(());
    }
    heading(out, &format!("{title} ({})", members.len()))?;
    for finding in members {
        writeln!(out)?;
        block(finding, out)?;
    }
    Ok(())
}

fn block(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    let (mark, word, style) = layout::face(finding.status);
    let level = words::level(finding.level);
    let feature = text::clip(&finding.feature, 60);
    writeln!(
        out,
        "{} {}  {}",
        paint(style.bold(), &format!("{mark} {word}")),
        paint(BOLD, &text::clip(&finding.rule, 80)),
        paint(DIM, &format!("{level}, {feature}")),
    )?;
    paragraph(out, 2, &text::clip(&finding.message, text::SENTENCE))?;
    let rows = match finding.status {
        Status::Expected => details::brief(finding),
        _ => details::whole(finding),
    };
    rows.iter().try_for_each(|shown| row(out, shown))
}

/// The notes of rules that have no block of their own.
fn notes(findings: &[Finding], out: &mut dyn io::Write) -> io::Result<()> {
    let quiet = [Status::Pass, Status::Skip, Status::Expected];
    let noted: Vec<_> = findings
        .iter()
        .filter(|finding| quiet.contains(&finding.status) && !finding.notes.is_empty())
        .collect();
    if noted.is_empty() {
        return Ok(());
    }
    heading(out, "Notes")?;
    for finding in noted {
        writeln!(out, "  {}", text::clip(&finding.rule, 80))?;
        for note in details::notes(&finding.notes) {
            paragraph(out, 4, &note.lines.concat())?;
        }
    }
    Ok(())
}

/// Whose forms the agent has; of what it costs, the finding of its rule says more.
fn dialects(spoken: &[Dialect], out: &mut dyn io::Write) -> io::Result<()> {
    if spoken.is_empty() {
        return Ok(());
    }
    let title = "Dialects: recognised, and judged behind the form";
    heading(out, &format!("{title} ({})", spoken.len()))?;
    for dialect in spoken {
        let Dialect {
            point,
            form,
            canonical,
            cost,
            ..
        } = dialect;
        let rule = dialect
            .rule
            .as_deref()
            .map_or_else(String::new, |rule| format!(" (see {rule})"));
        writeln!(out, "  {}", paint(BOLD, &text::clip(&dialect.name, 80)))?;
        let told = format!("{point}: {form}, for {canonical}. {cost}{rule}");
        paragraph(out, 4, &text::clip(&told, text::SENTENCE))?;
    }
    Ok(())
}

/// What rules say that are later than the profile's revision.
fn unscored(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    if report.unscored.is_empty() {
        return Ok(());
    }
    let number = report.unscored.len();
    let profile = text::clip(&report.profile, AREA);
    heading(out, &format!("Not scored: later than {profile} ({number})"))?;
    for finding in &report.unscored {
        writeln!(out)?;
        block(finding, out)?;
    }
    Ok(())
}

fn stale(entries: &[Stale], out: &mut dyn io::Write) -> io::Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let title = format!("Stale expectations ({}): mend the file", entries.len());
    heading(out, &title)?;
    let (mark, _, style) = layout::face(Status::Fail);
    for entry in entries {
        let rule = text::clip(&entry.rule, 80);
        writeln!(out, "{} {}", paint(style, mark), paint(BOLD, &rule))?;
        paragraph(out, 2, &text::clip(&entry.problem, text::SENTENCE))?;
    }
    Ok(())
}

fn closing(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    heading(out, "Summary")?;
    let total = words::count(report.results.len(), "rule", "rules");
    let time = words::duration(report.duration_ms);
    labelled(out, "run", format!("{total} in {time}"))?;
    totals(report, out)?;
    let level = match report.level {
        ProfileLevel::Production => "production",
        ProfileLevel::Core => "core",
        ProfileLevel::None => "none reached",
    };
    // Without features there was nothing that a level could be reached by.
    if !report.features.is_empty() {
        labelled(out, "level", level.to_owned())?;
    }
    features(report, out)?;
    verdict(report, out)
}

fn verdict(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out)?;
    let style = layout::verdict_style(report.verdict);
    writeln!(out, "{}", paint(style, &words::verdict(report)))
}

/// Two lines of counts, each short enough: breaking them would count colours as text.
fn totals(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for (label, wanted) in [("decided", true), ("undecided", false)] {
        let counts = counts(|status| {
            let number = report.summary.number(status);
            if words::DECIDED.contains(&status) == wanted {
                number
            } else {
                0
            }
        });
        if !counts.is_empty() {
            writeln!(out, "{}{counts}", layout::label(label))?;
        }
    }
    Ok(())
}

fn features(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let offered = |feature: &Feature| feature.claimed || feature.found;
    let certified = words::features(report, |it| it.certified);
    let uncertified = words::features(report, |it| !it.certified && offered(it));
    let absent = words::features(report, |it| !it.certified && !offered(it));
    for (label, names) in [
        ("certified", certified),
        ("uncertified", uncertified),
        ("not offered", absent),
    ] {
        if let Some(names) = names {
            labelled(out, label, names)?;
        }
        if label == "uncertified" {
            unseen(report, out)?;
        }
    }
    Ok(())
}

/// What stands between a feature and its certificate where nothing failed.
fn unseen(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    for feature in &report.features {
        if let Some(reason) = &feature.reason {
            let told = format!("{}: {reason}", feature.name);
            labelled(out, "", text::clip(&told, text::SENTENCE))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn styled(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the text is UTF-8")
    }

    /// The text without its colours; any other control character is a fault.
    fn plain(report: &Report) -> String {
        let styled = styled(report);
        let mut pieces = styled.split('\u{1b}');
        let mut plain = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (code, rest) = piece.split_once('m').expect("a colour ends in m");
            let digits = code.trim_start_matches('[').replace(';', "");
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{code:?}");
            plain.push_str(rest);
        }
        let acts = |character: char| {
            character != '\n' && text::escape(character.encode_utf8(&mut [0; 4])).len() > 4
        };
        assert_eq!(
            plain.find(acts),
            None,
            "a character that a terminal acts on"
        );
        plain
    }

    #[test]
    fn the_sample_is_written_for_a_person() {
        insta::assert_snapshot!(plain(&sample::flooding()));
    }

    #[test]
    fn a_clean_run_is_short() {
        insta::assert_snapshot!(plain(&sample::clean()));
    }

    #[test]
    fn a_later_rule_is_shown_as_not_scored() {
        insta::assert_snapshot!(plain(&sample::with_a_later_rule()));
    }

    #[test]
    fn a_run_without_an_agent_says_so() {
        insta::assert_snapshot!(plain(&sample::unreachable()));
    }

    #[test]
    fn a_run_that_decided_nothing_tells_its_error_and_nothing_else() {
        let void = plain(&sample::undecided());
        assert_eq!(void, plain(&sample::unreachable()));
        assert!(void.contains("NO VERDICT: the agent at"), "{void}");
    }

    #[test]
    fn what_passed_in_a_failed_area_is_not_red() {
        let mut report = sample::report();
        report.results[0].status = Status::Fail;
        let good = layout::face(Status::Pass).2;
        let passed = paint(good, "  1 passed");
        let styled = styled(&report);
        let line = styled.lines().find(|line| line.contains("transport "));
        assert!(line.is_some_and(|line| line.contains(&passed)), "{line:?}");
    }

    #[test]
    fn no_line_is_too_wide_but_the_one_that_is_to_be_copied() {
        for line in plain(&sample::flooding()).lines() {
            let copied = line.trim_start().starts_with("curl:");
            assert!(copied || line.chars().count() <= layout::WIDTH, "{line}");
        }
    }

    #[test]
    fn an_agent_can_neither_flood_the_screen_nor_forge_a_line() {
        let text = plain(&sample::flooding());
        assert!(text.len() < 20_000, "{} bytes", text.len());
        assert!(!text.lines().any(|line| line.starts_with("CERTIFIED")));
    }

    #[test]
    fn the_styles_are_always_there_for_the_caller_to_strip() {
        assert!(styled(&sample::clean()).contains("\u{1b}["));
    }
}
