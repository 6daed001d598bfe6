//! Objects: which members a shape asks for, allows and rules out, and one object of them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    build::Style,
    maker::Maker,
    pattern,
    shape::{Choices, Kind, Shape},
    text::fill,
};
use crate::schema::document::NodeId;

/// More members than this are not made.
const MOST_MEMBERS: usize = 2_000;

/// What a shape asks of an object.
#[derive(Clone, Debug, Default)]
pub(super) struct ObjectRule {
    /// Members that must be there.
    pub(super) required: Vec<String>,
    /// Members that the schema names, in its order, the required ones among them.
    pub(super) named: Vec<String>,
    /// How many at least.
    pub(super) least: usize,
    /// How many at most.
    pub(super) most: usize,
}

impl Maker<'_> {
    /// What the atoms of a shape ask of an object.
    pub(super) fn object_rule(&self, shape: &Shape) -> ObjectRule {
        let mut rule = ObjectRule {
            least: self.at_least(shape, "minProperties"),
            most: self.at_most(shape, "maxProperties"),
            ..ObjectRule::default()
        };
        for names in self.values(shape, "required").filter_map(Value::as_array) {
            add_all(&mut rule.required, names.iter().filter_map(Value::as_str));
        }
        add_all(&mut rule.required, shape.wanted.iter().map(String::as_str));
        for members in self
            .values(shape, "properties")
            .filter_map(Value::as_object)
        {
            add_all(&mut rule.named, members.keys().map(String::as_str));
        }
        let required = rule.required.clone();
        add_all(&mut rule.named, required.iter().map(String::as_str));
        let wanted: Vec<String> = self.with_dependents(shape, &rule.required);
        rule.required = wanted;
        rule
    }

    /// `names`, and whatever `dependentRequired` asks for beside them.
    pub(super) fn with_dependents(&self, shape: &Shape, names: &[String]) -> Vec<String> {
        let mut all = names.to_vec();
        let mut next = 0;
        while let Some(name) = all.get(next).cloned() {
            for keyword in ["dependentRequired", "dependencies"] {
                for table in self.values(shape, keyword) {
                    let more = table
                        .get(&name)
                        .and_then(Value::as_array)
                        .into_iter()
                        .flatten();
                    add_all(&mut all, more.filter_map(Value::as_str));
                }
            }
            next += 1;
        }
        all
    }

    /// The subschemas that the member `name` stands under.
    pub(super) fn member_parts(&mut self, shape: &Shape, name: &str) -> Vec<NodeId> {
        let mut parts = Vec::new();
        let mut spoken_for = false;
        let mut leftovers = Vec::new();
        for &atom in &shape.atoms {
            let before = parts.len();
            parts.extend(self.document.child(atom, &["properties", name]));
            let table = self
                .keyword(atom, "patternProperties")
                .and_then(Value::as_object);
            for described in table.into_iter().flat_map(Map::keys) {
                if self.matches(described, name) {
                    parts.extend(self.document.child(atom, &["patternProperties", described]));
                }
            }
            if parts.len() == before {
                parts.extend(self.document.child(atom, &["additionalProperties"]));
            }
            spoken_for |= parts.len() > before;
            leftovers.extend(self.document.child(atom, &["unevaluatedProperties"]));
        }
        if !spoken_for {
            parts.extend(leftovers);
        }
        parts.sort();
        parts.dedup();
        parts
    }

    /// Whether a member may be there at all, as far as choices say.
    pub(super) fn member_allowed(&mut self, shape: &Shape, name: &str) -> bool {
        if shape.unwanted.contains(name) {
            return false;
        }
        let parts = self.member_parts(shape, name);
        parts
            .iter()
            .all(|&part| self.document.schema(part) != &Value::Bool(false))
    }

    /// A name for a member that is not there yet, and may be.
    pub(super) fn new_name(&mut self, shape: &Shape, taken: &Map<String, Value>) -> Option<String> {
        let rule = self.object_rule(shape);
        let free = |name: &String| !taken.contains_key(name) && !rule.named.contains(name);
        for attempt in 0..24 {
            let Some(name) = self.name_candidate(shape, attempt, taken.len()) else {
                continue;
            };
            if free(&name) && self.name_fits(shape, &name) && self.member_allowed(shape, &name) {
                return Some(name);
            }
        }
        None
    }

    fn name_candidate(&mut self, shape: &Shape, attempt: usize, taken: usize) -> Option<String> {
        if attempt < 4 {
            return Some(
                [
                    "extra".to_owned(),
                    format!("extra{taken}"),
                    "x".to_owned(),
                    fill("x", taken),
                ][attempt]
                    .clone(),
            );
        }
        let mut described: Vec<String> = Vec::new();
        for table in self
            .values(shape, "patternProperties")
            .filter_map(Value::as_object)
        {
            described.extend(table.keys().cloned());
        }
        let ruled: Vec<NodeId> = self.name_parts(shape);
        if !ruled.is_empty() && (described.is_empty() || attempt.is_multiple_of(2)) {
            let mut choices = Choices {
                random: true,
                ..Choices::default()
            };
            let shape = self.shape(&ruled, &mut choices);
            let name = self.build_kind(&shape, Kind::String, Style::Random, 0)?;
            return name.as_str().map(str::to_owned);
        }
        let hir = pattern::parse(self.rng.pick(&described)?)?;
        Some(pattern::generate(&hir, None, &mut self.rng))
    }

    /// The subschemas that names of members stand under.
    pub(super) fn name_parts(&self, shape: &Shape) -> Vec<NodeId> {
        let child = |&atom: &NodeId| self.document.child(atom, &["propertyNames"]);
        shape.atoms.iter().filter_map(child).collect()
    }

    fn name_fits(&mut self, shape: &Shape, name: &str) -> bool {
        let parts = self.name_parts(shape);
        parts.is_empty() || self.fits(&parts, &Value::from(name))
    }

    /// One object of a shape.
    pub(super) fn some_object(
        &mut self,
        shape: &Shape,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        let rule = self.object_rule(shape);
        let required: BTreeSet<&String> = rule.required.iter().collect();
        if rule.least > MOST_MEMBERS || rule.required.len() > MOST_MEMBERS {
            self.give_up_on(
                shape,
                "minProperties asks for an object that is too large to make",
            );
            return None;
        }
        let mut members = Map::new();
        for name in self.names_to_make(shape, &rule, style) {
            let must = required.contains(&name);
            if !must && (members.len() >= rule.most || !self.member_allowed(shape, &name)) {
                continue;
            }
            let parts = self.member_parts(shape, &name);
            let inner = if must {
                style
            } else {
                style.for_optional(depth)
            };
            match self.build(&parts, inner, depth + 1) {
                Some(value) => drop(members.insert(name, value)),
                None if must => return None,
                None => {}
            }
        }
        self.fill_up(shape, &rule, &mut members, depth)?;
        Some(Value::Object(members))
    }

    fn names_to_make(&mut self, shape: &Shape, rule: &ObjectRule, style: Style) -> Vec<String> {
        let mut names = rule.required.clone();
        let required: BTreeSet<&String> = rule.required.iter().collect();
        let room = rule.most.saturating_sub(names.len());
        let mut optional: Vec<String> = rule
            .named
            .iter()
            .filter(|name| !required.contains(name))
            .cloned()
            .collect();
        match style {
            Style::Full => {}
            Style::Lean => optional.clear(),
            Style::Random => optional.retain(|_| self.rng.chance(1, 2)),
        }
        optional.truncate(room.min(MOST_MEMBERS));
        add_all(&mut names, optional.iter().map(String::as_str));
        let mut names = self.with_dependents(shape, &names);
        let rank: BTreeMap<&String, usize> = rule
            .named
            .iter()
            .enumerate()
            .map(|(rank, name)| (name, rank))
            .collect();
        names.sort_by_key(|name| rank.get(name).copied());
        names
    }

    fn fill_up(
        &mut self,
        shape: &Shape,
        rule: &ObjectRule,
        members: &mut Map<String, Value>,
        depth: usize,
    ) -> Option<()> {
        let spare: Vec<String> = rule.named.to_vec();
        for name in spare {
            if members.len() >= rule.least {
                return Some(());
            }
            if !members.contains_key(&name) && self.member_allowed(shape, &name) {
                let parts = self.member_parts(shape, &name);
                let value = self.build(&parts, Style::Lean, depth + 1);
                members.extend(value.map(|value| (name, value)));
            }
        }
        while members.len() < rule.least {
            let name = self.new_name(shape, members)?;
            let parts = self.member_parts(shape, &name);
            let value = self.build(&parts, Style::Lean, depth + 1)?;
            members.insert(name, value);
        }
        Some(())
    }
}

fn add_all<'a>(list: &mut Vec<String>, names: impl Iterator<Item = &'a str>) {
    let mut listed: BTreeSet<String> = list.iter().cloned().collect();
    for name in names {
        if listed.insert(name.to_owned()) {
            list.push(name.to_owned());
        }
    }
}
