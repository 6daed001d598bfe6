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
