//! Features that are claimed and are not there: each is found out, or it is said what is missing.

use acp_conformance::feature::Feature;
use acp_conformance::run;
use acp_conformance::select::Selection;
use acp_conformance::settings::Settings;
use acp_reference_agent as reference;
use acp_reports::Status;
use tokio_util::sync::CancellationToken;
use url::Url;

/// What becomes of the rule when the built-in agent, with everything switched off that can be, is
/// said to have a feature; and what the message says. Errors, health and histories it has anyway,
/// and what only a process shows is not judged of an agent that is there already.
fn verdict(feature: Feature) -> (Status, &'static str) {
    match feature {
        Feature::Streaming | Feature::Cache | Feature::Auth | Feature::RateLimit => {
            (Status::Fail, "is claimed and is not there")
        }
        Feature::Descriptor => (Status::Inconclusive, "--descriptor F"),
        Feature::Core
        | Feature::Errors
        | Feature::ConfigVersions
        | Feature::Observability
        | Feature::Orchestrator
        | Feature::Lifecycle => (Status::Pass, ""),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_claimed_and_absent_is_found_out() {
    let agent = reference::start(reference::Settings {
        enable_streaming: false,
        enable_caching: false,
        enable_metrics: false,
        ..reference::Settings::unlimited()
    });
    let agent = agent.await.expect("the agent starts");
    let url = Url::parse(&agent.url()).expect("a URL");
    for feature in Feature::ALL {
        let mut settings = Settings::for_agent(url.clone(), jiff::Timestamp::now());
        settings.facts.cases = 5;
        settings.facts.claims = vec![*feature];
        // Which the agent claims itself, and which must be looked for.
        let own = Feature::ConfigVersions;
        let only = ["features", own.name(), feature.name()].map(str::to_owned);
        settings.selection = Selection::new(only.to_vec(), Vec::new()).expect("globs");
        let report = run::run(&settings, &|_| {}, &CancellationToken::new())
            .await
            .expect("a run");
        let mut findings = report.results.iter();
        let finding = findings.find(|finding| finding.rule == "features.claims-are-true");
        let finding = finding.expect("it was judged");
        let (status, told) = verdict(*feature);
        assert_eq!(finding.status, status, "{feature}: {}", finding.message);
        assert!(
            finding.message.contains(told),
            "{feature}: {}",
            finding.message
        );
    }
    agent.stop().await;
}
