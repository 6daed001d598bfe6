//! Schemas that nobody would write: any keywords, together in any way.

use serde_json::{Map, Value, json};

use super::pick::Pick;

/// Deeper ones are made of the same.
const DEEPEST: usize = 4;
/// Keywords whose value is a schema, a list of schemas, schemas by name, or plain.
const ONE: &[&str] = &[
    "items",
    "additionalProperties",
    "contains",
    "not",
    "propertyNames",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
    "additionalItems",
];
const SOME: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems", "items"];
const NAMED: &[&str] = &[
    "properties",
    "patternProperties",
    "dependentSchemas",
    "$defs",
    "dependencies",
];
const PLAIN: &[&str] = &[
    "type",
    "enum",
    "const",
    "required",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "$ref",
    "$dynamicRef",
    "$anchor",
    "$dynamicAnchor",
    "$id",
    "default",
    "examples",
    "nullable",
];
const TYPES: &[&str] = &[
    "object", "string", "integer", "number", "array", "boolean", "null",
];
const NAMES: &[&str] = &["a", "b", "c", "x-1", "", "a/b~c", "é"];
const PATTERNS: &[&str] = &[
    "^[a-z]+$",
    "\\d{2}",
    "^(ab|c)*$",
    "^\\S+@\\w+$",
    "^\\p{Lu}",
    "^x-",
    "(a+)+$",
    "^(?=.*a)b?",
    "[",
    "^.{1,9}$",
    "\\u0041",
    "",
];
const FORMATS: &[&str] = &[
    "date",
    "date-time",
    "uuid",
    "email",
    "uri",
    "ipv4",
    "regex",
    "unheard-of",
    "duration",
];
const REFERENCES: &[&str] = &[
    "#/$defs/a",
    "#",
    "#/$defs/b",
    "#/properties/a",
    "#a",
    "#/nowhere",
    "https://example.com/x",
    "b",
];
const DIALECTS: &[&str] = &[
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",
];

/// A schema with definitions, in some dialect.
pub(super) fn document(pick: &mut Pick<'_>) -> Value {
    let mut document = schema(pick, 0);
    if let Value::Object(members) = &mut document {
        if pick.once_in(2) {
            members.insert("$schema".to_owned(), json!(pick.of(DIALECTS)));
        }
        let definitions = json!({"a": schema(pick, 2), "b": schema(pick, 2)});
        members.insert("$defs".to_owned(), definitions);
    }
    document
}

fn schema(pick: &mut Pick<'_>, depth: usize) -> Value {
    if pick.once_in(12) {
        return Value::Bool(pick.once_in(2));
    }
    let mut members = Map::new();
    for _ in 0..=pick.below(4) {
        let deeper = if depth < DEEPEST { 6 } else { 3 };
        let (keyword, value) = match pick.below(deeper) {
            0..3 => plain(pick),
            3 => (pick.of(ONE), schema(pick, depth + 1)),
            4 => {
                let branches = (0..=pick.below(3)).map(|_| schema(pick, depth + 1));
                let branches: Vec<Value> = branches.collect();
                (pick.of(SOME), json!(branches))
            }
            _ => (pick.of(NAMED), named(pick, depth)),
        };
        members.insert(keyword.to_owned(), value);
    }
    Value::Object(members)
}

fn named(pick: &mut Pick<'_>, depth: usize) -> Value {
    let names = if pick.once_in(3) { PATTERNS } else { NAMES };
    let mut members = Map::new();
    for _ in 0..=pick.below(3) {
        members.insert(pick.of(names).to_owned(), schema(pick, depth + 1));
    }
    Value::Object(members)
}

fn plain(pick: &mut Pick<'_>) -> (&'static str, Value) {
    let keyword = pick.of(PLAIN);
    let value = match keyword {
        "type" if pick.once_in(3) => json!([pick.of(TYPES), pick.of(TYPES)]),
        "type" => json!(pick.of(TYPES)),
        "enum" | "examples" => {
            let values = (0..=pick.below(4)).map(|_| any(pick, 0));
            json!(values.collect::<Vec<_>>())
        }
        "const" | "default" => any(pick, 0),
        "required" => json!([pick.of(NAMES), pick.of(NAMES)]),
        "pattern" => json!(pick.of(PATTERNS)),
        "format" => json!(pick.of(FORMATS)),
        "uniqueItems" | "nullable" => json!(!pick.once_in(4)),
        "dependentRequired" => json!({ pick.of(NAMES): [pick.of(NAMES)] }),
        "$ref" | "$dynamicRef" => json!(pick.of(REFERENCES)),
        "$anchor" | "$dynamicAnchor" => json!(pick.of(&["a", "b"])),
        "$id" => json!(pick.of(&["b", "https://example.com/x", "#a"])),
        name if name.ends_with("imum") || name == "multipleOf" => number(pick),
        _ if pick.once_in(8) => number(pick),
        _ => json!(pick.below(7)),
    };
    (keyword, value)
}

fn number(pick: &mut Pick<'_>) -> Value {
    match pick.below(4) {
        0 => json!(pick.below(41) as i64 - 20),
        1 => json!(pick.of(&[0.5, 0.01, 1e-9, -0.0, 0.1, 1e300, -1e300, 2.5, 1e16])),
        2 => json!(pick.of(&[i64::MAX, i64::MIN, 1 << 53, -1, 0])),
        _ => json!(pick.of(&[u64::MAX, 1 << 63, 65_536, 10_000_000])),
    }
}

/// Any JSON value, a few levels deep.
pub(super) fn any(pick: &mut Pick<'_>, depth: usize) -> Value {
    let kinds = if depth < 3 { 7 } else { 5 };
    match pick.below(kinds) {
        0 => json!(pick.of(NAMES)),
        1 => number(pick),
        2 => Value::Null,
        3 => json!(pick.once_in(2)),
        4 => Value::String(String::from_utf8_lossy(&pick.bytes(20)).into_owned()),
        5 => {
            let items = (0..pick.below(4)).map(|_| any(pick, depth + 1));
            items.collect::<Vec<_>>().into()
        }
        _ => {
            let mut members = Map::new();
            for _ in 0..pick.below(4) {
                members.insert(pick.of(NAMES).to_owned(), any(pick, depth + 1));
            }
            members.into()
        }
    }
}
