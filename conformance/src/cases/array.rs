//! Arrays: what a shape asks of each item, of how many, and of which it must contain.

use serde_json::Value;

use super::{
    build::Style,
    maker::Maker,
    shape::{Choices, Shape},
};
use crate::schema::document::NodeId;

/// More items than this are not made.
const MOST_ITEMS: usize = 2_000;

/// What a shape asks of an array.
#[derive(Clone, Debug, Default)]
pub(super) struct ArrayRule {
    /// How many items at least.
    pub(super) least: usize,
    /// How many at most.
    pub(super) most: usize,
    /// All different.
    pub(super) unique: bool,
    /// How many items have a schema of their own.
    pub(super) prefix: usize,
    /// What must be contained: how often at least and at most.
    contained: Vec<(NodeId, usize, usize)>,
}

impl Maker<'_> {
    /// What the atoms of a shape ask of an array.
    pub(super) fn array_rule(&self, shape: &Shape) -> ArrayRule {
        let mut rule = ArrayRule {
            least: self.at_least(shape, "minItems"),
            most: self.at_most(shape, "maxItems"),
            unique: self
                .values(shape, "uniqueItems")
                .any(|value| value == &Value::Bool(true)),
            ..ArrayRule::default()
        };
        for &atom in &shape.atoms {
            for keyword in ["prefixItems", "items"] {
                rule.prefix = rule.prefix.max(self.branches(atom, keyword).len());
            }
            if let Some(contains) = self.document.child(atom, &["contains"]) {
                let least = self
                    .keyword(atom, "minContains")
                    .and_then(super::shape::count);
                let most = self
                    .keyword(atom, "maxContains")
                    .and_then(super::shape::count);
                rule.contained
                    .push((contains, least.unwrap_or(1), most.unwrap_or(usize::MAX)));
            }
        }
        rule
    }

    /// The subschemas that the item at `index` stands under.
    pub(super) fn item_parts(&self, shape: &Shape, index: usize) -> Vec<NodeId> {
        let mut parts = Vec::new();
        let mut leftovers = Vec::new();
        for &atom in &shape.atoms {
            let at = index.to_string();
            let own = self
                .document
                .child(atom, &["prefixItems", &at])
                .or_else(|| self.document.child(atom, &["items", &at]));
            let rest = || {
                let all = self.document.child(atom, &["items"]);
                let listed = self.keyword(atom, "items").is_some_and(Value::is_array);
                all.or_else(|| {
                    self.document
                        .child(atom, &["additionalItems"])
                        .filter(|_| listed)
                })
            };
            parts.extend(own.or_else(rest));
            leftovers.extend(self.document.child(atom, &["unevaluatedItems"]));
        }
        if parts.is_empty() {
            parts = leftovers;
        }
        parts.sort();
        parts.dedup();
        parts
    }

    /// One array of a shape.
    pub(super) fn some_array(
        &mut self,
        shape: &Shape,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        let rule = self.array_rule(shape);
        let spare = rule.most.saturating_sub(rule.least);
        let length = match style {
            Style::Lean => rule.least,
            Style::Full => {
                // One more than must be contained, so that it can be varied alone.
                let full = rule
                    .least
                    .max(rule.prefix + 2 * rule.contained.len())
                    .max(2);
                full.min(rule.most.max(rule.least))
            }
            Style::Random => rule.least + self.rng.below(spare.min(4) + 1),
        };
        self.array_of_length(shape, &rule, length, style, depth)
    }

    /// One array of exactly `length`, or of fewer items where no more can be made and fewer do.
    pub(super) fn array_of_length(
        &mut self,
        shape: &Shape,
        rule: &ArrayRule,
        length: usize,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        if length > MOST_ITEMS {
            self.give_up_on(shape, "it asks for an array that is too large to make");
            return None;
        }
        let mut items: Vec<Value> = Vec::new();
        for index in 0..rule.most.max(length) {
            let lacking = self.lacking(rule, &items);
            if index >= length && lacking.is_none() {
                break;
            }
            let must = index < rule.least || lacking.is_some();
            let inner = if must {
                style
            } else {
                style.for_optional(depth)
            };
            let wanted = match lacking {
                Some(contains) => self.some_item(shape, rule, &items, Some(contains), inner, depth),
                None => None,
            };
            // A place whose own schema admits nothing of what is lacking gets something else.
            let made = wanted.or_else(|| self.some_item(shape, rule, &items, None, inner, depth));
            match made {
                Some(item) if items.len() < MOST_ITEMS => items.push(item),
                _ if index < rule.least => return None,
                _ => break,
            }
        }
        Some(Value::Array(items))
    }

    /// What must be contained, and is not yet in `items` as often as it must.
    fn lacking(&mut self, rule: &ArrayRule, items: &[Value]) -> Option<NodeId> {
        let mut lacking = rule.contained.iter().copied();
        lacking
            .find(|(contains, least, _)| self.contained(*contains, items) < *least)
            .map(|(contains, ..)| contains)
    }

    fn contained(&mut self, contains: NodeId, items: &[Value]) -> usize {
        items
            .iter()
            .filter(|item| self.fits(&[contains], item))
            .count()
    }

    fn some_item(
        &mut self,
        shape: &Shape,
        rule: &ArrayRule,
        before: &[Value],
        contains: Option<NodeId>,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        let mut parts = self.item_parts(shape, before.len());
        parts.extend(contains);
        let full: Vec<NodeId> = rule
            .contained
            .iter()
            .copied()
            .filter(|(contains, _, most)| self.contained(*contains, before) >= *most)
            .map(|(contains, ..)| contains)
            .collect();
        for attempt in 0..12 {
            let style = if attempt == 0 { style } else { Style::Random };
            let item = self.build(&parts, style, depth + 1)?;
            if self.item_passes(rule, before, &full, &item) {
                return Some(item);
            }
        }
        // Chance rarely finds the few that are left; the edges may.
        let shape = self.shape(&parts, &mut Choices::default());
        let edges = self.scalars(&shape).into_iter().map(|(_, edge)| edge);
        edges
            .take(24)
            .find(|edge| self.fits(&parts, edge) && self.item_passes(rule, before, &full, edge))
    }

    fn item_passes(
        &mut self,
        rule: &ArrayRule,
        before: &[Value],
        full: &[NodeId],
        item: &Value,
    ) -> bool {
        let twin = rule.unique && before.contains(item);
        !twin && !full.iter().any(|&contains| self.fits(&[contains], item))
    }
}
