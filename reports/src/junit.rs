//! The JUnit face: one suite an area, one test a rule, for the systems that show tests.
//!
//! The only door to `quick-junit`. Whatever the verdict is, a run that did not pass has a test
//! that did not pass: a reader of nothing but the colours is never misled.

use std::io;
use std::time::Duration;

use quick_junit::{
    FlakyOrRerun, NonSuccessKind, Property, TestCase, TestCaseStatus, TestRerun, TestSuite,
};

use crate::{Finding, Level, Report, Stale, Status, Verdict, details, layout, text, words};

/// Of a message in an attribute; the whole of it stands in the text of the test.
const ATTRIBUTE: usize = 300;

/// Of failed attempts this many are listed; the kit makes three.
const ATTEMPTS: u32 = 10;

/// Writes a report as JUnit XML.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut document = quick_junit::Report::new(text::clip(&report.tool.name, ATTRIBUTE));
    // No test has a time: rules share their evidence, and the sum would be many times the run.
    document.time = seconds(report.duration_ms);
    for (area, findings) in words::by_area(&report.results) {
        let cases = findings
            .into_iter()
            .map(|finding| test_of_rule(report, finding));
        document.add_test_suite(suite(report, area, cases));
    }
    if !report.unscored.is_empty() {
        let cases = report.unscored.iter().map(test_of_later_rule);
        document.add_test_suite(suite(report, "not-scored", cases));
    }
    if !report.stale_expectations.is_empty() {
        let cases = report.stale_expectations.iter();
        let cases = cases.map(|entry| test_of_stale(report, entry));
        document.add_test_suite(suite(report, "expected-failures", cases));
    }
    if report.verdict == Verdict::Error || report.error.is_some() {
        let case = test_of_run(report);
        document.add_test_suite(suite(report, "run", [case].into_iter()));
    }
    let text = document.to_string().map_err(io::Error::other)?;
    out.write_all(without_total_skipped(&text).as_bytes())
}

/// Takes `skipped` off the outermost element: Jenkins' schema knows it on suites alone, and its
/// xunit plugin refuses a file with it. Within a value the quotes would be escaped.
fn without_total_skipped(text: &str) -> String {
    let whole = || text.to_owned();
    let Some((before, rest)) = text.split_once("<testsuites ") else {
        return whole();
    };
    let Some((attributes, after)) = rest.split_once('>') else {
        return whole();
    };
    let Some((first, skipped)) = attributes.split_once(" skipped=\"") else {
        return whole();
    };
    let last = skipped.split_once('"').map_or("", |(_, last)| last);
    format!("{before}<testsuites {first}{last}>{after}")
}

fn suite(report: &Report, name: &str, cases: impl Iterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(text::clip(name, ATTRIBUTE));
    suite.timestamp = report.started_at.parse().ok();
    let url = text::clip(&report.target.url, ATTRIBUTE);
    let agent = report.target.agent_id.as_deref().unwrap_or_default();
    let dialects: Vec<&str> = report.dialects.iter().map(|it| it.name.as_str()).collect();
    let dialects = text::clip(&dialects.join(", "), ATTRIBUTE);
    for (name, value) in [
        ("profile", text::clip(&report.profile, ATTRIBUTE)),
        ("url", url),
        ("agent", text::clip(agent, ATTRIBUTE)),
        ("seed", report.seed.to_string()),
    ] {
        suite.add_property(Property::new(name, value));
    }
    if !dialects.is_empty() {
        suite.add_property(Property::new("dialects", dialects));
    }
    suite.add_test_cases(cases);
    suite
}

fn test_of_rule(report: &Report, finding: &Finding) -> TestCase {
    let name = text::clip(&finding.rule, ATTRIBUTE);
    let mut case = TestCase::new(name, outcome(report, finding));
    if finding.unsteady {
        mark_as_flaky(&mut case, finding);
    }
    case.set_classname(text::clip(words::area(&finding.rule), ATTRIBUTE));
    match finding.status {
        Status::Warn => {
            let level = words::level(finding.level);
            case.set_system_out(format!("WARN ({level}): {}", body(finding)));
        }
        Status::Pass if !finding.notes.is_empty() => {
            case.set_system_out(body(finding));
        }
        _ => {}
    }
    case
}

/// Surefire's way to say that a test failed on some attempts and not on others. A viewer that
/// does not know it still has the failure, and the counts in its message.
fn mark_as_flaky(case: &mut TestCase, finding: &Finding) {
    case.status.set_rerun_kind(FlakyOrRerun::Flaky);
    for _ in 0..finding.failed_attempts.min(ATTEMPTS) {
        let mut attempt = TestRerun::new(NonSuccessKind::Failure);
        attempt.set_type("unsteady");
        attempt.set_message(text::clip(&finding.message, ATTRIBUTE));
        case.status.add_rerun(attempt);
    }
}

