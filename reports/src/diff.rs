//! Two runs side by side: what broke, what was mended, what is new, and through whose doing.

mod cause;
mod face;

use std::io;

use serde::Serialize;

use crate::{Finding, Report, Status, Verdict};

/// What became of a rule between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It held, or did not apply, and falls short now.
    Broke,
    /// It fell short, and holds now.
    Mended,
    /// The later run alone knows it.
    New,
    /// The earlier run alone knows it.
    Gone,
    /// One of the runs has no verdict, and was over before this rule was decided.
    Undecided,
    /// Its status is another, and neither of the above.
    Other,
}

/// Through whose doing, as far as two reports tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// A run came to no verdict: its agent could not be reached, or it broke off.
    NoVerdict,
    /// The two runs are of different agents.
    OtherAgent,
    /// The rule is another, or one run was without it.
    RuleSet,
    /// Its feature was claimed in one of the runs alone.
    Claim,
    /// The runs differ in how they were made: strictness, known failures, cases.
    Settings,
    /// Nothing of the above: the agent answers otherwise.
    Agent,
    /// The checker is of another version, and the agent says that it is the same: either may be.
    Unclear,
}

/// A rule whose status differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The rule's id.
    pub rule: String,
    /// What became of it.
    pub change: Change,
    /// Through whose doing.
    pub cause: Cause,
    /// How that shows, in one line.
    pub because: String,
    /// What it was in the earlier run.
    pub before: Option<Status>,
    /// What it is in the later one.
    pub after: Option<Status>,
    /// What the later run says of it; of a rule that is gone, the earlier one.
    pub message: String,
}

/// One of the two runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// What the agent calls itself, if it says.
    pub agent_id: Option<String>,
    /// The version that it declares, if it does.
    pub agent_version: Option<String>,
    /// Its base URL.
    pub url: String,
    /// When the run began.
    pub started_at: String,
    /// What it came to.
    pub verdict: Verdict,
    /// Why it has no verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What differs between two runs, in the later one's order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Always `acp-tck/diff`.
    pub format: &'static str,
    /// Always 1.
    pub format_version: u32,
    /// The earlier run.
    pub before: Run,
    /// The later one.
    pub after: Run,
    /// How many rules are the same in both.
    pub unchanged: usize,
    /// The others.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// Compares two runs.
    #[must_use]
    pub fn of(before: &Report, after: &Report) -> Self {
        let mut differences = Vec::new();
        let mut unchanged = 0;
        for now in &after.results {
            match find(before, &now.rule) {
                Some(then) if then.status == now.status => unchanged += 1,
                then => differences.push(difference(before, after, then, Some(now))),
            }
        }
        let gone = before
            .results
            .iter()
            .filter(|then| find(after, &then.rule).is_none());
        differences.extend(gone.map(|then| difference(before, after, Some(then), None)));
        Self {
            format: "acp-tck/diff",
            format_version: 1,
            before: run(before),
            after: run(after),
            unchanged,
            differences: differences.into_iter().flatten().collect(),
        }
    }

    /// `Fail` if anything fell short that did not before, a new rule included; else `Error` if one
    /// of the runs has no verdict, as then nothing is known of what it did not decide.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let is_worse = self.differences.iter().any(|it| {
            let fails = matches!(it.after, Some(Status::Fail | Status::Inconclusive));
            it.change == Change::Broke || (it.change == Change::New && fails)
        });
        let verdicts = [self.before.verdict, self.after.verdict];
        match (is_worse, verdicts.contains(&Verdict::Error)) {
            (true, _) => Verdict::Fail,
            (false, true) => Verdict::Error,
            (false, false) => Verdict::Pass,
        }
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    /// Writes it for people, coloured.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        face::write(self, out)
    }
}

fn run(report: &Report) -> Run {
    let target = &report.target;
    Run {
        agent_id: target.agent_id.clone(),
        agent_version: target.agent_version.clone(),
        url: target.url.clone(),
        started_at: report.started_at.clone(),
        verdict: report.verdict,
        error: report.error.clone(),
    }
}

