//! What became of a rule over a whole run: judged once, and again on what was gathered afresh.
//!
//! Pure: the same function serves the run and the record of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::judge::{Outcome, judge};
use crate::rule::{Failure, Rule};
use crate::shrink::Shrunk;

/// What an ask was, whenever it was asked.
pub(crate) type Asked = (Topic, Step, usize, String);

/// What became of one rule in a run.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) rule: &'static Rule,
    pub(crate) outcome: Outcome,
    pub(crate) attempts: u32,
    pub(crate) failed_attempts: u32,
    /// What failed on every attempt, by what was asked.
    pub(crate) constant: BTreeSet<Asked>,
    /// The smallest case that still fails, if one was looked for.
    pub(crate) shrunk: Option<Shrunk>,
}

/// What driving some topics once more yields.
#[derive(Debug, Default)]
pub(crate) struct Round {
    pub(crate) topics: BTreeSet<Topic>,
    pub(crate) asks: Vec<Arc<Ask>>,
    pub(crate) incomplete: BTreeMap<Topic, String>,
}

impl Verdict {
    /// What the evidence says at first.
    pub(crate) fn first(rule: &'static Rule, evidence: &Evidence) -> Self {
        let outcome = judge(rule, evidence);
        let failed_attempts = u32::from(matches!(outcome, Outcome::Fail(_)));
        let constant = failing(&outcome, evidence);
        Self {
            rule,
            outcome,
            attempts: 1,
            failed_attempts,
            constant,
            shrunk: None,
        }
    }

    /// That nothing can be said, and why.
    pub(crate) fn open(rule: &'static Rule, why: &str) -> Self {
        Self {
            rule,
            outcome: Outcome::Inconclusive(why.to_owned()),
            attempts: 1,
            failed_attempts: 0,
            constant: BTreeSet::new(),
            shrunk: None,
        }
    }

    /// Whether it came and went: failed on some attempts only, or each time for something else.
    pub(crate) fn is_unsteady(&self) -> bool {
        self.failed_attempts > 0
            && (self.failed_attempts < self.attempts || self.constant.is_empty())
    }

    /// Whether it failed, and not only for what is played once.
    fn can_be_tried_again(&self, evidence: &Evidence) -> bool {
        let asks = failing_asks(&self.outcome).filter_map(|ask| evidence.asks.get(ask));
        let is_played = asks.into_iter().all(|ask| ask.topic.is_scene());
        matches!(self.outcome, Outcome::Fail(_)) && !is_played
    }

    fn take(&mut self, again: &Evidence) {
        let outcome = judge(self.rule, again);
        match outcome {
            Outcome::Fail(_) => {
                self.attempts += 1;
                self.failed_attempts += 1;
                let failing = failing(&outcome, again);
                self.constant.retain(|asked| failing.contains(asked));
            }
            Outcome::Pass(_) => self.attempts += 1,
            _ => {}
        }
    }
}

/// The topics in which something failed that can be asked again.
pub(crate) fn failing_topics(verdicts: &[Verdict], evidence: &Evidence) -> BTreeSet<Topic> {
    let asks = verdicts
        .iter()
        .flat_map(|verdict| failing_asks(&verdict.outcome));
    asks.filter_map(|ask| evidence.asks.get(ask))
        .map(|ask| ask.topic)
        .filter(|topic| !topic.is_scene())
        .collect()
}

/// Judges what failed once more: on the evidence, and of some topics on what was gathered afresh.
pub(crate) fn judge_again(verdicts: &mut [Verdict], evidence: &Evidence, round: &Round) {
    let kept = evidence
        .asks
        .iter()
        .filter(|ask| !round.topics.contains(&ask.topic));
    let asks = kept.chain(&round.asks).cloned().collect();
    let again = Evidence::new(evidence.facts.clone(), asks, round.incomplete.clone())
        .with_lives(evidence.lives.clone())
        .until(evidence.deadline.clone());
    for verdict in verdicts {
        if verdict.can_be_tried_again(evidence) {
            verdict.take(&again);
        }
    }
}

fn failing(outcome: &Outcome, evidence: &Evidence) -> BTreeSet<Asked> {
    let asked = |failure: &Failure| {
        let Some(ask) = failure.ask else {
            // In a document: that does not change.
            let message = failure.flaw.message.clone();
            return Some((Topic::Described, Step::Main, 0, message));
        };
        let (topic, about) = evidence.asks.get(ask).map(|ask| (ask.topic, &ask.about))?;
        Some((topic, about.step, about.key, about.note.clone()))
    };
    failures(outcome).iter().filter_map(asked).collect()
}

fn failing_asks(outcome: &Outcome) -> impl Iterator<Item = usize> {
    failures(outcome).iter().filter_map(|failure| failure.ask)
}

fn failures(outcome: &Outcome) -> &[Failure] {
    match outcome {
        Outcome::Fail(judged) => &judged.failures,
        _ => &[],
    }
}
