//! Putting a run together: verdicts and evidence make the report.

mod features;

use std::time::Duration;

use acp_reports::{
    Dialect as ShownDialect, Evidence as Shown, Finding, ProfileLevel, Report, Status, Summary,
    Target, Tool, Verdict as RunVerdict,
};

use self::features::features;
use crate::dialects::{self, Dialect};
use crate::drive::Stop;
use crate::evidence::{Ask, Evidence};
use crate::expected::ExpectedFailures;
use crate::judge::{Outcome, status};
use crate::present::Presenter;
use crate::profile::Profile;
use crate::recording::Ended;
use crate::redact::Redactor;
use crate::rule::Judged;
use crate::verdict::Verdict;

/// How many exchanges are shown of one failure.
const SHOWN: usize = 3;

/// What a report is told besides what was gathered and judged.
pub(crate) struct Frame<'a> {
    /// The agent's base URL, without a slash at its end.
    pub(crate) url: &'a str,
    /// What the report calls the agent, if not by its URL.
    pub(crate) label: Option<&'a str>,
    /// Whether a failed SHOULD fails the run.
    pub(crate) strict: bool,
    /// Which rules are scored.
    pub(crate) profile: &'static Profile,
    /// Failures that are known.
    pub(crate) expected: &'a ExpectedFailures,
    /// Keeps secrets out.
    pub(crate) redactor: &'a Redactor,
}

/// The report of a run.
pub(crate) fn report(
    frame: &Frame<'_>,
    evidence: &Evidence,
    verdicts: Vec<Verdict>,
    ended: &Ended,
) -> Report {
    let url = frame.url;
    let facts = &evidence.facts;
    let presenter = Presenter {
        base: url.to_owned(),
        redactor: frame.redactor.clone(),
    };
    let spoken = dialects::spoken(evidence);
    let finding = |verdict: &Verdict| finding(verdict, evidence, frame.strict, &presenter);
    let profile = frame.profile;
    let is_scored = |verdict: &&Verdict| profile.holds(verdict.rule);
    let mut results: Vec<Finding> = verdicts.iter().filter(is_scored).map(finding).collect();
    let later = verdicts.iter().filter(|verdict| !is_scored(verdict));
    let unscored = later.map(finding).collect();
    tell_costs(&spoken, &mut results);
    let stale_expectations = frame.expected.apply(&mut results);
    let error = ended.stop.as_ref().and_then(|stop| match stop {
        Stop::Gone(_) if evidence.all().next().is_none() => Some(match facts.launched {
            Some(_) => format!("the agent could not be started: {stop}"),
            None => format!("no agent answers at {url}: {stop}"),
        }),
        Stop::Gone(_) => Some(format!(
            "the agent stopped answering after {} exchanges: {stop}",
            evidence.asks.len()
        )),
        Stop::Interrupted => Some(stop.to_string()),
        // The rules that it leaves open say so: a MUST without evidence is not a pass.
        Stop::OutOfTime(_) => None,
    });
    let verdict = match &error {
        Some(_) => RunVerdict::Error,
        None => RunVerdict::of(&results, &stale_expectations, frame.strict),
    };
    let features = features(profile, evidence, &results, &verdicts);
    let mut report = Report {
        format: Report::FORMAT.to_owned(),
        format_version: Report::FORMAT_VERSION,
        tool: Tool {
            name: "acp-tck".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        profile: profile.name.to_owned(),
        target: Target {
            url: frame.label.unwrap_or(url).to_owned(),
            agent_id: evidence.probe.says("agent_id"),
            agent_version: evidence.probe.says("version"),
        },
        started_at: format!("{:.3}", facts.started_at),
        duration_ms: milliseconds(ended.took),
        seed: facts.seed,
        cases: facts.cases,
        strict: frame.strict,
        verdict,
        error,
        level: ProfileLevel::of(&features),
        summary: Summary::of(&results),
        features,
        dialects: spoken.iter().map(shown_dialect).collect(),
        stale_expectations,
        results,
        unscored,
    };
    redact(&mut report, &presenter.redactor);
    report
}

/// Adds to each finding what the dialects cost that it fails for.
fn tell_costs(spoken: &[(&Dialect, Vec<&Ask>)], results: &mut [Finding]) {
    for (dialect, _) in spoken {
        let is_failed = |finding: &&mut Finding| {
            let is_own = dialect.rule == Some(finding.rule.as_str());
            is_own && matches!(finding.status, Status::Fail | Status::Warn)
        };
        for finding in results.iter_mut().filter(is_failed) {
            let told = format!("dialect `{}`: {}", dialect.name, dialect.cost);
            finding.notes.push(told);
        }
    }
}

fn shown_dialect((dialect, asks): &(&Dialect, Vec<&Ask>)) -> ShownDialect {
    ShownDialect {
        name: dialect.name.to_owned(),
        point: dialect.point.to_owned(),
        form: dialect.form.to_owned(),
        canonical: dialect.canonical.to_owned(),
        cost: dialect.cost.to_owned(),
        rule: dialect.rule.map(str::to_owned),
        seen: asks.len(),
    }
}

/// Takes secrets out of every text that the agent may have had a hand in. What evidence shows of
/// an exchange has none already.
fn redact(report: &mut Report, redactor: &Redactor) {
    let clean = |text: &mut String| *text = redactor.text(text);
    clean(&mut report.target.url);
    let told = [
        &mut report.target.agent_id,
        &mut report.target.agent_version,
        &mut report.error,
    ];
    told.into_iter().flatten().for_each(clean);
    let reasons = report.features.iter_mut();
    reasons
        .filter_map(|feature| feature.reason.as_mut())
        .for_each(clean);
    for finding in report.results.iter_mut().chain(&mut report.unscored) {
        clean(&mut finding.message);
        finding.notes.iter_mut().for_each(clean);
        for shown in &mut finding.evidence {
            clean(&mut shown.note);
            let said = [&mut shown.expected, &mut shown.got];
            said.into_iter().flatten().for_each(clean);
        }
    }
}

fn finding(
    verdict: &Verdict,
    evidence: &Evidence,
    is_strict: bool,
    presenter: &Presenter,
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
        Outcome::Fail(judged) => evidence_of(verdict, judged, evidence, presenter),
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
        why: rule.why.to_owned(),
        mend: rule.mend.to_owned(),
        source: rule.source.to_owned(),
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
        Outcome::Skip(reason)
        | Outcome::Unseen(reason)
        | Outcome::Inconclusive(reason)
        | Outcome::Error(reason) => reason.clone(),
    }
}

