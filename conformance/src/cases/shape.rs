//! What a part of an instance must look like: references followed, `allOf` joined, a branch
//! chosen of each `anyOf`, `oneOf` and `if`.
//!
//! A *conjunction* is the list of subschemas that one place of the instance stands under. A
//! *shape* is what is left of it after all choices are made: plain subschemas ("atoms"), each
//! read for its own keywords alone. `not`, and that `oneOf` means *one*, are left to testing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::maker::Maker;
use crate::schema::document::NodeId;

/// More references and branches in a row than this lead nowhere.
const LONGEST_CHAIN: usize = 48;
/// Atoms of one shape.
const MOST_ATOMS: usize = 400;

/// The kinds of JSON value, numbers told apart by whether they are whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Object,
    Array,
    String,
    Integer,
    Fraction,
    Boolean,
    Null,
}

impl Kind {
    /// All of them, the ones with most to say first.
    pub(super) const ALL: [Self; 7] = [
        Self::Object,
        Self::Array,
        Self::String,
        Self::Integer,
        Self::Fraction,
        Self::Boolean,
        Self::Null,
    ];

    /// The kind of a value.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => match number.as_f64() {
                Some(float) if float.fract() == 0.0 => Self::Integer,
                _ => Self::Fraction,
            },
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    fn named(name: &str) -> &'static [Self] {
        match name {
            "object" => &[Self::Object],
            "array" => &[Self::Array],
            "string" => &[Self::String],
            "integer" => &[Self::Integer],
            "number" => &[Self::Integer, Self::Fraction],
            "boolean" => &[Self::Boolean],
            "null" => &[Self::Null],
            _ => &[],
        }
    }

    /// The keywords that speak of this kind alone.
    fn keywords(self) -> &'static [&'static str] {
        match self {
            Self::Object => &[
                "properties",
                "required",
                "additionalProperties",
                "patternProperties",
                "propertyNames",
                "minProperties",
                "maxProperties",
                "dependentRequired",
                "dependentSchemas",
                "dependencies",
                "unevaluatedProperties",
            ],
            Self::Array => &[
                "items",
                "prefixItems",
                "additionalItems",
                "contains",
                "minItems",
                "maxItems",
                "uniqueItems",
                "unevaluatedItems",
            ],
            Self::String => &["minLength", "maxLength", "pattern", "format"],
            Self::Integer | Self::Fraction => &[
                "minimum",
                "maximum",
                "exclusiveMinimum",
                "exclusiveMaximum",
                "multipleOf",
            ],
            Self::Boolean | Self::Null => &[],
        }
    }
}

/// A place in the schema where one of several ways must be taken.
pub(super) type Point = (NodeId, String);

/// Which ways to take.
#[derive(Clone, Debug, Default)]
pub(super) struct Choices {
    /// Those that are settled.
    pub(super) forced: BTreeMap<Point, usize>,
    /// The others by chance, and not the one that ends soonest.
    pub(super) random: bool,
    /// Every point that was met, how many ways there were, and what was taken.
    pub(super) met: BTreeMap<Point, (usize, usize)>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// The plain subschemas, each once.
    pub(super) atoms: Vec<NodeId>,
    /// Those among them that were met as the `if` of a `then`: held, but never the ones to refuse.
    pub(super) soft: BTreeSet<NodeId>,
    /// Properties that a choice asks for.
    pub(super) wanted: BTreeSet<String>,
    /// Properties that a choice rules out.
    pub(super) unwanted: BTreeSet<String>,
    /// Made in order to be refused: its own keywords are not to be tested.
    pub(super) lenient: bool,
    /// Nothing can look like this.
    pub(super) impossible: bool,
}

impl<'s> Maker<'s> {
    /// Flattens a conjunction by `choices`, which learn what points were met.
    pub(super) fn shape(&mut self, parts: &[NodeId], choices: &mut Choices) -> Shape {
        let mut shape = Shape::default();
        for &part in parts {
            self.flatten(part, choices, &mut shape, 0);
        }
        shape
    }

