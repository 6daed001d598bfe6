//! How to break each keyword, and it alone: a table from the keyword to a function that makes
//! candidates for one place. The validator says afterwards which of them do.

use serde_json::{Value, json};

use super::{
    build::Style,
    maker::Maker,
    number::past,
    pattern::LONGEST_TEXT,
    refusal,
    shape::{Choices, Kind, Shape, count},
    text::{FILLINGS, fill},
};
use crate::schema::document::NodeId;

/// A place that is to be made invalid.
pub(super) struct Spot<'a> {
    /// What stands over the place.
    pub(super) parts: &'a [NodeId],
    /// The same, flattened.
    pub(super) shape: &'a Shape,
    /// The subschema whose keyword is to refuse.
    pub(super) atom: NodeId,
    /// The keyword's value.
    pub(super) limit: &'a Value,
    /// Levels below the root.
    pub(super) depth: usize,
}

/// Named values for the place.
pub(super) type Candidates = Vec<(String, Value)>;
/// Makes candidates.
pub(super) type Refuse = fn(&mut Maker<'_>, &Spot<'_>) -> Candidates;

/// Every keyword that can be broken: to add one, write its function and its line.
pub(super) const TABLE: &[(&str, Refuse)] = &[
    ("type", wrong_kinds),
    ("enum", unlisted),
    ("const", unlisted),
    ("required", refusal::without_required),
    ("minimum", below),
    ("maximum", above),
    ("exclusiveMinimum", below_open),
    ("exclusiveMaximum", above_open),
    ("multipleOf", between_steps),
    ("minLength", too_short),
    ("maxLength", too_long),
    ("pattern", undescribed),
    ("additionalProperties", refusal::unknown_member),
    ("unevaluatedProperties", refusal::unknown_member),
    ("properties", refusal::ruled_out_member),
    ("patternProperties", refusal::ruled_out_member),
    ("propertyNames", refusal::wrong_name),
    ("minProperties", refusal::too_few_members),
    ("maxProperties", refusal::too_many_members),
    ("dependentRequired", refusal::lone_member),
    ("dependencies", refusal::lone_member),
    ("minItems", refusal::too_few_items),
    ("maxItems", refusal::too_many_items),
    ("uniqueItems", refusal::twins),
    ("contains", refusal::without_contained),
    ("minContains", refusal::without_contained),
    ("maxContains", refusal::too_many_contained),
    ("items", refusal::one_item_more),
    ("additionalItems", refusal::one_item_more),
    ("unevaluatedItems", refusal::one_item_more),
    ("anyOf", odd_values),
    ("oneOf", under_two),
    ("not", under_the_negated),
];

