//! Judging from an orchestrator's journal alone: agents that somebody else has started, and that
//! nobody asks anything.
//!
//! The rules are the same as in a run; each agent's calls are evidence of their own.

mod crowd;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use acp_mock_orchestrator::{Act, Entry, Journal};
use acp_reports::{Report, Verdict};
use serde_json::Value;

use crate::evidence::{Ask, Evidence, Topic};
use crate::judge::Outcome;
use crate::recording::{Ended, Recording};
use crate::rule::Rule;
use crate::rules;
use crate::scenes::{Life, call_asks, mark};
use crate::settings::{Facts, Settings};
use crate::summary::{self, Frame};
use crate::verdict::Verdict as RuleVerdict;

/// What a journal can show: the others need the agent's own answers, or an outage.
const JUDGED: &[&str] = &[
    "orchestrator.registers",
    "orchestrator.heartbeats",
    "orchestrator.single-registration",
    "orchestrator.re-registers",
    "orchestrator.accepts-201",
];

/// More agents than this are not judged: each takes a look at all calls.
const MOST: usize = 200;

/// A journal that was kept for so long, to be judged or written down. The settings say where the
/// orchestrator was, and what agents were to do.
#[must_use]
pub fn recording(settings: &Settings, journal: &Journal, watched: Duration) -> Recording {
    let url = settings.url.as_str().trim_end_matches('/');
    let asks = call_asks(Topic::Registration, url, journal, Duration::ZERO);
    let asks = asks.into_iter().map(Arc::new).collect();
    let evidence = Evidence::new(settings.facts.clone(), asks, BTreeMap::new());
    let judged = JUDGED.iter().filter_map(|id| rules::find(id)).collect();
    Recording::witnessed(settings, judged, evidence, watched)
}

/// The journal that such evidence was made of.
fn journal(evidence: &Evidence) -> Journal {
    let entries = evidence.of(Topic::Registration).map(|ask| {
        let (request, answer) = (&ask.exchange.request, ask.answer());
        let given = ask.json().and_then(|body| body.get("registration_id"));
        Entry {
            at: ask.exchange.began,
            act: Act::of(&request.method, &request.path),
            method: request.method.clone(),
            path: request.path.clone(),
            body: serde_json::from_slice(&request.body).ok(),
            status: answer.map(|answer| answer.status),
            registration_id: given.and_then(Value::as_str).map(str::to_owned),
            // What the orchestrator knew is in its answer.
            is_known: answer.is_some_and(|answer| answer.is_success()),
        }
    });
    Journal::of(entries.collect())
}

/// The report on all agents in what was recorded.
pub(crate) fn report(
    frame: &Frame<'_>,
    judged: &[&'static Rule],
    recorded: &Evidence,
    watched: Duration,
) -> Report {
    let journal = journal(recorded);
    let agents = agents(&journal);
    let judged_agents = agents.get(..MOST).unwrap_or(&agents);
    let reports = judged_agents.iter().map(|agent| {
        let calls = of_agent(&journal, agent.as_deref(), agents.len() == 1);
        let evidence = evidence(&recorded.facts, frame.url, &calls, watched);
        let verdicts = judged.iter().map(|rule| verdict(rule, &evidence));
        let mut report = reported(frame, &evidence, verdicts.collect(), watched);
        report.target.agent_id = agent.clone();
        let name = agent.as_deref().unwrap_or("an agent without an agent_id");
        (name.to_owned(), report)
    });
    let Some(mut whole) = crowd::join(reports.collect(), frame.strict) else {
        return nobody(frame, recorded, watched);
    };
    if frame.label.is_none() {
        let whom = match agents.len() {
            1 => "an agent".to_owned(),
            number => format!("{number} agents"),
        };
        whole.target.url = format!("{whom}, seen by the orchestrator at {}", frame.url);
    }
    // Nobody was asked anything: no feature was looked at as a whole.
    whole.features.clear();
    if agents.len() > MOST {
        whole.verdict = Verdict::Error;
        let told = "have registered: too many to judge them all, so there is no verdict";
        whole.error = Some(format!("{} agents {told}", agents.len()));
    }
    whole
}

fn reported(
    frame: &Frame<'_>,
    evidence: &Evidence,
    verdicts: Vec<RuleVerdict>,
    watched: Duration,
) -> Report {
    let ended = Ended {
        stop: None,
        took: watched,
    };
    summary::report(frame, evidence, verdicts, &ended)
}

/// What does not come to pass while the orchestrator watches needs no proof.
fn verdict(rule: &'static Rule, evidence: &Evidence) -> RuleVerdict {
    let is_shown = rule
        .reads
        .iter()
        .all(|topic| evidence.lives.contains_key(topic));
    let mut verdict = RuleVerdict::first(rule, evidence);
    if !is_shown {
        let why = "it did not come to that while the orchestrator watched";
        verdict.outcome = Outcome::Skip(why.to_owned());
    }
    verdict
}

/// The report if no agent has registered: no verdict.
fn nobody(frame: &Frame<'_>, recorded: &Evidence, watched: Duration) -> Report {
    let facts = &recorded.facts;
    let evidence = evidence(facts, frame.url, &Journal::default(), watched);
    let mut report = reported(frame, &evidence, Vec::new(), watched);
    report.features.clear();
    report.verdict = Verdict::Error;
    report.error = Some(format!("no agent has registered at {}", frame.url));
    report
}

fn agent_id(entry: &Entry) -> Option<&str> {
    entry.body.as_ref()?.get("agent_id")?.as_str()
}

/// Who has tried to register, in the order of the first try. All who do not say who they are
/// count as one agent: nothing tells them apart.
fn agents(journal: &Journal) -> Vec<Option<String>> {
    let mut seen = BTreeSet::new();
    let ids = journal.registrations().map(agent_id);
    ids.filter(|id| seen.insert(*id))
        .map(|id| id.map(str::to_owned))
        .collect()
}

/// What one agent has said; all of it, if there is only one.
fn of_agent(journal: &Journal, agent: Option<&str>, is_alone: bool) -> Journal {
    if is_alone {
        return journal.clone();
    }
    let own = journal.registrations();
    let given: BTreeSet<&str> = own
        .filter(|one| agent_id(one) == agent)
        .filter_map(|one| one.registration_id.as_deref())
        .chain(agent)
        .collect();
    let is_own = |entry: &&Entry| match &entry.act {
        Act::Register => agent_id(entry) == agent,
        Act::Heartbeat(id) | Act::Capabilities(id) | Act::Goodbye(id) => {
            given.contains(id.as_str())
        }
        Act::Stray => false,
    };
    Journal::of(journal.entries.iter().filter(is_own).cloned().collect())
}

/// The calls under each topic that they are evidence for.
fn evidence(facts: &Facts, url: &str, journal: &Journal, watched: Duration) -> Evidence {
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
    Evidence::new(facts.clone(), asks, BTreeMap::new()).with_lives(lives)
}

fn is_taken(entry: &Entry) -> bool {
    entry
        .status
        .is_some_and(|status| (200..300).contains(&status))
}
