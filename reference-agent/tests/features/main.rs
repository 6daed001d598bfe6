//! The features beyond the five endpoints, each seen from outside: that it works, that its
//! limits hold, and that each of its faults shows.

#[path = "../wire/mod.rs"]
mod wire;

mod admin;
mod auth;
mod cache;
mod config_versions;
mod descriptor;
mod errors;
mod external;
mod graphql;
mod lifecycle;
mod observability;
mod orchestrator;
mod rate_limit;
mod shown;
mod websocket;

/// Every fault of these areas has something that shows it: else nobody would know it works.
#[test]
fn every_fault_of_these_areas_is_shown() {
    let shown: Vec<&str> = [
        auth::SHOWN,
        auth::SHOWN_BY_TOKENS,
        cache::SHOWN,
        config_versions::SHOWN,
        descriptor::SHOWN,
        lifecycle::SHOWN,
        observability::SHOWN,
        orchestrator::SHOWN,
        rate_limit::SHOWN,
    ]
    .concat()
    .iter()
    .map(|(name, _)| *name)
    .collect();
    for fault in acp_reference_agent::faults::catalogue() {
        let is_shown = !wire::is_of_a_feature(fault) || shown.contains(&fault.name);
        assert!(is_shown, "{} is not shown", fault.name);
    }
}
