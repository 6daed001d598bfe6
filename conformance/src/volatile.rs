//! Comparing two answers without what changes by itself: times, ids, durations.
//!
//! What is volatile is found by asking the same thing twice; what can come out alike by chance
//! (a time with whole seconds, a duration) is known by its form or its name too.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::document::push_segment;

/// Where two answers to the same question differ.
///
/// A tree of the names and indices that lead there: what leads to many places is kept once, or a
/// long name above a long list would cost their product.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paths {
    /// All of the value differs; then nothing is kept of what is below.
    whole: bool,
    below: Option<Box<Below>>,
}

/// What differs within a value; nothing that does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Below {
    members: BTreeMap<String, Paths>,
    items: BTreeMap<usize, Paths>,
}

impl Paths {
    /// No place at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn whole() -> Self {
        Self {
            whole: true,
            below: None,
        }
    }

    fn within(below: Below) -> Self {
        let is_empty = below.members.is_empty() && below.items.is_empty();
        Self {
            whole: false,
            below: (!is_empty).then(|| Box::new(below)),
        }
    }

    fn is_empty(&self) -> bool {
        !self.whole && self.below.is_none()
    }

    fn member(&self, name: &str) -> Option<&Self> {
        self.below.as_ref()?.members.get(name)
    }

    fn item(&self, index: usize) -> Option<&Self> {
        self.below.as_ref()?.items.get(&index)
    }

    /// Adds the places of another.
    pub fn unite(&mut self, other: Self) {
        if self.whole || other.whole {
            *self = Self::whole();
            return;
        }
        let Some(other) = other.below else {
            return;
        };
        let below = self.below.get_or_insert_default();
        for (name, paths) in other.members {
            below.members.entry(name).or_default().unite(paths);
        }
        for (index, paths) in other.items {
            below.items.entry(index).or_default().unite(paths);
        }
    }

    /// The places that lie in both.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        if self.whole {
            return other.clone();
        }
        if other.whole {
            return self.clone();
        }
        let (Some(one), Some(other)) = (&self.below, &other.below) else {
            return Self::new();
        };
        Self::within(Below {
            members: in_both(&one.members, &other.members),
            items: in_both(&one.items, &other.items),
        })
    }

    /// The first places, as JSON Pointers.
    #[must_use]
    pub fn first(&self, count: usize) -> Vec<String> {
        let mut pointers = Vec::new();
        self.list(&mut String::new(), count, &mut pointers);
        pointers
    }

    fn list(&self, at: &mut String, count: usize, pointers: &mut Vec<String>) {
        if self.whole && pointers.len() < count {
            pointers.push(at.clone());
        }
        let Some(below) = &self.below else {
            return;
        };
        let members = below.members.iter();
        let members = members.map(|(name, paths)| (name.clone(), paths));
        let items = below.items.iter();
        let items = items.map(|(index, paths)| (index.to_string(), paths));
        for (segment, paths) in members.chain(items) {
            if pointers.len() == count {
                return;
            }
            let length = at.len();
            push_segment(at, &segment);
            paths.list(at, count, pointers);
            at.truncate(length);
        }
    }
}

impl FromIterator<Self> for Paths {
    fn from_iter<I: IntoIterator<Item = Self>>(all: I) -> Self {
        let mut united = Self::new();
        all.into_iter().for_each(|paths| united.unite(paths));
        united
    }
}

fn in_both<K: Clone + Ord>(
    one: &BTreeMap<K, Paths>,
    other: &BTreeMap<K, Paths>,
) -> BTreeMap<K, Paths> {
    let pairs = one
        .iter()
        .filter_map(|(key, paths)| Some((key, paths.intersect(other.get(key)?))));
    let common = pairs.filter(|(_, paths)| !paths.is_empty());
    common.map(|(key, paths)| (key.clone(), paths)).collect()
}

const NAMES: &[&str] = &[
    "time",
    "duration",
    "elapsed",
    "latency",
    "uptime",
    "cached",
    "from_cache",
];

