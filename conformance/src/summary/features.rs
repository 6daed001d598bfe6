//! Which features an agent is certified for.

use acp_reports::{Feature as ShownFeature, Finding, Level, Status};

use crate::evidence::{Evidence, Step, Topic};
use crate::feature::Feature;
use crate::profile::Profile;
use crate::rules;

/// Each feature that some scored rule belongs to, and whether the agent is certified for it.
pub(super) fn features(
    profile: &Profile,
    evidence: &Evidence,
    results: &[Finding],
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
        let mut musts = scored
            .iter()
            .filter(|rule| rule.feature == *feature && rule.level == Level::Must);
        ShownFeature {
            name: feature.name().to_owned(),
            claimed: evidence.probe.is_claimed(*feature),
            found,
            certified: found
                && !is_cut_short(*feature, evidence)
                && musts.all(|rule| holds(rule.id)),
        }
    };
    let is_judged = |feature: &&Feature| scored.iter().any(|rule| rule.feature == **feature);
    Feature::ALL.iter().filter(is_judged).map(shown).collect()
}

/// Whether most of a feature was left out: for the lack of time, or because the agent has only
/// the lesser part of it.
fn is_cut_short(feature: Feature, evidence: &Evidence) -> bool {
    let terms = evidence.facts.launched;
    match feature {
        Feature::Orchestrator => terms.is_some_and(|terms| terms.is_quick),
        Feature::Observability => {
            let mut scrapes = evidence.at(Topic::Metrics, Step::Main);
            !scrapes.any(|ask| ask.answer().is_some_and(|answer| answer.is_success()))
        }
        _ => false,
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
