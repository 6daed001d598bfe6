//! Putting a run together: verdicts and evidence make the report.

use std::time::Duration;

use acp_reports::{
    Evidence as Shown, Feature as ShownFeature, Finding, Level, ProfileLevel, Report, Status,
    Summary, Target, Tool, Verdict as RunVerdict,
};

use crate::drive::Stop;
use crate::evidence::Evidence;
use crate::feature::Feature;
use crate::judge::{Outcome, status};
use crate::record::Recorder;
use crate::redact::Redactor;
use crate::rule::Judged;
use crate::rules;
use crate::run::Verdict;
use crate::settings::Settings;

/// How many exchanges are shown of one failure.
const SHOWN: usize = 3;

/// How a run came to its end.
pub(crate) struct Ended {
    pub(crate) stop: Option<Stop>,
    pub(crate) took: Duration,
}

/// The report of a run.
pub(crate) fn report(
    settings: &Settings,
    evidence: &Evidence,
    verdicts: Vec<Verdict>,
    ended: Ended,
) -> Report {
    let url = settings.url.as_str().trim_end_matches('/').to_owned();
    let redactor = Redactor::new(&settings.headers).and(&settings.facts.params.refused_credentials);
    let recorder = Recorder {
        base: url.clone(),
        redactor,
    };
    let mut results: Vec<Finding> = verdicts
        .iter()
        .map(|verdict| finding(verdict, evidence, settings.strict, &recorder))
        .collect();
    let stale_expectations = settings.expected.apply(&mut results);
    let error = ended.stop.map(|stop| match stop {
        Stop::Gone(_) if evidence.all().next().is_none() => {
            format!("no agent answers at {url}: {stop}")
        }
        Stop::Gone(_) => format!(
            "the agent stopped answering after {} exchanges: {stop}",
            evidence.asks.len()
        ),
        Stop::Interrupted => stop.to_string(),
    });
    let verdict = match &error {
        Some(_) => RunVerdict::Error,
        None => RunVerdict::of(&results, &stale_expectations, settings.strict),
    };
    let features = features(evidence, &results);
    let report = Report {
        format: Report::FORMAT.to_owned(),
        format_version: Report::FORMAT_VERSION,
        tool: Tool {
            name: "acp-tck".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        profile: rules::PROFILE.to_owned(),
        target: Target {
            url: settings.label.clone().unwrap_or(url),
            agent_id: evidence.probe.says("agent_id"),
            agent_version: evidence.probe.says("version"),
        },
        started_at: format!("{:.3}", settings.facts.started_at),
        duration_ms: milliseconds(ended.took),
        seed: settings.facts.seed,
        cases: settings.facts.cases,
        strict: settings.strict,
        verdict,
        error,
        level: level(&features),
        summary: Summary::of(&results),
        features,
        stale_expectations,
        results,
    };
    redacted(report, &recorder.redactor)
}

/// Takes secrets out of every text, also where the agent put them.
fn redacted(report: Report, redactor: &Redactor) -> Report {
    let Ok(mut document) = serde_json::to_value(&report) else {
        return report;
    };
    redactor.document(&mut document);
    serde_json::from_value(document).unwrap_or(report)
}

fn finding(
    verdict: &Verdict,
    evidence: &Evidence,
    is_strict: bool,
    recorder: &Recorder,
) -> Finding {
    let Verdict {
        rule,
        outcome,
        attempts,
        failed_attempts,
        ..
    } = verdict;
    let judged = match outcome {
        Outcome::Pass(judged) | Outcome::Fail(judged) => Some(judged),
        _ => None,
    };
    let shown = match outcome {
        Outcome::Fail(judged) => evidence_of(verdict, judged, evidence, recorder),
        _ => Vec::new(),
    };
    Finding {
        rule: rule.id.to_owned(),
        level: rule.level,
        feature: rule.feature.name().to_owned(),
        status: status(rule.level, outcome, is_strict),
        message: message(outcome),
        unsteady: verdict.is_unsteady(),
        attempts: *attempts,
        failed_attempts: *failed_attempts,
        checked: judged.map_or(0, |judged| judged.checked),
        duration_ms: judged.map_or(0.0, |judged| milliseconds(judged.spent)),
        clause: rule.clause.to_owned(),
        mend: rule.mend.to_owned(),
        excuse: None,
        notes: judged.map_or_else(Vec::new, |judged| judged.notes.clone()),
        evidence: shown,
    }
}

fn message(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Pass(judged) => {
            let seen = judged
                .seen
                .iter()
                .map(|(topic, count)| format!("{topic} {count}"));
            format!(
                "{} looked at: {}",
                judged.checked,
                seen.collect::<Vec<_>>().join(", ")
            )
        }
        Outcome::Fail(judged) => {
            let first = judged
                .failures
                .first()
                .map_or("", |failure| failure.flaw.message.as_str());
            format!("{first} ({} of {})", judged.failures.len(), judged.checked)
        }
        Outcome::Skip(reason) | Outcome::Inconclusive(reason) | Outcome::Error(reason) => {
            reason.clone()
        }
    }
}

/// The smallest case first, then others, the shortest requests first.
fn evidence_of(
    verdict: &Verdict,
    judged: &Judged,
    evidence: &Evidence,
    recorder: &Recorder,
) -> Vec<Shown> {
    let mut failures: Vec<_> = judged
        .failures
        .iter()
        .filter_map(|failure| Some((evidence.asks.get(failure.ask)?, &failure.flaw)))
        .collect();
    failures.sort_by_key(|(ask, _)| ask.exchange.request.body_length);
    let shrunk = verdict
        .shrunk
        .iter()
        .map(|shrunk| recorder.evidence(&shrunk.ask, &shrunk.flaw));
    let others = failures
        .into_iter()
        .map(|(ask, flaw)| recorder.evidence(ask, flaw));
    shrunk.chain(others).take(SHOWN).collect()
}

fn features(evidence: &Evidence, results: &[Finding]) -> Vec<ShownFeature> {
    let shown = |feature: &Feature| {
        let found = evidence.probe.is_found(*feature);
        let holds = |id: &str| {
            results.iter().any(|finding| {
                finding.rule == id && matches!(finding.status, Status::Pass | Status::Skip)
            })
        };
        let mut musts =
            rules::catalogue().filter(|rule| rule.feature == *feature && rule.level == Level::Must);
        ShownFeature {
            name: feature.name().to_owned(),
            claimed: evidence.probe.is_claimed(*feature),
            found,
            certified: found
                && !is_cut_short(*feature, evidence)
                && musts.all(|rule| holds(rule.id)),
        }
    };
    let is_judged = |feature: &&Feature| rules::catalogue().any(|rule| rule.feature == **feature);
    Feature::ALL.iter().filter(is_judged).map(shown).collect()
}

/// Whether most of a feature was left out for the lack of time.
fn is_cut_short(feature: Feature, evidence: &Evidence) -> bool {
    let terms = evidence.facts.launched;
    feature == Feature::Orchestrator && terms.is_some_and(|terms| terms.is_quick)
}

/// The level reached; production asks for features that are not judged yet.
fn level(features: &[ShownFeature]) -> ProfileLevel {
    let is_certified = |name: &str| {
        features
            .iter()
            .any(|feature| feature.name == name && feature.certified)
    };
    if ["core", "errors", "observability", "lifecycle"]
        .into_iter()
        .all(is_certified)
    {
        ProfileLevel::Production
    } else if is_certified(Feature::Core.name()) {
        ProfileLevel::Core
    } else {
        ProfileLevel::None
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
