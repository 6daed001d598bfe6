//! Whole instances in which one part is interesting: each value of each part, valid or aimed at
//! a keyword, set into an instance that is plain everywhere else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    build::Style,
    invalid::Spot,
    maker::Maker,
    shape::{Choices, Kind, Shape},
    valid::in_turn,
};
use crate::schema::document::NodeId;

/// Instances of one part that are worth composing.
const MOST_SEEDS: usize = 1_500;
/// Ways through `anyOf` and its like at one place.
const MOST_WAYS: usize = 24;
/// Levels that are explored; below, values are plain.
const DEEPEST: usize = 10;

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

/// What is remembered on the way down.
pub(super) struct Trail {
    /// Whether the rest of each instance is plain or left to chance.
    pub(super) style: Style,
    above: Vec<Vec<NodeId>>,
}

impl Trail {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            above: Vec::new(),
        }
    }
}

/// Parts of one place that were dealt with under another way through its branches.
#[derive(Default)]
struct Done {
    aims: BTreeSet<Aim>,
    parts: BTreeSet<(Step, Vec<NodeId>)>,
}

impl Maker<'_> {
    /// The seeds of a conjunction, the telling ones first.
    pub(super) fn explore(&mut self, parts: &[NodeId], trail: &mut Trail) -> Vec<Seed> {
        let again = trail.above.iter().filter(|above| *above == parts).count();
        if again > 1 || trail.above.len() > DEEPEST || self.spent() {
            return Vec::new();
        }
        trail.above.push(parts.to_vec());
        let mut done = Done::default();
        let mut lists = Vec::new();
        for shape in self.ways(parts, trail.style) {
            lists.push(self.explore_shape(parts, &shape, trail, &mut done));
        }
        trail.above.pop();
        let mut seeds = in_turn(lists);
        seeds.truncate(MOST_SEEDS);
        seeds
    }

    /// Each way through the branches of a conjunction, the plainest first, each choice once.
    fn ways(&mut self, parts: &[NodeId], style: Style) -> Vec<Shape> {
        let random = style == Style::Random;
        let mut todo = vec![Choices {
            random,
            ..Choices::default()
        }];
        let mut seen = BTreeSet::new();
        let mut shapes = Vec::new();
        let mut next = 0;
        while next < todo.len() && shapes.len() < MOST_WAYS && !self.spent() {
            let mut choices = todo[next].clone();
            next += 1;
            let shape = self.shape(parts, &mut choices);
            for (point, (ways, taken)) in &choices.met {
                for way in (0..*ways).filter(|way| way != taken) {
                    if seen.insert((point.clone(), way)) {
                        let mut forced = choices.forced.clone();
                        forced.insert(point.clone(), way);
                        todo.push(Choices {
                            forced,
                            random,
                            ..Choices::default()
                        });
                    }
                }
                seen.insert((point.clone(), *taken));
            }
            if !shape.impossible {
                shapes.push(shape);
            }
        }
        shapes
    }

    fn explore_shape(
        &mut self,
        parts: &[NodeId],
        shape: &Shape,
        trail: &mut Trail,
        done: &mut Done,
    ) -> Vec<Seed> {
        let depth = trail.above.len() - 1;
        let mut lists = Vec::new();
        let kinds = self.kinds(shape);
        let listed = self.allowed(shape).is_some();
        for kind in [Kind::Object, Kind::Array] {
            if kinds.contains(&kind) && !listed {
                lists.extend(self.explore_container(parts, shape, kind, trail, done));
            }
        }
        let scalars = self
            .scalars(shape)
            .into_iter()
            .map(|(what, value)| seed(what, value, None));
        lists.push(scalars.collect());
        lists.push(self.explore_refusals(parts, shape, depth, done));
        if kinds
            .first()
            .is_some_and(|kind| !matches!(kind, Kind::Object | Kind::Array))
        {
            let containers = lists.len() - 2;
            lists.rotate_left(containers);
        }
        in_turn(lists)
    }

    fn explore_refusals(
        &mut self,
        parts: &[NodeId],
        shape: &Shape,
        depth: usize,
        done: &mut Done,
    ) -> Vec<Seed> {
        let mut lists = Vec::new();
        for &atom in &shape.atoms {
            if shape.soft.contains(&atom) {
                continue;
            }
            for (keyword, refuse) in super::invalid::TABLE {
                let aim = Aim {
                    node: atom,
                    keyword,
                };
                let Some(limit) = self.keyword(atom, keyword) else {
                    continue;
                };
                if self.spent() || !done.aims.insert(aim.clone()) {
                    continue;
                }
                let spot = Spot {
                    parts,
                    shape,
                    atom,
                    limit,
                    depth,
                };
                let made = refuse(self, &spot).into_iter();
                lists.push(
                    made.map(|(what, value)| seed(what, value, Some(aim.clone())))
                        .collect(),
                );
            }
        }
        in_turn(lists)
    }

    /// Seeds of an object or array: itself, and its parts set into it.
    fn explore_container(
        &mut self,
        parts: &[NodeId],
        shape: &Shape,
        kind: Kind,
        trail: &mut Trail,
        done: &mut Done,
    ) -> Vec<Vec<Seed>> {
        let depth = trail.above.len() - 1;
        let Some(base) = self.base(parts, shape, kind, trail.style, depth) else {
            return Vec::new();
        };
        let (name, own, late) = match kind {
            Kind::Object => {
                let late = if depth == 0 {
                    self.large_objects(shape, &base)
                } else {
                    Vec::new()
                };
                (
                    "every property that the schema names",
                    self.objects(shape, &base, depth),
                    late,
                )
            }
            _ => ("a plain array", self.arrays(shape, depth), Vec::new()),
        };
        let valid = |(what, value): (String, Value)| seed(what, value, None);
        let mut lists = vec![vec![seed(name.to_owned(), base.clone(), None)]];
        lists[0].extend(own.into_iter().map(valid));
        for (step, inner) in self.parts_of(shape, &base) {
            if !done.parts.insert((step.clone(), inner.clone())) {
                continue;
            }
            let seeds = self.explore(&inner, trail).into_iter();
            lists.push(
                seeds
                    .filter_map(|seed| set_into(&base, &step, seed))
                    .collect(),
            );
        }
        lists.push(late.into_iter().map(valid).collect());
        lists
    }

    /// The instance that parts are set into: as full as the schema lets it be.
    fn base(
        &mut self,
        parts: &[NodeId],
        shape: &Shape,
        kind: Kind,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        let styles = [
            style,
            Style::Lean,
            Style::Random,
            Style::Random,
            Style::Random,
        ];
        let mut last = None;
        for style in styles {
            let made = self.build_kind(shape, kind, style, depth);
            if let Some(value) = made {
                if self.fits(parts, &value) {
                    return Some(value);
                }
                last = Some(value);
            }
        }
        last
    }

    /// The parts of a container that have something to say, with what each stands under.
    fn parts_of(&mut self, shape: &Shape, base: &Value) -> Vec<(Step, Vec<NodeId>)> {
        let mut found: Vec<(Step, Vec<NodeId>)> = Vec::new();
        match base {
            Value::Object(members) => {
                let mut names = self.object_rule(shape).named;
                names.extend(
                    members
                        .keys()
                        .filter(|name| !names.contains(name))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
                names.extend(self.pattern_names(shape));
                names.extend(self.new_name(shape, members));
                for name in names {
                    if self.member_allowed(shape, &name) {
                        let parts = self.member_parts(shape, &name);
                        found.push((Step::Member(name), parts));
                    }
                }
            }
            Value::Array(items) => {
                let most = self.array_rule(shape).most;
                for index in 0..(items.len().max(1)).min(most) {
                    let parts = self.item_parts(shape, index);
                    // Alike items are explored once, at the first of them.
                    if !found.iter().any(|(_, known)| *known == parts) {
                        found.push((Step::Item(index), parts));
                    }
                }
            }
            _ => {}
        }
        found.retain(|(_, parts)| !parts.is_empty());
        found
    }

    /// A name for each `patternProperties` that no declared property bears.
    fn pattern_names(&mut self, shape: &Shape) -> Vec<String> {
        let mut names = Vec::new();
        for table in self
            .values(shape, "patternProperties")
            .filter_map(Value::as_object)
            .collect::<Vec<_>>()
        {
            for described in table.keys() {
                let Some(hir) = super::pattern::parse(described) else {
                    continue;
                };
                for _ in 0..8 {
                    let name = super::pattern::generate(&hir, None, &mut self.rng);
                    if self.matches(described, &name) && self.member_allowed(shape, &name) {
                        names.push(name);
                        break;
                    }
                }
            }
        }
        names
    }
}

fn seed(what: String, value: Value, aim: Option<Aim>) -> Seed {
    Seed {
        path: Vec::new(),
        what,
        value,
        aim,
    }
}

fn set_into(base: &Value, step: &Step, mut seed: Seed) -> Option<Seed> {
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