/// The smallest case first, then others, the shortest requests first.
fn evidence_of(
    verdict: &Verdict,
    judged: &Judged,
    evidence: &Evidence,
    presenter: &Presenter,
) -> Vec<Shown> {
    let mut failures: Vec<_> = judged
        .failures
        .iter()
        .filter_map(|failure| Some((evidence.asks.get(failure.ask?)?, &failure.flaw)))
        .collect();
    failures.sort_by_key(|(ask, _)| ask.exchange.request.body_length);
    let shrunk = verdict
        .shrunk
        .iter()
        .map(|shrunk| presenter.evidence(&shrunk.ask, &shrunk.flaw));
    let others = failures
        .into_iter()
        .map(|(ask, flaw)| presenter.evidence(ask, flaw));
    shrunk.chain(others).take(SHOWN).collect()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use acp_reports::{Level, ProfileLevel};

    use super::*;
    use crate::evidence::{Step, Topic};
    use crate::feature::Feature;
    use crate::made_up;
    use crate::rule::{Look, Rule, each};
    use crate::rules;
    use crate::settings::Facts;
    use crate::wire::{End, Request};

    /// A MUST of the core that came after the newest revision, and that no agent fulfils.
    static LATER: Rule = Rule {
        id: "core.made-up",
        level: Level::Must,
        feature: Feature::Core,
        clause: "",
        source: "",
        why: "",
        mend: "",
        reads: &[Topic::Head],
        judge: |evidence| {
            each(evidence, evidence.of(Topic::Head), |_| {
                Look::flaw("wrong", "right", "wrong")
            })
        },
    };

    /// The report on an agent of which this became of the rules, in addition to those that hold.
    fn reported(change: impl Fn(&mut Verdict), more: &'static [Rule]) -> Report {
        let exchange = made_up::exchange(Request::get("/auth"), Err(End::TimedOut));
        let asks = vec![made_up::ask(Topic::Head, Step::Main, 0, exchange).into()];
        let evidence = Evidence::new(Facts::default(), asks, BTreeMap::new());
        let known = rules::catalogue().map(|rule| {
            let mut verdict = Verdict::first(rule, &evidence);
            verdict.outcome = Outcome::Pass(Judged {
                checked: 1,
                ..Judged::default()
            });
            change(&mut verdict);
            verdict
        });
        let later = more.iter().map(|rule| Verdict::first(rule, &evidence));
        let verdicts = known.chain(later).collect();
        let ended = Ended {
            stop: None,
            took: Duration::ZERO,
        };
        let frame = Frame {
            url: "http://127.0.0.1:1",
            label: None,
            strict: false,
            profile: Profile::LATEST,
            expected: &ExpectedFailures::default(),
            redactor: &Redactor::default(),
        };
        report(&frame, &evidence, verdicts, &ended)
    }

    #[test]
    fn a_must_that_does_not_apply_certifies_and_one_that_was_not_looked_at_does_not() {
        let with = |outcome: Outcome| {
            let change = |verdict: &mut Verdict| {
                if verdict.rule.id == "invoke.isolated" {
                    verdict.outcome = outcome.clone();
                }
            };
            let report = reported(change, &[]);
            let core = report.features.into_iter().find(|it| it.name == "core");
            let core = core.expect("a feature");
            (report.verdict, report.level, core.certified, core.reason)
        };
        let why = || "it was not waited for".to_owned();
        let certified = (RunVerdict::Pass, ProfileLevel::Core, true, None);
        assert_eq!(with(Outcome::Skip(why())), certified);
        let open = (RunVerdict::Pass, ProfileLevel::None, false, Some(why()));
        assert_eq!(with(Outcome::Unseen(why())), open);
    }

    #[test]
    fn a_rule_that_came_later_is_reported_and_not_scored() {
        let report = reported(|_| {}, std::slice::from_ref(&LATER));
        let [later] = report.unscored.as_slice() else {
            panic!("{} are not scored", report.unscored.len());
        };
        assert_eq!(
            (later.rule.as_str(), later.status),
            (LATER.id, Status::Fail)
        );
        assert!(
            report
                .results
                .iter()
                .all(|finding| finding.rule != LATER.id)
        );
        assert_eq!(
            (report.verdict, report.level),
            (RunVerdict::Pass, ProfileLevel::Core)
        );
        assert_eq!(report.summary.fail, 0);
    }
}
