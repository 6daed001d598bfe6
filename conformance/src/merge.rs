//! Several runs in one report, and what is unsteady in them.

use std::collections::BTreeMap;

use acp_reports::{Finding, Report, Status, Summary, Verdict};

use crate::expected::ExpectedFailures;

/// The report on runs of the same rules on the same agent, in the order in which they were made.
/// Of each rule stands what the worst run says, with the attempts of all of them; a rule that did
/// not come out the same each time is unsteady, and a note has the counts. None of the runs may
/// have had expected failures: known ones are excused here.
///
/// A run without a verdict leaves the whole without one. Returns `None` for no runs.
#[must_use]
pub fn runs(reports: Vec<Report>, expected: &ExpectedFailures) -> Option<Report> {
    let mut reports = reports.into_iter();
    let mut whole = reports.next()?;
    let mut seen: Vec<Vec<Status>> = whole.results.iter().map(|one| vec![one.status]).collect();
    let mut count = 1;
    for report in reports {
        count += 1;
        whole.duration_ms += report.duration_ms;
        whole.level = weaker(whole.level, report.level);
        whole.error = whole.error.or(report.error);
        for (known, other) in whole.features.iter_mut().zip(report.features) {
            known.claimed |= other.claimed;
            known.found |= other.found;
            known.certified &= other.certified;
            known.reason = known.reason.take().or(other.reason);
        }
        for ((known, statuses), other) in
            whole.results.iter_mut().zip(&mut seen).zip(report.results)
        {
            statuses.push(other.status);
            add(known, other);
        }
    }
    for (finding, statuses) in whole.results.iter_mut().zip(seen) {
        let differs = statuses.iter().any(|status| *status != finding.status);
        if differs {
            finding.unsteady = true;
            finding.notes.push(told(&statuses));
        }
    }
    whole.stale_expectations = expected.apply(&mut whole.results);
    whole.summary = Summary::of(&whole.results);
    whole.verdict = match &whole.error {
        Some(_) => Verdict::Error,
        None => Verdict::of(&whole.results, &whole.stale_expectations, whole.strict),
    };
    if let Some(error) = whole.error.as_mut().filter(|_| count > 1) {
        *error = format!("{error} (in run {count})");
    }
    Some(whole)
}

/// Adds what another run says of the same rule.
fn add(known: &mut Finding, mut other: Finding) {
    if badness(other.status) > badness(known.status) {
        std::mem::swap(known, &mut other);
    }
    known.attempts += other.attempts;
    known.failed_attempts += other.failed_attempts;
    known.checked += other.checked;
    known.duration_ms += other.duration_ms;
    known.unsteady |= other.unsteady;
    for note in other.notes {
        if !known.notes.contains(&note) {
            known.notes.push(note);
        }
    }
}

fn badness(status: Status) -> usize {
    let order = [
        Status::Skip,
        Status::Pass,
        Status::Expected,
        Status::Inconclusive,
        Status::Warn,
        Status::Fail,
        Status::Error,
    ];
    order
        .iter()
        .position(|one| *one == status)
        .unwrap_or_default()
}

fn weaker(
    left: acp_reports::ProfileLevel,
    right: acp_reports::ProfileLevel,
) -> acp_reports::ProfileLevel {
    use acp_reports::ProfileLevel::{Core, None, Production};
    match (left, right) {
        (None, _) | (_, None) => None,
        (Core, _) | (_, Core) => Core,
        (Production, Production) => Production,
    }
}

/// `of 5 runs: 3 fail, 2 pass`.
fn told(statuses: &[Status]) -> String {
    let mut counts: BTreeMap<usize, (Status, usize)> = BTreeMap::new();
    for status in statuses {
        counts.entry(badness(*status)).or_insert((*status, 0)).1 += 1;
    }
    let counts = counts.into_values().rev();
    let counts = counts.map(|(status, count)| {
        let name = format!("{status:?}").to_lowercase();
        format!("{count} {name}")
    });
    let counts: Vec<String> = counts.collect();
    format!("of {} runs: {}", statuses.len(), counts.join(", "))
}

#[cfg(test)]
mod tests {
    use acp_reports::{Level, ProfileLevel, Target, Tool};

    use super::*;

    fn finding(rule: &str, status: Status) -> Finding {
        let failed = matches!(status, Status::Fail | Status::Warn);
        Finding {
            rule: rule.to_owned(),
            level: Level::Must,
            feature: "core".to_owned(),
            status,
            message: format!("{status:?}"),
            unsteady: false,
            attempts: if failed { 3 } else { 1 },
            failed_attempts: if failed { 3 } else { 0 },
            checked: 2,
            duration_ms: 1.0,
            clause: String::new(),
            why: String::new(),
            mend: String::new(),
            source: String::new(),
            excuse: None,
            notes: Vec::new(),
            evidence: Vec::new(),
        }
    }

