//! Rules on what an agent claims to offer.

use acp_reports::Level::Must;

use super::looks::output;
use crate::evidence::{Ask, Evidence, Step, Topic};
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
        let absent: Vec<Feature> = Feature::ALL
            .iter()
            .copied()
            .filter(|feature| evidence.facts.launched.is_some() || !feature.needs_launch())
            .filter(|feature| probe.is_claimed(*feature) && !probe.is_found(*feature))
            .collect();
        // What was looked for in vain tells more than what was not looked for.
        let sought = absent.iter().find(|one| was_looked_for(**one, evidence));
        let absent = sought.or(absent.first());
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
            (None, Some(feature)) if !was_looked_for(*feature, evidence) => {
                Look::missing(match feature {
                    Feature::Errors => {
                        "no error was asked for that could show the envelope".to_owned()
                    }
                    Feature::Descriptor => {
                        "`descriptor` is claimed: give --descriptor F or --manifest F".to_owned()
                    }
                    _ => format!("nothing was asked that could show `{feature}`"),
                })
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
    match feature {
        Feature::Errors => return evidence.of(Topic::InvokeShapes).next().is_some(),
        // The user hands it over, or nobody.
        Feature::Descriptor => return false,
        // A mark stands beside an output, or in it.
        Feature::Cache if evidence.of(Topic::Cache).all(|ask| output(ask).is_none()) => {
            return false;
        }
        _ => {}
    }
    let (own, others): (Vec<&Rule>, Vec<&Rule>) =
        catalogue().partition(|rule| rule.feature == feature);
    // Some rules read whatever was asked, for whatever reason.
    let reads_all = |rule: &&&Rule| rule.reads.len() == Topic::ALL.len();
    let is_own = |topic: &Topic| {
        let mut others = others.iter().filter(|rule| !reads_all(rule));
        !others.any(|rule| rule.reads.contains(topic))
    };
    let mut topics = own.iter().flat_map(|rule| rule.reads);
    // Who is not let in, or sent away for asking too often, sees nothing of a feature.
    let is_refused = |ask: &Ask| {
        let mut statuses = ask.answer().into_iter().map(|answer| answer.status);
        statuses.any(|status| matches!(status, 401 | 403 | 429))
    };
    topics.any(|topic| {
        let was_asked = evidence.of(*topic).next().is_some();
        let was_heard = was_asked && !evidence.of(*topic).any(is_refused);
        was_heard && (is_own(topic) || *topic == Topic::Discovery)
    })
}
