//! Judging from an orchestrator's journal alone: agents that somebody else has started, and that
//! nobody asks anything.
//!
//! The rules are the same as in a run; each agent's calls are evidence of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use acp_mock_orchestrator::{Act, Entry, Journal};
use acp_reports::{Report, Status, Summary, Verdict};
use serde_json::Value;

use crate::evidence::{Ask, Evidence, Topic};
use crate::judge::Outcome;
use crate::rule::Rule;
use crate::rules;
use crate::run::{Verdict as RuleVerdict, first_verdict};
use crate::scenes::{Life, call_asks, mark};
use crate::settings::Settings;
use crate::summary::{self, Ended};

/// What a journal can show: the others need the agent's own answers, or an outage.
const JUDGED: &[&str] = &[
    "orchestrator.registers",
    "orchestrator.heartbeats",
    "orchestrator.single-registration",
    "orchestrator.re-registers",
    "orchestrator.accepts-201",
];

/// The report on all agents in a journal that was kept for so long. Of a rule that does not hold
/// for all of them, the finding tells of the first for which it does not.
#[must_use]
pub fn report(settings: &Settings, journal: &Journal, watched: Duration) -> Report {
    let judged: Vec<&'static Rule> = JUDGED.iter().filter_map(|id| rules::find(id)).collect();
    let agents = agents(journal);
    let mut reports = agents.iter().map(|agent| {
        let calls = of_agent(journal, agent, agents.len() == 1);
        let evidence = evidence(settings, &calls, watched);
        let verdicts = judged.iter().map(|rule| verdict(rule, &evidence));
        let ended = Ended {
            stop: None,
            took: watched,
        };
        (
            agent,
            summary::report(settings, &evidence, verdicts.collect(), ended),
        )
    });
    let Some((first, mut whole)) = reports.next() else {
        return nobody(settings, watched);
    };
    if let Some(finding) = whole.results.first_mut() {
        finding.notes.push(format!("agents: {}", agents.join(", ")));
    }
    whole.target.agent_id = (agents.len() == 1).then(|| first.clone());
    for (agent, report) in reports {
        for (known, other) in whole.results.iter_mut().zip(report.results) {
            if !is_bad(known.status) && is_bad(other.status) {
                let notes = std::mem::take(&mut known.notes);
                *known = other;
                known.message = format!("{agent}: {}", known.message);
                known.notes = notes;
            }
        }
        for (known, other) in whole.features.iter_mut().zip(report.features) {
            known.certified &= other.certified;
        }
    }
    whole.summary = Summary::of(&whole.results);
    whole.verdict = Verdict::of(&whole.results, &[], settings.strict);
    whole
}

fn is_bad(status: Status) -> bool {
    !matches!(status, Status::Pass | Status::Skip)
}

/// What does not come to pass while the orchestrator watches needs no proof.
fn verdict(rule: &'static Rule, evidence: &Evidence) -> RuleVerdict {
    let is_shown = rule
        .reads
        .iter()
        .all(|topic| evidence.lives.contains_key(topic));
    let mut verdict = first_verdict(rule, evidence);
    if !is_shown {
        let why = "it did not come to that while the orchestrator watched";
        verdict.outcome = Outcome::Skip(why.to_owned());
    }
    verdict
}

/// The report if no agent has registered: no verdict.
fn nobody(settings: &Settings, watched: Duration) -> Report {
    let evidence = evidence(settings, &Journal::default(), watched);
    let ended = Ended {
        stop: None,
        took: watched,
    };
    let mut report = summary::report(settings, &evidence, Vec::new(), ended);
    report.verdict = Verdict::Error;
    report.error = Some(format!("no agent has registered at {}", settings.url));
    report
}

fn agent_id(entry: &Entry) -> Option<&str> {
    let body = entry.body.as_ref().filter(|_| entry.act == Act::Register);
    body?.get("agent_id").and_then(Value::as_str)
}

/// Who has tried to register, in the order of the first try.
fn agents(journal: &Journal) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ids = journal.entries.iter().filter_map(agent_id);
    ids.filter(|id| seen.insert(*id))
        .map(str::to_owned)
        .collect()
}

/// What one agent has said; all of it, if there is only one.
fn of_agent(journal: &Journal, agent: &str, is_alone: bool) -> Journal {
    if is_alone {
        return journal.clone();
    }
    let own = journal
        .entries
        .iter()
        .filter(|one| agent_id(one) == Some(agent));
    let given: BTreeSet<&str> = own
        .filter_map(|one| one.registration_id.as_deref())
        .chain([agent])
        .collect();
    let is_own = |entry: &&Entry| match &entry.act {
        Act::Register => agent_id(entry) == Some(agent),
        Act::Heartbeat(id) | Act::Capabilities(id) | Act::Goodbye(id) => {
            given.contains(id.as_str())
        }
        Act::Stray => false,
    };
    Journal {
        entries: journal.entries.iter().filter(is_own).cloned().collect(),
        dropped: 0,
    }
}

/// The calls under each topic that they are evidence for.
fn evidence(settings: &Settings, journal: &Journal, watched: Duration) -> Evidence {
    let failed = |entry: &Entry| matches!(entry.act, Act::Heartbeat(_)) && !is_taken(entry);
    let created = |entry: &Entry| entry.act == Act::Register && entry.status == Some(201);
    let entries = &journal.entries;
    let shown = [
        (Topic::Registration, true),
        (Topic::Forgotten, entries.iter().any(failed)),
        (Topic::Created, entries.iter().any(created)),
    ];
    // Nobody knows when the agent was started: its clock begins with its first call.
    let ahead = entries.first().map_or(Duration::ZERO, |entry| entry.at);
    let mut lives = BTreeMap::new();
    let mut asks: Vec<Arc<Ask>> = Vec::new();
    let url = settings.url.as_str().trim_end_matches('/');
    for (topic, _) in shown.into_iter().filter(|(_, is_shown)| *is_shown) {
        asks.extend(
            call_asks(topic, url, journal, ahead)
                .into_iter()
                .map(Arc::new),
        );
        let mut life = Life::default();
        life.marks
            .insert(mark::WATCHED, watched.saturating_sub(ahead));
        lives.insert(topic, life);
    }
    Evidence::new(settings.facts.clone(), asks, BTreeMap::new()).with_lives(lives)
}

fn is_taken(entry: &Entry) -> bool {
    entry
        .status
        .is_some_and(|status| (200..300).contains(&status))
}
