//! A case, and the one function that says what it is.

use serde_json::Value;

use crate::schema::{Schema, UNDECIDED, format_violations};

/// Longer texts are not made, nor handed out: 64 KiB is far below any sensible request limit.
pub(super) const LONGEST: usize = 64 << 10;

/// A generated instance, its verdict known beforehand.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is: `city: one over maxLength`.
    pub name: String,
    /// The JSON text to send, as it is.
    pub text: String,
    /// What that text says, parsed.
    pub value: Value,
    /// What the validator says of it.
    pub class: Class,
}

/// What the validator says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// No violation, and every format that the schema names is held.
    Valid,
    /// Exactly one violation. Where a keyword answers for others (`anyOf`, `oneOf`, `not`,
    /// `contains`, `propertyNames`), it is the one named, at the instance path at which it
    /// stands; `allOf`, `$ref`, `then` and `else` pass on what they contain.
    Invalid {
        /// The keyword that refuses.
        keyword: String,
        /// Where in the instance, a JSON Pointer.
        instance_path: String,
        /// Where in the schema, a JSON Pointer.
        schema_path: String,
    },
}

impl Class {
    /// Whether the other is the same verdict: both valid, or refused by the same keyword at
    /// the same place of the instance.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Valid, Self::Valid) => true,
            (
                Self::Invalid {
                    keyword,
                    instance_path,
                    ..
                },
                Self::Invalid {
                    keyword: its_keyword,
                    instance_path: its_path,
                    ..
                },
            ) => keyword == its_keyword && instance_path == its_path,
            _ => false,
        }
    }
}

/// Nothing could be made for a schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no instance could be made: {reason} (at {schema_path:?} of the schema)")]
pub struct Unsatisfiable {
    /// Why, as far as it is known.
    pub reason: String,
    /// Where in the schema, a JSON Pointer.
    pub schema_path: String,
}

/// A keyword that no instance could be made to break, alone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unmade {
    /// The keyword; empty where the schema as a whole refuses nothing.
    pub keyword: String,
    /// Where it stands in the schema, a JSON Pointer.
    pub schema_path: String,
    /// Why, as far as it is known.
    pub reason: String,
}

/// What `text` is under `schema`; `None` where it is no JSON, is too long, fails in more than
/// one way or in none that can be told, or is valid save for a format (a strict agent may
/// refuse it, a lax one accept it: it proves nothing).
pub fn classify(schema: &Schema, text: &str) -> Option<(Value, Class)> {
    if text.len() > LONGEST {
        return None;
    }
    let value: Value = serde_json::from_str(text).ok()?;
    let mut errors = schema.errors(&value);
    match (errors.pop(), errors.pop()) {
        (None, _) => format_violations(schema, &value)
            .is_empty()
            .then_some((value, Class::Valid)),
        (Some(only), None) if only.keyword != UNDECIDED => {
            let class = Class::Invalid {
                keyword: only.keyword,
                instance_path: only.instance_path,
                schema_path: only.schema_path,
            };
            Some((value, class))
        }
        _ => None,
    }
}