    fn flatten(&mut self, node: NodeId, choices: &mut Choices, shape: &mut Shape, chain: usize) {
        let schema = match self.document.schema(node) {
            Value::Object(schema) => schema,
            other => {
                shape.impossible |= other == &Value::Bool(false);
                return;
            }
        };
        if shape.atoms.contains(&node) {
            return;
        }
        let too_long = chain > LONGEST_CHAIN || shape.atoms.len() > MOST_ATOMS;
        if too_long || self.step().is_none() {
            self.give_up("its references and branches have no end", node);
            shape.impossible = true;
            return;
        }
        shape.atoms.push(node);
        let references: Vec<_> = self.document.references(node).collect();
        for (keyword, reference) in references {
            match self.document.follow(node, keyword, reference) {
                Ok(target) => self.flatten(target, choices, shape, chain + 1),
                Err(_) => shape.impossible = true,
            }
        }
        if self.document.dialect().ref_stands_alone() && schema.contains_key("$ref") {
            shape.atoms.retain(|&atom| atom != node);
            return;
        }
        self.flatten_branches(node, schema, choices, shape, chain + 1);
        self.flatten_condition(node, schema, choices, shape, chain + 1);
        self.flatten_dependencies(node, schema, choices, shape, chain + 1);
    }

    fn flatten_branches(
        &mut self,
        node: NodeId,
        schema: &Map<String, Value>,
        choices: &mut Choices,
        shape: &mut Shape,
        chain: usize,
    ) {
        for branch in self.branches(node, "allOf") {
            self.flatten(branch, choices, shape, chain);
        }
        for keyword in ["anyOf", "oneOf"] {
            if !schema.contains_key(keyword) {
                continue;
            }
            let branches = self.branches(node, keyword);
            let way = self.choose((node, keyword.to_owned()), &branches, choices);
            match branches.get(way) {
                Some(&branch) => self.flatten(branch, choices, shape, chain),
                None => shape.impossible = true,
            }
        }
    }

    fn flatten_condition(
        &mut self,
        node: NodeId,
        schema: &Map<String, Value>,
        choices: &mut Choices,
        shape: &mut Shape,
        chain: usize,
    ) {
        let Some(condition) = self.document.child(node, &["if"]) else {
            return;
        };
        let (then, otherwise) = ("then", "else");
        if !schema.contains_key(then) && !schema.contains_key(otherwise) {
            return;
        }
        let ways = [then, otherwise].map(|way| self.document.child(node, &[way]));
        let ranked = ways.map(|way| way.unwrap_or(condition));
        let way = self.choose((node, "if".to_owned()), &ranked, choices);
        if way == 0 {
            let before = shape.atoms.len();
            self.flatten(condition, choices, shape, chain);
            shape.soft.extend(shape.atoms.iter().skip(before));
        }
        if let Some(consequence) = ways[way.min(1)] {
            self.flatten(consequence, choices, shape, chain);
        }
    }

    fn flatten_dependencies(
        &mut self,
        node: NodeId,
        schema: &Map<String, Value>,
        choices: &mut Choices,
        shape: &mut Shape,
        chain: usize,
    ) {
        for keyword in ["dependentSchemas", "dependencies"] {
            let names = schema
                .get(keyword)
                .and_then(Value::as_object)
                .into_iter()
                .flatten();
            for (name, _) in names {
                let Some(child) = self.document.child(node, &[keyword, name]) else {
                    continue;
                };
                let point = (node, format!("{keyword}/{name}"));
                if self.choose(point, &[child, child], choices) == 0 {
                    shape.wanted.insert(name.clone());
                    self.flatten(child, choices, shape, chain);
                } else {
                    shape.unwanted.insert(name.clone());
                }
            }
        }
    }

