//! Rules on answers that are served again.

use acp_reports::Level::Must;

use super::looks::{answered, output, settle};
use super::played::unless_quick;
use crate::cached::{mark, unmarked};
use crate::drive::cache::{LONGEST_TTL, key};
use crate::evidence::{Ask, Evidence, Step, Topic};
use crate::feature::Feature::Cache;
use crate::rule::{Judgement, Look, Rule, Tally, each};
use crate::show;
use crate::volatile::{Paths, steady};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "cache.hit-marked",
        level: Must,
        feature: Cache,
        clause: "A repeat of an identical invocation is marked: `_from_cache: true` in its output, or in a known dialect.",
        source: "seed",
        why: "Who does not know that an answer is old cannot decide whether it is too old.",
        mend: "Add `\"_from_cache\": true` to the output of a hit.",
        reads: &[Topic::Cache],
        judge: hit_marked,
    },
    Rule {
        id: "cache.hit-equals-miss",
        level: Must,
        feature: Cache,
        clause: "A hit and its miss differ in nothing but the mark.",
        source: "seed",
        why: "An answer that changes on its way through a cache is wrong the second time.",
        mend: "Store the output as it was sent; add the mark to a copy.",
        reads: &[Topic::Cache],
        judge: hit_equals_miss,
    },
    Rule {
        id: "cache.key-canonical",
        level: Must,
        feature: Cache,
        clause: "The order of an input's members does not make a miss.",
        source: "seed (sorted keys)",
        why: "Clients write members in any order; a key of bytes caches each order for itself.",
        mend: "Make the key of the input's canonical form (RFC 8785), not of its bytes.",
        reads: &[Topic::Cache],
        judge: key_canonical,
    },
    Rule {
        id: "cache.key-has-config",
        level: Must,
        feature: Cache,
        clause: "Another `config_id`, or a new active version of it, never gets the first one's answer.",
        source: "design",
        why: "One client is answered under the configuration of another.",
        mend: "Put the `config_id` and its active version into the key.",
        reads: &[Topic::Cache],
        judge: key_has_config,
    },
    Rule {
        id: "cache.distinct-inputs",
        level: Must,
        feature: Cache,
        clause: "Different inputs never share an answer.",
        source: "seed",
        why: "A client is given the answer to a question that it did not ask.",
        mend: "Make the key of the whole input, neither shortened nor folded.",
        reads: &[Topic::Cache],
        judge: distinct_inputs,
    },
    Rule {
        id: "cache.errors-not-cached",
        level: Must,
        feature: Cache,
        clause: "An error is not served from the cache.",
        source: "design",
        why: "What was mended goes on failing until its time in the cache is over.",
        mend: "Cache successes alone.",
        reads: &[Topic::Cache],
        judge: errors_not_cached,
    },
    Rule {
        id: "cache.ttl",
        level: Must,
        feature: Cache,
        clause: "Past the declared time to live the entry is gone.",
        source: "seed",
        why: "An answer that never leaves the cache is wrong as soon as the world changes.",
        mend: "Count an entry's time from when it was made, not from when it was last used.",
        reads: &[Topic::CacheTime],
        judge: ttl,
    },
];

fn main(evidence: &Evidence, key: usize) -> impl Iterator<Item = &Ask> {
    evidence
        .at(Topic::Cache, Step::Main)
        .filter(move |ask| ask.about.key == key)
}

/// A look at an answer that must be a success.
fn succeeded(ask: &Ask, look: impl FnOnce() -> Look) -> Look {
    settle(answered(ask).map(|answer| match answer.status {
        200 => look(),
        _ => Look::missing("a valid input was refused: see invoke.accepts-valid"),
    }))
}

fn is_hit(ask: &Ask, message: &str) -> Look {
    succeeded(ask, || match mark(ask) {
        Some(_) => Look::Fine,
        None => Look::flaw(message, "an answer marked as cached", "no mark"),
    })
}

fn is_miss(ask: &Ask, message: &str) -> Look {
    succeeded(ask, || match mark(ask) {
        None => Look::Fine,
        Some(at) => Look::flaw(
            message,
            "an answer that is not cached",
            format!("{at} is set"),
        ),
    })
}

/// Why nothing can be told from missing marks: no repeat is marked.
fn without_marks(evidence: &Evidence) -> Option<Judgement> {
    let is_marked = main(evidence, key::SAME).any(|ask| mark(ask).is_some());
    let why = "no repeat is marked as cached: see cache.hit-marked";
    (!is_marked).then(|| Judgement::Inconclusive(why.to_owned()))
}

fn hit_marked(evidence: &Evidence) -> Judgement {
    let mut tally = Tally::new(evidence);
    for ask in evidence.at(Topic::Cache, Step::Baseline) {
        if ask.about.key == key::SAME {
            tally.look(
                ask,
                is_miss(ask, "an answer to a new input is marked as cached"),
            );
        }
    }
    for ask in main(evidence, key::SAME) {
        tally.look(ask, is_hit(ask, "a repeat is not marked as cached"));
    }
    tally.judgement()
}

