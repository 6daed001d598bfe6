//! Several agents at one orchestrator: their reports, one each, laid together. A rule has one
//! finding still, which tells of each agent by its name.

use acp_reports::{Evidence, Finding, Report, Stale, Status, Summary, Verdict, shorten};

/// This many agents that fall short are told of in a finding's message; its notes have them all.
const TOLD: usize = 3;
/// This many of their exchanges are shown.
const SHOWN: usize = 3;
/// The longest name of an agent that is told, in characters.
const NAME: usize = 80;

/// One report on all of these agents; of none there is no report.
pub(super) fn join(reports: Vec<(String, Report)>, is_strict: bool) -> Option<Report> {
    let (names, reports): (Vec<String>, Vec<Report>) = reports.into_iter().unzip();
    let mut whole = reports.first()?.clone();
    if reports.len() == 1 {
        return Some(whole);
    }
    let names: Vec<String> = names
        .iter()
        .map(|name| shorten(name, NAME).into_owned())
        .collect();
    let laid = |findings: fn(&Report) -> &[Finding]| {
        let rules = 0..findings(reports.first()?).len();
        let of_rule = |rule: usize| {
            let findings = reports.iter().filter_map(|one| findings(one).get(rule));
            finding(names.iter().map(String::as_str).zip(findings).collect())
        };
        Some(rules.filter_map(of_rule).collect())
    };
    whole.results = laid(|report| &report.results)?;
    whole.unscored = laid(|report| &report.unscored)?;
    let is_stale = |stale: &Stale| {
        let mut others = reports.iter();
        others.all(|report| report.stale_expectations.contains(stale))
    };
    whole.stale_expectations.retain(is_stale);
    whole.target.agent_id = None;
    whole.target.agent_version = None;
    whole.summary = Summary::of(&whole.results);
    whole.verdict = Verdict::of(&whole.results, &whole.stale_expectations, is_strict);
    Some(whole)
}

/// What one rule says of each agent, as one finding: as grave as the gravest.
fn finding(mut all: Vec<(&str, &Finding)>) -> Option<Finding> {
    all.sort_by_key(|(_, finding)| finding.status.gravity());
    let notes = all.iter().flat_map(|(name, finding)| {
        let told = format!("{}, {}", finding.status.word(), finding.message);
        let told = [told].into_iter().chain(finding.notes.iter().cloned());
        told.map(move |note| format!("{name}: {note}"))
    });
    let notes = notes.collect();
    let (_, gravest) = all.first()?;
    let (judged, checked) = (all.len(), all.iter().map(|(_, one)| one.checked).sum());
    let bad: Vec<_> = all
        .iter()
        .filter(|(_, one)| !matches!(one.status, Status::Pass | Status::Skip))
        .collect();
    let mut told: Vec<String> = bad
        .iter()
        .take(TOLD)
        .map(|(name, one)| format!("{name}: {}", one.message))
        .collect();
    if bad.len() > TOLD {
        told.push(format!("and {} more agents", bad.len() - TOLD));
    }
    let message = match (bad.is_empty(), gravest.status) {
        (false, _) => told.join("; "),
        (true, Status::Skip) => gravest.message.clone(),
        (true, _) => format!("{checked} looked at, of {judged} agents"),
    };
    let mut shown: Vec<(usize, Evidence)> = bad
        .iter()
        .flat_map(|(name, one)| {
            let named = one.evidence.iter().cloned().enumerate();
            named.map(move |(place, mut shown)| {
                shown.note = format!("{name}: {}", shown.note);
                (place, shown)
            })
        })
        .collect();
    // The first of each agent before the second of any.
    shown.sort_by_key(|(place, _)| *place);
    Some(Finding {
        message,
        checked,
        notes,
        evidence: shown.into_iter().map(|(_, one)| one).take(SHOWN).collect(),
        ..(*gravest).clone()
    })
}
