//! Shards of one check in one report: each rule once, as the worst of them has it.
//!
//! Shards ask the same agent, by the same profile, settings and seed, for different rules. What does
//! not belong together is refused: a merge of different things would certify nobody.

use crate::{Feature, Finding, ProfileLevel, Report, Status, Summary, Verdict, text, words};

/// Why reports are not shards of one run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("nothing to merge")]
    Nothing,
    /// One differs from the first.
    #[error("{file}: not of the same run: {what} is {other}, and {first} in {first_file}")]
    Differs {
        /// The report that differs.
        file: String,
        /// In what: `the seed`.
        what: &'static str,
        /// What it says.
        other: String,
        /// What the first says.
        first: String,
        /// The first report.
        first_file: String,
    },
}

/// What all shards of a run have in common, with the name of each.
type Trait = (&'static str, fn(&Report) -> String);

const TRAITS: [Trait; 7] = [
    ("the agent", agent),
    ("the agent's version", |it| {
        it.target
            .agent_version
            .clone()
            .unwrap_or_else(|| "none".to_owned())
    }),
    ("the profile", |it| it.profile.clone()),
    ("the seed", |it| it.seed.to_string()),
    ("the number of cases", |it| it.cases.to_string()),
    ("strict", |it| it.strict.to_string()),
    ("the version of the checker", |it| it.tool.version.clone()),
];

/// The agent by its name; by its address, if it has none.
fn agent(report: &Report) -> String {
    let id = report.target.agent_id.as_ref();
    id.unwrap_or(&report.target.url).clone()
}

/// Makes one report of shards, which come with the names of their files.
///
/// A rule that several shards judged stands as the worst of them has it, and is unsteady if they
/// differ. A feature is certified if a shard that judged all of it says so and no other
/// objects, or if each of its MUSTs passes: `musts` gives these by the feature's name. A rule that was
/// skipped counts only in a shard that saw the whole feature, since it alone knows why.
///
/// # Errors
/// The first report that differs from the first in what shards have in common. An agent that no
/// shard reached has no name, so that such a shard belongs to any of them.
pub fn merge(
    shards: Vec<(String, Report)>,
    musts: impl Fn(&str) -> Vec<String>,
) -> Result<Report, MergeError> {
    belong_together(&shards)?;
    let mut shards = shards.into_iter().map(|(_, report)| report);
    let mut whole = shards.next().ok_or(MergeError::Nothing)?;
    for shard in shards {
        add(&mut whole, shard);
    }
    by_area(&mut whole.results);
    by_area(&mut whole.unscored);
    for feature in &mut whole.features {
        feature.certified = is_certified(feature, &whole.results, &musts(&feature.name));
        feature.reason = feature.reason.take().filter(|_| !feature.certified);
    }
    whole.level = ProfileLevel::of(&whole.features);
    whole.summary = Summary::of(&whole.results);
    whole.verdict = match &whole.error {
        Some(_) => Verdict::Error,
        None => Verdict::of(&whole.results, &whole.stale_expectations, whole.strict),
    };
    Ok(whole)
}

fn belong_together(shards: &[(String, Report)]) -> Result<(), MergeError> {
    let (first_file, first) = shards.first().ok_or(MergeError::Nothing)?;
    let is_known = |report: &Report| report.target.agent_id.is_some() || !words::is_void(report);
    for (file, other) in &shards[1..] {
        for (what, of) in TRAITS {
            let is_of_agent = what.starts_with("the agent");
            if is_of_agent && !(is_known(first) && is_known(other)) {
                continue;
            }
            let (mine, theirs) = (of(first), of(other));
            if mine != theirs {
                return Err(MergeError::Differs {
                    file: file.clone(),
                    what,
                    other: text::clip(&theirs, 80),
                    first: text::clip(&mine, 80),
                    first_file: first_file.clone(),
                });
            }
        }
    }
    Ok(())
}

fn add(whole: &mut Report, shard: Report) {
    whole.started_at = earlier(&whole.started_at, &shard.started_at);
    // What all of them took together: shards may have run at the same time or not.
    whole.duration_ms += shard.duration_ms;
    if whole.target.agent_id.is_none() {
        whole.target = shard.target;
    }
    whole.error = whole.error.take().or(shard.error);
    for feature in shard.features {
        match whole.features.iter_mut().find(|it| it.name == feature.name) {
            Some(known) => {
                known.claimed |= feature.claimed;
                known.found |= feature.found;
                known.certified |= feature.certified;
                known.reason = known.reason.take().or(feature.reason);
            }
            None => whole.features.push(feature),
        }
    }
    for dialect in shard.dialects {
        match whole.dialects.iter_mut().find(|it| it.name == dialect.name) {
            Some(known) => known.seen = known.seen.saturating_add(dialect.seen),
            None => whole.dialects.push(dialect),
        }
    }
    stale(whole, shard.stale_expectations);
    add_findings(&mut whole.results, shard.results);
    add_findings(&mut whole.unscored, shard.unscored);
}

/// Each shard has the whole file of expectations, and judges a part of its rules.
fn stale(whole: &mut Report, entries: Vec<crate::Stale>) {
    for entry in entries {
        if !whole.stale_expectations.contains(&entry) {
            whole.stale_expectations.push(entry);
        }
    }
}

fn earlier(one: &str, other: &str) -> String {
    // As text, where they are no times: then nothing is known of either.
    let is_later = match (one.parse::<jiff::Timestamp>(), other.parse()) {
        (Ok(one), Ok(other)) => one > other,
        _ => one > other,
    };
    if is_later { other } else { one }.to_owned()
}

fn add_findings(known: &mut Vec<Finding>, more: Vec<Finding>) {
    for other in more {
        match known.iter_mut().find(|it| it.rule == other.rule) {
            Some(finding) => worst(finding, other),
            None => known.push(other),
        }
    }
}

fn worst(known: &mut Finding, mut other: Finding) {
    let differs = known.status != other.status && is_judged(known) && is_judged(&other);
    if other.status.gravity() < known.status.gravity() {
        std::mem::swap(known, &mut other);
    }
    known.attempts = known.attempts.saturating_add(other.attempts);
    known.failed_attempts = known.failed_attempts.saturating_add(other.failed_attempts);
    known.checked = known.checked.saturating_add(other.checked);
    known.duration_ms += other.duration_ms;
    known.unsteady |= other.unsteady || differs;
    if differs {
        let (one, two) = (words::status(known.status), words::status(other.status));
        known
            .notes
            .push(format!("{one} in one shard, {two} in another"));
    }
    for note in other.notes {
        if !known.notes.contains(&note) {
            known.notes.push(note);
        }
    }
}

fn is_judged(finding: &Finding) -> bool {
    words::DECIDED.contains(&finding.status)
}

/// Areas in the order in which they were first met, and within each the rules so.
fn by_area(findings: &mut [Finding]) {
    let mut areas: Vec<String> = Vec::new();
    for finding in findings.iter() {
        let area = words::area(&finding.rule);
        if !areas.iter().any(|known| known == area) {
            areas.push(area.to_owned());
        }
    }
    findings.sort_by_key(|finding| {
        let area = words::area(&finding.rule);
        areas.iter().position(|known| known == area)
    });
}

fn is_certified(feature: &Feature, results: &[Finding], musts: &[String]) -> bool {
    let status = |rule: &String| {
        let found = results.iter().find(|finding| finding.rule == *rule);
        found.map(|finding| finding.status)
    };
    let passes = |rule: &String| status(rule) == Some(Status::Pass);
    let holds = |rule: &String| matches!(status(rule), Some(Status::Pass | Status::Skip));
    let as_a_whole = feature.certified && musts.iter().all(holds);
    feature.found && (as_a_whole || (!musts.is_empty() && musts.iter().all(passes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Level, sample};

    fn shard(statuses: &[(&str, Status)]) -> Report {
        let mut report = sample::clean();
        let findings = statuses.iter();
        report.results = findings
            .map(|(rule, status)| sample::finding(rule, Level::Must, *status))
            .collect();
        report.features.truncate(1);
        report.features[0].found = true;
        report.features[0].certified = false;
        report.summary = Summary::of(&report.results);
        report
    }

    fn merged(shards: Vec<Report>, musts: &[&str]) -> Result<Report, MergeError> {
        let named = shards.into_iter().enumerate();
        let named = named.map(|(number, it)| (format!("{number}.json"), it));
        let musts: Vec<String> = musts.iter().map(|it| (*it).to_owned()).collect();
        merge(named.collect(), |_| musts.clone())
    }

    #[test]
    fn shards_become_one_run_that_certifies_what_they_show_together() {
        let one = shard(&[("a.x", Status::Pass), ("b.x", Status::Pass)]);
        let other = shard(&[("a.y", Status::Pass)]);
        let whole = merged(vec![one, other], &["a.x", "a.y", "b.x"]).expect("shards");
        let rules: Vec<_> = whole.results.iter().map(|it| it.rule.as_str()).collect();
        assert_eq!(rules, ["a.x", "a.y", "b.x"]);
        assert_eq!((whole.summary.pass, whole.verdict), (3, Verdict::Pass));
        assert!(whole.features[0].certified);
        assert_eq!(whole.level, ProfileLevel::Core);
    }

    #[test]
    fn a_must_that_no_shard_judged_certifies_nothing() {
        let one = shard(&[("a.x", Status::Pass)]);
        let other = shard(&[("a.y", Status::Pass)]);
        let whole = merged(vec![one, other], &["a.x", "a.y", "a.z"]).expect("shards");
        assert!(!whole.features[0].certified);
        assert_eq!(whole.level, ProfileLevel::None);
    }

    #[test]
    fn a_skipped_must_counts_only_where_a_shard_saw_the_whole_feature() {
        let skipped = shard(&[("a.x", Status::Skip), ("a.y", Status::Pass)]);
        let mut whole = skipped.clone();
        whole.features[0].certified = true;
        let musts = ["a.x", "a.y"];
        let certified = |shards| merged(shards, &musts).expect("shards").features[0].certified;
        assert!(!certified(vec![skipped.clone(), skipped.clone()]));
        assert!(certified(vec![skipped, whole.clone()]));
        let failing = shard(&[("a.y", Status::Fail)]);
        assert!(!certified(vec![whole, failing]));
    }

    #[test]
    fn a_rule_stands_once_and_as_the_worst_has_it() {
        let good = shard(&[("a.x", Status::Pass), ("a.y", Status::Skip)]);
        let bad = shard(&[("a.x", Status::Fail), ("a.y", Status::Pass)]);
        for shards in [vec![good.clone(), bad.clone()], vec![bad, good]] {
            let whole = merged(shards, &[]).expect("shards");
            assert_eq!(whole.verdict, Verdict::Fail);
            let found: Vec<_> = whole
                .results
                .iter()
                .map(|it| (it.status, it.unsteady))
                .collect();
            assert_eq!(found, [(Status::Fail, true), (Status::Pass, false)]);
            assert_eq!(whole.results[0].checked, 24);
        }
    }

    #[test]
    fn what_does_not_belong_together_is_refused_and_said() {
        let one = shard(&[("a.x", Status::Pass)]);
        type Change = fn(&mut Report);
        let changes: [(Change, &str); 6] = [
            (|it| it.seed = 7, "the seed is 7, and 42 in 0.json"),
            (
                |it| it.profile = "other/1".to_owned(),
                "the profile is other/1",
            ),
            (|it| it.cases = 5, "the number of cases is 5"),
            (
                |it| it.target.agent_id = Some("b".to_owned()),
                "the agent is b",
            ),
            (
                |it| it.target.agent_version = Some("2".to_owned()),
                "the agent's version is 2",
            ),
            (|it| it.strict = true, "strict is true"),
        ];
        for (change, told) in changes {
            let mut other = one.clone();
            change(&mut other);
            let error = merged(vec![one.clone(), other], &[]).expect_err("they differ");
            let error = error.to_string();
            assert!(
                error.starts_with("1.json: not of the same run") && error.contains(told),
                "{error}"
            );
        }
        assert_eq!(merged(Vec::new(), &[]), Err(MergeError::Nothing));
    }

    #[test]
    fn an_address_may_differ_and_a_shard_without_an_agent_leaves_no_verdict() {
        let one = shard(&[("a.x", Status::Pass)]);
        let mut other = shard(&[("a.y", Status::Pass)]);
        other.target.url = "http://127.0.0.1:9999".to_owned();
        assert!(merged(vec![one.clone(), other], &[]).is_ok());
        let mut gone = sample::unreachable();
        gone.profile.clone_from(&one.profile);
        let whole = merged(vec![one, gone], &[]).expect("it may be a shard");
        assert_eq!(whole.verdict, Verdict::Error);
        assert!(whole.error.is_some());
    }

    #[test]
    fn the_run_began_when_the_first_shard_did() {
        assert_eq!(
            earlier("2026-11-22T10:00:00Z", "2026-11-22T11:30:00+02:00"),
            "2026-11-22T11:30:00+02:00"
        );
        assert_eq!(
            earlier("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.5Z"),
            "2026-11-22T10:00:00Z"
        );
    }
}
