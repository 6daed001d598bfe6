//! How to break the keywords that speak of the whole value (`type`, `enum`, `const`) and those
//! that combine schemas; see the table in `invalid`.

use serde_json::{Value, json};

use super::{
    build::Style,
    invalid::{Candidates, Spot, swap_case},
    maker::Maker,
    number::{clamped, whole},
    shape::{Choices, Kind},
};
use crate::schema::document::NodeId;

/// Values of other kinds; those that a lax reader would take for the right one come first.
pub(super) fn wrong_kinds(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let kinds = maker.kinds(spot.shape);
    let valid = maker.build_shape(spot.shape, Style::Full, spot.depth);
    let Some(valid) = valid else {
        return odd_values(maker, spot);
    };
    let mut found = Vec::new();
    match &valid {
        Value::Number(number) => {
            found.push(("a numeric string", Value::from(number.to_string())));
            found.push(("true where a number is wanted", json!(true)));
        }
        Value::String(text) => {
            found.push(("a number where a string is wanted", json!(12)));
            found.push(("true where a string is wanted", json!(true)));
            found.push(("the string in a list", json!([text])));
        }
        Value::Bool(flag) => {
            found.push(("a Boolean as a string", json!(flag.to_string())));
            found.push(("1 where a Boolean is wanted", json!(1)));
            found.push(("0 where a Boolean is wanted", json!(0)));
        }
        Value::Object(_) => {
            found.push(("the object as a string", json!(valid.to_string())));
            found.push(("the object in a list", json!([valid])));
        }
        Value::Array(items) => {
            found.extend(
                items
                    .first()
                    .map(|item| ("the item without its list", item.clone())),
            );
            found.push(("a string where a list is wanted", json!("a,b")));
        }
        Value::Null => found.push(("the word null", json!("null"))),
    }
    found.insert(found.len().min(2), ("null", Value::Null));
    // The first, as it is the one that lax readers of integers take: they cut it off.
    let fraction = valid.as_f64().map(|number| json!(number + 0.5));
    found.splice(
        0..0,
        fraction.map(|value| ("a fraction where an integer is wanted", value)),
    );
    found.extend([
        ("an empty list", json!([])),
        ("an empty object", json!({})),
        ("an empty string", json!("")),
        ("the number 1.5", json!(1.5)),
        ("false", json!(false)),
        ("the number 7", json!(7)),
    ]);
    found.retain(|(_, value)| !kinds.contains(&Kind::of(value)));
    named(found)
}

/// Values of every kind, for keywords that leave no other hold.
pub(super) fn odd_values(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let mut found = named(vec![
        ("null", Value::Null),
        ("true", json!(true)),
        ("an odd string", json!("\u{1}odd\u{1}")),
        ("an odd number", json!(-987_654.25)),
        ("an odd integer", json!(-987_654)),
        ("an empty list", json!([])),
        ("a list of null", json!([null])),
        ("an empty object", json!({})),
        ("an odd object", json!({ "\u{1}odd": 1 })),
        ("an empty string", json!("")),
    ]);
    if let Some(Value::Object(mut members)) = maker.build_shape(spot.shape, Style::Full, spot.depth)
    {
        members.values_mut().for_each(|value| *value = Value::Null);
        found.push(("every property null".to_owned(), Value::Object(members)));
    }
    found
}

/// Near misses of listed values, then others of the same kinds.
pub(super) fn unlisted(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let listed: Vec<&Value> = match spot.limit {
        Value::Array(values) if maker.keyword(spot.atom, "enum") == Some(spot.limit) => {
            values.iter().collect()
        }
        other => vec![other],
    };
    let mut found = Vec::new();
    for value in listed.iter().take(3) {
        match value {
            Value::String(text) => {
                found.push(("an unlisted string", json!("unlisted")));
                found.push(("a listed string in other case", json!(swap_case(text))));
                found.push(("a listed string and a blank", json!(format!("{text} "))));
                found.push(("an empty string", json!("")));
            }
            Value::Number(number) => {
                let number = number.as_f64().unwrap_or_default();
                found.push(("next to a listed number", whole(clamped(number) + 1)));
                found.push(("a listed number and a half", json!(number + 0.5)));
                found.push(("a listed number as a string", json!(value.to_string())));
            }
            Value::Bool(flag) => found.push(("the other Boolean", json!(!flag))),
            Value::Array(items) => {
                let more: Vec<Value> = items.iter().cloned().chain([Value::Null]).collect();
                found.push(("a listed array with one item more", more.into()));
            }
            Value::Object(members) => {
                let mut more = members.clone();
                more.insert("unlisted".to_owned(), Value::Null);
                found.push(("a listed object with one member more", more.into()));
            }
            Value::Null => found.push(("false for null", json!(false))),
        }
    }
    let mut found = named(found);
    found.extend(odd_values(maker, spot));
    found.retain(|(_, value)| !listed.contains(&value));
    found
}

/// Instances that satisfy what `not` negates as well as everything else.
pub(super) fn under_the_negated(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let Some(negated) = maker.document.child(spot.atom, &["not"]) else {
        return Vec::new();
    };
    let mut found = under_all(maker, spot, &[negated], "what `not` rules out");
    found.extend(odd_values(maker, spot));
    found
}

/// Instances of two branches of a `oneOf` at once, then of none.
pub(super) fn under_two(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let branches = maker.branches(spot.atom, "oneOf");
    let mut found = Vec::new();
    for (at, &left) in branches.iter().enumerate() {
        for &right in branches.iter().skip(at + 1).take(4) {
            found.extend(under_all(
                maker,
                spot,
                &[left, right],
                "two branches of oneOf at once",
            ));
        }
        if found.len() > 8 {
            break;
        }
    }
    found.extend(odd_values(maker, spot));
    found
}

/// Instances of a shape and of `more`; nothing else is tested, the whole will be.
fn under_all(maker: &mut Maker<'_>, spot: &Spot<'_>, more: &[NodeId], name: &str) -> Candidates {
    let parts: Vec<NodeId> = spot.shape.atoms.iter().chain(more).copied().collect();
    let mut found = Vec::new();
    for attempt in 0..4 {
        let mut choices = Choices {
            random: attempt > 0,
            ..Choices::default()
        };
        // Branches that the atoms brought with them stay as they were chosen: the atoms of
        // those are in the list already, so only `more` is flattened.
        let mut shape = maker.shape(&parts[spot.shape.atoms.len()..], &mut choices);
        for &atom in &spot.shape.atoms {
            if !shape.atoms.contains(&atom) {
                shape.atoms.push(atom);
            }
        }
        shape.wanted.extend(spot.shape.wanted.iter().cloned());
        shape.lenient = true;
        let style = if attempt > 1 {
            Style::Random
        } else {
            Style::Full
        };
        let made = maker.build_shape(&shape, style, spot.depth);
        found.extend(made.map(|value| (name.to_owned(), value)));
    }
    found
}

fn named(candidates: Vec<(&str, Value)>) -> Candidates {
    candidates
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
