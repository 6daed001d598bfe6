//! The rule on what configurations are for: that one of them changes something.

use std::collections::BTreeSet;

use acp_reports::Level::Should;
use serde_json::Value;

use super::looks::output;
use crate::cached::mark;
use crate::drive::effect::says_otherwise;
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Core;
use crate::probe::Part;
use crate::rule::{Judgement, Look, Rule, Tally};
use crate::show;

pub(super) const RULES: &[Rule] = &[Rule {
    id: "config.has-effect",
    level: Should,
    feature: Core,
    clause: "Some configuration changes some answer.",
    source: "P1",
    why: "A configuration that changes nothing is stored, named, sent along, and trusted in vain.",
    mend: "Read the stored configuration where `/invoke` works, or take the members out of the config schema.",
    reads: &[Topic::Documents, Topic::ConfigEffect],
    judge: has_effect,
}];

fn has_effect(evidence: &Evidence) -> Judgement {
    if let Err(why) = evidence.probe.schema(Part::Config) {
        return Judgement::Inconclusive(why.to_owned());
    }
    let of = |step| evidence.at(Topic::ConfigEffect, step);
    let is_success = |ask: &&Ask| ask.answer().is_some_and(|answer| answer.is_success());
    let stored = of(Step::Setup).filter(is_success);
    let configs: BTreeSet<&str> = stored
        .filter_map(|ask| Some(ask.about.case.as_ref()?.0.text.as_str()))
        .collect();
    // Without one everything is open; with one alone it may be what holds anyway.
    if configs.is_empty() {
        let why = "no configuration could be stored: see config.creates";
        return Judgement::Inconclusive(why.to_owned());
    }
    // What came out of a cache may be another configuration's answer.
    let is_own = |ask: &&Ask| output(ask).is_some() && mark(ask).is_none();
    let under: Vec<&Ask> = of(Step::Main).filter(is_own).collect();
    let plain = |ask: &Ask| evidence.one(Topic::ConfigEffect, Step::Baseline, ask.about.key);
    let again = |ask: &Ask| evidence.one(Topic::ConfigEffect, Step::Again, ask.about.key);
    let is_steady = |ask: &&&Ask| {
        let pair = plain(ask).zip(again(ask));
        pair.is_some_and(|(plain, again)| !says_otherwise(plain, again))
    };
    let changes = |ask: &&&Ask| plain(ask).is_some_and(|plain| says_otherwise(plain, ask));
    let mut tally = Tally::new(evidence);
    if let Some(ask) = under.iter().filter(is_steady).find(changes) {
        tally.look(ask, Look::Fine);
        return tally.judgement();
    }
    if let Some(ask) = under.iter().rfind(is_steady) {
        if configs.len() == 1 {
            let why = "there is one configuration only: nothing to tell it from";
            return Judgement::Skip(why.to_owned());
        }
        let seen = output(ask);
        tally.look(
            ask,
            Look::flaw(
                "no configuration that was tried changes any answer",
                format!(
                    "another answer under one of {} configurations",
                    configs.len()
                ),
                show::value(seen.unwrap_or(&Value::Null)),
            ),
        );
        return tally.judgement();
    }
    if under.is_empty() {
        let why = "no invocation under a configuration had an output of its own: see config.usable, invoke.responds and cache.key-has-config";
        return Judgement::Inconclusive(why.to_owned());
    }
    let why = "answers change by themselves: whether a configuration changes them cannot be told";
    Judgement::Skip(why.to_owned())
}
