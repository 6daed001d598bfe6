//! The cases that a run asks with, made once from the agent's schemas.

use crate::cases::{Case, Generator};
use crate::deadline::Deadline;
use crate::probe::{Part, Probe};
use crate::settings::Facts;

/// So many lists of cases there are.
const LISTS: u32 = 4;

/// Generated cases, the most telling first.
#[derive(Clone, Debug, Default)]
pub struct Bank {
    /// Inputs that are valid.
    pub inputs: Vec<Case>,
    /// Inputs that are not.
    pub bad_inputs: Vec<Case>,
    /// Configurations that are valid.
    pub configs: Vec<Case>,
    /// Configurations that are not.
    pub bad_configs: Vec<Case>,
    /// Whether the time was up before all of them were made.
    pub is_cut_short: bool,
}

impl Bank {
    /// Makes the cases for a run. What cannot be made is left out: the rules
    /// `schema.satisfiable` and `schema.is-json-schema` say so. Half of the time until `deadline`
    /// is left for asking.
    #[must_use]
    pub fn fill(probe: &Probe, facts: &Facts, deadline: &Deadline) -> Self {
        let mut bank = Self::default();
        (bank.inputs, bank.bad_inputs) = bank.cases(probe, Part::Input, (facts, deadline));
        (bank.configs, bank.bad_configs) = bank.cases(probe, Part::Config, (facts, deadline));
        bank
    }

    fn cases(
        &mut self,
        probe: &Probe,
        part: Part,
        (facts, deadline): (&Facts, &Deadline),
    ) -> (Vec<Case>, Vec<Case>) {
        let Ok(schema) = probe.schema(part) else {
            return Default::default();
        };
        let mut of = |make: fn(Generator<'_>, usize) -> Vec<Case>| {
            let own = deadline.share(LISTS * 2);
            let made = make(Generator::new(schema, facts.seed).until(&own), facts.cases);
            self.is_cut_short |= own.is_over();
            made
        };
        let valid = of(|mut generator, count| generator.valid(count).unwrap_or_default());
        let invalid = of(|mut generator, count| generator.invalid(count).0);
        (valid, invalid)
    }

    /// The body of the simplest request to `/invoke` that should succeed.
    #[must_use]
    pub fn simple_body(&self) -> String {
        self.body_with("")
    }

    /// The same with more members, given as JSON text that begins with a comma.
    #[must_use]
    pub fn body_with(&self, members: &str) -> String {
        let input = self.inputs.first().map_or("{}", |case| case.text.as_str());
        format!("{{\"input\": {input}{members}}}")
    }
}
