//! Whether two documents say the same of an agent, though not in the same words.

use serde_json::{Map, Value};

/// Keywords that change nothing for a validator.
const ANNOTATIONS: &[&str] = &[
    "$comment",
    "$id",
    "$schema",
    "title",
    "description",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// Keywords whose members are schemas by names of the author's own.
const BY_NAME: &[&str] = &[
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "definitions",
];
/// Keywords whose value is data.
const DATA: &[&str] = &["enum", "const", "required"];

/// Whether two JSON Schemas ask for the same, annotations and the order of members aside.
pub(super) fn is_alike(left: &Value, right: &Value) -> bool {
    bare(left) == bare(right)
}

/// A schema without its annotations, its numbers in one form.
fn bare(schema: &Value) -> Value {
    let Value::Object(members) = schema else {
        return match schema {
            Value::Array(items) => items.iter().map(bare).collect(),
            other => plain(other),
        };
    };
    let kept = members
        .iter()
        .filter(|(name, _)| !ANNOTATIONS.contains(&name.as_str()));
    let kept = kept.map(|(name, value)| {
        let value = match value {
            Value::Object(own) if BY_NAME.contains(&name.as_str()) => own
                .iter()
                .map(|(name, schema)| (name.clone(), bare(schema)))
                .collect::<Map<_, _>>()
                .into(),
            data if DATA.contains(&name.as_str()) => plain(data),
            schema => bare(schema),
        };
        (name.clone(), value)
    });
    Value::Object(kept.collect())
}

/// Data with its numbers in one form: 16 and 16.0 are one number to JSON Schema.
fn plain(data: &Value) -> Value {
    match data {
        Value::Number(number) => number.as_f64().map_or_else(|| data.clone(), Value::from),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), plain(member)))
            .collect::<Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// Whether two names are one: `Weather Advisor` is `weather-advisor` where only such are allowed.
pub(super) fn same_name(left: &str, right: &str) -> bool {
    let letters = |name: &str| -> String {
        let kept = name.chars().filter(|c| c.is_alphanumeric());
        kept.flat_map(char::to_lowercase).collect()
    };
    left == right || (!letters(left).is_empty() && letters(left) == letters(right))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_are_alike_whatever_is_said_about_them() {
        let told = json!({"title": "T", "type": "object", "required": ["description"],
            "properties": {"description": {"type": "string", "maxLength": 16, "description": "x"}}});
        let live = json!({"properties": {"description": {"maxLength": 16.0, "type": "string"}},
            "required": ["description"], "type": "object", "$id": "urn:x"});
        assert!(is_alike(&told, &live));
        let other = json!({"properties": {"description": {"maxLength": 17, "type": "string"}},
            "required": ["description"], "type": "object"});
        assert!(!is_alike(&told, &other));
        let without = json!({"properties": {}, "required": ["description"], "type": "object"});
        assert!(!is_alike(&told, &without));
        let listed = |words: [&str; 1]| json!({"properties": {"a": {"enum": words}}});
        assert!(!is_alike(&listed(["title"]), &listed(["x"])));
    }

    #[test]
    fn a_name_is_the_same_with_other_marks_between_its_words() {
        assert!(same_name("Weather Advisor", "weather-advisor"));
        assert!(!same_name("weather-advisor", "weather-advisor-staging"));
        assert!(!same_name("-", "_"));
    }
}
