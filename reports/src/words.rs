//! The words that every face uses for outcomes, so that no two of them say it differently.

use crate::{Feature, Finding, Level, Report, Status, Verdict, text};

/// The statuses of rules that were judged to the end.
pub(crate) const DECIDED: [Status; 4] =
    [Status::Pass, Status::Fail, Status::Warn, Status::Expected];

/// Whether the run broke off before it decided anything: then only the error is worth telling.
pub(crate) fn is_void(report: &Report) -> bool {
    let decided = |finding: &Finding| DECIDED.contains(&finding.status);
    report.error.is_some() && !report.results.iter().any(decided)
}

/// Whether missing evidence for a rule of this level fails the run.
pub(crate) fn needs_evidence(report: &Report, level: Level) -> bool {
    report.strict || level == Level::Must
}

/// The part of a rule's id before the dot.
pub(crate) fn area(rule: &str) -> &str {
    rule.split_once('.').map_or(rule, |(area, _)| area)
}

/// Findings by area; both in the order in which they were first met.
pub(crate) fn by_area(findings: &[Finding]) -> Vec<(&str, Vec<&Finding>)> {
    group(findings.iter(), |finding| area(&finding.rule))
}

/// Findings by what `key` says of them; keys and findings in the order of first meeting.
pub(crate) fn group<'a, 'k>(
    findings: impl Iterator<Item = &'a Finding>,
    key: impl Fn(&'a Finding) -> &'k str,
) -> Vec<(&'k str, Vec<&'a Finding>)> {
    let mut groups: Vec<(&str, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let name = key(finding);
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, members)) => members.push(finding),
            None => groups.push((name, vec![finding])),
        }
    }
    groups
}

/// `1 rule`, `2 rules`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A duration as a person reads it.
pub(crate) fn duration(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1_000.0 {
        format!("{milliseconds:.0} ms")
    } else if milliseconds < 60_000.0 {
        format!("{:.2} s", milliseconds / 1_000.0)
    } else {
        format!("{:.1} min", milliseconds / 60_000.0)
    }
}

/// A time as a person reads it: without what is less than a minute.
pub(crate) fn when(started_at: &str) -> String {
    match started_at.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) if started_at.is_empty() => "without a time".to_owned(),
        Err(_) => text::clip(started_at, 40),
    }
}

/// The same to the second.
pub(crate) fn moment(started_at: &str) -> String {
    match started_at.parse::<jiff::Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => text::clip(started_at, 40),
    }
}

/// What became of a rule, as the JSON has it.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Pass => "pass",
        Status::Fail => "fail",
        Status::Warn => "warn",
        Status::Skip => "skip",
        Status::Inconclusive => "inconclusive",
        Status::Error => "error",
        Status::Expected => "expected",
    }
}

/// How binding a rule is, in the words of RFC 2119.
pub(crate) fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
    }
}

/// The counts of an unsteady finding; nothing for a steady one.
pub(crate) fn unsteady(finding: &Finding) -> Option<String> {
    finding.unsteady.then(|| {
        format!(
            "failed {} of {} attempts",
            finding.failed_attempts, finding.attempts
        )
    })
}

/// The names of the features that `wanted` picks, or nothing if there are none.
pub(crate) fn features(report: &Report, wanted: impl Fn(&Feature) -> bool) -> Option<String> {
    let names: Vec<_> = report
        .features
        .iter()
        .filter(|feature| wanted(feature))
        .map(|feature| text::clip(&feature.name, 60))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// What the run comes to, in a line.
pub(crate) fn verdict(report: &Report) -> String {
    match report.verdict {
        Verdict::Pass => success(report),
        Verdict::Fail => format!("NOT certified: {}", shortfalls(report)),
        Verdict::Error => format!("NO VERDICT: {}", obstacle(report)),
    }
}

fn success(report: &Report) -> String {
    let certified = features(report, |feature| feature.certified);
    let is_core = |feature: &Feature| feature.name == "core" && feature.certified;
    if report.summary.expected > 0 && !report.features.iter().any(is_core) {
        return with_known_failures(report, certified);
    }
    let excused = match report.summary.expected {
        0 => String::new(),
        number => format!(
            " ({} excused)",
            count(number, "known failure", "known failures")
        ),
    };
    match certified {
        Some(names) => format!("CERTIFIED: {names}{excused}"),
        None => format!("HOLDS: what was judged{excused}; no feature was certified as a whole"),
    }
}

/// Excuses let a run hold; they certify nothing, and the headline is not to suggest it.
fn with_known_failures(report: &Report, certified: Option<String>) -> String {
    let known = count(report.summary.expected, "known failure", "known failures");
    let Some(certified) = certified else {
        return format!("HOLDS with {known}; no feature was certified as a whole");
    };
    let offered = |feature: &Feature| feature.claimed || feature.found;
    let missed = features(report, |it| !it.certified && offered(it));
    let missed = missed.map_or_else(String::new, |names| format!("; not certified: {names}"));
    format!("HOLDS with {known}; certified: {certified}{missed}")
}

fn shortfalls(report: &Report) -> String {
    let number = |status, level| {
        let hit = |finding: &&Finding| finding.status == status && finding.level == level;
        report.results.iter().filter(hit).count()
    };
    let parts = [
        (
            number(Status::Fail, Level::Must),
            "MUST fails",
            "MUSTs fail",
        ),
        (
            number(Status::Fail, Level::Should),
            "SHOULD fails",
            "SHOULDs fail",
        ),
        (
            number(Status::Inconclusive, Level::Must),
            "MUST could not be decided",
            "MUSTs could not be decided",
        ),
        (
            if needs_evidence(report, Level::Should) {
                number(Status::Inconclusive, Level::Should)
            } else {
                0
            },
            "SHOULD could not be decided",
            "SHOULDs could not be decided",
        ),
        (
            report.stale_expectations.len(),
            "expectation is stale",
            "expectations are stale",
        ),
    ];
    let said: Vec<_> = parts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| count(number, one, many))
        .collect();
    if said.is_empty() {
        "the run failed".to_owned()
    } else {
        said.join(", ")
    }
}

