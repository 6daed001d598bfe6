//! Whole instances in which one part is interesting: each value of each part, valid or aimed at
//! a keyword, set into an instance that is plain everywhere else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    build::Style,
    invalid::Spot,
    maker::Maker,
    seed::{Aim, Seed, Step, has, seed, set_into},
    shape::{Choices, Kind, Shape},
    valid::in_turn,
};
use crate::schema::document::NodeId;

/// Instances of one part that are worth composing.
const MOST_SEEDS: usize = 1_500;
/// A part of a wide whole gets at least so many, its edges.
const FEWEST_OF_A_PART: usize = 6;
/// Members from which on an object is not copied whole for each seed.
const WIDE: usize = 64;
/// Keywords that ask nothing of an instance by themselves.
const SILENT: [&str; 10] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "$defs",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "$comment",
];
/// Ways through `anyOf` and its like at one place.
const MOST_WAYS: usize = 24;
/// Levels that are explored; below, values are plain.
const DEEPEST: usize = 10;

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
        let key = self.essence(parts);
        let again = trail.above.iter().filter(|above| **above == key).count();
        if again > 1 || trail.above.len() > DEEPEST || self.spent() {
            return Vec::new();
        }
        trail.above.push(key);
        let mut done = Done::default();
        let mut lists = Vec::new();
        for shape in self.ways(parts, trail.style) {
            lists.push(self.explore_shape(parts, &shape, trail, &mut done));
        }
        trail.above.pop();
        let mut seeds = in_turn(lists);
        seeds.truncate(MOST_SEEDS);
        if trail.above.is_empty() {
            seeds.extend(self.explore_sizes(parts));
        }
        seeds
    }

    /// What a conjunction comes to, however many references lead there: recursion is told by it.
    fn essence(&mut self, parts: &[NodeId]) -> Vec<NodeId> {
        let shape = self.shape(parts, &mut Choices::default());
        let says = |atom: &NodeId| match self.document.schema(*atom) {
            Value::Object(schema) => schema
                .keys()
                .any(|keyword| !SILENT.contains(&keyword.as_str())),
            _ => true,
        };
        shape.atoms.iter().copied().filter(says).collect()
    }

    /// Wide and deep wholes: telling, yet less so than the edges of each part.
    fn explore_sizes(&mut self, parts: &[NodeId]) -> Vec<Seed> {
        let shape = self.shape(parts, &mut Choices::default());
        if !self.kinds(&shape).contains(&Kind::Object) || self.allowed(&shape).is_some() {
            return Vec::new();
        }
        let base = self.build_kind(&shape, Kind::Object, Style::Full, 0);
        let large = base
            .map(|base| self.large_objects(&shape, &base))
            .unwrap_or_default();
        large
            .into_iter()
            .map(|(what, value)| seed(what, value, None))
            .collect()
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
        lists.push(self.explore_refusals(shape, depth, done));
        if kinds
            .first()
            .is_some_and(|kind| !matches!(kind, Kind::Object | Kind::Array))
        {
            let containers = lists.len() - 2;
            lists.rotate_left(containers);
        }
        in_turn(lists)
    }

    fn explore_refusals(&mut self, shape: &Shape, depth: usize, done: &mut Done) -> Vec<Seed> {
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
        let (name, own) = match kind {
            Kind::Object => (
                "every property that the schema names",
                self.objects(shape, &base, depth),
            ),
            _ => ("a plain array", self.arrays(shape, depth)),
        };
        let valid = |(what, value): (String, Value)| seed(what, value, None);
        let mut lists = vec![vec![seed(name.to_owned(), base.clone(), None)]];
        lists[0].extend(own.into_iter().map(valid));
        let inner_parts = self.parts_of(shape, &base);
        let share = (2 * MOST_SEEDS / inner_parts.len().max(1)).max(FEWEST_OF_A_PART);
        let ground = self.ground(shape, base, kind, depth);
        for (step, inner) in inner_parts {
            let part = (step.clone(), inner.clone());
            if done.parts.contains(&part) {
                continue;
            }
            // What this way has no place for may be at home in another.
            if has(&ground, &step) {
                done.parts.insert(part);
            }
            let seeds = self.explore(&inner, trail).into_iter().take(share);
            lists.push(
                seeds
                    .filter_map(|seed| set_into(&ground, &step, seed))
                    .collect(),
            );
        }
        lists
    }

    /// What parts are set into: `base`, unless that is so wide that each copy costs.
    fn ground(&mut self, shape: &Shape, base: Value, kind: Kind, depth: usize) -> Value {
        let wide = base.as_object().is_some_and(|members| members.len() > WIDE);
        let lean = if wide {
            self.build_kind(shape, kind, Style::Lean, depth)
        } else {
            None
        };
        lean.unwrap_or(base)
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
                // Alike items are explored once, at the last of them: what must be contained
                // comes first, and is to stay.
                for index in (0..items.len().max(1).min(most)).rev() {
                    let parts = self.item_parts(shape, index);
                    if !found.iter().any(|(_, known)| *known == parts) {
                        found.insert(0, (Step::Item(index), parts));
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
