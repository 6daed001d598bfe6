//! How to break each keyword, and it alone: a table from the keyword to a function that makes
//! candidates for one place. The validator says afterwards which of them do.

use serde_json::Value;

use super::{beyond, maker::Maker, misfit, refusal, shape::Shape};
use crate::schema::document::NodeId;

/// A place that is to be made invalid.
pub(super) struct Spot<'a> {
    /// What the place must look like.
    pub(super) shape: &'a Shape,
    /// The subschema whose keyword is to refuse.
    pub(super) atom: NodeId,
    /// The keyword's value.
    pub(super) limit: &'a Value,
    /// Levels below the root.
    pub(super) depth: usize,
}

/// Named values for the place.
pub(super) type Candidates = Vec<(String, Value)>;
/// Makes candidates.
pub(super) type Refuse = fn(&mut Maker<'_>, &Spot<'_>) -> Candidates;

/// Every keyword that can be broken: to add one, write its function and its line.
pub(super) const TABLE: &[(&str, Refuse)] = &[
    ("type", misfit::wrong_kinds),
    ("enum", misfit::unlisted),
    ("const", misfit::unlisted),
    ("required", refusal::without_required),
    ("minimum", beyond::below),
    ("maximum", beyond::above),
    ("exclusiveMinimum", beyond::below_open),
    ("exclusiveMaximum", beyond::above_open),
    ("multipleOf", beyond::between_steps),
    ("minLength", beyond::too_short),
    ("maxLength", beyond::too_long),
    ("pattern", beyond::undescribed),
    ("additionalProperties", refusal::unknown_member),
    ("unevaluatedProperties", refusal::unknown_member),
    ("properties", refusal::ruled_out_member),
    ("patternProperties", refusal::ruled_out_member),
    ("propertyNames", refusal::wrong_name),
    ("minProperties", refusal::too_few_members),
    ("maxProperties", refusal::too_many_members),
    ("dependentRequired", refusal::lone_member),
    ("dependencies", refusal::lone_member),
    ("minItems", refusal::too_few_items),
    ("maxItems", refusal::too_many_items),
    ("uniqueItems", refusal::twins),
    ("contains", refusal::without_contained),
    ("minContains", refusal::without_contained),
    ("maxContains", refusal::too_many_contained),
    ("items", refusal::one_item_more),
    ("additionalItems", refusal::one_item_more),
    ("unevaluatedItems", refusal::one_item_more),
    ("anyOf", misfit::odd_values),
    ("oneOf", misfit::under_two),
    ("not", misfit::under_the_negated),
];

/// A near miss for readers that do not tell case apart.
pub(super) fn swap_case(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower == text {
        text.to_uppercase()
    } else {
        lower
    }
}
