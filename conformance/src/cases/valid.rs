//! Which valid values of one part are interesting: the edges of what its keywords allow.

use serde_json::Value;

use super::{
    build::Style,
    maker::Maker,
    shape::{Kind, Shape},
};

/// Members of a wide object, levels of a deep one: far from any sane limit, and past small ones.
const WIDE: usize = 256;
const DEEP: usize = 48;
/// Members that are left out one at a time.
const MOST_LEFT_OUT: usize = 40;
/// Boundary lists longer than this are not made to be sent.
const LONGEST_LIST: usize = 1_000;

impl Maker<'_> {
    /// Interesting values of a shape that are no objects with parts to vary, nor arrays of
    /// them: those are composed by `explore`.
    pub(super) fn scalars(&mut self, shape: &Shape) -> Vec<(String, Value)> {
        let kinds = self.kinds(shape);
        if let Some(allowed) = self.allowed(shape) {
            let allowed = allowed
                .into_iter()
                .filter(|value| kinds.contains(&Kind::of(value)));
            return allowed
                .map(|value| (called(value), value.clone()))
                .collect();
        }
        let lists: Vec<_> = kinds
            .into_iter()
            .map(|kind| self.scalars_of(shape, kind))
            .collect();
        in_turn(lists)
    }

    fn scalars_of(&mut self, shape: &Shape, kind: Kind) -> Vec<(String, Value)> {
        match kind {
            Kind::Null => vec![("null".to_owned(), Value::Null)],
            Kind::Boolean => [true, false]
                .map(|flag| (flag.to_string(), flag.into()))
                .into(),
            Kind::Integer => self.range(shape).integers(),
            Kind::Fraction => self.range(shape).fractions(),
            Kind::String => {
                let rule = self.text_rule(shape);
                let texts = self.texts(&rule);
                texts
                    .into_iter()
                    .map(|(name, text)| (name, text.into()))
                    .collect()
            }
            Kind::Array | Kind::Object => Vec::new(),
        }
    }

    /// Whole objects of a shape, beside the full one: what is there, rather than what it is.
    pub(super) fn objects(
        &mut self,
        shape: &Shape,
        full: &Value,
        depth: usize,
    ) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let lean = self.build_kind(shape, Kind::Object, Style::Lean, depth);
        found.extend(lean.map(|lean| ("only what is required".to_owned(), lean)));
        let rule = self.object_rule(shape);
        let Some(members) = full.as_object() else {
            return found;
        };
        if let Some(name) = self
            .new_name(shape, members)
            .filter(|_| members.len() < rule.most)
        {
            let parts = self.member_parts(shape, &name);
            let value = self.build(&parts, Style::Lean, depth + 1);
            let mut members = members.clone();
            if let Some(value) = value {
                members.insert(name, value);
                found.push((
                    "with a property that the schema does not name".to_owned(),
                    members.into(),
                ));
            }
        }
        let optional = members.keys().filter(|name| !rule.required.contains(name));
        for name in optional.take(MOST_LEFT_OUT) {
            let mut members = members.clone();
            members.shift_remove(name);
            found.push((format!("without {name}"), members.into()));
        }
        found
    }

    /// Objects that are wide and deep where the schema leaves that open.
    pub(super) fn large_objects(&mut self, shape: &Shape, full: &Value) -> Vec<(String, Value)> {
        let Some(members) = full.as_object() else {
            return Vec::new();
        };
        let rule = self.object_rule(shape);
        let open =
            self.name_parts(shape).is_empty() && self.member_parts(shape, "extra").is_empty();
        if !open || rule.most < WIDE + members.len() {
            return Vec::new();
        }
        let mut wide = members.clone();
        wide.extend((0..WIDE).map(|at| (format!("extra{at}"), Value::from(at))));
        let nested = (0..DEEP).fold(
            Value::from(1),
            |inner, _| serde_json::json!({ "a": [inner] }),
        );
        let mut deep = members.clone();
        deep.insert("extra".to_owned(), nested);
        let wide = (format!("{WIDE} more properties"), Value::Object(wide));
        vec![
            wide,
            (
                format!("an unknown property {DEEP} levels deep"),
                Value::Object(deep),
            ),
        ]
    }

    /// Whole arrays of a shape: by length.
    pub(super) fn arrays(&mut self, shape: &Shape, depth: usize) -> Vec<(String, Value)> {
        let rule = self.array_rule(shape);
        let mut lengths = vec![("exactly minItems", rule.least)];
        if rule.most <= LONGEST_LIST {
            lengths.insert(0, ("exactly maxItems", rule.most));
        } else {
            lengths.push(("many items", rule.least.max(100)));
        }
        lengths.push(("one item", 1));
        lengths.retain(|(_, length)| (rule.least..=rule.most).contains(length));
        let mut found = Vec::new();
        for (name, length) in lengths {
            let style = if length > 8 { Style::Lean } else { Style::Full };
            let made = self.array_of_length(shape, &rule, length, style, depth);
            found.extend(made.map(|value| (name.to_owned(), value)));
        }
        found
    }
}

/// What to call a listed value.
fn called(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("the listed value {}…", &text[..cut]),
        None => format!("the listed value {text}"),
    }
}

/// The first of each list, then the second of each, and so on.
pub(super) fn in_turn<T>(lists: Vec<Vec<T>>) -> Vec<T> {
    let mut iterators: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    while !iterators.is_empty() {
        iterators.retain_mut(|list| {
            let next = list.next();
            let more = next.is_some();
            all.extend(next);
            more
        });
    }
    all
}