    fn choose(&mut self, point: Point, ways: &[NodeId], choices: &mut Choices) -> usize {
        let taken = match choices.forced.get(&point) {
            Some(&way) => way,
            None if choices.random => self.rng.below(ways.len()),
            // A dependency is easiest met by leaving the property out: the second way.
            None if point.1.starts_with("depend") => 1,
            None => (0..ways.len())
                .min_by_key(|&way| self.heights[ways[way].index()].unwrap_or(u32::MAX))
                .unwrap_or_default(),
        };
        choices.met.insert(point, (ways.len(), taken));
        taken
    }

    /// The subschemas that `node` lists under `keyword`.
    pub(super) fn branches(&self, node: NodeId, keyword: &str) -> Vec<NodeId> {
        let count = self
            .keyword(node, keyword)
            .and_then(Value::as_array)
            .map_or(0, Vec::len);
        (0..count)
            .filter_map(|index| self.document.child(node, &[keyword, &index.to_string()]))
            .collect()
    }

    /// The kinds that a shape admits: first those that its keywords speak of.
    pub(super) fn kinds(&self, shape: &Shape) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = Kind::ALL.to_vec();
        for &atom in &shape.atoms {
            let admitted: Vec<Kind> = match self.keyword(atom, "type") {
                Some(Value::String(name)) => Kind::named(name).to_vec(),
                Some(Value::Array(names)) => {
                    let names = names.iter().filter_map(Value::as_str);
                    names.flat_map(Kind::named).copied().collect()
                }
                _ => continue,
            };
            kinds.retain(|kind| admitted.contains(kind));
        }
        let spoken_of = |kind: &Kind| {
            let has = |keyword: &&str| self.values(shape, keyword).next().is_some();
            kind.keywords().iter().any(has)
        };
        kinds.sort_by_key(|kind| !spoken_of(kind));
        kinds
    }

    /// What each atom says under `keyword`.
    pub(super) fn values<'a>(
        &'a self,
        shape: &'a Shape,
        keyword: &'a str,
    ) -> impl Iterator<Item = &'s Value> + 'a {
        shape
            .atoms
            .iter()
            .filter_map(move |&atom| self.keyword(atom, keyword))
    }

    /// The values that `enum` and `const` leave, or `None` where they say nothing.
    pub(super) fn allowed(&self, shape: &Shape) -> Option<Vec<&'s Value>> {
        let mut left: Option<Vec<&'s Value>> = None;
        for &atom in &shape.atoms {
            let constant = self.keyword(atom, "const").map(|value| vec![value]);
            let listed = self.keyword(atom, "enum").and_then(Value::as_array);
            for options in [constant, listed.map(|values| values.iter().collect())] {
                let Some(options) = options else { continue };
                left = Some(match left {
                    Some(left) => left
                        .into_iter()
                        .filter(|value| options.contains(value))
                        .collect(),
                    None => options,
                });
            }
        }
        left
    }

    /// The greatest of the atoms' numbers under `keyword`, as a count.
    pub(super) fn at_least(&self, shape: &Shape, keyword: &str) -> usize {
        self.values(shape, keyword)
            .filter_map(count)
            .max()
            .unwrap_or(0)
    }

    /// The least of the atoms' numbers under `keyword`, as a count.
    pub(super) fn at_most(&self, shape: &Shape, keyword: &str) -> usize {
        self.values(shape, keyword)
            .filter_map(count)
            .min()
            .unwrap_or(usize::MAX)
    }
}

/// A keyword's value as a count: `3`, or `3.0`.
pub(super) fn count(value: &Value) -> Option<usize> {
    let exact = value.as_u64().or_else(|| {
        let float = value.as_f64().filter(|float| *float >= 0.0)?;
        // Saturates, and what saturates is too large to make anyway.
        Some(float as u64)
    });
    exact.map(|count| usize::try_from(count).unwrap_or(usize::MAX))
}
