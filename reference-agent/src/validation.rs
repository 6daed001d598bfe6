//! The agent's contracts: JSON Schemas, and what in a value goes against them.
//!
//! The only module that knows the validator.

use jsonschema::error::ValidationErrorKind as Kind;
use serde::Serialize;
use serde_json::Value;

use crate::settings::Error;

/// More than this many would only repeat themselves.
const MOST_VIOLATIONS: usize = 10;

/// Names out of a request are cut to this many characters before they are sent back.
const LONGEST_NAME: usize = 100;

/// One way in which a value goes against its schema.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Violation {
    /// JSON pointer to the offending value, from the request body's root.
    pub(crate) path: String,
    /// The keyword of JSON Schema that it goes against.
    pub(crate) keyword: String,
    /// What is wrong, for people.
    pub(crate) message: String,
}

impl Violation {
    pub(crate) fn at(path: &str, keyword: &str, message: &str) -> Self {
        let [path, keyword, message] = [path, keyword, message].map(str::to_owned);
        Self {
            path,
            keyword,
            message,
        }
    }
}

/// A schema, ready to judge.
#[derive(Debug)]
pub(crate) struct Contract {
    pub(crate) schema: Value,
    validator: jsonschema::Validator,
}

impl Contract {
    fn read(name: &'static str, text: &str) -> Result<Self, Error> {
        let broken = |reason: String| Error::Data { name, reason };
        let schema: Value = serde_json::from_str(text).map_err(|e| broken(e.to_string()))?;
        let validator = jsonschema::draft202012::new(&schema).map_err(|e| broken(e.to_string()))?;
        Ok(Self { schema, validator })
    }

    /// All that is wrong with `value`, which stands at `root` in the request; at most ten.
    pub(crate) fn violations(&self, value: &Value, root: &str) -> Vec<Violation> {
        self.validator
            .iter_errors(value)
            .flat_map(|error| located(&error, root))
            .take(MOST_VIOLATIONS)
            .collect()
    }
}

/// The fields at fault: for a missing or a needless member that is the member itself.
fn located(error: &jsonschema::ValidationError<'_>, root: &str) -> Vec<Violation> {
    let base = format!("{root}{}", error.instance_path().as_str());
    let keyword = error.kind().keyword();
    let member = |name: &str| {
        let short: String = name.chars().take(LONGEST_NAME).collect();
        format!("{base}/{}", short.replace('~', "~0").replace('/', "~1"))
    };
    match error.kind() {
        Kind::Required { property } => {
            let path = member(property.as_str().unwrap_or_default());
            vec![Violation::at(&path, keyword, "is required")]
        }
        Kind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| Violation::at(&member(name), keyword, "is not a member known here"))
            .collect(),
        // Masked: the message never repeats the value, which may be anything.
        _ => vec![Violation::at(
            &base,
            keyword,
            &error.masked_with("this value").to_string(),
        )],
    }
}

/// Whether this is a JSON Schema.
pub(crate) fn is_schema(value: &Value) -> bool {
    jsonschema::meta::is_valid(value)
}

/// Every contract of the agent.
#[derive(Debug)]
pub(crate) struct Contracts {
    pub(crate) input: Contract,
    pub(crate) output: Contract,
    pub(crate) config: Contract,
    pub(crate) invoke_request: Contract,
    pub(crate) config_request: Contract,
    pub(crate) rollback_request: Contract,
}

impl Contracts {
    pub(crate) fn read() -> Result<Self, Error> {
        macro_rules! contract {
            ($name:literal) => {
                Contract::read($name, include_str!(concat!("../../fixtures/", $name)))?
            };
        }
        Ok(Self {
            input: contract!("weather/input.json"),
            output: contract!("weather/output.json"),
            config: contract!("weather/config.json"),
            invoke_request: contract!("schemas/invoke-request.json"),
            config_request: contract!("schemas/config-request.json"),
            rollback_request: contract!("schemas/rollback-request.json"),
        })
    }
}
