//! What features make of an agent, and which statuses matter most.

use crate::{Feature, ProfileLevel, Status, words};

impl ProfileLevel {
    /// The level that an agent reaches with these features.
    #[must_use]
    pub fn of(features: &[Feature]) -> Self {
        let is_certified = |name: &str| {
            let mut features = features.iter();
            features.any(|feature| feature.name == name && feature.certified)
        };
        let production = ["core", "errors", "observability", "lifecycle"];
        if production.into_iter().all(is_certified) {
            Self::Production
        } else if is_certified("core") {
            Self::Core
        } else {
            Self::None
        }
    }
}

impl Status {
    /// From the one that matters most to the one that matters least.
    pub(crate) const BY_GRAVITY: [Self; 7] = [
        Self::Error,
        Self::Fail,
        Self::Inconclusive,
        Self::Warn,
        Self::Expected,
        Self::Pass,
        Self::Skip,
    ];

    /// As the JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        words::status(self)
    }

    /// Its place among all: 0 is the one that matters most.
    #[must_use]
    pub fn gravity(self) -> usize {
        let place = Self::BY_GRAVITY.iter().position(|it| *it == self);
        place.unwrap_or_default()
    }
}
