//! Comparing two answers without what changes by itself: times, ids, durations.
//!
//! What is volatile is found by asking the same thing twice; what can come out alike by chance
//! (a time with whole seconds, a duration) is known by its form or its name too.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Where two answers to the same question differ, as JSON Pointers.
pub type Paths = BTreeSet<String>;

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
    let mut paths = Paths::new();
    compare(left, right, &mut String::new(), &mut paths);
    paths
}

fn compare(left: &Value, right: &Value, at: &mut String, paths: &mut Paths) {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            let names = left
                .keys()
                .chain(right.keys().filter(|name| !left.contains_key(*name)));
            for name in names {
                let null = Value::Null;
                let (left, right) = (left.get(name), right.get(name));
                let length = descend(at, name);
                if left.is_some() == right.is_some() {
                    compare(left.unwrap_or(&null), right.unwrap_or(&null), at, paths);
                } else {
                    paths.insert(at.clone());
                }
                at.truncate(length);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                let length = descend(at, &index.to_string());
                compare(left, right, at, paths);
                at.truncate(length);
            }
        }
        _ if left == right => {}
        _ => {
            paths.insert(at.clone());
        }
    }
}

/// What of `value` stays the same whenever it is asked for.
#[must_use]
pub fn steady(value: &Value, volatile: &Paths) -> Value {
    let mut at = String::new();
    keep(value, volatile, &mut at)
}

fn keep(value: &Value, volatile: &Paths, at: &mut String) -> Value {
    if volatile.contains(at.as_str()) {
        return Value::Null;
    }
    match value {
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, member) in members {
                let length = descend(at, name);
                let is_volatile = is_volatile(name, member) || volatile.contains(at.as_str());
                if !is_volatile {
                    kept.insert(name.clone(), keep(member, volatile, at));
                }
                at.truncate(length);
            }
            Value::Object(kept)
        }
        Value::Array(items) => {
            let mut kept = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                let length = descend(at, &index.to_string());
                kept.push(keep(item, volatile, at));
                at.truncate(length);
            }
            Value::Array(kept)
        }
        scalar => scalar.clone(),
    }
}

fn descend(at: &mut String, name: &str) -> usize {
    let length = at.len();
    at.push('/');
    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
    length
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
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_between_two_askings_is_set_aside() {
        let first = json!({"id": "a", "text": "x", "list": [{"n": 1}, {"n": 2}]});
        let second = json!({"id": "b", "text": "x", "list": [{"n": 1}, {"n": 3}]});
        let volatile = differing(&first, &second);
        assert_eq!(
            volatile,
            Paths::from(["/id".to_owned(), "/list/1/n".to_owned()])
        );
        assert_eq!(steady(&first, &volatile), steady(&second, &volatile));
        assert_ne!(
            steady(&first, &Paths::new()),
            steady(&second, &Paths::new())
        );
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
        assert_eq!(volatile, Paths::from(["/a".to_owned()]));
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
