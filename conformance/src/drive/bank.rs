//! The cases that a run asks with, made once from the agent's schemas.

use crate::cases::{Case, Generator};
use crate::probe::{Part, Probe};
use crate::settings::Facts;

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
}

impl Bank {
    /// Makes the cases for a run. What cannot be made is left out: the rules
    /// `schema.satisfiable` and `schema.is-json-schema` say so.
    #[must_use]
    pub fn fill(probe: &Probe, facts: &Facts) -> Self {
        let (inputs, bad_inputs) = cases(probe, Part::Input, facts);
        let (configs, bad_configs) = cases(probe, Part::Config, facts);
        Self {
            inputs,
            bad_inputs,
            configs,
            bad_configs,
        }
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

fn cases(probe: &Probe, part: Part, facts: &Facts) -> (Vec<Case>, Vec<Case>) {
    let Ok(schema) = probe.schema(part) else {
        return (Vec::new(), Vec::new());
    };
    let mut generator = Generator::new(schema, facts.seed);
    let valid = generator.valid(facts.cases).unwrap_or_default();
    let (invalid, _) = generator.invalid(facts.cases);
    (valid, invalid)
}
