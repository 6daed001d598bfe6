//! A case, and the one function that says what it is.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schema::{Schema, UNDECIDED, Violation, format_violations};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Class {
    /// No violation, and every format that the schema names is held.
    Valid,
    /// One violation, as [`classify`] has it. Where a keyword answers for others (`anyOf`, `oneOf`, `not`,
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

/// Why a text has no class: it proves nothing about an agent, whatever the agent does with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unclassed(String, Why);

/// Whether it is known that there is no class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Known,
    Undecided,
}

impl Unclassed {
    fn known(message: String) -> Self {
        Self(message, Why::Known)
    }

    /// Whether the pattern engine gave up, which takes its time.
    pub(super) fn is_undecided(&self) -> bool {
        self.1 == Why::Undecided
    }
}

/// What `text` is under `schema`: valid, or invalid in one way. What fails in more ways, is no
/// JSON, is too long, or is valid save for a format (a strict agent may refuse that, a lax one
/// accept it) has no class.
///
/// One way is one keyword at one place of the instance. Of several violations those that only
/// follow from another are set aside: a value of the wrong `type` is refused for that, whatever
/// else refuses it at the same place; and `unevaluatedProperties` (or `unevaluatedItems`) of a
/// place within which something else is wrong sees less than it would.
pub fn classify(schema: &Schema, text: &str) -> Result<(Value, Class), Unclassed> {
    if text.len() > LONGEST {
        return Err(Unclassed::known(format!("longer than {LONGEST} bytes")));
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| Unclassed::known(format!("no JSON: {error}")))?;
    let errors = principal(schema.errors(&value));
    let Some(first) = errors.first() else {
        return match format_violations(schema, &value).into_iter().next() {
            None => Ok((value, Class::Valid)),
            Some(format) => Err(Unclassed::known(format!(
                "valid save for a format: {}",
                format.message
            ))),
        };
    };
    if first.keyword == UNDECIDED {
        return Err(Unclassed(first.message.clone(), Why::Undecided));
    }
    let same = |other: &&Violation| {
        other.keyword == first.keyword && other.instance_path == first.instance_path
    };
    match errors.iter().find(|other| !same(other)) {
        Some(other) => Err(Unclassed::known(format!(
            "breaks {} at {:?} as well as {} at {:?}",
            other.keyword, other.instance_path, first.keyword, first.instance_path
        ))),
        None => Ok((value, class_of(first))),
    }
}

fn class_of(violation: &Violation) -> Class {
    Class::Invalid {
        keyword: violation.keyword.clone(),
        instance_path: violation.instance_path.clone(),
        schema_path: violation.schema_path.clone(),
    }
}

/// The violations that do not merely follow from another.
fn principal(errors: Vec<Violation>) -> Vec<Violation> {
    let follows = |error: &Violation| {
        let unevaluated = error.keyword.starts_with("unevaluated");
        errors.iter().any(|other| {
            let typed = other.keyword == "type" && error.keyword != "type";
            let sees_less = unevaluated
                && !other.keyword.starts_with("unevaluated")
                && is_within(&other.instance_path, &error.instance_path);
            (typed && other.instance_path == error.instance_path) || sees_less
        })
    };
    errors
        .iter()
        .filter(|error| !follows(error))
        .cloned()
        .collect()
}

/// Whether the place `inner` is `outer` or stands under it; both JSON Pointers.
pub(super) fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
