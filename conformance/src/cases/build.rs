//! One instance of a conjunction: choose a shape, choose a kind, make it, test it, try again.

use serde_json::Value;

use super::{
    maker::Maker,
    pattern::LONGEST_TEXT,
    shape::{Choices, Kind, Shape},
};
use crate::schema::document::NodeId;

/// Deeper instances are not made: `serde_json` and most other readers stop at 128.
const DEEPEST: usize = 60;
/// From here on, optional members are left out and lists kept short: a tree stays small.
const DEEP: usize = 4;
/// Ways to try before a conjunction counts as empty.
const ATTEMPTS: usize = 8;

/// How much of what is optional to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Only what must be there.
    Lean,
    /// Everything that the schema names.
    Full,
    /// What chance will have.
    Random,
}

impl Style {
    /// The style for what is optional at `depth`.
    pub(super) fn for_optional(self, depth: usize) -> Self {
        if depth >= DEEP { Self::Lean } else { self }
    }
}

impl Maker<'_> {
    /// An instance that each of `parts` accepts, as far as they can be asked on their own.
    pub(super) fn build(&mut self, parts: &[NodeId], style: Style, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if parts
            .iter()
            .any(|part| self.heights[part.index()].is_none())
        {
            let endless = parts
                .iter()
                .find(|part| self.heights[part.index()].is_none());
            self.give_up("its recursion has no end, or it is false", *endless?);
            return None;
        }
        for attempt in 0..ATTEMPTS {
            let random = (style == Style::Random && depth < DEEP) || attempt > 1;
            let mut choices = Choices {
                random,
                ..Choices::default()
            };
            let shape = self.shape(parts, &mut choices);
            let style = if attempt > 2 && depth < DEEP {
                Style::Random
            } else {
                style
            };
            let made = self.build_shape(&shape, style, depth);
            if let Some(value) = made.filter(|value| self.fits(parts, value)) {
                return Some(value);
            }
            if self.spent() || (choices.met.is_empty() && attempt > 3) {
                break;
            }
        }
        if let Some(&part) = parts.first() {
            self.give_up("no value was found that its keywords accept together", part);
        }
        None
    }

    /// An instance of a shape, of whatever kind.
    pub(super) fn build_shape(
        &mut self,
        shape: &Shape,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        if shape.impossible {
            return None;
        }
        let mut kinds = self.kinds(shape);
        if let Some(allowed) = self.allowed(shape) {
            return self.some_allowed(shape, &allowed, &kinds, style);
        }
        if style == Style::Random && kinds.len() > 1 {
            self.rng.shuffle(&mut kinds);
        }
        kinds
            .into_iter()
            .find_map(|kind| self.build_kind(shape, kind, style, depth))
    }

    fn some_allowed(
        &mut self,
        shape: &Shape,
        allowed: &[&Value],
        kinds: &[Kind],
        style: Style,
    ) -> Option<Value> {
        let mut fitting = Vec::new();
        for &value in allowed {
            let kind = kinds.contains(&Kind::of(value));
            if kind && (shape.lenient || self.fits(&shape.atoms, value)) {
                fitting.push(value);
            }
        }
        let chosen = if style == Style::Random {
            self.rng.below(fitting.len())
        } else {
            0
        };
        fitting.get(chosen).map(|value| (*value).clone())
    }

    /// An instance of a shape, of one kind.
    pub(super) fn build_kind(
        &mut self,
        shape: &Shape,
        kind: Kind,
        style: Style,
        depth: usize,
    ) -> Option<Value> {
        self.step()?;
        let random = style == Style::Random;
        match kind {
            Kind::Null => Some(Value::Null),
            Kind::Boolean => Some(Value::Bool(!random || self.rng.chance(1, 2))),
            Kind::String => self.some_string(shape, random),
            Kind::Integer => self.some_integer(shape, random),
            Kind::Fraction => {
                let range = self.range(shape);
                let share = if random { self.rng.fraction() } else { 0.25 };
                range.some_fraction(share)
            }
            Kind::Array => self.some_array(shape, style, depth),
            Kind::Object => self.some_object(shape, style, depth),
        }
    }

    fn some_string(&mut self, shape: &Shape, random: bool) -> Option<Value> {
        let rule = self.text_rule(shape);
        if rule.least > LONGEST_TEXT {
            self.give_up_on(
                shape,
                "minLength asks for a string that is too large to make",
            );
            return None;
        }
        self.some_text(&rule, random).map(Value::from)
    }

    fn some_integer(&mut self, shape: &Shape, random: bool) -> Option<Value> {
        let range = self.range(shape);
        if random && self.rng.chance(1, 4) {
            let edges = range.integers();
            return self.rng.pick(&edges).map(|(_, value)| value.clone());
        }
        let rng = &mut self.rng;
        range.some_integer(|low, high| {
            if random {
                rng.between(low, high)
            } else {
                low / 2 + high / 2
            }
        })
    }

    /// As [`Self::give_up`], at the first subschema of a shape.
    pub(super) fn give_up_on(&mut self, shape: &Shape, reason: &str) {
        let node = shape.atoms.first().copied().unwrap_or(NodeId::ROOT);
        self.give_up(reason, node);
    }
}
