//! Two runs side by side: what broke, what was mended, what is new, and through whose doing.

use std::io;

use serde::Serialize;

use crate::layout::{BOLD, DIM, heading, paint, paragraph};
use crate::{Finding, Report, Status, text, words};

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
    /// Its status is another, and neither of the above.
    Other,
}

/// Through whose doing, as far as two reports tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
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

/// What differs between two runs, in the later one's order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Always `acp-tck/diff`.
    pub format: &'static str,
    /// Always 1.
    pub format_version: u32,
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
            unchanged,
            differences: differences.into_iter().flatten().collect(),
        }
    }

    /// Whether anything fell short that did not before, a new rule included.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.differences.iter().any(|it| {
            let fails = matches!(it.after, Some(Status::Fail | Status::Inconclusive));
            it.change == Change::Broke || (it.change == Change::New && fails)
        })
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
        for (change, title) in [
            (Change::Broke, "Broke"),
            (Change::Mended, "Mended"),
            (Change::New, "New in the catalogue"),
            (Change::Gone, "Gone from the catalogue"),
            (Change::Other, "Otherwise changed"),
        ] {
            let members = self.differences.iter().filter(|it| it.change == change);
            let members: Vec<&Difference> = members.collect();
            if members.is_empty() {
                continue;
            }
            heading(out, &format!("{title} ({})", members.len()))?;
            for member in members {
                member.write(out)?;
            }
        }
        let same = words::count(self.unchanged, "rule is", "rules are");
        writeln!(out, "\n{same} as before")
    }
}

impl Difference {
    fn write(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let word = |status: Option<Status>| status.map_or("-", words::status);
        let (before, after) = (word(self.before), word(self.after));
        let rule = paint(BOLD, &text::clip(&self.rule, 80));
        writeln!(
            out,
            "  {rule}  {}",
            paint(DIM, &format!("{before} → {after}"))
        )?;
        paragraph(out, 4, &text::clip(&self.message, text::SENTENCE))?;
        paragraph(out, 4, &format!("cause: {}", self.because))
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
    let (cause, because) = match (then, now) {
        (Some(then), Some(now)) => cause(before, after, then, now),
        _ => (
            Cause::RuleSet,
            "the rule set, or the choice of rules: one run alone judged this one".to_owned(),
        ),
    };
    let (was, is) = (then.map(|it| it.status), now.map(|it| it.status));
    Some(Difference {
        rule: told.rule.clone(),
        change: change(was, is),
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

/// The first cause that the reports show; the agent's where they show none.
fn cause(before: &Report, after: &Report, then: &Finding, now: &Finding) -> (Cause, String) {
    let said = |cause, text: &str| (cause, text.to_owned());
    if (&then.clause, then.level, &then.feature) != (&now.clause, now.level, &now.feature) {
        return said(
            Cause::RuleSet,
            "the rule set: this rule asks for something else now",
        );
    }
    let claimed = |report: &Report| {
        let mut features = report.features.iter();
        features.any(|feature| feature.name == now.feature && feature.claimed)
    };
    if claimed(before) != claimed(after) {
        let feature = text::clip(&now.feature, 60);
        let verb = if claimed(after) { "now" } else { "no longer" };
        return (
            Cause::Claim,
            format!("the claim: `{feature}` is {verb} claimed"),
        );
    }
    if is_of_settings(then.status, now.status) {
        return said(
            Cause::Settings,
            "the settings: strictness, or the file of expected failures",
        );
    }
    if (before.seed, before.cases) != (after.seed, after.cases) {
        return said(
            Cause::Settings,
            "the settings, perhaps: the cases were others",
        );
    }
    let is_other_tool = before.tool.version != after.tool.version;
    let version = |report: &Report| report.target.agent_version.clone();
    if is_other_tool && version(before) == version(after) {
        return said(
            Cause::Unclear,
            "the agent or the checker: the checker's version differs, the agent's does not",
        );
    }
    said(Cause::Agent, "the agent answers otherwise")
}

/// Whether the rule does not hold in either run, and only what that means differs.
fn is_of_settings(was: Status, is: Status) -> bool {
    let falls_short = |status| matches!(status, Status::Fail | Status::Warn | Status::Expected);
    falls_short(was) && falls_short(is)
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
        assert!(comparison.is_worse());
        assert!(!Comparison::of(&before, &before).is_worse());
        let mut out = Vec::new();
        comparison
            .write(&mut out)
            .expect("a vector takes everything");
        let text = String::from_utf8(out).expect("UTF-8");
        insta::assert_snapshot!(text.replace('\u{1b}', "^"));
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

    #[test]
    fn a_new_rule_that_fails_is_worse_and_one_that_holds_is_not() {
        let before = run(&[]);
        let worse = |status| Comparison::of(&before, &run(&[("a.a", status)])).is_worse();
        assert!(worse(Status::Fail));
        assert!(!worse(Status::Pass));
    }
}