/// Values of other kinds; those that a lax reader would take for the right one come first.
fn wrong_kinds(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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
            found.push((
                "a fraction where an integer is wanted",
                json!(number.as_f64().map(|n| n + 0.5)),
            ));
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
fn odd_values(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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
fn unlisted(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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
                found.push((
                    "next to a listed number",
                    super::number::whole(number as i128 + 1),
                ));
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

fn below(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let mut found = at_open_bound(maker, spot, "exclusiveMinimum");
    found.extend(
        past(spot.limit, -1.0)
            .into_iter()
            .map(|value| ("below minimum".to_owned(), value)),
    );
    found.extend(past_by_steps(maker, spot, -1.0));
    found
}

fn above(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let mut found = at_open_bound(maker, spot, "exclusiveMaximum");
    found.extend(
        past(spot.limit, 1.0)
            .into_iter()
            .map(|value| ("above maximum".to_owned(), value)),
    );
    found.extend(past_by_steps(maker, spot, 1.0));
    found
}

/// Draft 4: the bound itself, where a Boolean opens it.
fn at_open_bound(maker: &Maker<'_>, spot: &Spot<'_>, keyword: &str) -> Candidates {
    let open = maker.keyword(spot.atom, keyword) == Some(&Value::Bool(true));
    let at = open.then(|| ("exactly the excluded bound".to_owned(), spot.limit.clone()));
    at.into_iter().collect()
}

fn below_open(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    open_bound(maker, spot, "minimum", -1.0)
}

fn above_open(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    open_bound(maker, spot, "maximum", 1.0)
}

fn open_bound(maker: &Maker<'_>, spot: &Spot<'_>, draft4: &str, outward: f64) -> Candidates {
    // Draft 4 keeps the bound itself under the other keyword.
    let limit = match spot.limit {
        Value::Bool(true) => maker.keyword(spot.atom, draft4).unwrap_or(&Value::Null),
        other => other,
    };
    let mut found = vec![("exactly the excluded bound".to_owned(), limit.clone())];
    let beyond = past(limit, outward).into_iter();
    found.extend(beyond.map(|value| ("beyond the excluded bound".to_owned(), value)));
    found.extend(past_by_steps(maker, spot, outward));
    found.retain(|(_, value)| value.is_number());
    found
}

/// Beyond the bound, yet a multiple of what `multipleOf` asks for.
fn past_by_steps(maker: &Maker<'_>, spot: &Spot<'_>, outward: f64) -> Candidates {
    let steps = maker
        .values(spot.shape, "multipleOf")
        .filter_map(Value::as_f64);
    let Some(step) = steps.filter(|step| *step > 0.0).reduce(f64::max) else {
        return Vec::new();
    };
    let Some(limit) = spot.limit.as_f64() else {
        return Vec::new();
    };
    let first = (limit / step).floor();
    let counts = (-2..=2).map(|more| first + f64::from(more) + outward);
    let beyond = counts.filter(|count| (count * step - limit) * outward > 0.0);
    beyond
        .filter_map(|count| super::number::times(count, step))
        .map(|value| ("one multiple beyond the bound".to_owned(), value))
        .collect()
}

fn between_steps(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let step = spot.limit.as_f64().unwrap_or(1.0);
    let range = maker.range(spot.shape);
    let mut found = Vec::new();
    for (_, value) in range
        .integers()
        .into_iter()
        .chain(range.fractions())
        .take(12)
    {
        let at = value.as_f64().unwrap_or_default();
        found.push(super::number::whole(at as i128 + 1));
        found.push(super::number::whole(at as i128 - 1));
        found.extend(
            [at + step / 2.0, at - step / 2.0, at + step / 3.0]
                .into_iter()
                .filter_map(super::number::float),
        );
    }
    found.retain(|value| value.as_f64().is_some_and(|number| range.contains(number)));
    found
        .into_iter()
        .map(|value| (format!("no multiple of {step}"), value))
        .collect()
}

fn too_short(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    match count(spot.limit) {
        Some(least @ 1..=LONGEST_TEXT) => of_length(maker, spot, least - 1, "one under minLength"),
        Some(least) if least > 0 => vec![("an empty string".to_owned(), json!(""))],
        _ => Vec::new(),
    }
}

fn too_long(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    match count(spot.limit) {
        Some(most) if most < LONGEST_TEXT => of_length(maker, spot, most + 1, "one over maxLength"),
        _ => Vec::new(),
    }
}

fn of_length(maker: &mut Maker<'_>, spot: &Spot<'_>, length: usize, name: &str) -> Candidates {
    let rule = maker.text_rule(spot.shape);
    let mut found = maker.texts_of_length(&rule, length, name);
    found.extend(
        FILLINGS
            .iter()
            .map(|(_, filling)| (name.to_owned(), fill(filling, length))),
    );
    found.dedup_by(|(_, later), (_, earlier)| later == earlier);
    found
        .into_iter()
        .map(|(name, text)| (name, text.into()))
        .collect()
}

/// Near misses of a string that the pattern describes; those of an allowed length first.
fn undescribed(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let rule = maker.text_rule(spot.shape);
    let Some(Value::String(good)) =
        maker.build_kind(spot.shape, Kind::String, Style::Lean, spot.depth)
    else {
        return Vec::new();
    };
    let mut letters = good.chars();
    let mut shorter = good.clone();
    shorter.pop();
    let tail: String = letters.by_ref().skip(1).collect();
    let mut found = vec![
        ("a match and a line end", format!("{good}\n")),
        ("a match in other case", swap_case(&good)),
        ("a match with a character before it", format!("!{good}")),
        ("a match with a character behind it", format!("{good}!")),
        ("a match without its last character", shorter.clone()),
        ("a match without its first character", tail.clone()),
        (
            "digits of another script",
            good.chars().map(foreign_digit).collect(),
        ),
        ("an accented letter", format!("{shorter}é")),
        ("blank at the end", format!("{shorter} ")),
        ("blank at the start", format!(" {tail}")),
        ("an empty string", String::new()),
    ];
    for content in ["!", "a", "0", " ", "\u{1}", "é", "A", "-"] {
        found.push(("another string", fill(content, good.chars().count().max(1))));
    }
    found.sort_by_key(|(_, text)| !(rule.least..=rule.most).contains(&text.chars().count()));
    found
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect()
}

/// Instances that satisfy what `not` negates as well as everything else.
fn under_the_negated(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let Some(negated) = maker.document.child(spot.atom, &["not"]) else {
        return Vec::new();
    };
    let mut found = under_all(maker, spot, &[negated], "what `not` rules out");
    found.extend(odd_values(maker, spot));
    found
}

/// Instances of two branches of a `oneOf` at once, then of none.
fn under_two(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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

fn swap_case(text: &str) -> String {
    let lower = text.to_lowercase();
    if lower == text {
        text.to_uppercase()
    } else {
        lower
    }
}

/// `\d` is ASCII in ECMA-262; many engines let these pass.
fn foreign_digit(letter: char) -> char {
    let digit = letter.to_digit(10);
    digit
        .and_then(|digit| char::from_u32(0x660 + digit))
        .unwrap_or(letter)
}

fn named(candidates: Vec<(&str, Value)>) -> Candidates {
    candidates
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
