//! The ways in which the agent can be wrong, by name.
//!
//! A fault is one value: what goes wrong, which rules must notice, and the seams at which
//! it acts. A new one is a function and an entry in the list of its area.

use crate::{seams::Seam, settings::Settings};

/// One way of being wrong.
#[derive(Debug)]
pub struct Fault {
    /// What goes wrong, in kebab-case: `cuts-stream-short`.
    pub name: &'static str,
    /// What goes wrong, as a sentence.
    pub summary: &'static str,
    /// The ids of the rules that must fail: these, and no other.
    pub trips: &'static [&'static str],
    pub(crate) seams: &'static [Seam],
}

impl Fault {
    /// Lets the fault have its way with the settings.
    pub(crate) fn adjust(&self, settings: &mut Settings) {
        for seam in self.seams {
            if let Seam::Settings(change) = seam {
                change(settings);
            }
        }
    }
}

/// The areas, in the order of the profile.
static AREAS: [&[Fault]; 0] = [];

/// Every fault there is, area by area.
pub fn catalogue() -> impl Iterator<Item = &'static Fault> {
    AREAS.iter().flat_map(|area| area.iter())
}

/// The fault of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    catalogue().find(|fault| fault.name == name)
}
