//! What a configuration says of the answers to come.

use serde_json::Value;

/// What a configuration says, with the defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Preferences {
    pub(crate) fahrenheit: bool,
    pub(crate) language: String,
    pub(crate) include_forecast: bool,
    pub(crate) max_recommendations: usize,
}

impl Default for Preferences {
    fn default() -> Self {
        Self::read(&Value::Null)
    }
}

impl Preferences {
    /// Reads a configuration that has been judged; what it leaves out takes its default.
    pub(crate) fn read(config: &Value) -> Self {
        let text = |name: &str| config.get(name).and_then(Value::as_str);
        // `3.0` is an integer to JSON Schema, and so it is here.
        let most = config
            .get("max_recommendations")
            .and_then(Value::as_f64)
            .unwrap_or(3.0);
        Self {
            fahrenheit: text("units") == Some("fahrenheit"),
            language: text("language").unwrap_or("en").to_owned(),
            include_forecast: config.get("include_forecast") == Some(&Value::Bool(true)),
            max_recommendations: most as usize,
        }
    }
}