    fn report(statuses: &[Status]) -> Report {
        let rules = ["transport.head", "auth.responds"]
            .into_iter()
            .zip(statuses);
        let results: Vec<Finding> = rules.map(|(rule, status)| finding(rule, *status)).collect();
        Report {
            format: Report::FORMAT.to_owned(),
            format_version: Report::FORMAT_VERSION,
            tool: Tool {
                name: String::new(),
                version: String::new(),
            },
            profile: String::new(),
            target: Target {
                url: String::new(),
                agent_id: None,
                agent_version: None,
            },
            started_at: String::new(),
            duration_ms: 10.0,
            seed: 0,
            cases: 1,
            strict: false,
            verdict: Verdict::of(&results, &[], false),
            error: None,
            level: ProfileLevel::Core,
            features: Vec::new(),
            dialects: Vec::new(),
            summary: Summary::of(&results),
            stale_expectations: Vec::new(),
            results,
            unscored: Vec::new(),
        }
    }

    fn merged(all: &[&[Status]], expected: &str) -> Report {
        let reports = all.iter().map(|statuses| report(statuses)).collect();
        let expected = ExpectedFailures::parse(expected).expect("expectations");
        runs(reports, &expected).expect("a report")
    }

    use Status::{Expected, Fail, Inconclusive, Pass, Skip};

    #[test]
    fn what_holds_each_time_holds_and_the_counts_are_added_up() {
        let whole = merged(&[&[Pass, Skip], &[Pass, Skip], &[Pass, Skip]], "");
        assert_eq!(whole.verdict, Verdict::Pass);
        assert!((whole.duration_ms - 30.0).abs() < 1e-9);
        let finding = &whole.results[0];
        let counts = (finding.attempts, finding.failed_attempts, finding.checked);
        assert_eq!(counts, (3, 0, 6));
        assert!(!finding.unsteady && finding.notes.is_empty());
    }

    #[test]
    fn what_fails_once_fails_and_is_unsteady() {
        for order in [[0, 1, 1], [1, 0, 1], [1, 1, 0]] {
            let runs = [&[Fail, Pass][..], &[Pass, Pass]];
            let whole = merged(&order.map(|one| runs[one]), "");
            assert_eq!(whole.verdict, Verdict::Fail);
            let finding = &whole.results[0];
            assert_eq!(finding.status, Fail);
            assert_eq!(finding.message, "Fail");
            assert_eq!((finding.attempts, finding.failed_attempts), (5, 3));
            assert!(finding.unsteady);
            assert_eq!(finding.notes, ["of 3 runs: 1 fail, 2 pass"]);
            assert!(!whole.results[1].unsteady);
            assert_eq!(whole.summary.fail, 1);
        }
    }

    #[test]
    fn what_fails_each_time_is_steady() {
        let whole = merged(&[&[Fail, Pass], &[Fail, Pass]], "");
        assert!(!whole.results[0].unsteady);
        assert_eq!(whole.results[0].failed_attempts, 6);
    }

    #[test]
    fn what_was_seen_now_and_then_is_unsteady_too() {
        let whole = merged(&[&[Pass, Inconclusive], &[Pass, Pass]], "");
        assert_eq!(whole.verdict, Verdict::Fail);
        assert_eq!(
            whole.results[1].notes,
            ["of 2 runs: 1 inconclusive, 1 pass"]
        );
    }

    #[test]
    fn known_failures_are_excused_in_the_whole_and_not_in_each_run() {
        let known = "[expected-failures]\n\"transport.head\" = \"known\"\n";
        let whole = merged(&[&[Pass, Pass], &[Fail, Pass]], known);
        assert_eq!(whole.results[0].status, Expected);
        assert_eq!(whole.verdict, Verdict::Pass);
        assert!(whole.stale_expectations.is_empty());
        let over = merged(&[&[Pass, Pass], &[Pass, Pass]], known);
        assert_eq!(over.stale_expectations.len(), 1);
        assert_eq!(over.verdict, Verdict::Fail);
    }

    #[test]
    fn a_run_without_a_verdict_leaves_the_whole_without_one() {
        let mut broken = report(&[Pass, Pass]);
        broken.error = Some("the agent has gone".to_owned());
        let all = vec![report(&[Pass, Pass]), broken];
        let whole = runs(all, &ExpectedFailures::default()).expect("a report");
        assert_eq!(whole.verdict, Verdict::Error);
        assert_eq!(
            whole.error.as_deref(),
            Some("the agent has gone (in run 2)")
        );
        assert!(runs(Vec::new(), &ExpectedFailures::default()).is_none());
    }
}