fn hit_equals_miss(evidence: &Evidence) -> Judgement {
    let miss = evidence
        .one(Topic::Cache, Step::Baseline, key::SAME)
        .and_then(output);
    each(evidence, main(evidence, key::SAME), |ask| {
        let (Some(miss), Some(hit)) = (miss, output(ask)) else {
            return Look::missing("an invocation or its repeat has no output");
        };
        let [miss, hit] = [miss, hit].map(|output| steady(&unmarked(output), &Paths::new()));
        if miss == hit {
            return Look::Fine;
        }
        let message = "a repeat is answered otherwise than the first time";
        Look::flaw(message, show::value(&miss), show::value(&hit))
    })
}

fn key_canonical(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_marks(evidence) {
        return judgement;
    }
    if main(evidence, key::REORDERED).next().is_none() {
        return Judgement::Skip("no input has two members to put in another order".to_owned());
    }
    each(evidence, main(evidence, key::REORDERED), |ask| {
        is_hit(
            ask,
            "the same input with its members in another order is not a hit",
        )
    })
}

fn key_has_config(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_marks(evidence) {
        return judgement;
    }
    let other = main(evidence, key::OTHER_CONFIG).map(|ask| {
        (
            ask,
            "another configuration is answered from the first one's cache",
        )
    });
    let newer = main(evidence, key::NEW_VERSION)
        .map(|ask| (ask, "a new version is answered from the old one's cache"));
    let mut tally = Tally::new(evidence);
    for (ask, message) in other.chain(newer) {
        tally.look(ask, is_miss(ask, message));
    }
    tally.judgement()
}

fn distinct_inputs(evidence: &Evidence) -> Judgement {
    if let Some(judgement) = without_marks(evidence) {
        return judgement;
    }
    let alike = evidence
        .at(Topic::Cache, Step::Main)
        .filter(|ask| ask.about.key >= key::ALIKE);
    each(evidence, alike, |ask| {
        is_miss(
            ask,
            "an input that was never asked is answered from the cache",
        )
    })
}

fn errors_not_cached(evidence: &Evidence) -> Judgement {
    let mut tally = Tally::new(evidence);
    let first = evidence
        .one(Topic::Cache, Step::Baseline, key::INVALID)
        .and_then(exact_time);
    for ask in main(evidence, key::INVALID) {
        let look = answered(ask).map(|answer| match mark(ask) {
            // A success may well be served again.
            _ if answer.is_success() && ask.json().and_then(|body| body.get("error")).is_none() => {
                Look::missing("an invalid input was accepted: see invoke.rejects-invalid")
            }
            Some(at) => Look::flaw(
                "an error is marked as cached",
                "no mark",
                format!("{at} is set"),
            ),
            None if first.is_some() && first == exact_time(ask) => Look::flaw(
                "an error is served again with the time of the first one",
                "another timestamp",
                first.unwrap_or_default(),
            ),
            None => Look::Fine,
        });
        tally.look(ask, settle(look));
    }
    let since = || main(evidence, key::STORED_SINCE);
    let was_known = since().any(|ask| answered(ask).is_ok_and(|answer| answer.status != 404));
    for ask in since() {
        let look = answered(ask).map(|answer| match answer.status {
            404 if was_known => Look::missing("some of its repeats found it: see config.usable"),
            404 => Look::flaw(
                "a configuration that was asked for too early is unknown after it was stored",
                "200",
                show::answer(answer),
            ),
            _ => Look::Fine,
        });
        tally.look(ask, settle(look));
    }
    tally.judgement()
}

/// An error's timestamp, if it tells milliseconds at least: two of whole seconds may be the same.
fn exact_time(ask: &Ask) -> Option<&str> {
    let body = ask.json()?;
    let mut places = ["/error/timestamp", "/timestamp"].into_iter();
    let time = places.find_map(|at| body.pointer(at))?.as_str()?;
    let fraction = time.split_once('.')?.1;
    let digits = fraction.chars().take_while(char::is_ascii_digit);
    let is_exact = digits.clone().count() >= 3 && digits.clone().any(|digit| digit != '0');
    is_exact.then_some(time)
}

fn ttl(evidence: &Evidence) -> Judgement {
    if let Err(left_out) = unless_quick(evidence) {
        return left_out;
    }
    let Some(ttl) = evidence.probe.cache_ttl() else {
        let why = "no time to live is declared: say it with --feature-param cache-ttl=5s";
        return Judgement::Unseen(why.to_owned());
    };
    if ttl > LONGEST_TTL {
        let why = format!(
            "the time to live of {ttl:?} is longer than the {LONGEST_TTL:?} that are waited for: start the agent with a shorter one"
        );
        return Judgement::Unseen(why);
    }
    let mut within = evidence.at(Topic::CacheTime, Step::Again);
    if !within.any(|ask| mark(ask).is_some()) {
        let why = "no entry was there within its time to live: see cache.hit-marked";
        return Judgement::Inconclusive(why.to_owned());
    }
    each(evidence, evidence.at(Topic::CacheTime, Step::Main), |ask| {
        is_miss(ask, "an entry is still there after its time to live")
    })
}
