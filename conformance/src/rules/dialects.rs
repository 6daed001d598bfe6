//! Rules on dialects that have no rule of their own: what is behind the form others judge.

use acp_reports::Level::Should;

use super::looks::{answered, settle};
use crate::dialects::{DIALECTS, Dialect};
use crate::evidence::{Evidence, Topic};
use crate::feature::Feature;
use crate::rule::{Judgement, Look, Rule, each};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "dialects.canonical-forms",
        level: Should,
        feature: Feature::Core,
        clause: "Where the sources disagree, documents and configurations have the form that the profile puts first.",
        source: "profile, section 1",
        why: "Each dialect costs every client a reader of its own; those without it see less, or nothing.",
        mend: "Answer the canonical member too: a superset is understood by every reader.",
        reads: DOCUMENTS,
        judge: |evidence| judge(evidence, "dialects.canonical-forms", DOCUMENTS),
    },
    Rule {
        id: "stream.canonical-forms",
        level: Should,
        feature: Feature::Streaming,
        clause: "Streams are where the profile has them, and their events have the form that it puts first.",
        source: "profile, section 1",
        why: "A client of another dialect does not find the stream, its result or its error.",
        mend: "Serve `/invoke/stream`; put the output into `result`, and a word into every event.",
        reads: STREAMS,
        judge: |evidence| judge(evidence, "stream.canonical-forms", STREAMS),
    },
    Rule {
        id: "cache.mark-canonical",
        level: Should,
        feature: Feature::Cache,
        clause: "A cached answer is marked by `_from_cache: true` in its output.",
        source: "seed",
        why: "A mark elsewhere is lost on whoever keeps the output alone.",
        mend: "Add `\"_from_cache\": true` to the output of a hit.",
        reads: &[Topic::Cache],
        judge: |evidence| judge(evidence, "cache.mark-canonical", &[Topic::Cache]),
    },
];

const DOCUMENTS: &[Topic] = &[Topic::Documents, Topic::ConfigValid];
const STREAMS: &[Topic] = &[
    Topic::Documents,
    Topic::Discovery,
    Topic::StreamValid,
    Topic::StreamInvalid,
];

fn judge(evidence: &Evidence, rule: &str, topics: &[Topic]) -> Judgement {
    let own = |dialect: &&Dialect| dialect.rule == Some(rule);
    let asks = topics.iter().flat_map(|topic| evidence.of(*topic));
    each(evidence, asks, |ask| {
        settle(answered(ask).map(|answer| {
            let mut dialects = DIALECTS.iter().filter(own);
            match dialects.find(|dialect| (dialect.shows)(&evidence.probe, ask)) {
                Some(dialect) => Look::flaw(
                    format!(
                        "{} comes in the dialect `{}`: {}",
                        dialect.point, dialect.name, dialect.cost
                    ),
                    dialect.canonical,
                    dialect.form,
                ),
                None if answer.is_success() => Look::Fine,
                None => Look::Beside,
            }
        }))
    })
}
