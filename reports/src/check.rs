//! The check report: the model that every face renders, and the JSON that others rely on.
//!
//! Field names and values are fixed (`acp-tck/check`, version 1): more may be added, none is
//! changed. How a finding's status comes about is the checker's business; what a set of
//! statuses means for the run is decided here, in [`Verdict::of`].

use serde::{Deserialize, Serialize};

use crate::{Evidence, words};

/// One run of `check`, whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// Always `acp-tck/check`.
    #[cfg_attr(test, schemars(extend("const" = Report::FORMAT)))]
    pub format: String,
    /// Always 1.
    #[cfg_attr(test, schemars(extend("const" = Report::FORMAT_VERSION)))]
    pub format_version: u32,
    /// What made this report.
    pub tool: Tool,
    /// The requirement set that was judged, for example `five-endpoint/1`.
    pub profile: String,
    /// The agent under test.
    pub target: Target,
    /// When the run began, RFC 3339, UTC.
    pub started_at: String,
    /// How long the run took, in milliseconds.
    pub duration_ms: f64,
    /// The seed that every generated case comes from.
    pub seed: u64,
    /// How many generated cases a rule was allowed.
    pub cases: usize,
    /// Whether a failed SHOULD fails the run.
    pub strict: bool,
    /// What the run as a whole says.
    pub verdict: Verdict,
    /// Why the verdict is `error`, in one line; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The profile level that the agent reached.
    pub level: ProfileLevel,
    /// What the agent offers, by feature.
    pub features: Vec<Feature>,
    /// Where the agent says in another form what the profile says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dialects: Vec<Dialect>,
    /// Findings by status.
    pub summary: Summary,
    /// Entries of the expected-failures file that no longer hold; each fails the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale_expectations: Vec<Stale>,
    /// One finding a rule, in the catalogue's order.
    pub results: Vec<Finding>,
    /// Findings of rules that are later than the profile's revision: they decide nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unscored: Vec<Finding>,
}

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tool {
    /// `acp-tck`.
    pub name: String,
    /// Its semantic version.
    pub version: String,
}

/// The agent under test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Target {
    /// The base URL that was given.
    pub url: String,
    /// What the agent calls itself, if it says.
    pub agent_id: Option<String>,
    /// The version that it declares, if it does.
    pub agent_version: Option<String>,
}

/// What the run as a whole says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All that was asked for holds.
    Pass,
    /// The agent falls short, or an expectation no longer holds.
    Fail,
    /// No verdict on the agent: it could not be reached, or the checker itself failed.
    Error,
}

/// The profile level that an agent reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ProfileLevel {
    /// `core`, `errors`, `observability` and `lifecycle` are all certified.
    Production,
    /// `core` is certified.
    Core,
    /// Not even that.
    None,
}

/// A feature of the profile, and what the run says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Feature {
    /// Its name in the profile.
    pub name: String,
    /// The agent or its user says that it is there.
    pub claimed: bool,
    /// The probe saw it.
    pub found: bool,
    /// Every MUST of it that applies to the agent was judged and holds.
    pub certified: bool,
    /// Why it is not certified although nothing of it was found wrong: what was not looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Another form of what the profile says, which the agent uses instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dialect {
    /// Its name, for example `stream-by-flag`.
    pub name: String,
    /// What is said otherwise.
    pub point: String,
    /// How it is said.
    pub form: String,
    /// How the profile has it.
    pub canonical: String,
    /// What it costs the agent's users.
    pub cost: String,
    /// The rule that fails for it, if one does.
    pub rule: Option<String>,
    /// In how many exchanges it was seen.
    pub seen: usize,
}

/// How many findings have each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// Rules that hold.
    pub pass: usize,
    /// Rules that do not.
    pub fail: usize,
    /// SHOULDs that do not hold, when they do not fail the run.
    pub warn: usize,
    /// Rules that do not apply, each with its reason.
    pub skip: usize,
    /// Rules whose evidence is missing.
    pub inconclusive: usize,
    /// Rules whose check failed itself.
    pub error: usize,
    /// Failures that the expected-failures file excuses.
    pub expected: usize,
}

/// How binding a rule is (RFC 2119).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A failure fails the run.
    Must,
    /// A failure is a warning, unless the run is strict.
    Should,
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It holds for all that was looked at.
    Pass,
    /// It does not.
    Fail,
    /// A SHOULD that does not hold.
    Warn,
    /// It does not apply; the message says why.
    Skip,
    /// There was not the evidence to decide it; the message says what is missing.
    Inconclusive,
    /// The check itself failed.
    Error,
    /// It does not hold, and the expected-failures file says that this is known.
    Expected,
}

/// What one rule's check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// The rule's id, for example `sse.data-is-json`.
    pub rule: String,
    /// How binding it is.
    pub level: Level,
    /// The feature that it belongs to.
    pub feature: String,
    /// What became of it.
    pub status: Status,
    /// One line: what was wrong, why it was skipped, or what was looked at.
    pub message: String,
    /// It failed on some attempts and held on others.
    pub unsteady: bool,
    /// How many times it was judged on fresh evidence.
    pub attempts: u32,
    /// On how many of those attempts it failed.
    #[serde(default)]
    pub failed_attempts: u32,
    /// How many cases or exchanges it looked at; never 0 for a pass.
    pub checked: usize,
    /// How long the exchanges that it looked at took, in milliseconds.
    pub duration_ms: f64,
    /// The requirement, in a sentence of the profile.
    #[serde(default)]
    pub clause: String,
    /// What goes wrong for a client when the rule does not hold.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// How to mend a failure.
    #[serde(default)]
    pub mend: String,
    /// Where the requirement comes from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Why a failure is excused, in the words of the expected-failures file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excuse: Option<String>,
    /// Facts worth knowing that do not change the status.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the status rests on: of a failure the telling exchanges, smallest case first.
    pub evidence: Vec<Evidence>,
}

