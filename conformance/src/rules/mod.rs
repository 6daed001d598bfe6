//! The catalogue: every rule of the profile, area by area, and ways to find one.

mod auth;
mod cache;
mod capabilities;
mod config;
mod delivery;
mod descriptor;
mod dialects;
mod effect;
mod errors;
mod features;
mod guard;
mod internals;
mod invoke;
mod lifecycle;
mod likeness;
mod looks;
mod observability;
mod orchestrator;
mod outage;
mod played;
mod rate_limit;
mod rate_limit_found;
mod rate_limit_headers;
#[cfg(test)]
mod rate_limit_tests;
mod results;
mod robustness;
#[cfg(test)]
mod scene_tests;
mod schema;
#[cfg(test)]
mod served_tests;
mod sse;
mod stream;
mod transport;
mod versions;

use crate::rule::Rule;

const AREAS: &[&[Rule]] = &[
    transport::RULES,
    robustness::RULES,
    auth::RULES,
    schema::RULES,
    capabilities::RULES,
    features::RULES,
    config::RULES,
    effect::RULES,
    invoke::RULES,
    errors::RULES,
    sse::RULES,
    delivery::RULES,
    stream::RULES,
    results::RULES,
    dialects::RULES,
    // AREAS: config-versions
    versions::RULES,
    // AREAS: cache
    cache::RULES,
    // AREAS: auth
    guard::RULES,
    // AREAS: rate-limit
    rate_limit::RULES,
    // AREAS: observability
    observability::RULES,
    // AREAS: orchestrator
    orchestrator::RULES,
    outage::RULES,
    // AREAS: lifecycle
    lifecycle::RULES,
    // AREAS: descriptor
    descriptor::RULES,
];

/// Every rule, in the profile's order.
pub fn catalogue() -> impl Iterator<Item = &'static Rule> {
    AREAS.iter().copied().flatten()
}

/// The rule with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    catalogue().find(|rule| rule.id == id)
}

/// The id that is most like what was typed, if one is at all like it.
#[must_use]
pub fn nearest(typed: &str) -> Option<&'static str> {
    const ALIKE: f64 = 0.75;
    let likeness = |rule: &&Rule| strsim::jaro_winkler(typed, rule.id);
    catalogue()
        .map(|rule| (likeness(&rule), rule.id))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_id_is_an_area_and_a_name_and_stands_once() {
        let mut seen = BTreeSet::new();
        for rule in catalogue() {
            assert!(seen.insert(rule.id), "{} stands twice", rule.id);
            let parts: Vec<&str> = rule.id.split('.').collect();
            assert_eq!(parts.len(), 2, "{}", rule.id);
            let is_kebab = |part: &str| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            };
            assert!(parts.into_iter().all(is_kebab), "{}", rule.id);
        }
    }

    #[test]
    fn every_rule_says_what_why_whence_and_how_to_mend() {
        for rule in catalogue() {
            for text in [rule.clause, rule.why, rule.mend, rule.source] {
                assert!(!text.trim().is_empty(), "{}", rule.id);
            }
            assert!(
                rule.clause.ends_with('.') && rule.why.ends_with('.') && rule.mend.ends_with('.'),
                "{}",
                rule.id
            );
            assert!(!rule.reads.is_empty(), "{} reads nothing", rule.id);
        }
    }

    #[test]
    fn a_slip_of_the_keyboard_finds_its_rule() {
        assert_eq!(nearest("sse.data-is-jsn"), Some("sse.data-is-json"));
        assert_eq!(nearest("zzz"), None);
    }
}
