//! The dialects: other forms in which agents in the wild say what the profile says.
//!
//! A dialect is spoken where an answer has its form *instead of* the canonical one: who answers
//! both is understood by everybody. It is recognised by name, reported, and what is behind the
//! form is judged all the same; what the form itself costs is the business of one rule.

mod forms;
mod list;
mod mistakes;
#[cfg(test)]
mod tests;

pub use list::DIALECTS;
pub use mistakes::{MISTAKES, Mistake};

use crate::evidence::{Ask, Evidence};
use crate::probe::Probe;

/// One dialect: all that is known of it, in one value.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Its name, in kebab-case; for ever.
    pub name: &'static str,
    /// What is said otherwise.
    pub point: &'static str,
    /// How it is said.
    pub form: &'static str,
    /// How the profile has it.
    pub canonical: &'static str,
    /// Who speaks it.
    pub source: &'static str,
    /// What it costs the agent's users.
    pub cost: &'static str,
    /// The rule that fails for it; none where the profile leaves the form open.
    pub rule: Option<&'static str>,
    pub(crate) shows: fn(&Probe, &Ask) -> bool,
}

impl std::fmt::Debug for Dialect {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name)
    }
}

/// The dialects that an agent speaks, each with the asks that show it; in the catalogue's order.
#[must_use]
pub fn spoken(evidence: &Evidence) -> Vec<(&'static Dialect, Vec<&Ask>)> {
    let shown = DIALECTS.iter().map(|dialect| {
        let asks = evidence.asks.iter().map(AsRef::as_ref);
        let asks = asks.filter(|ask: &&Ask| !ask.is_waited_out());
        let shows = asks.filter(|ask| (dialect.shows)(&evidence.probe, ask));
        (dialect, shows.collect::<Vec<_>>())
    });
    shown.filter(|(_, asks)| !asks.is_empty()).collect()
}