/// An entry of the expected-failures file that no longer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stale {
    /// The rule that the entry names.
    pub rule: String,
    /// What is the matter with it: it passes again, or there is no such rule.
    pub problem: String,
}

impl Summary {
    /// Counts findings by status.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let number = |status| findings.iter().filter(|it| it.status == status).count();
        Self {
            pass: number(Status::Pass),
            fail: number(Status::Fail),
            warn: number(Status::Warn),
            skip: number(Status::Skip),
            inconclusive: number(Status::Inconclusive),
            error: number(Status::Error),
            expected: number(Status::Expected),
        }
    }

    /// How many findings have this status.
    #[must_use]
    pub fn number(&self, status: Status) -> usize {
        match status {
            Status::Pass => self.pass,
            Status::Fail => self.fail,
            Status::Warn => self.warn,
            Status::Skip => self.skip,
            Status::Inconclusive => self.inconclusive,
            Status::Error => self.error,
            Status::Expected => self.expected,
        }
    }
}

impl Verdict {
    /// What a set of findings means for the run.
    ///
    /// A check that failed itself spoils the run, and so does a run in which nothing was
    /// judged. A failure, a MUST without evidence, or a stale expectation fails it; in a strict
    /// run a SHOULD without evidence does too.
    #[must_use]
    pub fn of(findings: &[Finding], stale: &[Stale], is_strict: bool) -> Self {
        let any = |wanted: Status| findings.iter().any(|finding| finding.status == wanted);
        let counts = |level| is_strict || level == Level::Must;
        let undecided = findings
            .iter()
            .any(|finding| finding.status == Status::Inconclusive && counts(finding.level));
        if any(Status::Error) {
            return Self::Error;
        }
        if any(Status::Fail) || undecided || !stale.is_empty() {
            return Self::Fail;
        }
        let judged = [Status::Pass, Status::Warn, Status::Expected];
        if judged.into_iter().any(any) {
            Self::Pass
        } else {
            Self::Error
        }
    }

    /// The exit code of a run that ends in this verdict.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Error => 3,
        }
    }
}

impl Report {
    /// The value of `format`.
    pub const FORMAT: &'static str = "acp-tck/check";
    /// The value of `format_version`.
    pub const FORMAT_VERSION: u32 = 1;

    /// What the run comes to, in one line for people.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        words::verdict(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn verdict(statuses: &[(Level, Status)]) -> Verdict {
        judged(statuses, false)
    }

    fn judged(statuses: &[(Level, Status)], is_strict: bool) -> Verdict {
        let findings: Vec<_> = statuses
            .iter()
            .map(|(level, status)| sample::finding("a.b", *level, *status))
            .collect();
        Verdict::of(&findings, &[], is_strict)
    }

    #[test]
    fn each_finding_is_counted_once_under_its_status() {
        let it = sample::report().summary;
        assert_eq!((it.pass, it.fail, it.warn, it.skip), (4, 3, 1, 3));
        assert_eq!((it.inconclusive, it.error, it.expected), (2, 1, 1));
        assert_eq!(it.number(Status::Inconclusive), it.inconclusive);
    }

    #[test]
    fn a_run_that_judged_nothing_has_no_verdict() {
        assert_eq!(verdict(&[]), Verdict::Error);
        assert_eq!(verdict(&[(Level::Must, Status::Skip); 3]), Verdict::Error);
        let undecided = [(Level::Should, Status::Inconclusive)];
        assert_eq!(verdict(&undecided), Verdict::Error);
    }

    #[test]
    fn missing_evidence_fails_a_must_and_not_a_should() {
        let held = (Level::Must, Status::Pass);
        let run = |level| verdict(&[held, (level, Status::Inconclusive)]);
        assert_eq!(run(Level::Must), Verdict::Fail);
        assert_eq!(run(Level::Should), Verdict::Pass);
    }

    #[test]
    fn missing_evidence_fails_a_should_too_in_a_strict_run() {
        let run = [
            (Level::Must, Status::Pass),
            (Level::Should, Status::Inconclusive),
        ];
        assert_eq!(judged(&run, true), Verdict::Fail);
        assert_eq!(judged(&run[..1], true), Verdict::Pass);
    }

    #[test]
    fn one_status_alone_decides_as_it_should() {
        for (status, expected) in [
            (Status::Pass, Verdict::Pass),
            (Status::Warn, Verdict::Pass),
            (Status::Expected, Verdict::Pass),
            (Status::Fail, Verdict::Fail),
            (Status::Error, Verdict::Error),
        ] {
            assert_eq!(verdict(&[(Level::Should, status)]), expected, "{status:?}");
        }
    }

    #[test]
    fn a_check_that_failed_itself_outweighs_a_failure() {
        let both = [(Level::Must, Status::Fail), (Level::Must, Status::Error)];
        assert_eq!(verdict(&both), Verdict::Error);
    }

    #[test]
    fn a_stale_expectation_fails_a_run_that_holds() {
        let report = sample::clean();
        let stale = sample::report().stale_expectations;
        assert_eq!(Verdict::of(&report.results, &[], false), Verdict::Pass);
        assert_eq!(Verdict::of(&report.results, &stale, false), Verdict::Fail);
    }

    #[test]
    fn each_verdict_has_its_exit_code() {
        let verdicts = [Verdict::Pass, Verdict::Fail, Verdict::Error];
        assert_eq!(verdicts.map(Verdict::exit_code), [0, 1, 3]);
    }
}
