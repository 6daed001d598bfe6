//! The catalogue's own tests: that it is in order, and leaves no rule out.

use std::collections::BTreeSet;

use super::{catalogue, find};

/// The rules of the profile: what there must be a fault for.
const RULES: &str = "
    transport.json-content-type transport.json-is-valid transport.unknown-path-404
    transport.wrong-method-405 transport.malformed-json-4xx transport.wrong-content-type-4xx
    transport.no-5xx-on-bad-input transport.oversized-body-4xx transport.no-internals-leak
    transport.head transport.cors-not-reflected transport.keep-alive transport.survives-abort
    auth.responds auth.type-known auth.description auth.required-agrees
    schema.responds schema.is-json-schema schema.self-contained schema.satisfiable
    schema.defaults-agree schema.formats-hold schema.stable
    capabilities.responds capabilities.named capabilities.described capabilities.version
    capabilities.version-semver capabilities.protocol-version capabilities.schemas-valid
    capabilities.stable features.claims-are-true
    config.creates config.status config.created-at config.ids-unique config.accepts-valid
    config.rejects-invalid config.rejects-missing config.usable config.unknown-id-404
    invoke.responds invoke.accepts-valid invoke.output-matches-schema invoke.rejects-invalid
    invoke.rejects-missing-input invoke.metadata-object invoke.isolated
    invoke.input-unchanged-by-order
    errors.envelope errors.envelope-canonical errors.code-known errors.code-matches-status
    errors.invalid-input-400 errors.config-not-found errors.timestamp
    sse.content-type sse.utf8 sse.grammar sse.nothing-lost sse.ends-on-boundary
    sse.bom-first-only sse.retry-digits sse.id-no-nul sse.data-is-json sse.no-sentinel
    sse.no-cache sse.unbuffered sse.incremental sse.no-content-length
    stream.opens-with-start stream.known-vocabulary stream.progress-monotonic
    stream.one-terminal stream.succeeds-on-valid stream.result-matches-schema
    stream.result-equals-invoke stream.rejects-invalid stream.not-cut stream.closes
    stream.survives-disconnect stream.isolated
    config-versions.history-grows config-versions.one-active config-versions.rollback
    config-versions.rollback-unknown-404
    cache.hit-marked cache.hit-equals-miss cache.key-canonical cache.key-has-config
    cache.distinct-inputs cache.errors-not-cached cache.ttl
    auth.enforced auth.challenge auth.header-only auth.covers-stream auth.discovery-open
    rate-limit.refuses rate-limit.retry-after rate-limit.as-declared rate-limit.recovers
    rate-limit.health-exempt rate-limit.headers
    health.responds health.healthy health.fast-under-load
    metrics.exposition metrics.names metrics.counts-true metrics.bounded-labels
    orchestrator.registers orchestrator.truthful orchestrator.heartbeats
    orchestrator.re-registers orchestrator.survives-outage orchestrator.updates-capabilities
    orchestrator.accepts-201 orchestrator.single-registration
    lifecycle.env lifecycle.ready lifecycle.graceful-stop lifecycle.request-timeout
    descriptor.valid descriptor.true manifest.valid manifest.true
    config.has-effect dialects.canonical-forms stream.canonical-forms cache.mark-canonical";

fn rules() -> BTreeSet<&'static str> {
    RULES.split_whitespace().collect()
}

#[test]
fn names_are_unique_and_in_kebab_case() {
    let mut seen = BTreeSet::new();
    for fault in catalogue() {
        assert!(seen.insert(fault.name), "{} comes twice", fault.name);
        let parts = fault.name.split('-');
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(
            parts.clone().count() > 1 || plain(fault.name),
            "{}",
            fault.name
        );
        assert!(parts.into_iter().all(plain), "{}", fault.name);
        assert!(find(fault.name).is_some_and(|found| std::ptr::eq(found, fault)));
    }
    assert!(seen.len() >= 85, "only {} faults", seen.len());
}

#[test]
fn each_fault_says_what_it_is_and_what_it_trips() {
    let rules = rules();
    for fault in catalogue() {
        assert!(
            !fault.summary.is_empty() && !fault.summary.ends_with('.'),
            "{}",
            fault.name
        );
        assert!(
            fault.trips.is_empty() == fault.shows_under_load_alone() && !fault.seams.is_empty(),
            "{}",
            fault.name
        );
        for rule in fault.trips {
            assert!(
                rules.contains(rule),
                "{} trips the unknown {rule}",
                fault.name
            );
        }
    }
}

#[test]
fn no_rule_is_without_a_fault() {
    let tripped: BTreeSet<_> = catalogue().flat_map(|fault| fault.trips).copied().collect();
    let untripped: Vec<_> = rules().difference(&tripped).copied().collect();
    assert!(untripped.is_empty(), "{untripped:?}");
}

#[test]
fn what_is_not_there_is_not_found() {
    assert!(find("works").is_none());
}
