//! What a run has come to, and the report on it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use acp_reports::Report;

use super::redacted;
use crate::drive::Stop;
use crate::evidence::{Ask, Evidence};
use crate::judge::judge;
use crate::redact::Redactor;
use crate::rule::Rule;
use crate::settings::{Judging, Settings};
use crate::shrink;
use crate::summary::{self, Frame};
use crate::verdict::{Round, Verdict, judge_again};

/// What is said of a rule that would be judged otherwise by what may be shown.
const BLURRED: &str = "the credentials that were given stand in what the agent says as ordinary text, and what is left \
     without them cannot be judged: give the agent longer ones for the check";

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
    pub(super) ended: Ended,
    /// For what is made from parts, though each is clean.
    pub(super) redactor: Redactor,
}

impl Recording {
    /// The recording of what a run has gathered and judged so far: the secrets go, and the
    /// judgements with them, for they may rest on what stood beside.
    pub(crate) fn new(
        settings: &Settings,
        evidence: Evidence,
        (rounds, verdicts): (Vec<Round>, Vec<Verdict>),
        ended: Ended,
    ) -> Self {
        let redactor =
            Redactor::new(&settings.headers).and(&settings.facts.params.refused_credentials);
        let url = settings.url.as_str().trim_end_matches('/').to_owned();
        let mut seen = Vec::new();
        let mut shrunk = Vec::new();
        for verdict in verdicts {
            seen.push((verdict.rule, std::mem::discriminant(&verdict.outcome)));
            shrunk.extend(verdict.shrunk.map(|shrunk| (verdict.rule, shrunk.ask)));
        }
        let recording = Self {
            url,
            label: settings.label.clone(),
            rules: seen.iter().map(|(rule, _)| *rule).collect(),
            evidence,
            rounds,
            shrunk,
            blurred: BTreeSet::new(),
            ended,
            redactor,
        };
        if recording.redactor.is_empty() {
            return recording;
        }
        let mut recording = redacted::recording(recording);
        let is_blurred = |rule: &Rule, before| {
            std::mem::discriminant(&judge(rule, &recording.evidence)) != before
        };
        let blurred = seen
            .into_iter()
            .filter(|(rule, before)| is_blurred(rule, *before));
        recording.blurred = blurred.map(|(rule, _)| rule.id).collect();
        recording
    }

    /// Whether a rule that was to be judged in the run is among those that are chosen.
    #[must_use]
    pub fn holds_any_of(&self, judging: &Judging) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| judging.selection.includes(rule))
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
        summary::report(&frame, &self.evidence, self.verdicts(judging), &self.ended)
    }

    fn verdicts(&self, judging: &Judging) -> Vec<Verdict> {
        let rules = self.rules.iter().copied();
        let rules = rules.filter(|rule| judging.selection.includes(rule));
        let mut verdicts: Vec<Verdict> = rules
            .map(|rule| match self.blurred.contains(rule.id) {
                true => Verdict::open(rule, BLURRED),
                false => Verdict::first(rule, &self.evidence),
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
