//! A candidate on its way to becoming a case.

use serde_json::Value;

use crate::schema::document::NodeId;

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// Into an object.
    Member(String),
    /// Into an array.
    Item(usize),
}

/// What a seed means to break.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Aim {
    /// The subschema.
    pub(super) node: NodeId,
    /// Its keyword.
    pub(super) keyword: &'static str,
}

/// A candidate: an instance with one interesting part.
#[derive(Clone, Debug)]
pub(super) struct Seed {
    /// The way to that part, the innermost step first.
    pub(super) path: Vec<Step>,
    /// What is interesting about it.
    pub(super) what: String,
    /// The whole.
    pub(super) value: Value,
    /// What it means to break; `None`: it means to be valid.
    pub(super) aim: Option<Aim>,
}

/// A seed that is all of its place.
pub(super) fn seed(what: String, value: Value, aim: Option<Aim>) -> Seed {
    Seed {
        path: Vec::new(),
        what,
        value,
        aim,
    }
}

/// Whether a step leads somewhere.
pub(super) fn has(whole: &Value, step: &Step) -> bool {
    match step {
        Step::Member(name) => whole.get(name).is_some(),
        Step::Item(index) => whole.get(index).is_some(),
    }
}

/// A seed of a part becomes one of the whole.
pub(super) fn set_into(base: &Value, step: &Step, mut seed: Seed) -> Option<Seed> {
    let mut whole = base.clone();
    match (&mut whole, step) {
        (Value::Object(members), Step::Member(name)) => {
            members.insert(name.clone(), seed.value);
        }
        (Value::Array(items), Step::Item(index)) if *index < items.len() => {
            items[*index] = seed.value;
        }
        (Value::Array(items), Step::Item(_)) => items.push(seed.value),
        _ => return None,
    }
    seed.path.push(step.clone());
    seed.value = whole;
    Some(seed)
}
