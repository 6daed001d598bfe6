//! What a run has come to, and the report on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use acp_reports::Report;

use super::redacted;
use crate::deadline::Deadline;
use crate::drive::Stop;
use crate::evidence::{Ask, Evidence};
use crate::judge::{OUT_OF_TIME, Outcome, judge};
use crate::redact::Redactor;
use crate::rule::Rule;
use crate::settings::{Judging, Settings};
use crate::shrink;
use crate::summary::{self, Frame};
use crate::verdict::{Round, Verdict, judge_again};
use crate::witness;

/// What is said of a rule that would be judged otherwise by what may be shown.
const BLURRED: &str = "the credentials that were given stand in what the agent says as ordinary text, and what is left \
     without them cannot be judged: give the agent longer ones for the check";

/// No rule is judged for longer than one part in so many of what time there is: others wait.
pub(crate) const RULES_PER_SHARE: u32 = 4;

/// How a run came to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stop: Option<Stop>,
    pub(crate) took: Duration,
}

/// A run, gathered to its end. It holds none of the secrets that were given.
#[derive(Debug)]
pub struct Recording {
    /// The agent's base URL, without a slash at its end.
    pub(super) url: String,
    /// What reports call the agent, if not by its URL.
    pub(super) label: Option<String>,
    /// The rules that were to be judged.
    pub(super) rules: Vec<&'static Rule>,
    /// What was gathered at first.
    pub(super) evidence: Evidence,
    /// What was gathered afresh, as something had failed.
    pub(super) rounds: Vec<Round>,
    /// The smallest cases that still failed, each with the rule that it was asked for.
    pub(super) shrunk: Vec<(&'static Rule, Arc<Ask>)>,
    /// The rules that the loss of the secrets would have judged otherwise.
    pub(super) blurred: BTreeSet<&'static str>,
    /// The rules for which the run had no time.
    pub(super) unjudged: BTreeSet<&'static str>,
    /// Whether it is an orchestrator's journal alone, of any number of agents.
    pub(super) is_witnessed: bool,
    pub(super) ended: Ended,
    /// For what is made from parts, though each is clean.
    pub(super) redactor: Redactor,
}

impl Recording {
    /// The recording of what a run has gathered and judged so far: the secrets go, and the
    /// judgements with them, for they may rest on what stood beside. It is judged until `deadline`
    /// which of them were lost with the secrets.
    pub(crate) fn new(
        settings: &Settings,
        evidence: Evidence,
        (rounds, verdicts): (Vec<Round>, Vec<Verdict>),
        ended: Ended,
        deadline: &Deadline,
    ) -> Self {
        let redactor =
            Redactor::new(&settings.headers).and(&settings.facts.params.refused_credentials);
        let url = settings.url.as_str().trim_end_matches('/').to_owned();
        let mut seen = Vec::new();
        let mut shrunk = Vec::new();
        let mut unjudged = BTreeSet::new();
        for verdict in verdicts {
            if is_out_of_time(&verdict.outcome) {
                unjudged.insert(verdict.rule.id);
            }
            seen.push((verdict.rule, std::mem::discriminant(&verdict.outcome)));
            shrunk.extend(verdict.shrunk.map(|shrunk| (verdict.rule, shrunk.ask)));
        }
        let recording = Self {
            url,
            label: settings.label.clone(),
            rules: seen.iter().map(|(rule, _)| *rule).collect(),
            evidence: evidence.until(Deadline::default()),
            rounds,
            shrunk,
            blurred: BTreeSet::new(),
            unjudged,
            is_witnessed: false,
            ended,
            redactor,
        };
        if recording.redactor.is_empty() {
            return recording;
        }
        let mut recording = redacted::recording(recording);
        let Self {
            evidence,
            blurred,
            unjudged,
            ..
        } = &mut recording;
        for (rule, before) in seen {
            evidence.deadline = deadline.share(RULES_PER_SHARE);
            let outcome = judge(rule, evidence);
            if is_out_of_time(&outcome) {
                unjudged.insert(rule.id);
            } else if std::mem::discriminant(&outcome) != before && !unjudged.contains(rule.id) {
                blurred.insert(rule.id);
            }
        }
        evidence.deadline = Deadline::default();
        recording
    }

    /// The recording of what an orchestrator alone has seen for so long. Nobody gives one
    /// credentials.
    pub(crate) fn witnessed(
        settings: &Settings,
        rules: Vec<&'static Rule>,
        evidence: Evidence,
        watched: Duration,
    ) -> Self {
        Self {
            url: settings.url.as_str().trim_end_matches('/').to_owned(),
            label: settings.label.clone(),
            rules,
            evidence,
            rounds: Vec::new(),
            shrunk: Vec::new(),
            blurred: BTreeSet::new(),
            unjudged: BTreeSet::new(),
            is_witnessed: true,
            ended: Ended {
                stop: None,
                took: watched,
            },
            redactor: Redactor::default(),
        }
    }

    /// Whether a rule that was to be judged in the run is among those that are chosen.
    #[must_use]
    pub fn holds_any_of(&self, judging: &Judging) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| judging.selection.includes(rule))
    }

    /// Whether the user ended the run before its end.
    #[must_use]
    pub fn was_interrupted(&self) -> bool {
        self.ended.stop == Some(Stop::Interrupted)
    }

    /// The report: a pure function of what was recorded and of how it is to be judged.
    #[must_use]
    pub fn report(&self, judging: &Judging) -> Report {
        let frame = Frame {
            url: &self.url,
            label: self.label.as_deref(),
            strict: judging.strict,
            profile: judging.profile,
            expected: &judging.expected,
            redactor: &self.redactor,
        };
        if self.is_witnessed {
            let rules: Vec<_> = self.chosen(judging).collect();
            return witness::report(&frame, &rules, &self.evidence, self.ended.took);
        }
        summary::report(&frame, &self.evidence, self.verdicts(judging), &self.ended)
    }

    /// Of the rules that were to be judged those that are wanted.
    fn chosen(&self, judging: &Judging) -> impl Iterator<Item = &'static Rule> {
        let rules = self.rules.iter().copied();
        rules.filter(|rule| judging.selection.includes(rule))
    }

    fn verdicts(&self, judging: &Judging) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = self
            .chosen(judging)
            .map(|rule| match rule.id {
                id if self.unjudged.contains(id) => Verdict::open(rule, OUT_OF_TIME),
                id if self.blurred.contains(id) => Verdict::open(rule, BLURRED),
                _ => Verdict::first(rule, &self.evidence),
            })
            .collect();
        for round in &self.rounds {
            judge_again(&mut verdicts, &self.evidence, round);
        }
        for verdict in verdicts
            .iter_mut()
            .filter(|verdict| verdict.failed_attempts > 0)
        {
            let mut shrunk = self.shrunk.iter();
            let own = shrunk.find(|(rule, _)| rule.id == verdict.rule.id);
            verdict.shrunk =
                own.and_then(|(rule, ask)| shrink::judged(rule, Arc::clone(ask), &self.evidence));
        }
        verdicts
    }
}

fn is_out_of_time(outcome: &Outcome) -> bool {
    *outcome == Outcome::Inconclusive(OUT_OF_TIME.to_owned())
}
