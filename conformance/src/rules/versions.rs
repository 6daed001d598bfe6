//! Rules on the versions of a configuration: its history, and going back.

use acp_reports::Level::Must;
use serde_json::Value;

use super::looks::{answered, json, output, settle, status_is};
use crate::drive::versions::{entries, key};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::ConfigVersions;
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::show;
use crate::volatile;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "config-versions.history-grows",
        level: Must,
        feature: ConfigVersions,
        clause: "A second store under the same id adds a version, and the history lists both in order.",
        source: "seed",
        why: "An audit that lacks a version cannot say under what an answer was given.",
        mend: "Append to the versions of the `config_id` that the request names; make a new id only if it names none.",
        reads: &[Topic::ConfigVersions],
        judge: history_grows,
    },
    Rule {
        id: "config-versions.one-active",
        level: Must,
        feature: ConfigVersions,
        clause: "Exactly one version is active: the newest stored, or the one rolled back to.",
        source: "seed",
        why: "With two active versions nobody knows which one answers.",
        mend: "Keep one pointer to the active version, rather than a flag on each.",
        reads: &[Topic::ConfigVersions],
        judge: one_active,
    },
    Rule {
        id: "config-versions.rollback",
        level: Must,
        feature: ConfigVersions,
        clause: "A rollback makes the old version the one that `/invoke` uses.",
        source: "seed",
        why: "Whoever rolls back does it because the newest version does harm.",
        mend: "Let `/invoke` look the active version up each time, and forget what was cached of it.",
        reads: &[Topic::ConfigVersions],
        judge: rollback,
    },
    Rule {
        id: "config-versions.rollback-unknown-404",
        level: Must,
        feature: ConfigVersions,
        clause: "A rollback to an unknown version, or of an unknown id, is answered 404 and changes nothing.",
        source: "seed",
        why: "A slip of the keyboard must not leave an agent without an active version.",
        mend: "Look for the version first; touch nothing if it is not there.",
        reads: &[Topic::ConfigVersions],
        judge: rollback_unknown_404,
    },
];

fn main(evidence: &Evidence, key: usize) -> Option<&Ask> {
    evidence.one(Topic::ConfigVersions, Step::Main, key)
}

/// What stands in a history: each version's name, and whether it is active.
fn listed(ask: &Ask) -> Result<Vec<(String, bool)>, Look> {
    answered(ask)?;
    let history = json(ask)?;
    let unreadable = || {
        Look::flaw(
            "the history is not a list of versions",
            "a list of objects with `version` and `active`",
            show::value(history),
        )
    };
    let read = |entry: &Value| {
        let version = entry.get("version")?.as_str()?.to_owned();
        Some((version, entry.get("active")?.as_bool()?))
    };
    let entries = entries(history).ok_or_else(unreadable)?;
    let read: Option<Vec<_>> = entries.iter().map(read).collect();
    read.ok_or_else(unreadable)
}

fn history_grows(evidence: &Evidence) -> Judgement {
    let mut tally = Tally::new(evidence);
    for stored in evidence.at(Topic::ConfigVersions, Step::Setup) {
        tally.look(
            stored,
            status_is(stored, &[200, 201], "a version is not stored"),
        );
    }
    if let Some(ask) = main(evidence, key::GROWN) {
        let stored = evidence.at(Topic::ConfigVersions, Step::Setup);
        let named: Vec<Option<&str>> = stored
            .map(|stored| stored.json()?.get("version")?.as_str())
            .collect();
        tally.look(
            ask,
            settle(listed(ask).map(|listed| in_order(&listed, &named))),
        );
    }
    tally.judgement()
}

fn in_order(listed: &[(String, bool)], stored: &[Option<&str>]) -> Look {
    let agrees = listed.len() == stored.len()
        && listed
            .iter()
            .zip(stored)
            .all(|((listed, _), stored)| stored.is_none_or(|stored| stored == listed));
    let differ = listed.len() < 2 || listed[0].0 != listed[1].0;
    if agrees && differ {
        return Look::Fine;
    }
    Look::flaw(
        "the history does not list both versions in order",
        "the first version, then the second",
        names(listed),
    )
}

fn names(listed: &[(String, bool)]) -> String {
    let all = listed.iter().map(|(version, active)| match active {
        true => format!("{version} (active)"),
        false => version.clone(),
    });
    match listed.is_empty() {
        true => "no version".to_owned(),
        false => all.collect::<Vec<_>>().join(", "),
    }
}

/// The version that was stored first or second: by the name that it was given, or by its place.
fn stored_name(evidence: &Evidence, which: usize, place: Option<&(String, bool)>) -> String {
    let stored = evidence.one(Topic::ConfigVersions, Step::Setup, which);
    let named = stored.and_then(|stored| stored.json()?.get("version")?.as_str());
    let placed = place.map(|(version, _)| version.as_str());
    named.or(placed).unwrap_or_default().to_owned()
}

