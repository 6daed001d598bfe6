//! The expected-failures file: rules that an agent is known to fail, each with a reason.
//!
//! ```toml
//! [expected-failures]
//! "transport.head" = "the framework answers 405 to HEAD"
//! ```
//! It is checked in both directions: an entry whose rule passes again fails the run.

use std::collections::BTreeMap;

use acp_reports::{Finding, Stale, Status};
use serde::{Deserialize, Serialize};

use crate::rules;

/// Known failures, by rule id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedFailures {
    #[serde(rename = "expected-failures", default)]
    entries: BTreeMap<String, String>,
}

/// What is wrong with an expected-failures file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ExpectedFailuresError {
    /// Not TOML, or not of the form above.
    #[error("{0}")]
    Form(String),
    /// An entry has no reason.
    #[error("the entry `{0}` has no reason; say after `=` why the failure is known")]
    NoReason(String),
}

impl ExpectedFailures {
    /// Reads the file's text.
    ///
    /// # Errors
    /// If it is not of the form above, or an entry has no reason.
    pub fn parse(text: &str) -> Result<Self, ExpectedFailuresError> {
        let file: Self = toml::from_str(text)
            .map_err(|error| ExpectedFailuresError::Form(one_line(&error, text)))?;
        match file
            .entries
            .iter()
            .find(|(_, reason)| reason.trim().is_empty())
        {
            Some((rule, _)) => Err(ExpectedFailuresError::NoReason(rule.clone())),
            None => Ok(file),
        }
    }

    /// Adds what another file excuses; of what both do, this one's reasons stay.
    pub fn add(&mut self, other: Self) {
        for (rule, reason) in other.entries {
            self.entries.entry(rule).or_insert(reason);
        }
    }

    /// The file that excuses each failure and warning of a run. Reasons given before are kept, and so
    /// are entries of what this run has not judged.
    #[must_use]
    pub fn write(&self, findings: &[Finding]) -> String {
        let mut text = String::from(
            "# Rules that this agent is known to fail, each with the reason.\n\
             # An entry whose rule passes again fails the run: delete it then.\n\
             [expected-failures]\n",
        );
        let mut entries = self.entries.clone();
        entries.retain(|rule, _| rules::find(rule).is_some());
        for finding in findings {
            match finding.status {
                Status::Pass => _ = entries.remove(&finding.rule),
                Status::Fail | Status::Warn => {
                    let entry = entries.entry(finding.rule.clone());
                    entry.or_insert_with(|| finding.message.clone());
                }
                _ => {}
            }
        }
        for (rule, reason) in entries {
            let reason = toml::Value::String(acp_reports::escape(&reason).into_owned());
            text.push_str(&format!("\"{rule}\" = {reason}\n"));
        }
        text
    }

    /// Excuses the findings that the file names, and what could not be decided because of them; says
    /// which entries no longer hold.
    #[must_use]
    pub fn apply(&self, findings: &mut [Finding]) -> Vec<Stale> {
        let mut stale = Vec::new();
        for (rule, reason) in &self.entries {
            let problem = match findings.iter_mut().find(|finding| finding.rule == *rule) {
                None if rules::find(rule).is_none() => "there is no such rule",
                // Left out of this run.
                None => continue,
                Some(finding) => match finding.status {
                    Status::Fail | Status::Warn => {
                        finding.status = Status::Expected;
                        finding.excuse = Some(reason.clone());
                        continue;
                    }
                    Status::Pass => "it passes again: delete the entry",
                    _ => continue,
                },
            };
            stale.push(Stale {
                rule: rule.clone(),
                problem: problem.to_owned(),
            });
        }
        while let Some((index, cause)) = consequence(findings) {
            findings[index].status = Status::Expected;
            findings[index].excuse = Some(format!("it follows from {cause}, which is excused"));
        }
        stale
    }
}

/// A finding that is open because of one that is excused, and that one: a rule that cannot be judged
/// for another's failure says which to see.
fn consequence(findings: &[Finding]) -> Option<(usize, String)> {
    let is_excused = |rule: &str| {
        let mut findings = findings.iter();
        findings.any(|it| it.rule == rule && it.status == Status::Expected)
    };
    let open = findings.iter().enumerate();
    let mut open = open.filter(|(_, finding)| finding.status == Status::Inconclusive);
    open.find_map(|(index, finding)| {
        let (_, seen) = finding.message.split_once("see ")?;
        let mut words = seen.split([' ', ',', ';', ':']);
        let cause = words.find(|word| is_excused(word))?;
        Some((index, cause.to_owned()))
    })
}

/// A TOML error in one line, with its place.
fn one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().replace('\n', ": ");
    let Some(span) = error.span() else {
        return message;
    };
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    format!("line {line}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_line() {
        for (text, word) in [
            ("[expected-failures]\n\"a.b\" = 1\n", "line 2"),
            ("[expected-failures]\n\"a.b\" = \" \"\n", "a.b"),
            ("[expected]\n", "expected"),
            ("[expected-failures\n", "line 1"),
        ] {
            let told = ExpectedFailures::parse(text)
                .expect_err("a mistake")
                .to_string();
            assert!(told.contains(word) && !told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn a_file_without_entries_excuses_nothing() {
        let file = ExpectedFailures::parse("").expect("an empty file");
        assert_eq!(file, ExpectedFailures::default());
    }
}
