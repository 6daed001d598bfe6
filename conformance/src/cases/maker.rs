//! What all steps of making share: the schema, its arena, chance, and the budget.

use std::collections::BTreeMap;

use fancy_regex::Regex;
use serde_json::Value;

use super::{case::Unsatisfiable, height::heights, pattern, rng::Rng};
use crate::deadline::Deadline;
use crate::schema::{
    Schema,
    document::{Document, NodeId},
};

/// Steps for one call of the generator: a flattened part, a built value or a validated one
/// each. It bounds the time that a hostile schema can take to some seconds.
const STEPS: u32 = 60_000;

/// Each time that the pattern engine gives up, one of so many of the steps that are left is kept.
const DEAR: u32 = 4;

/// See the module.
pub(super) struct Maker<'s> {
    pub(super) schema: &'s Schema,
    pub(super) document: Document<'s>,
    pub(super) rng: Rng,
    /// Levels that the smallest instance of each subschema needs; `None`: there is no end.
    pub(super) heights: Vec<Option<u32>>,
    patterns: BTreeMap<String, Option<Regex>>,
    steps: u32,
    deadline: Deadline,
    trouble: Option<Unsatisfiable>,
}

impl<'s> Maker<'s> {
    pub(super) fn new(schema: &'s Schema, rng: Rng, deadline: &Deadline) -> Self {
        let document = Document::new(schema.document());
        let heights = heights(&document);
        Self {
            schema,
            document,
            rng,
            heights,
            patterns: BTreeMap::new(),
            steps: STEPS,
            deadline: deadline.clone(),
            trouble: None,
        }
    }

    /// Takes one step; `None` when there are none left.
    pub(super) fn step(&mut self) -> Option<()> {
        if self.steps > 0 && self.deadline.is_over() {
            self.give_up("it takes longer than there is time", NodeId::ROOT);
            self.steps = 0;
        }
        if self.steps == 0 {
            self.give_up("it takes too many steps", NodeId::ROOT);
        }
        self.steps = self.steps.checked_sub(1)?;
        Some(())
    }

    /// Whether the budget is used up, or the time.
    pub(super) fn spent(&self) -> bool {
        self.steps == 0 || self.deadline.is_over()
    }

    /// Notes why nothing can be made at `node`; the first reason is the one that is told.
    pub(super) fn give_up(&mut self, reason: &str, node: NodeId) {
        let schema_path = self.document.pointer(node).to_owned();
        self.trouble.get_or_insert(Unsatisfiable {
            reason: reason.to_owned(),
            schema_path,
        });
    }

    /// The first reason that was noted.
    pub(super) fn trouble(&self) -> Option<&Unsatisfiable> {
        self.trouble.as_ref()
    }

    /// A keyword's value in a subschema.
    pub(super) fn keyword(&self, node: NodeId, keyword: &str) -> Option<&'s Value> {
        self.document.schema(node).get(keyword)
    }

    /// Whether `value` is valid under each part that can be asked on its own.
    pub(super) fn fits(&mut self, parts: &[NodeId], value: &Value) -> bool {
        if self.step().is_none() {
            return false;
        }
        parts.iter().all(|&part| {
            let own = self.document.is_in_root_resource(part);
            let pointer = self.document.pointer(part);
            !own || self.schema.part_is_valid(pointer, value).unwrap_or(true)
        })
    }

    /// Whether `text` contains what the ECMA-262 `pattern` describes; a pattern that cannot
    /// be read matches nothing.
    pub(super) fn matches(&mut self, pattern: &str, text: &str) -> bool {
        if self.spent() {
            return false;
        }
        let compiled = self
            .patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| pattern::compile(pattern));
        let found = compiled.as_ref().map(|regex| regex.is_match(text));
        if let Some(Err(_)) = found {
            // Who gave up once will again, a thousand times dearer than a step.
            self.steps /= DEAR;
        }
        matches!(found, Some(Ok(true)))
    }
}