/// A rule that the profile does not hold yet: whatever it says, it fails nothing.
fn test_of_later_rule(finding: &Finding) -> TestCase {
    let (_, word, _) = layout::face(finding.status);
    let told = format!("not scored: {word}: {}", message(finding));
    let mut case = TestCase::new(text::clip(&finding.rule, ATTRIBUTE), skipped(told));
    case.set_classname("not-scored");
    case.set_system_out(body(finding));
    case
}

fn outcome(report: &Report, finding: &Finding) -> TestCaseStatus {
    let message = message(finding);
    if words::is_void(report) {
        // The run itself is the one test that did not pass; these were never begun.
        return skipped(message);
    }
    match (finding.status, finding.level) {
        (Status::Pass | Status::Warn, _) => TestCaseStatus::success(),
        (Status::Fail, Level::Must) => wrong(NonSuccessKind::Failure, "must", finding, message),
        (Status::Fail, Level::Should) => wrong(NonSuccessKind::Failure, "should", finding, message),
        (Status::Inconclusive, level) if words::needs_evidence(report, level) => {
            wrong(NonSuccessKind::Failure, "inconclusive", finding, message)
        }
        (Status::Error, _) => wrong(NonSuccessKind::Error, "error", finding, message),
        (Status::Skip, _) => skipped(message),
        (Status::Inconclusive, _) => skipped(format!("inconclusive: {message}")),
        (Status::Expected, _) => {
            let reason = finding.excuse.as_deref().unwrap_or(&finding.message);
            let reason = text::clip(reason, ATTRIBUTE);
            let mut status = skipped(format!("expected failure: {reason}"));
            status.set_description(body(finding));
            status
        }
    }
}

fn wrong(
    kind: NonSuccessKind,
    kind_name: &str,
    finding: &Finding,
    message: String,
) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(kind_name);
    status.set_message(message);
    status.set_description(body(finding));
    status
}

fn skipped(message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::skipped();
    status.set_message(message);
    status
}

fn message(finding: &Finding) -> String {
    let message = text::clip(&finding.message, ATTRIBUTE);
    match words::unsteady(finding) {
        Some(counts) => format!("{message} (unsteady: {counts})"),
        None => message,
    }
}

/// The text of a test: the message whole, then what the terminal shows, unbroken.
fn body(finding: &Finding) -> String {
    let mut body = text::clip(&finding.message, text::SENTENCE);
    for row in details::whole(finding) {
        let lines = row.lines.join("\n    ");
        body.push_str(&format!("\n{}: {lines}", row.label));
    }
    body
}

fn test_of_stale(report: &Report, entry: &Stale) -> TestCase {
    let problem = text::clip(&entry.problem, ATTRIBUTE);
    let status = if words::is_void(report) {
        skipped(problem)
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("stale");
        status.set_message(problem);
        status
    };
    let mut case = TestCase::new(text::clip(&entry.rule, ATTRIBUTE), status);
    case.set_classname("expected-failures");
    case
}

fn test_of_run(report: &Report) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("error");
    status.set_message(words::verdict(report));
    let mut case = TestCase::new("run.verdict", status);
    case.set_classname("run");
    case
}