/// Where `left` and `right` differ.
#[must_use]
pub fn differing(left: &Value, right: &Value) -> Paths {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let mut members = BTreeMap::new();
            for (name, left) in left {
                let paths = right
                    .get(name)
                    .map_or_else(Paths::whole, |right| differing(left, right));
                if !paths.is_empty() {
                    members.insert(name.clone(), paths);
                }
            }
            let new = right.keys().filter(|name| !left.contains_key(*name));
            members.extend(new.map(|name| (name.clone(), Paths::whole())));
            Paths::within(Below {
                members,
                items: BTreeMap::new(),
            })
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let pairs = left.iter().zip(right).enumerate();
            let items = pairs.map(|(index, (left, right))| (index, differing(left, right)));
            Paths::within(Below {
                members: BTreeMap::new(),
                items: items.filter(|(_, paths)| !paths.is_empty()).collect(),
            })
        }
        _ if left == right => Paths::new(),
        _ => Paths::whole(),
    }
}

/// What of `value` stays the same whenever it is asked for.
#[must_use]
pub fn steady(value: &Value, volatile: &Paths) -> Value {
    keep(value, Some(volatile))
}

fn keep(value: &Value, volatile: Option<&Paths>) -> Value {
    let is_whole = |paths: Option<&Paths>| paths.is_some_and(|paths| paths.whole);
    if is_whole(volatile) {
        return Value::Null;
    }
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members {
                let below = volatile.and_then(|paths| paths.member(name));
                if !is_volatile(name, member) && !is_whole(below) {
                    kept.insert(name.clone(), keep(member, below));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            let below = |index| volatile.and_then(|paths| paths.item(index));
            Value::Array(
                items
                    .map(|(index, item)| keep(item, below(index)))
                    .collect(),
            )
        }
        scalar => scalar.clone(),
    }
}

/// A time of day, with a zone or (against RFC 3339) without: the same twice out of a cache.
fn is_time(text: &str) -> bool {
    let is_civil = || text.contains(':') && text.parse::<jiff::civil::DateTime>().is_ok();
    text.parse::<jiff::Timestamp>().is_ok() || is_civil()
}

