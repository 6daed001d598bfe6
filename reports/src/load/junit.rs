//! The JUnit face of a load report: a test for each threshold, each compared figure, each defect.

use std::io;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};

use super::words::{comparison, figure};
use super::{Baseline, Report, words};
use crate::{Verdict, text};

/// Of a text in an attribute.
const ATTRIBUTE: usize = 300;

/// Writes a load report as JUnit XML.
pub(super) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let name = format!("acp-tck load {}", text::clip(&report.scenario, 60));
    let mut document = quick_junit::Report::new(name);
    document.time = Duration::try_from_secs_f64(report.duration_s).ok();
    let mut runs = vec![run(report)];
    runs.extend(generator(report));
    document.add_test_suite(suite(report, "run", runs));
    let thresholds = report.thresholds.iter().map(threshold);
    let defects = report.defects.iter().map(defect);
    let metrics = report.baseline.as_ref().map(metrics);
    for (name, cases) in [
        ("thresholds", thresholds.collect()),
        ("baseline", metrics.unwrap_or_default()),
        ("defects", defects.collect::<Vec<_>>()),
    ] {
        if !cases.is_empty() {
            document.add_test_suite(suite(report, name, cases));
        }
    }
    document.serialize(out).map_err(io::Error::other)
}

fn suite(report: &Report, name: &str, cases: Vec<TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.timestamp = report.started_at.parse().ok();
    for (name, value) in [
        ("scenario", text::clip(&report.scenario, ATTRIBUTE)),
        ("url", text::clip(&report.target.url, ATTRIBUTE)),
        ("seed", report.seed.to_string()),
        ("trusted", report.generator.trusted.to_string()),
    ] {
        suite.add_property(Property::new(name, value));
    }
    for mut case in cases {
        case.set_classname(format!("load.{name}"));
        suite.add_test_case(case);
    }
    suite
}

fn run(report: &Report) -> TestCase {
    let error = |name| wrong(NonSuccessKind::Error, name, words::verdict(report));
    let status = match report.verdict {
        Verdict::Error => error("error"),
        _ if report.interrupted => error("interrupted"),
        _ => TestCaseStatus::success(),
    };
    TestCase::new("the run came to its end", status)
}

/// Whether the figures are the agent's. Only whoever demands it fails a run for that, and the report does not
/// know who does: so it passes or is skipped. Of nothing that was asked there is nothing to say.
fn generator(report: &Report) -> Option<TestCase> {
    let generator = &report.generator;
    let status = if generator.trusted {
        TestCaseStatus::success()
    } else {
        let why = generator.why.as_deref().unwrap_or("it says not why");
        let mut status = TestCaseStatus::skipped();
        status.set_message(format!("NOT TRUSTED: {}", text::clip(why, text::SENTENCE)));
        status
    };
    (report.requests.total > 0).then(|| TestCase::new("the generator kept up", status))
}

fn wrong(kind: NonSuccessKind, name: &str, message: String) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name);
    status.set_message(message);
    status
}

fn threshold(threshold: &super::Threshold) -> TestCase {
    let value = match threshold.value {
        Some(value) => format!("it is {}", figure(threshold.unit, value)),
        None => text::clip(threshold.lack(), ATTRIBUTE),
    };
    let status = match threshold.holds {
        true => TestCaseStatus::success(),
        false => wrong(NonSuccessKind::Failure, "threshold", value),
    };
    TestCase::new(text::clip(&threshold.expression, ATTRIBUTE), status)
}

fn metrics(baseline: &Baseline) -> Vec<TestCase> {
    let case = |metric: &super::Metric| {
        let [low, high] = metric.interval.map(|edge| edge * 100.0);
        let said = format!(
            "{}: {} before, {} now ({:+.1} %, between {low:+.1} and {high:+.1})",
            comparison(metric),
            figure(metric.unit, metric.before),
            figure(metric.unit, metric.after),
            metric.change * 100.0
        );
        let status = match metric.regressed {
            true => wrong(NonSuccessKind::Failure, "regression", said),
            false => TestCaseStatus::success(),
        };
        TestCase::new(text::clip(&metric.name, ATTRIBUTE), status)
    };
    baseline.metrics.iter().map(case).collect()
}

fn defect(defect: &super::Defect) -> TestCase {
    let message = text::clip(&defect.message, ATTRIBUTE);
    let status = wrong(NonSuccessKind::Failure, "defect", message);
    TestCase::new(text::clip(&defect.name, ATTRIBUTE), status)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("XML is written as UTF-8")
    }

    fn read(report: &Report) -> quick_junit::Report {
        let xml = written(report);
        quick_junit::Report::deserialize_from_str(&xml).expect("the document is well-formed")
    }

    #[test]
    fn a_load_run_is_written_as_junit() {
        insta::assert_snapshot!(written(&sample::cache()));
    }

    #[test]
    fn what_is_missed_fails_and_what_holds_does_not() {
        let document = read(&sample::cache());
        // A threshold, a figure, a defect.
        assert_eq!((document.failures, document.errors), (3, 0));
        assert_eq!(document.tests, 9);
    }

    #[test]
    fn a_run_that_was_ended_early_did_not_come_to_its_end() {
        let mut report = sample::cache();
        report.interrupted = true;
        let document = read(&report);
        assert_eq!((document.failures, document.errors), (3, 1));
        assert!(written(&report).contains("(ended early)"));
    }

    #[test]
    fn a_generator_that_did_not_keep_up_is_no_test_that_passed() {
        let mut report = sample::cache();
        for trusted in [true, false] {
            report.generator.trusted = trusted;
            assert_eq!(written(&report).contains("<skipped"), !trusted);
        }
    }

    #[test]
    fn a_run_without_a_verdict_is_not_green() {
        assert_eq!(read(&sample::unreachable()).errors, 1);
    }

    #[test]
    fn characters_that_xml_forbids_never_occur() {
        let xml = written(&sample::hostile());
        let forbidden = |it: char| it.is_control() && it != '\n';
        assert_eq!(xml.find(forbidden), None);
        read(&sample::hostile());
    }
}
