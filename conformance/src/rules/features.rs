//! Rules on what an agent claims to offer.

use acp_reports::Level::Must;

use crate::evidence::{Evidence, Step, Topic};
use crate::feature::Feature;
use crate::rule::{Judgement, Look, Rule, Tally};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "features.claims-are-true",
    level: Must,
    feature: Feature::Core,
    clause: "Every feature that is claimed is there.",
    source: "design",
    why: "An orchestrator sends an agent the work that it claims to do.",
    mend: "Serve the feature, or take the claim out of `/capabilities`.",
    reads: &[Topic::Documents, Topic::Discovery],
    judge: claims_are_true,
}];

fn claims_are_true(evidence: &Evidence) -> Judgement {
    let probe = &evidence.probe;
    let mut tally = Tally::new(evidence);
    for ask in evidence.at(Topic::Documents, Step::Capabilities) {
        let absent = Feature::ALL
            .iter()
            .find(|feature| probe.is_claimed(**feature) && !probe.is_found(**feature));
        let named = evidence.facts.stream_path.as_deref();
        let is_there = |path: &&str| probe.streams.iter().any(|stream| stream.path == **path);
        let look = match absent {
            None if named.is_some_and(|path| !is_there(&path)) => Look::flaw(
                "the path that --stream-path names does not stream",
                format!("a stream at {}", named.unwrap_or_default()),
                "a path that is not there",
            ),
            None => Look::Fine,
            Some(Feature::Errors) if evidence.of(Topic::InvokeShapes).next().is_none() => {
                Look::missing("no error was asked for that could show the envelope")
            }
            Some(Feature::Streaming) if evidence.of(Topic::Discovery).next().is_none() => {
                Look::missing("the run ended before a stream was looked for")
            }
            Some(feature) => Look::flaw(
                format!("`{feature}` is claimed and is not there"),
                format!("an agent that offers {feature}"),
                match feature {
                    Feature::Streaming => "no path answers with an event stream",
                    _ => "no answer that shows it",
                },
            ),
        };
        tally.look(ask, look);
    }
    tally.judgement()
}