fn is_volatile(name: &str, member: &Value) -> bool {
    let name = name.to_ascii_lowercase();
    match member {
        Value::String(text) => is_time(text),
        Value::Number(_) | Value::Bool(_) => {
            name.ends_with("_ms") || NAMES.iter().any(|known| name.contains(known))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::{collection::vec, prelude::*, sample::select};
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_between_two_askings_is_set_aside() {
        let first = json!({"id": "a", "text": "x", "list": [{"n": 1}, {"n": 2}]});
        let second = json!({"id": "b", "text": "x", "list": [{"n": 1}, {"n": 3}]});
        let volatile = differing(&first, &second);
        assert_eq!(volatile.first(9), ["/id", "/list/1/n"]);
        assert_eq!(steady(&first, &volatile), steady(&second, &volatile));
        assert_ne!(
            steady(&first, &Paths::new()),
            steady(&second, &Paths::new())
        );
    }

    /// Values with few names and few numbers, so that two of them have much in common. No name is a
    /// number: a pointer could not tell it from an index.
    fn values() -> impl Strategy<Value = Value> {
        let scalars = select(vec![json!(0), json!(1), json!("0"), Value::Null]);
        scalars.prop_recursive(3, 24, 3, |inner| {
            let names = select(vec!["a", "a/b", "a~", ""]);
            prop_oneof![
                vec(inner.clone(), 0..3).prop_map(Value::Array),
                vec((names, inner), 0..3).prop_map(|all| {
                    let members = all.into_iter();
                    Value::Object(members.map(|(name, it)| (name.to_owned(), it)).collect())
                }),
            ]
        })
    }

    /// Where two values differ, written out place by place.
    fn spelt(left: &Value, right: &Value, at: &str) -> BTreeSet<String> {
        let within = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        match (left, right) {
            (Value::Object(one), Value::Object(other)) => {
                let keys = one.keys().chain(other.keys());
                keys.flat_map(|key| match (one.get(key), other.get(key)) {
                    (Some(left), Some(right)) => spelt(left, right, &within(key)),
                    _ => [within(key)].into(),
                })
                .collect()
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(other).enumerate();
                pairs
                    .flat_map(|(index, (left, right))| {
                        spelt(left, right, &within(&index.to_string()))
                    })
                    .collect()
            }
            _ if left == right => BTreeSet::new(),
            _ => [at.to_owned()].into(),
        }
    }

    /// What of `value` is not among the places.
    fn without(value: &Value, places: &BTreeSet<String>, at: &str) -> Value {
        let within = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        if places.contains(at) {
            return Value::Null;
        }
        match value {
            Value::Object(members) => {
                let members = members.iter();
                let kept = members.filter(|(name, _)| !places.contains(&within(name)));
                let kept =
                    kept.map(|(name, it)| (name.clone(), without(it, places, &within(name))));
                Value::Object(kept.collect())
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let kept =
                    items.map(|(index, it)| without(it, places, &within(&index.to_string())));
                Value::Array(kept.collect())
            }
            scalar => scalar.clone(),
        }
    }

    /// Whether a place or what it lies in is among the places.
    fn lies_in(place: &str, places: &BTreeSet<String>) -> bool {
        let mut ends = place.match_indices('/').map(|(end, _)| end);
        places.contains(place) || ends.any(|end| places.contains(&place[..end]))
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn the_tree_says_what_a_list_of_all_places_would(
            [one, other, third] in [values(), values(), values()],
        ) {
            let first = differing(&one, &other);
            let places = spelt(&one, &other, "");
            let listed: BTreeSet<String> = first.first(usize::MAX).into_iter().collect();
            prop_assert_eq!(&listed, &places);
            for value in [&one, &other, &third] {
                prop_assert_eq!(steady(value, &first), without(value, &places, ""));
            }

            let second = differing(&one, &third);
            let others = spelt(&one, &third, "");
            let united: Paths = [first.clone(), second.clone()].into_iter().collect();
            let all: BTreeSet<String> = places.union(&others).cloned().collect();
            for value in [&one, &other, &third] {
                prop_assert_eq!(steady(value, &united), without(value, &all, ""));
            }
            let common = first.intersect(&second).first(usize::MAX);
            let in_both = all.iter().filter(|it| lies_in(it, &places) && lies_in(it, &others));
            prop_assert_eq!(
                common.into_iter().collect::<BTreeSet<_>>(),
                in_both.cloned().collect::<BTreeSet<_>>()
            );
        }
    }

    /// How much of names and nodes a tree holds, in bytes.
    fn weight(paths: &Paths) -> usize {
        let Some(below) = &paths.below else {
            return 0;
        };
        let members = below.members.iter();
        let items = below.items.values();
        let named =
            members.map(|(name, paths)| size_of::<(String, Paths)>() + name.len() + weight(paths));
        let counted = items.map(|paths| size_of::<(usize, Paths)>() + weight(paths));
        named.chain(counted).sum::<usize>() + size_of::<Below>()
    }

    #[test]
    fn a_long_name_above_a_long_list_is_kept_once() {
        let name = "n".repeat(500_000);
        let answer = |digit: u8| json!({ name.as_str(): vec![digit; 250_000] });
        let volatile = differing(&answer(1), &answer(2));
        assert!(weight(&volatile) < 10 << 20, "{}", weight(&volatile));
        assert_eq!(steady(&answer(3), &volatile), steady(&answer(4), &volatile));
        let places = volatile.first(2);
        assert_eq!(places, [format!("/{name}/0"), format!("/{name}/1")]);
    }

    #[test]
    fn times_and_durations_are_known_by_form_and_name() {
        let answer =
            json!({"at": "2026-01-01T00:00:00Z", "took_ms": 1, "execution_time": 0.1, "n": 1});
        assert_eq!(steady(&answer, &Paths::new()), json!({"n": 1}));
    }

    #[test]
    fn a_list_of_another_length_differs_as_a_whole() {
        let volatile = differing(&json!({"a": [1]}), &json!({"a": [1, 2]}));
        assert_eq!(volatile.first(9), ["/a"]);
    }

    #[test]
    fn what_is_of_another_length_now_and_of_other_items_then_differs_by_items_in_both() {
        let grown = differing(&json!({"a": [1]}), &json!({"a": [1, 2]}));
        let other = differing(&json!({"a": [1]}), &json!({"a": [2]}));
        assert_eq!(grown.intersect(&other), other);
        assert_eq!(other.intersect(&grown), other);
    }

    #[test]
    fn a_time_is_set_aside_even_if_it_came_twice_alike() {
        let cached = json!({"at": "2026-11-22T10:00:00", "zoned": "2026-11-22T10:00:00Z"});
        let fresh = json!({"at": "2026-11-22T11:00:00", "zoned": "2026-11-22T11:00:00Z"});
        let none = Paths::new();
        assert_eq!(steady(&cached, &none), steady(&fresh, &none));
        let dated = |day: &str| steady(&json!({ "day": day }), &none);
        assert_ne!(dated("2026-11-22"), dated("2026-11-23"));
    }
}
