//! Judging: a rule and evidence make an outcome; a level and an outcome make a status.

use std::panic::{AssertUnwindSafe, catch_unwind};

use acp_reports::{Level, Status};

use crate::evidence::{Ask, Evidence, Topic};
use crate::feature::Feature;
use crate::rule::{Judged, Judgement, Rule};
use crate::show;

/// What is said of a rule for which there is no time left.
pub(crate) const OUT_OF_TIME: &str =
    "judging it takes longer than the run may take: give it more time with --budget";

/// What became of a rule, before its level is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds for all that was looked at.
    Pass(Judged),
    /// It does not.
    Fail(Judged),
    /// It does not apply.
    Skip(String),
    /// It was not looked at: the agent may well break it.
    Unseen(String),
    /// The evidence is missing.
    Inconclusive(String),
    /// The check itself failed.
    Error(String),
}

/// Judges one rule: pure, and whatever the evidence holds, it comes back. When the evidence's
/// deadline comes before the judgement, whatever that is rests on a part of the evidence.
#[must_use]
pub fn judge(rule: &Rule, evidence: &Evidence) -> Outcome {
    if let Some(outcome) = beside_the_point(rule, evidence) {
        return outcome;
    }
    if evidence.deadline.is_over() {
        return Outcome::Inconclusive(OUT_OF_TIME.to_owned());
    }
    let Ok(judgement) = catch_unwind(AssertUnwindSafe(|| (rule.judge)(evidence))) else {
        return Outcome::Error(format!(
            "the check of {} failed itself: please report it",
            rule.id
        ));
    };
    if evidence.deadline.is_over() {
        return Outcome::Inconclusive(OUT_OF_TIME.to_owned());
    }
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
        (Judgement::Unseen(reason), None) => Outcome::Unseen(reason),
        (Judgement::Inconclusive(reason), None) => Outcome::Inconclusive(reason),
    }
}

/// What a rule comes to whose feature does not apply to this agent, or could not be seen.
fn beside_the_point(rule: &Rule, evidence: &Evidence) -> Option<Outcome> {
    let (feature, probe) = (rule.feature, &evidence.probe);
    if feature.needs_launch() && evidence.facts.launched.is_none() {
        return Some(Outcome::Skip(format!(
            "`{feature}` is seen only of an agent that is started here: give --launch CMD"
        )));
    }
    if feature == Feature::Descriptor && !probe.is_found(feature) {
        let told = "neither a descriptor nor a manifest is given: --descriptor F, --manifest F";
        return Some(Outcome::Skip(told.to_owned()));
    }
    if probe.is_found(feature) || !evidence.incomplete.is_empty() {
        return None;
    }
    if !probe.is_claimed(feature) {
        let told = format!("`{feature}` is neither claimed nor found");
        return Some(Outcome::Skip(told));
    }
    Some(match turned_away(rule, evidence) {
        Some(why) => Outcome::Inconclusive(why),
        None => Outcome::Skip(format!(
            "`{feature}` is claimed and was not found: see features.claims-are-true"
        )),
    })
}

/// Why nothing can be seen of a rule's feature, if the agent does not let the checker in, or sends it
/// away for asking too often. Where it has come to nothing that the rule reads, what kept it from
/// that tells; but not what was asked in order to be refused.
fn turned_away(rule: &Rule, evidence: &Evidence) -> Option<String> {
    let own = rule.reads.iter().flat_map(|topic| evidence.of(*topic));
    let mut own = own.filter_map(Ask::answer).peekable();
    if own.peek().is_some() {
        return own.find_map(show::turned_away);
    }
    let is_meant = |ask: &&Ask| matches!(ask.topic, Topic::Auth | Topic::RateLimit);
    let others = evidence.all().filter(|ask| !is_meant(ask));
    others.filter_map(Ask::answer).find_map(show::turned_away)
}