/// Nothing for a number that is no duration.
fn seconds(milliseconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(milliseconds / 1_000.0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("XML is written as UTF-8")
    }

    /// Reading checks that tags match; what characters may occur is for us to check.
    fn skipped(document: &quick_junit::Report) -> usize {
        document.test_suites.iter().map(|suite| suite.skipped).sum()
    }

    fn read(xml: &str) -> quick_junit::Report {
        let illegal = |character: char| {
            let control = character < ' ' && !matches!(character, '\t' | '\n' | '\r');
            control || matches!(character, '\u{fffe}' | '\u{ffff}')
        };
        assert_eq!(xml.find(illegal), None, "a character that XML 1.0 forbids");
        quick_junit::Report::deserialize_from_str(xml).expect("the document is well-formed")
    }

    #[test]
    fn the_sample_is_written_as_junit() {
        insta::assert_snapshot!(written(&sample::flooding()));
    }

    #[test]
    fn what_is_written_can_be_read_and_counts_right() {
        let document = read(&written(&sample::flooding()));
        assert_eq!((document.failures, document.errors), (6, 2));
        assert_eq!(skipped(&document), 5);
        let report = sample::report();
        let tests = report.results.len() + report.stale_expectations.len() + 1;
        assert_eq!(document.tests, tests);
    }

    #[test]
    fn characters_that_xml_forbids_never_occur() {
        let nasty = "\0\u{1b}[31m\u{fffe}\u{ffff}\u{8}\t\r\n]]> <a b='c'> & \u{80}\u{2028}";
        let mut report = sample::report();
        report.tool.name = nasty.to_owned();
        report.profile = nasty.to_owned();
        report.target.url = nasty.to_owned();
        report.target.agent_id = Some(nasty.to_owned());
        report.error = Some(nasty.to_owned());
        report.stale_expectations[0].rule = nasty.to_owned();
        report.stale_expectations[0].problem = nasty.to_owned();
        for finding in &mut report.results {
            finding.rule = format!("a{nasty}.{nasty}");
            finding.message = nasty.to_owned();
            finding.clause = nasty.to_owned();
            finding.mend = nasty.to_owned();
            finding.notes = vec![nasty.to_owned()];
            finding.evidence = vec![sample::hostile_evidence(nasty)];
        }
        let xml = written(&report);
        read(&xml);
        assert!(!xml.contains("]]>"));
    }

    #[test]
    fn a_run_in_which_nothing_ran_is_not_green() {
        let document = read(&written(&sample::unreachable()));
        assert_eq!((document.tests, document.errors), (1, 1));
        let mut silent = sample::unreachable();
        silent.error = None;
        assert_eq!(read(&written(&silent)).errors, 1);
    }

    #[test]
    fn a_run_that_decided_nothing_errs_once_and_skips_the_rest() {
        let report = sample::undecided();
        let xml = written(&report);
        let document = read(&xml);
        assert_eq!((document.errors, document.failures), (1, 0));
        assert_eq!(skipped(&document), report.results.len());
        assert!(
            xml.contains("<skipped message=\"nothing was sent\""),
            "{xml}"
        );
    }

    #[test]
    fn a_should_without_evidence_fails_in_a_strict_run() {
        let mut report = sample::report();
        let failures = |report: &Report| read(&written(report)).failures;
        let lenient = failures(&report);
        report.strict = true;
        assert_eq!(failures(&report), lenient + 1);
    }

    #[test]
    fn what_comes_and_goes_is_marked_as_flaky_and_fails_all_the_same() {
        let xml = written(&sample::report());
        let case = xml
            .split("<testcase ")
            .find(|case| case.contains("invoke.rejects-invalid"));
        let case = case.expect("it is there");
        assert_eq!(case.matches("<flakyFailure ").count(), 2, "{case}");
        assert_eq!(case.matches("<failure ").count(), 1, "{case}");
        assert_eq!(xml.matches("<flakyFailure ").count(), 2);
    }

    #[test]
    fn the_outermost_element_has_what_jenkins_knows_and_no_more() {
        let mut report = sample::report();
        report.tool.name = "a skipped=\"1\" > b".to_owned();
        let xml = written(&report);
        let element = xml.lines().find(|line| line.starts_with("<testsuites "));
        let element = element.expect("it is there");
        assert!(!element.contains(" skipped=\""), "{element}");
        assert!(element.contains(" failures=\"6\""), "{element}");
        let name = read(&xml).name.expect("a name");
        assert_eq!(name.as_str(), report.tool.name);
        assert!(
            xml.contains("<testsuite name=\"transport\" tests=\"3\" skipped=\"1\""),
            "{xml}"
        );
    }

    #[test]
    fn only_the_run_has_a_time() {
        let xml = written(&sample::report());
        assert_eq!(xml.matches(" time=").count(), 1, "{xml}");
        assert!(!xml.contains("assertions="), "{xml}");
    }

    #[test]
    fn a_clean_run_is_green() {
        let document = read(&written(&sample::clean()));
        assert_eq!((document.failures, document.errors), (0, 0));
        assert!(document.tests > 0);
    }

    #[test]
    fn a_later_rule_that_fails_is_skipped_and_shown() {
        let xml = written(&sample::with_a_later_rule());
        let document = read(&xml);
        assert_eq!((document.failures, document.errors), (0, 0));
        assert!(xml.contains("not scored: FAIL"), "{xml}");
    }

    #[test]
    fn a_duration_that_is_none_is_left_out() {
        assert_eq!(seconds(-1.0), None);
        assert_eq!(seconds(f64::NAN), None);
        assert_eq!(seconds(1_500.0), Some(Duration::from_millis(1_500)));
    }
}
