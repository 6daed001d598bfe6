//! Through whose doing a rule's status differs.

use super::Cause;
use crate::{Finding, Report, Status, text, words};

/// The first cause that the reports show; the agent's where they show none.
pub(super) fn of(
    before: &Report,
    after: &Report,
    then: Option<&Finding>,
    now: Option<&Finding>,
) -> (Cause, String) {
    let said = |cause, text: &str| (cause, text.to_owned());
    for (report, finding, which) in [(after, now, "later"), (before, then, "earlier")] {
        if finding.is_some_and(|it| broke_off_before(report, it)) {
            let error = text::clip(&words::verdict(report), text::SENTENCE);
            return (Cause::NoVerdict, format!("the {which} run: {error}"));
        }
    }
    let (Some(then), Some(now)) = (then, now) else {
        return said(
            Cause::RuleSet,
            "the rule set, or the choice of rules: one run alone judged this one",
        );
    };
    if is_other_agent(before, after) {
        let (was, is) = (name(before), name(after));
        return (
            Cause::OtherAgent,
            format!("another agent: {was} before, {is} now"),
        );
    }
    between(before, after, then, now)
}

/// The cause, of a rule that both runs of one agent have decided.
fn between(before: &Report, after: &Report, then: &Finding, now: &Finding) -> (Cause, String) {
    let said = |cause, text: &str| (cause, text.to_owned());
    if (&then.clause, then.level, &then.feature) != (&now.clause, now.level, &now.feature) {
        return said(
            Cause::RuleSet,
            "the rule set: this rule asks for something else now",
        );
    }
    let claimed = |report: &Report| {
        let mut features = report.features.iter();
        features.any(|feature| feature.name == now.feature && feature.claimed)
    };
    if claimed(before) != claimed(after) {
        let feature = text::clip(&now.feature, 60);
        let verb = if claimed(after) { "now" } else { "no longer" };
        return (
            Cause::Claim,
            format!("the claim: `{feature}` is {verb} claimed"),
        );
    }
    if is_of_settings(then.status, now.status) {
        return said(
            Cause::Settings,
            "the settings: strictness, or the file of expected failures",
        );
    }
    if (before.seed, before.cases) != (after.seed, after.cases) {
        return said(
            Cause::Settings,
            "the settings, perhaps: the cases were others",
        );
    }
    let is_other_tool = before.tool.version != after.tool.version;
    let version = |report: &Report| report.target.agent_version.clone();
    if is_other_tool && version(before) == version(after) {
        return said(
            Cause::Unclear,
            "the agent or the checker: the checker's version differs, the agent's does not",
        );
    }
    said(Cause::Agent, "the agent answers otherwise")
}

/// Whether the run has no verdict, and this rule was none of those that it decided before its end.
fn broke_off_before(report: &Report, finding: &Finding) -> bool {
    report.error.is_some() && !words::DECIDED.contains(&finding.status)
}

/// An agent is known by its id; where a run has none, by its URL.
fn is_other_agent(before: &Report, after: &Report) -> bool {
    match (&before.target.agent_id, &after.target.agent_id) {
        (Some(was), Some(is)) => was != is,
        _ => before.target.url != after.target.url,
    }
}

fn name(report: &Report) -> String {
    let target = &report.target;
    text::clip(target.agent_id.as_ref().unwrap_or(&target.url), 80)
}

/// Whether the rule does not hold in either run, and only what that means differs.
fn is_of_settings(was: Status, is: Status) -> bool {
    let falls_short = |status| matches!(status, Status::Fail | Status::Warn | Status::Expected);
    falls_short(was) && falls_short(is)
}
