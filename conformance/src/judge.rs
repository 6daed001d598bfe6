//! Judging: a rule and evidence make an outcome; a level and an outcome make a status.

use std::panic::{AssertUnwindSafe, catch_unwind};

use acp_reports::{Level, Status};

use crate::evidence::Evidence;
use crate::feature::Feature;
use crate::rule::{Judged, Judgement, Rule};

/// What became of a rule, before its level is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds for all that was looked at.
    Pass(Judged),
    /// It does not.
    Fail(Judged),
    /// It does not apply.
    Skip(String),
    /// The evidence is missing.
    Inconclusive(String),
    /// The check itself failed.
    Error(String),
}

/// Judges one rule: pure, and whatever the evidence holds, it comes back.
#[must_use]
pub fn judge(rule: &Rule, evidence: &Evidence) -> Outcome {
    if let Some(reason) = beside_the_point(rule.feature, evidence) {
        return Outcome::Skip(reason);
    }
    let Ok(judgement) = catch_unwind(AssertUnwindSafe(|| (rule.judge)(evidence))) else {
        return Outcome::Error(format!(
            "the check of {} failed itself: please report it",
            rule.id
        ));
    };
    let gap = rule
        .reads
        .iter()
        .find_map(|topic| evidence.incomplete.get(topic));
    match (judgement, gap) {
        (Judgement::Judged(judged), _) if !judged.failures.is_empty() => Outcome::Fail(judged),
        (_, Some(gap)) => Outcome::Inconclusive(gap.clone()),
        (Judgement::Judged(judged), None) if judged.checked == 0 => Outcome::Error(format!(
            "the check of {} passed without looking: please report it",
            rule.id
        )),
        (Judgement::Judged(judged), None) => Outcome::Pass(judged),
        (Judgement::Skip(reason), None) => Outcome::Skip(reason),
        (Judgement::Inconclusive(reason), None) => Outcome::Inconclusive(reason),
    }
}

/// Why a feature's rules do not apply to this agent, if so.
fn beside_the_point(feature: Feature, evidence: &Evidence) -> Option<String> {
    let probe = &evidence.probe;
    if probe.is_found(feature) || !evidence.incomplete.is_empty() {
        return None;
    }
    Some(if probe.is_claimed(feature) {
        format!("`{feature}` is claimed and was not found: see features.claims-are-true")
    } else {
        format!("`{feature}` is neither claimed nor found")
    })
}

/// The status that an outcome has for a rule of this level: nowhere else do the two meet.
#[must_use]
pub fn status(level: Level, outcome: &Outcome, is_strict: bool) -> Status {
    match outcome {
        Outcome::Pass(_) => Status::Pass,
        Outcome::Fail(_) if level == Level::Must || is_strict => Status::Fail,
        Outcome::Fail(_) => Status::Warn,
        Outcome::Skip(_) => Status::Skip,
        Outcome::Inconclusive(_) => Status::Inconclusive,
        Outcome::Error(_) => Status::Error,
    }
}