fn obstacle(report: &Report) -> String {
    match &report.error {
        Some(error) => text::clip(error, text::SENTENCE),
        None if report.summary.error > 0 => count(
            report.summary.error,
            "check failed itself",
            "checks failed themselves",
        ),
        None => "nothing was judged".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn the_verdict_is_said_in_words() {
        let mut report = sample::clean();
        assert_eq!(verdict(&report), "CERTIFIED: core, errors");
        report.summary.expected = 1;
        assert_eq!(
            verdict(&report),
            "CERTIFIED: core, errors (1 known failure excused)"
        );
        report.features.clear();
        assert_eq!(
            verdict(&report),
            "HOLDS with 1 known failure; no feature was certified as a whole"
        );
        report.summary.expected = 0;
        assert_eq!(
            verdict(&report),
            "HOLDS: what was judged; no feature was certified as a whole"
        );
    }

    #[test]
    fn excuses_certify_nothing() {
        let mut report = sample::clean();
        report.summary.expected = 5;
        report.features[0].certified = false;
        assert_eq!(
            verdict(&report),
            "HOLDS with 5 known failures; certified: errors; not certified: core"
        );
    }

    #[test]
    fn a_failed_run_says_what_failed_it() {
        let mut report = sample::report();
        report.verdict = Verdict::Fail;
        assert_eq!(
            verdict(&report),
            "NOT certified: 3 MUSTs fail, 1 MUST could not be decided, 2 expectations are stale"
        );
        report.strict = true;
        assert!(verdict(&report).contains("1 SHOULD could not be decided"));
    }

    #[test]
    fn a_run_without_a_verdict_says_why() {
        let mut report = sample::clean();
        report.verdict = Verdict::Error;
        assert_eq!(verdict(&report), "NO VERDICT: nothing was judged");
        report.summary.error = 2;
        assert_eq!(verdict(&report), "NO VERDICT: 2 checks failed themselves");
        assert_eq!(
            verdict(&sample::unreachable()),
            "NO VERDICT: the agent at http://127.0.0.1:9 refused the connection"
        );
    }

    #[test]
    fn an_area_is_found_again_after_another_came_between() {
        let report = sample::report();
        let areas = by_area(&report.results);
        let auth = areas.iter().filter(|(area, _)| *area == "auth").count();
        assert_eq!(auth, 1);
        assert_eq!(areas[0].0, "transport");
    }

    #[test]
    fn a_duration_has_the_unit_that_fits() {
        assert_eq!(duration(0.44), "0.4 ms");
        assert_eq!(duration(12.25), "12 ms");
        assert_eq!(duration(1_840.0), "1.84 s");
        assert_eq!(duration(90_000.0), "1.5 min");
    }

    #[test]
    fn a_time_is_said_to_the_minute_in_utc() {
        assert_eq!(when("2026-11-22T11:30:12.5+02:00"), "2026-11-22 09:30");
        let precise = "2026-11-22T09:30:12.508427576Z";
        assert_eq!(moment(precise), "2026-11-22 09:30:12 UTC");
        assert_eq!(when(""), "without a time");
        assert_eq!(when("so\u{1b}on"), "so\\u{1b}on");
    }
}