fn find<'r>(report: &'r Report, rule: &str) -> Option<&'r Finding> {
    report.results.iter().find(|it| it.rule == rule)
}

fn difference(
    before: &Report,
    after: &Report,
    then: Option<&Finding>,
    now: Option<&Finding>,
) -> Option<Difference> {
    let told = now.or(then)?;
    let (cause, because) = cause::of(before, after, then, now);
    let (was, is) = (then.map(|it| it.status), now.map(|it| it.status));
    Some(Difference {
        rule: told.rule.clone(),
        change: match cause {
            Cause::NoVerdict => Change::Undecided,
            _ => change(was, is),
        },
        cause,
        because,
        before: was,
        after: is,
        message: told.message.clone(),
    })
}

fn change(was: Option<Status>, is: Option<Status>) -> Change {
    use Status::{Error, Expected, Fail, Inconclusive, Pass, Skip, Warn};
    match (was, is) {
        (None, _) => Change::New,
        (_, None) => Change::Gone,
        (Some(Pass | Skip), Some(Fail | Warn | Inconclusive | Expected)) => Change::Broke,
        (Some(Fail | Warn | Inconclusive | Expected), Some(Pass)) => Change::Mended,
        // What is no longer excused fails the run, and did not before.
        (Some(Expected | Warn), Some(Fail)) => Change::Broke,
        (Some(Error | Pass | Skip | Fail | Warn | Inconclusive | Expected), Some(_)) => {
            Change::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, sample};

    fn run(statuses: &[(&str, Status)]) -> Report {
        let mut report = sample::clean();
        let findings = statuses.iter();
        report.results = findings
            .map(|(rule, status)| sample::finding(rule, Level::Must, *status))
            .collect();
        report
    }

    fn one(before: &Report, after: &Report) -> (Change, Cause) {
        let comparison = Comparison::of(before, after);
        assert_eq!(comparison.differences.len(), 1);
        let difference = &comparison.differences[0];
        (difference.change, difference.cause)
    }

    #[test]
    fn each_rule_that_differs_is_told_once() {
        use Status::{Fail, Pass, Skip};
        let before = run(&[
            ("a.a", Pass),
            ("a.b", Pass),
            ("a.c", Fail),
            ("a.d", Pass),
            ("a.e", Pass),
        ]);
        let after = run(&[
            ("a.a", Pass),
            ("a.b", Fail),
            ("a.c", Pass),
            ("a.e", Skip),
            ("a.f", Pass),
        ]);
        let comparison = Comparison::of(&before, &after);
        assert_eq!(comparison.unchanged, 1);
        let told = comparison.differences.iter();
        let told: Vec<_> = told.map(|it| (it.rule.as_str(), it.change)).collect();
        assert_eq!(
            told,
            [
                ("a.b", Change::Broke),
                ("a.c", Change::Mended),
                ("a.e", Change::Other),
                ("a.f", Change::New),
                ("a.d", Change::Gone),
            ]
        );
        assert_eq!(comparison.verdict(), Verdict::Fail);
        assert_eq!(Comparison::of(&before, &before).verdict(), Verdict::Pass);
        insta::assert_snapshot!(said(&comparison));
    }

    #[test]
    fn the_causes_are_told_apart() {
        let before = run(&[("a.a", Status::Pass)]);
        let after = run(&[("a.a", Status::Fail)]);
        assert_eq!(one(&before, &after), (Change::Broke, Cause::Agent));

        let mut other = after.clone();
        other.results[0].clause = "another".to_owned();
        assert_eq!(one(&before, &other), (Change::Broke, Cause::RuleSet));

        let mut other = after.clone();
        other.features[0].claimed = !other.features[0].claimed;
        assert_eq!(one(&before, &other), (Change::Broke, Cause::Claim));

        let mut other = after.clone();
        other.seed += 1;
        assert_eq!(one(&before, &other), (Change::Broke, Cause::Settings));

        let mut other = after.clone();
        other.tool.version = "0.2.0".to_owned();
        assert_eq!(one(&before, &other), (Change::Broke, Cause::Unclear));
        other.target.agent_version = Some("2.0.0".to_owned());
        assert_eq!(one(&before, &other), (Change::Broke, Cause::Agent));

        let excused = run(&[("a.a", Status::Expected)]);
        assert_eq!(one(&excused, &after), (Change::Broke, Cause::Settings));
        assert_eq!(one(&after, &excused), (Change::Other, Cause::Settings));
        assert_eq!(one(&run(&[]), &after), (Change::New, Cause::RuleSet));
    }

    /// A run that was over before it decided these rules.
    fn broken_off(rules: &[&str]) -> Report {
        let undecided: Vec<_> = rules.iter().map(|it| (*it, Status::Inconclusive)).collect();
        let mut report = run(&undecided);
        report.verdict = Verdict::Error;
        report.error = Some("cannot connect for /auth: connection refused".to_owned());
        report
    }

    fn said(comparison: &Comparison) -> String {
        let mut out = Vec::new();
        let written = comparison.write(&mut out);
        written.expect("a vector takes everything");
        String::from_utf8(out)
            .expect("UTF-8")
            .replace('\u{1b}', "^")
    }

    #[test]
    fn an_outage_breaks_and_mends_nothing() {
        let good = run(&[("a.a", Status::Pass), ("a.b", Status::Fail)]);
        let mut none = broken_off(&["a.a", "a.b"]);
        none.target.agent_id = None;
        for (before, after) in [(&good, &none), (&none, &good)] {
            let comparison = Comparison::of(before, after);
            for it in &comparison.differences {
                let told = (it.change, it.cause);
                assert_eq!(told, (Change::Undecided, Cause::NoVerdict));
            }
            assert_eq!(comparison.verdict(), Verdict::Error);
        }
        insta::assert_snapshot!(said(&Comparison::of(&good, &none)));
    }

    #[test]
    fn what_a_run_decided_before_it_broke_off_still_counts() {
        let before = run(&[("a.a", Status::Pass), ("a.b", Status::Pass)]);
        let mut after = broken_off(&["a.a", "a.b"]);
        after.results[0].status = Status::Fail;
        let comparison = Comparison::of(&before, &after);
        let told: Vec<_> = comparison.differences.iter().map(|it| it.change).collect();
        assert_eq!(told, [Change::Broke, Change::Undecided]);
        assert_eq!(comparison.verdict(), Verdict::Fail);
    }

    #[test]
    fn two_agents_are_both_named_and_their_difference_is_no_change_of_one() {
        let before = run(&[("a.a", Status::Pass)]);
        let mut after = run(&[("a.a", Status::Fail)]);
        after.target.agent_id = Some("beta\u{1b}[2J".to_owned());
        assert_eq!(one(&before, &after), (Change::Broke, Cause::OtherAgent));
        let text = said(&Comparison::of(&before, &after));
        for name in ["weather-advisor", "beta\\u{1b}[2J"] {
            assert!(text.contains(name), "{text}");
        }
        // One agent may be found at another place, and may keep its name to itself once.
        after.target.agent_id.clone_from(&before.target.agent_id);
        after.target.url = "http://127.0.0.1:9".to_owned();
        assert_eq!(one(&before, &after), (Change::Broke, Cause::Agent));
        after.target.agent_id = None;
        assert_eq!(one(&before, &after), (Change::Broke, Cause::OtherAgent));
        after.target.url.clone_from(&before.target.url);
        assert_eq!(one(&before, &after), (Change::Broke, Cause::Agent));
    }

    #[test]
    fn a_new_rule_that_fails_is_worse_and_one_that_holds_is_not() {
        let before = run(&[]);
        let verdict = |status| Comparison::of(&before, &run(&[("a.a", status)])).verdict();
        assert_eq!(verdict(Status::Fail), Verdict::Fail);
        assert_eq!(verdict(Status::Pass), Verdict::Pass);
    }
}
