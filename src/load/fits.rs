//! Flags that a scenario has no use for: they are refused, not passed over in silence.
//!
//! What says no more than nothing (a share of 0 %, as many users as there are anyhow) is no reason to refuse.

use acp_load::traffic::Popularity;

use acp_load::attack::Model;

use super::{Arguments, USERS};
use crate::exit::Failure;

/// The scenarios that draw from the user journey.
const JOURNEYS: &[&str] = &["mixed", "capacity", "soak"];
/// Those that are told how much load there is; `rate-limit` finds that out.
const LOADS: &[&str] = &["mixed", "cache", "stream", "capacity", "soak"];
/// Those whose rate is not searched for, either.
const STEADY: &[&str] = &["mixed", "cache", "stream", "soak"];

/// How many different questions are asked, and how often each, if nobody says otherwise.
pub(super) const KEYS: usize = 100;
pub(super) const POPULARITY: &str = "zipf";

/// What must hold in `capacity` if nobody says otherwise.
pub(super) const OBJECTIVE: &str = "p99<100ms,errors<0.1%";

/// Refuses the first flag that the scenario would not look at.
pub(super) fn check(arguments: &Arguments) -> Result<(), Failure> {
    let scenario = arguments.scenario.as_str();
    let wrong = |(_, said, of): &&(&str, bool, &[&str])| *said && !of.contains(&scenario);
    match said(arguments).iter().find(wrong) {
        Some((flag, _, of)) => Err(Failure::usage(format!(
            "{flag} says nothing to the scenario {scenario}: it is for {}",
            of.join(", ")
        ))),
        None => Ok(()),
    }
}

/// Refuses the first flag that says nothing to users who wait for answers, or nothing to a rate.
pub(super) fn model(it: &Arguments, model: &Model) -> Result<(), Failure> {
    let of_a_rate = "it is for --rate, or a --plan of /s";
    let said = match model {
        Model::Open { .. } => vec![(
            "--think",
            it.think.is_some(),
            "requests of a rate are made when they are due",
        )],
        Model::Closed(_) => vec![
            ("--even", it.even, of_a_rate),
            ("--backlog", it.backlog.is_some(), of_a_rate),
            (
                "--users",
                it.plan.is_some() && it.users.is_some(),
                "the --plan says how many there are",
            ),
        ],
    };
    match said.into_iter().find(|(_, said, _)| *said) {
        Some((flag, _, why)) => Err(Failure::usage(format!("{flag} says nothing here: {why}"))),
        None => Ok(()),
    }
}

/// Flags, whether they say anything, and the scenarios that they are for.
fn said(it: &Arguments) -> Vec<(&'static str, bool, &'static [&'static str])> {
    let users = it.users.is_some_and(|users| users != USERS);
    let usual = POPULARITY.parse::<Popularity>();
    let is_usual = usual.is_ok_and(|usual| usual == it.popularity);
    let is_warmed_up = !it.warm_up.is_zero();
    vec![
        ("--rate", it.rate.is_some(), LOADS),
        ("--plan", it.plan.is_some(), LOADS),
        ("--users", users, LOADS),
        ("--warm-up", is_warmed_up, LOADS),
        ("--even", it.even, STEADY),
        ("--backlog", it.backlog.is_some(), STEADY),
        ("--think", it.think.is_some(), STEADY),
        ("--keys", it.keys != KEYS, LOADS),
        ("--popularity", !is_usual, LOADS),
        ("--mix", !it.mix.is_empty(), JOURNEYS),
        ("--invalid-share", it.invalid_share > 0.0, JOURNEYS),
        ("--leaving", it.leaving > 0.0, &["stream"]),
        ("--slow", it.slow > 0.0, &["stream"]),
        ("--cache-ttl", it.cache_ttl.is_some(), &["cache"]),
        ("--cache-entries", it.cache_entries.is_some(), &["cache"]),
        ("--baseline", it.baseline.is_some(), STEADY),
        ("--objective", it.objective != OBJECTIVE, &["capacity"]),
        ("--pid", it.pid.is_some(), &["soak"]),
    ]
}
