//! Which features an agent is certified for.

use acp_reports::{Feature as ShownFeature, Finding, Level, Status};

use crate::evidence::Evidence;
use crate::feature::Feature;
use crate::judge::Outcome;
use crate::profile::Profile;
use crate::rules;
use crate::verdict::Verdict;

/// Each feature that some scored rule belongs to, and whether the agent is certified for it.
pub(super) fn features(
    profile: &Profile,
    evidence: &Evidence,
    results: &[Finding],
    verdicts: &[Verdict],
) -> Vec<ShownFeature> {
    let scored: Vec<_> = rules::catalogue()
        .filter(|rule| profile.holds(rule))
        .collect();
    let shown = |feature: &Feature| {
        let found = evidence.probe.is_found(*feature);
        let holds = |id: &str| {
            results.iter().any(|finding| {
                finding.rule == id && matches!(finding.status, Status::Pass | Status::Skip)
            })
        };
        let musts = scored
            .iter()
            .filter(|rule| rule.feature == *feature && rule.level == Level::Must);
        let holds = found && musts.clone().all(|rule| holds(rule.id));
        let mut unseen = musts.filter_map(|rule| unseen(rule.id, verdicts));
        let reason = unseen.next().filter(|_| holds);
        ShownFeature {
            name: feature.name().to_owned(),
            claimed: evidence.probe.is_claimed(*feature),
            found,
            certified: holds && reason.is_none(),
            reason: reason.map(str::to_owned),
        }
    };
    let is_judged = |feature: &&Feature| scored.iter().any(|rule| rule.feature == **feature);
    Feature::ALL.iter().filter(is_judged).map(shown).collect()
}

/// Why a rule was not looked at, although the agent may well break it.
fn unseen<'v>(rule: &str, verdicts: &'v [Verdict]) -> Option<&'v str> {
    let mut verdicts = verdicts.iter();
    match &verdicts.find(|verdict| verdict.rule.id == rule)?.outcome {
        Outcome::Unseen(why) => Some(why),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use acp_reports::ProfileLevel;

    use super::*;

    /// The level of an agent that is certified for these features, and has others.
    fn reached(certified: &[&str]) -> ProfileLevel {
        let features = Feature::ALL.iter().map(|feature| ShownFeature {
            name: feature.name().to_owned(),
            claimed: true,
            found: true,
            certified: certified.contains(&feature.name()),
            reason: None,
        });
        ProfileLevel::of(&features.collect::<Vec<_>>())
    }

    #[test]
    fn production_asks_for_its_four_features_and_core_for_itself() {
        let four = ["core", "errors", "observability", "lifecycle"];
        assert_eq!(reached(&four), ProfileLevel::Production);
        for left_out in four {
            let rest: Vec<&str> = four.into_iter().filter(|name| *name != left_out).collect();
            let expected = match left_out {
                "core" => ProfileLevel::None,
                _ => ProfileLevel::Core,
            };
            assert_eq!(reached(&rest), expected, "without {left_out}");
        }
        assert_eq!(reached(&["core", "descriptor"]), ProfileLevel::Core);
    }

    #[test]
    fn every_feature_has_a_must_so_that_none_is_certified_by_nothing() {
        for feature in Feature::ALL {
            let mut own = rules::catalogue().filter(|rule| rule.feature == *feature);
            assert!(own.any(|rule| rule.level == Level::Must), "{feature}");
        }
    }
}
