//! The TAP face (version 14): one test point a rule, with what is known of a failure as YAML.
//!
//! What does not fail the run is no failed test point: an excused failure and a SHOULD that
//! does not hold are `# TODO`, as a harness counts these apart.

use std::io;

use crate::{Finding, Report, Stale, Status, Verdict, details, text, words};

/// Of a directive's reason, this many characters are shown; the whole stands in the YAML.
const REASON: usize = 200;

/// Writes a report as TAP.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let stale = &report.stale_expectations;
    writeln!(out, "TAP version 14")?;
    writeln!(out, "# {}", words::verdict(report))?;
    if words::is_void(report) {
        // No plan: `1..0` would read as a run that was skipped on purpose.
        return bail_out(report, out);
    }
    let unscored = &report.unscored;
    let scored = report.results.len() + stale.len();
    writeln!(out, "1..{}", scored + unscored.len())?;
    for (index, finding) in report.results.iter().enumerate() {
        point(report, index + 1, finding, out)?;
    }
    for (index, entry) in stale.iter().enumerate() {
        stale_point(report.results.len() + index + 1, entry, out)?;
    }
    for (index, finding) in unscored.iter().enumerate() {
        unscored_point(report, scored + index + 1, finding, out)?;
    }
    if report.verdict == Verdict::Error {
        bail_out(report, out)?;
    }
    Ok(())
}

fn bail_out(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "Bail out! {}", escaped(&words::verdict(report)))
}

fn point(
    report: &Report,
    number: usize,
    finding: &Finding,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let rule = escaped(&text::clip(&finding.rule, REASON));
    let (is_ok, directive) = outcome(report, finding);
    let ok = if is_ok { "ok" } else { "not ok" };
    writeln!(out, "{ok} {number} - {rule}{directive}")?;
    match finding.status {
        Status::Pass | Status::Skip if finding.notes.is_empty() => Ok(()),
        _ => diagnostics(finding, out),
    }
}

/// Whether the test point is ok, and the directive after its description.
fn outcome(report: &Report, finding: &Finding) -> (bool, String) {
    let directive = |word: &str, reason: &str| {
        let reason = escaped(&text::clip(reason, REASON));
        format!(" # {word} {reason}")
    };
    match finding.status {
        Status::Pass => (true, String::new()),
        Status::Fail | Status::Error => (false, String::new()),
        Status::Warn => (false, directive("TODO", "a SHOULD that does not hold")),
        Status::Expected => {
            let excuse = finding.excuse.as_deref().unwrap_or(&finding.message);
            (false, directive("TODO", excuse))
        }
        Status::Skip => (true, directive("SKIP", &finding.message)),
        Status::Inconclusive if words::needs_evidence(report, finding.level) => {
            (false, String::new())
        }
        Status::Inconclusive => {
            let reason = format!("inconclusive: {}", finding.message);
            (true, directive("SKIP", &reason))
        }
    }
}

/// A YAML block whose every value is a JSON string: nothing in it can end the block.
fn diagnostics(finding: &Finding, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(out, "  ---")?;
    field(
        out,
        "message",
        &text::clip(&finding.message, text::SENTENCE),
    )?;
    field(out, "status", words::status(finding.status))?;
    field(out, "level", words::level(finding.level))?;
    field(out, "feature", &text::clip(&finding.feature, REASON))?;
    for (label, lines) in details::by_label(finding) {
        match lines.as_slice() {
            [line] => field(out, label, line)?,
            lines => {
                writeln!(out, "  {label}:")?;
                for line in lines {
                    writeln!(out, "    - {}", serde_json::to_string(line)?)?;
                }
            }
        }
    }
    writeln!(out, "  ...")
}

fn field(out: &mut dyn io::Write, name: &str, value: &str) -> io::Result<()> {
    writeln!(out, "  {name}: {}", serde_json::to_string(value)?)
}

/// A rule that is later than the profile: what holds is skipped, what does not is to do; neither
/// fails a harness.
fn unscored_point(
    report: &Report,
    number: usize,
    finding: &Finding,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let rule = escaped(&text::clip(&finding.rule, REASON));
    let profile = escaped(&text::clip(&report.profile, REASON));
    let status = words::status(finding.status);
    let (ok, word) = match finding.status {
        Status::Pass | Status::Skip | Status::Inconclusive => ("ok", "SKIP"),
        _ => ("not ok", "TODO"),
    };
    let reason = format!("not scored, later than {profile}: {status}");
    writeln!(out, "{ok} {number} - {rule} # {word} {reason}")?;
    diagnostics(finding, out)
}

fn stale_point(number: usize, entry: &Stale, out: &mut dyn io::Write) -> io::Result<()> {
    let rule = escaped(&text::clip(&entry.rule, REASON));
    writeln!(out, "not ok {number} - expected failure of {rule} is stale")?;
    writeln!(out, "  ---")?;
    field(out, "message", &text::clip(&entry.problem, text::SENTENCE))?;
    writeln!(out, "  ...")
}

/// Text as a description may have it: `#` would begin a directive.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('#', "\\#")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the text is UTF-8")
    }

    #[test]
    fn the_sample_is_written_as_tap() {
        insta::assert_snapshot!(written(&sample::report()));
    }

    #[test]
    fn a_run_without_an_agent_bails_out() {
        insta::assert_snapshot!(written(&sample::unreachable()));
    }

    #[test]
    fn a_later_rule_is_a_point_that_fails_nothing() {
        let mut report = sample::with_a_later_rule();
        let mut holds = report.results[0].clone();
        "config.later".clone_into(&mut holds.rule);
        report.unscored.push(holds);
        let tap = written(&report);
        let plan = report.results.len() + 2;
        assert!(tap.contains(&format!("1..{plan}\n")), "{tap}");
        assert!(tap.contains(
            "not ok 5 - config.rejects-unknown # TODO not scored, later than five-endpoint/1: fail\n"
        ));
        assert!(
            tap.contains("ok 6 - config.later # SKIP not scored, later than"),
            "{tap}"
        );
    }

    #[test]
    fn no_text_can_forge_a_test_point_or_a_directive() {
        let mut report = sample::report();
        let forged = "x\nok 1 - y # SKIP z\n  ...\nBail out!";
        for finding in &mut report.results {
            forged.clone_into(&mut finding.rule);
            forged.clone_into(&mut finding.message);
            finding.evidence = vec![sample::hostile_evidence(forged)];
        }
        let tap = written(&report);
        let points = tap
            .lines()
            .filter(|line| line.contains("ok ") && !line.starts_with(' '));
        assert_eq!(
            points.count(),
            report.results.len() + report.stale_expectations.len()
        );
        assert!(
            tap.contains(r"x\\ny ok 1") || tap.contains(r"x\\nok 1 - y \# SKIP"),
            "{tap}"
        );
        let ended = tap.lines().filter(|line| *line == "  ...").count();
        assert_eq!(ended, tap.lines().filter(|line| *line == "  ---").count());
    }

    #[test]
    fn what_fails_the_run_and_nothing_else_is_a_failed_point() {
        let mut report = sample::report();
        let failed = |report: &Report| {
            let tap = written(report);
            let failed = tap.lines().filter(|line| line.starts_with("not ok"));
            failed.filter(|line| !line.contains(" # TODO ")).count()
        };
        // Three MUSTs fail, one is undecided, one check failed itself, two expectations are stale.
        assert_eq!(failed(&report), 7);
        report.strict = true;
        assert_eq!(failed(&report), 8);
        assert_eq!(failed(&sample::clean()), 0);
    }
}
