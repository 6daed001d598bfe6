//! Rules on what an agent claims to offer.

use acp_reports::Level::Must;

use crate::evidence::{Evidence, Step, Topic};
use crate::feature::Feature;
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::rules::catalogue;

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
            .filter(|feature| catalogue().any(|rule| rule.feature == **feature))
            .filter(|feature| evidence.facts.launched.is_some() || !feature.needs_launch())
            .find(|feature| probe.is_claimed(**feature) && !probe.is_found(**feature));
        let named = evidence.facts.stream_path.as_deref();
        let is_there = |path: &str| probe.streams.iter().any(|stream| stream.path == path);
        // What the user names is looked for first: other claims may not have been looked for at all.
        let was_sought = was_looked_for(Feature::Streaming, evidence);
        let missed = named.filter(|path| was_sought && !is_there(path));
        let look = match (missed, absent) {
            (Some(path), _) => Look::flaw(
                "the path that --stream-path names does not stream",
                format!("a stream at {path}"),
                "a path that is not there",
            ),
            (None, None) => Look::Fine,
            (None, Some(Feature::Errors)) if evidence.of(Topic::InvokeShapes).next().is_none() => {
                Look::missing("no error was asked for that could show the envelope")
            }
            (None, Some(feature)) if !was_looked_for(*feature, evidence) => {
                Look::missing(format!("nothing was asked that could show `{feature}`"))
            }
            (None, Some(feature)) => Look::flaw(
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

/// Whether anything was asked that only this feature's rules read.
fn was_looked_for(feature: Feature, evidence: &Evidence) -> bool {
    let (own, others): (Vec<&Rule>, Vec<&Rule>) =
        catalogue().partition(|rule| rule.feature == feature);
    // Some rules read whatever was asked, for whatever reason.
    let reads_all = |rule: &&&Rule| rule.reads.len() == Topic::ALL.len();
    let is_own = |topic: &Topic| {
        let mut others = others.iter().filter(|rule| !reads_all(rule));
        !others.any(|rule| rule.reads.contains(topic))
    };
    let mut topics = own.iter().flat_map(|rule| rule.reads);
    topics.any(|topic| {
        let was_asked = evidence.of(*topic).next().is_some();
        was_asked && (is_own(topic) || *topic == Topic::Discovery)
    })
}