/// The status that an outcome has for a rule of this level: nowhere else do the two meet.
#[must_use]
pub fn status(level: Level, outcome: &Outcome, is_strict: bool) -> Status {
    match outcome {
        Outcome::Pass(_) => Status::Pass,
        Outcome::Fail(_) if level == Level::Must || is_strict => Status::Fail,
        Outcome::Fail(_) => Status::Warn,
        Outcome::Skip(_) | Outcome::Unseen(_) => Status::Skip,
        Outcome::Inconclusive(_) => Status::Inconclusive,
        Outcome::Error(_) => Status::Error,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::deadline::Deadline;
    use crate::evidence::Step;
    use crate::made_up;
    use crate::rule::{Flaw, Judgement, Look, each};
    use crate::settings::Facts;
    use crate::wire::{End, Request};

    fn evidence(count: usize, incomplete: &[(Topic, &str)]) -> Evidence {
        let facts = Facts {
            cases: 1,
            ..Facts::default()
        };
        let asks = (0..count).map(|key| {
            let exchange = made_up::exchange(Request::get("/auth"), Err(End::TimedOut));
            Arc::new(made_up::ask(Topic::Head, Step::Main, key, exchange))
        });
        let incomplete: BTreeMap<_, _> = incomplete
            .iter()
            .map(|(topic, why)| (*topic, (*why).to_owned()))
            .collect();
        Evidence::new(facts, asks.collect(), incomplete)
    }

    fn rule(judge: fn(&Evidence) -> Judgement) -> Rule {
        Rule {
            id: "test.rule",
            level: Level::Must,
            feature: Feature::Core,
            clause: "",
            source: "",
            why: "",
            mend: "",
            reads: &[Topic::Head],
            judge,
        }
    }

    fn fine(evidence: &Evidence) -> Judgement {
        each(evidence, evidence.of(Topic::Head), |_| Look::Fine)
    }

    fn second_is_wrong(evidence: &Evidence) -> Judgement {
        each(evidence, evidence.of(Topic::Head), |ask| {
            match ask.about.key {
                1 => Look::flaw("wrong", "right", "wrong"),
                2 => Look::missing("gone"),
                _ => Look::Fine,
            }
        })
    }

    #[test]
    fn a_pass_has_looked_at_something() {
        assert!(matches!(
            judge(&rule(fine), &evidence(0, &[])),
            Outcome::Inconclusive(_)
        ));
        let Outcome::Pass(judged) = judge(&rule(fine), &evidence(3, &[])) else {
            panic!("it holds");
        };
        assert_eq!(judged.checked, 3);
    }

    #[test]
    fn failures_outweigh_gaps_and_gaps_outweigh_a_pass() {
        let Outcome::Fail(judged) = judge(&rule(second_is_wrong), &evidence(3, &[])) else {
            panic!("it fails");
        };
        let flaw = Flaw {
            message: "wrong".into(),
            expected: "right".into(),
            got: "wrong".into(),
        };
        assert_eq!(judged.failures.len(), 1);
        assert_eq!(
            (judged.failures[0].ask, &judged.failures[0].flaw),
            (Some(1), &flaw)
        );
        let cut_short = [(Topic::Head, "the agent is gone")];
        assert_eq!(
            judge(&rule(fine), &evidence(3, &cut_short)),
            Outcome::Inconclusive("the agent is gone".to_owned())
        );
        assert!(matches!(
            judge(&rule(second_is_wrong), &evidence(3, &cut_short)),
            Outcome::Fail(_)
        ));
    }

    #[test]
    fn a_check_that_fails_itself_is_an_error_and_no_pass() {
        assert!(matches!(
            judge(&rule(|_| panic!("oops")), &evidence(1, &[])),
            Outcome::Error(_)
        ));
        let blind = |_: &Evidence| Judgement::Judged(Judged::default());
        assert!(matches!(
            judge(&rule(blind), &evidence(1, &[])),
            Outcome::Error(_)
        ));
    }

    #[test]
    fn what_there_is_no_time_for_is_inconclusive_whatever_it_would_be() {
        let late = || evidence(3, &[]).until(Deadline::within(std::time::Duration::ZERO));
        for judge_it in [fine, second_is_wrong] {
            let outcome = judge(&rule(judge_it), &late());
            assert_eq!(outcome, Outcome::Inconclusive(OUT_OF_TIME.to_owned()));
        }
        assert_eq!(late().all().count() + late().of(Topic::Head).count(), 0);
    }

    #[test]
    fn a_feature_that_nobody_was_let_in_to_see_is_inconclusive_with_the_reason() {
        let caching = Rule {
            feature: Feature::Cache,
            ..rule(fine)
        };
        let claims = |topic, status| {
            let facts = Facts {
                claims: vec![Feature::Cache],
                ..Facts::default()
            };
            let answer = made_up::answer(status, &[], "");
            let exchange = made_up::exchange(Request::get("/auth"), Ok(answer));
            let ask = made_up::ask(topic, Step::Main, 0, exchange);
            judge(
                &caching,
                &Evidence::new(facts, vec![Arc::new(ask)], BTreeMap::new()),
            )
        };
        for (topic, status, word) in [
            (Topic::Head, 429, "raise or switch off its limits"),
            (Topic::Head, 401, "--api-key-env"),
            // What the rule reads was not come to.
            (Topic::Cors, 429, "raise or switch off its limits"),
        ] {
            let Outcome::Inconclusive(why) = claims(topic, status) else {
                panic!("{status} tells nothing of the feature");
            };
            assert!(why.contains(word), "{why}");
        }
        for (topic, status) in [(Topic::Head, 200), (Topic::RateLimit, 429)] {
            assert!(matches!(claims(topic, status), Outcome::Skip(_)));
        }
    }

    #[test]
    fn a_feature_that_is_not_there_is_skipped_with_the_reason() {
        let streaming = Rule {
            feature: Feature::Streaming,
            ..rule(fine)
        };
        let Outcome::Skip(reason) = judge(&streaming, &evidence(1, &[])) else {
            panic!("it does not apply");
        };
        assert!(reason.contains("neither claimed nor found"));
    }

    #[test]
    fn a_should_warns_unless_the_run_is_strict() {
        let failed = Outcome::Fail(Judged::default());
        assert_eq!(status(Level::Must, &failed, false), Status::Fail);
        assert_eq!(status(Level::Should, &failed, false), Status::Warn);
        assert_eq!(status(Level::Should, &failed, true), Status::Fail);
        let open = Outcome::Inconclusive(String::new());
        assert_eq!(status(Level::Must, &open, true), Status::Inconclusive);
    }
}
