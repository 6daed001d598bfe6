//! The features of the profile that this revision of the kit can judge.

use std::fmt;
use std::str::FromStr;

/// A part of the profile that an agent may offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// The five endpoints; every agent has it.
    Core,
    /// Errors in an envelope, with codes.
    Errors,
    /// Answers as an event stream.
    Streaming,
}

impl Feature {
    /// All of them, in the profile's order.
    pub const ALL: &'static [Self] = &[Self::Core, Self::Errors, Self::Streaming];

    /// Its name in the profile.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Errors => "errors",
            Self::Streaming => "streaming",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A name that is no feature's.
#[derive(Clone, Debug, thiserror::Error)]
#[error("there is no feature `{0}` that can be judged; there are core, errors and streaming")]
pub struct UnknownFeature(String);

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(name: &str) -> Result<Self, UnknownFeature> {
        let named = Self::ALL.iter().find(|feature| feature.name() == name);
        named
            .copied()
            .ok_or_else(|| UnknownFeature(name.to_owned()))
    }
}