/// Whether the second version went under the id of the first: else there is nothing to see.
fn is_one_id(evidence: &Evidence) -> bool {
    let stored = evidence.at(Topic::ConfigVersions, Step::Setup);
    let mut ids = stored.filter_map(|stored| stored.json()?.get("config_id")?.as_str());
    let first = ids.next();
    ids.all(|id| Some(id) == first)
}

const OTHER_ID: &str =
    "the second version went under another id: see config-versions.history-grows";

fn one_active(evidence: &Evidence) -> Judgement {
    if !is_one_id(evidence) {
        return Judgement::Inconclusive(OTHER_ID.to_owned());
    }
    let mut tally = Tally::new(evidence);
    let looks = [
        (key::GROWN, 1, "the newest"),
        (key::ROLLED_BACK, 0, "the one rolled back to"),
    ];
    for (key, which, whose) in looks {
        let Some(ask) = main(evidence, key) else {
            continue;
        };
        let look = listed(ask).map(|listed| {
            let place = [listed.first(), listed.last()][which];
            let wanted = stored_name(evidence, which, place);
            let active = listed.iter().filter(|(_, is_active)| *is_active);
            let active: Vec<&str> = active.map(|(version, _)| version.as_str()).collect();
            match active == [wanted.as_str()] {
                true => Look::Fine,
                false => Look::flaw(
                    format!("not exactly one version is active, {whose}"),
                    format!("one active version, {whose}"),
                    names(&listed),
                ),
            }
        });
        tally.look(ask, settle(look));
    }
    for ask in evidence.at(Topic::ConfigVersions, Step::After) {
        if ask.about.key == key::GROWN {
            let alone = (evidence, key::SECOND + key::GROWN);
            tally.look(
                ask,
                same_as(ask, alone, "the newest version does not answer"),
            );
        }
    }
    tally.judgement()
}

/// Whether an answer is what the configuration was answered when it stood alone.
fn same_as(ask: &Ask, (evidence, alone): (&Evidence, usize), message: &str) -> Look {
    let one = |step, key| {
        evidence
            .one(Topic::ConfigVersions, step, key)
            .and_then(output)
    };
    let [Some(first), Some(again)] = [Step::Baseline, Step::Again].map(|step| one(step, 0)) else {
        return Look::missing("the configurations alone were not answered");
    };
    let changing = volatile::differing(first, again);
    let Some(expected) = one(Step::Baseline, alone) else {
        return Look::missing("the configurations alone were not answered");
    };
    settle(answered(ask).map(|answer| {
        let steady = |value| volatile::steady(value, &changing);
        match output(ask) {
            Some(got) if steady(got) == steady(expected) => Look::Fine,
            Some(got) => Look::flaw(
                message,
                show::value(&steady(expected)),
                show::value(&steady(got)),
            ),
            None => Look::flaw(message, "200 with an output", show::answer(answer)),
        }
    }))
}

fn rollback(evidence: &Evidence) -> Judgement {
    if !is_one_id(evidence) {
        return Judgement::Inconclusive(OTHER_ID.to_owned());
    }
    let mut tally = Tally::new(evidence);
    if let Some(ask) = main(evidence, key::ROLLBACK) {
        tally.look(
            ask,
            status_is(ask, &[200, 201, 204], "a rollback is refused"),
        );
    }
    for ask in evidence.at(Topic::ConfigVersions, Step::After) {
        if ask.about.key == key::ROLLED_BACK {
            let alone = (evidence, key::ROLLED_BACK);
            tally.look(
                ask,
                same_as(ask, alone, "after the rollback another version answers"),
            );
        }
    }
    tally.judgement()
}

fn rollback_unknown_404(evidence: &Evidence) -> Judgement {
    let mut tally = Tally::new(evidence);
    for key in [key::UNKNOWN_VERSION, key::UNKNOWN_ID] {
        if let Some(ask) = main(evidence, key) {
            tally.look(
                ask,
                status_is(ask, &[404], "a rollback to what is unknown is not a 404"),
            );
        }
    }
    if let (Some(before), Some(after)) = (
        main(evidence, key::ROLLED_BACK),
        main(evidence, key::UNCHANGED),
    ) {
        let look = listed(before).and_then(|before| Ok((before, listed(after)?)));
        let look = look.map(|(before, after)| match before == after {
            true => Look::Fine,
            false => Look::flaw(
                "a rollback to what is unknown changed the history",
                names(&before),
                names(&after),
            ),
        });
        tally.look(after, settle(look));
    }
    for ask in evidence.at(Topic::ConfigVersions, Step::After) {
        if ask.about.key == key::UNCHANGED && was_rolled_back(evidence) {
            let alone = (evidence, key::UNCHANGED);
            let message = "a rollback to what is unknown changed the active version";
            tally.look(ask, same_as(ask, alone, message));
        }
    }
    tally.judgement()
}

/// Whether the rollback that should work did: else the answers after it say nothing new.
fn was_rolled_back(evidence: &Evidence) -> bool {
    let mut after = evidence.at(Topic::ConfigVersions, Step::After);
    let alone = (evidence, key::ROLLED_BACK);
    after.all(|ask| ask.about.key != key::ROLLED_BACK || same_as(ask, alone, "") == Look::Fine)
}
