//! What may be asked of an agent under load: one file a scenario, and this list of them.

mod cache;
mod capacity;
mod mixed;
mod rate_limit;
pub(crate) mod soak;
mod stream;

use std::future::Future;
use std::pin::Pin;

use acp_reports::load::Report;

use crate::run::Job;

/// A scenario at work.
pub type Attack<'a> = Pin<Box<dyn Future<Output = Report> + 'a>>;

/// One kind of load, and what is to be learnt from it.
pub struct Scenario {
    /// Its name on the command line and in reports.
    pub name: &'static str,
    /// What it answers, in one line.
    pub summary: &'static str,
    /// Runs it. An agent's misbehaviour is part of what is found.
    pub attack: for<'a> fn(&'a Job) -> Attack<'a>,
}

/// Every scenario, in the order in which help lists them.
pub static ALL: &[&Scenario] = &[
    &cache::SCENARIO,
    &stream::SCENARIO,
    &mixed::SCENARIO,
    &rate_limit::SCENARIO,
    &capacity::SCENARIO,
    &soak::SCENARIO,
];

/// The scenario of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Scenario> {
    ALL.iter().copied().find(|scenario| scenario.name == name)
}
