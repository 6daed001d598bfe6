//! The revisions of the profile: which rules each holds, and how binding they are.
//!
//! A revision is frozen once it is out: a rule that the catalogue gets later is judged and
//! reported, and scored from the next revision on.

use std::fmt;
use std::str::FromStr;

use acp_reports::Level;

use crate::rule::Rule;

/// A revision: a name, and a line a rule, `must sse.utf8`.
#[derive(Clone, Copy)]
pub struct Profile {
    /// Its name: `five-endpoint/1`.
    pub name: &'static str,
    rules: &'static str,
}

impl Profile {
    /// The revision that is judged by if nothing else is said.
    pub const LATEST: &'static Self = &Self {
        name: "five-endpoint/1",
        rules: include_str!("../../fixtures/profiles/five-endpoint-1.txt"),
    };
    /// Every revision, the newest last.
    pub const ALL: &'static [&'static Self] = &[Self::LATEST];

    /// A revision of these rules, in the form of the files in `fixtures/profiles`.
    #[must_use]
    pub const fn new(name: &'static str, rules: &'static str) -> Self {
        Self { name, rules }
    }

    /// The ids of its rules, each with how binding it is.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, Level)> + use<> {
        self.rules.lines().filter_map(|line| {
            let (level, id) = line.split_once(' ')?;
            match level {
                "must" => Some((id, Level::Must)),
                "should" => Some((id, Level::Should)),
                _ => None,
            }
        })
    }

    /// Whether a rule counts for the verdict.
    #[must_use]
    pub fn holds(&self, rule: &Rule) -> bool {
        self.rules().any(|(id, _)| id == rule.id)
    }
}

impl Default for &Profile {
    fn default() -> Self {
        Profile::LATEST
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

/// A name that is no revision's.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no profile `{name}`; there is {known}", known = known())]
pub struct UnknownProfile {
    name: String,
}

fn known() -> String {
    let names: Vec<_> = Profile::ALL.iter().map(|profile| profile.name).collect();
    names.join(", ")
}

impl FromStr for &'static Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, UnknownProfile> {
        let found = Profile::ALL.iter().find(|profile| profile.name == name);
        found.copied().ok_or_else(|| UnknownProfile {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules;

    /// Rules that came after the newest revision: the next one takes them up.
    const LATER: &[&str] = &[];

    #[test]
    fn the_catalogue_holds_every_rule_of_every_revision_at_its_level() {
        for profile in Profile::ALL {
            for (id, level) in profile.rules() {
                let rule = rules::find(id);
                let rule = rule.unwrap_or_else(|| panic!("{} asks for {id}", profile.name));
                assert_eq!(rule.level, level, "{id} is frozen in {}", profile.name);
            }
        }
    }

    #[test]
    fn a_rule_belongs_to_the_newest_revision_or_is_known_to_be_later() {
        let newest = Profile::LATEST;
        for rule in rules::catalogue() {
            assert_ne!(
                newest.holds(rule),
                LATER.contains(&rule.id),
                "{}: is it of {} (while that is not out: a line in fixtures/profiles) or LATER?",
                rule.id,
                newest.name
            );
        }
    }

    #[test]
    fn each_line_of_a_revision_is_a_level_and_an_id_that_stands_once() {
        for profile in Profile::ALL {
            let ids: BTreeSet<&str> = profile.rules().map(|(id, _)| id).collect();
            assert_eq!(ids.len(), profile.rules.lines().count(), "{}", profile.name);
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_those_that_there_are() {
        let known: &'static Profile = "five-endpoint/1".parse().expect("a profile");
        assert_eq!(known.name, Profile::LATEST.name);
        let told = <&Profile>::from_str("five-endpoint/9").expect_err("none");
        assert_eq!(
            told.to_string(),
            "there is no profile `five-endpoint/9`; there is five-endpoint/1"
        );
    }
}
