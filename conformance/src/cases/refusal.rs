//! How to break the keywords of objects and arrays; see the table in `invalid`.

use serde_json::{Map, Value, json};

use super::{
    build::Style,
    invalid::{Candidates, Spot},
    maker::Maker,
    shape::{Choices, Kind, count},
};

/// Containers to break: a full one, a lean one, and some in between.
const STYLES: [Style; 10] = {
    let mut styles = [Style::Random; 10];
    styles[0] = Style::Full;
    styles[1] = Style::Lean;
    styles
};
/// As many different ones as are tried.
const ENOUGH: usize = 5;
/// Longer lists are not made to be broken.
const MOST: usize = 2_000;

fn objects(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Vec<Map<String, Value>> {
    let made = containers(maker, spot, Kind::Object).into_iter();
    made.filter_map(|value| match value {
        Value::Object(members) => Some(members),
        _ => None,
    })
    .collect()
}

fn arrays(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Vec<Vec<Value>> {
    let made = containers(maker, spot, Kind::Array).into_iter();
    made.filter_map(|value| match value {
        Value::Array(items) => Some(items),
        _ => None,
    })
    .collect()
}

/// Different containers for the place, the valid ones first.
fn containers(maker: &mut Maker<'_>, spot: &Spot<'_>, kind: Kind) -> Vec<Value> {
    let (mut sound, mut others) = (Vec::new(), Vec::new());
    for style in STYLES {
        let Some(value) = maker.build_kind(spot.shape, kind, style, spot.depth) else {
            continue;
        };
        if sound.len() >= ENOUGH || sound.contains(&value) || others.contains(&value) {
            continue;
        }
        let fits = maker.fits(&spot.shape.atoms, &value);
        if fits { &mut sound } else { &mut others }.push(value);
    }
    sound.extend(others);
    sound.truncate(ENOUGH);
    sound
}

/// Each required member left out: of several objects, and with one optional member at a time,
/// since others may stand in for it elsewhere in the schema.
pub(super) fn without_required(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let required = maker.object_rule(spot.shape).required;
    let objects = objects(maker, spot);
    let mut found = Vec::new();
    for name in spot
        .limit
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        let mut reduced = Vec::new();
        for members in &objects {
            let mut members = members.clone();
            members.shift_remove(name);
            for kept in members.keys().filter(|key| !required.contains(key)).take(4) {
                let stays = |key: &String| key == kept || required.contains(key);
                let few = members.iter().filter(|(key, _)| stays(key));
                let few: Map<_, _> = few
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                reduced.push(few);
            }
            found.push((format!("without the required {name}"), members.into()));
        }
        let name = format!("without the required {name} and most others");
        found.extend(
            reduced
                .into_iter()
                .map(|members| (name.clone(), members.into())),
        );
    }
    found
}

/// One member that the schema has no place for.
pub(super) fn unknown_member(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    if spot.limit != &Value::Bool(false) {
        return Vec::new();
    }
    let known = maker.object_rule(spot.shape).named;
    let mut names = vec!["unexpected".to_owned(), "x".to_owned(), "x0".to_owned()];
    // A name in other case is another name.
    names.extend(known.iter().map(|name| name.to_uppercase()));
    names.retain(|name| !known.contains(name));
    let mut found = Vec::new();
    for members in objects(maker, spot) {
        for name in &names {
            let mut members = members.clone();
            members.insert(name.clone(), json!("x"));
            found.push((format!("with the unknown property {name}"), members.into()));
        }
    }
    found
}

/// A member whose subschema is `false`.
pub(super) fn ruled_out_member(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let table = spot.limit.as_object().into_iter().flatten();
    let ruled_out: Vec<&String> = table
        .filter(|(_, schema)| **schema == Value::Bool(false))
        .map(|(name, _)| name)
        .collect();
    let mut found = Vec::new();
    for name in ruled_out {
        let literal = maker.keyword(spot.atom, "properties") == Some(spot.limit);
        let name = if literal {
            name.clone()
        } else {
            described(maker, name)
        };
        for mut members in objects(maker, spot) {
            members.insert(name.clone(), json!("x"));
            found.push((format!("with {name}, which is ruled out"), members.into()));
        }
    }
    found
}

fn described(maker: &mut Maker<'_>, pattern: &str) -> String {
    let hir = super::pattern::parse(pattern);
    hir.map(|hir| super::pattern::generate(&hir, None, &mut maker.rng))
        .unwrap_or_default()
}

/// Names that break `propertyNames`.
pub(super) fn wrong_name(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let names = [
        "",
        "!",
        "A",
        "a",
        "UPPER",
        "with blank",
        "0",
        "é",
        "\u{1}",
        &"long".repeat(80),
    ];
    let mut found = Vec::new();
    for members in objects(maker, spot) {
        for name in names {
            let parts = maker.member_parts(spot.shape, name);
            let Some(value) = maker.build(&parts, Style::Lean, spot.depth + 1) else {
                continue;
            };
            let mut members = members.clone();
            members.insert(name.to_owned(), value);
            found.push((
                format!("with a property named {:.20}", json!(name)),
                members.into(),
            ));
        }
    }
    found
}

/// Optional members left out until there are too few.
pub(super) fn too_few_members(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let least = count(spot.limit).unwrap_or(0);
    let rule = maker.object_rule(spot.shape);
    let mut found = Vec::new();
    for mut members in objects(maker, spot) {
        let optional: Vec<String> = members
            .keys()
            .filter(|name| !rule.required.contains(name))
            .cloned()
            .collect();
        for name in optional {
            if members.len() >= least {
                members.shift_remove(&name);
            }
        }
        if members.len() < least {
            found.push(("one under minProperties".to_owned(), members.into()));
        }
    }
    found
}

/// Members added until there is one too many.
pub(super) fn too_many_members(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let most = count(spot.limit).unwrap_or(usize::MAX);
    if most > MOST {
        return Vec::new();
    }
    let rule = maker.object_rule(spot.shape);
    let mut found = Vec::new();
    for mut members in objects(maker, spot) {
        for name in &rule.named {
            if members.len() <= most && !members.contains_key(name) {
                add(maker, spot, &mut members, name.clone());
            }
        }
        while members.len() <= most {
            let Some(name) = maker.new_name(spot.shape, &members) else {
                break;
            };
            if !add(maker, spot, &mut members, name) {
                break;
            }
        }
        if members.len() > most {
            found.push(("one over maxProperties".to_owned(), members.into()));
        }
    }
    found
}

fn add(
    maker: &mut Maker<'_>,
    spot: &Spot<'_>,
    members: &mut Map<String, Value>,
    name: String,
) -> bool {
    let parts = maker.member_parts(spot.shape, &name);
    let value = maker.build(&parts, Style::Lean, spot.depth + 1);
    let made = value.is_some();
    members.extend(value.map(|value| (name, value)));
    made
}

/// A member without the one that must come with it.
pub(super) fn lone_member(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let mut found = Vec::new();
    for (name, partners) in spot.limit.as_object().into_iter().flatten() {
        for partner in partners
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            for mut members in objects(maker, spot) {
                if !members.contains_key(name) {
                    add(maker, spot, &mut members, name.clone());
                }
                members.shift_remove(partner);
                found.push((format!("{name} without {partner}"), members.into()));
            }
        }
    }
    found
}

/// Items left out until there are too few.
pub(super) fn too_few_items(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let Some(least @ 1..) = count(spot.limit) else {
        return Vec::new();
    };
    let cut = |mut items: Vec<Value>| {
        items.truncate(least - 1);
        ("one under minItems".to_owned(), items.into())
    };
    arrays(maker, spot).into_iter().map(cut).collect()
}

/// One item more than there may be.
pub(super) fn too_many_items(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let Some(most) = count(spot.limit).filter(|most| *most <= MOST) else {
        return Vec::new();
    };
    let rule = maker.array_rule(spot.shape);
    let mut found = Vec::new();
    for style in [Style::Lean, Style::Random, Style::Random, Style::Random] {
        let made = maker.array_of_length(spot.shape, &rule, most + 1, style, spot.depth);
        found.extend(made.map(|value| ("one over maxItems".to_owned(), value)));
    }
    found
}

/// Two items that are equal; numbers also where only their spelling differs.
pub(super) fn twins(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    if spot.limit != &Value::Bool(true) {
        return Vec::new();
    }
    let most = maker.array_rule(spot.shape).most;
    let mut found = Vec::new();
    for mut items in arrays(maker, spot) {
        // Items to double, where the array had none or only ones with a schema of their own.
        let parts = maker.item_parts(spot.shape, items.len());
        let shape = maker.shape(&parts, &mut Choices::default());
        let more: Vec<Value> = maker
            .scalars(&shape)
            .into_iter()
            .map(|(_, value)| value)
            .collect();
        let more = more
            .into_iter()
            .filter(|item| !items.contains(item))
            .take(3)
            .collect::<Vec<_>>();
        items.extend(more);
        items.truncate(most);
        for index in (0..items.len()).rev().take(4) {
            let twin = items[index].clone();
            let mut longer = items.clone();
            if items.len() >= most {
                // One of the last makes room: the first may have places of their own.
                let last = items.len() - 1;
                longer.remove(if index == last {
                    last.saturating_sub(1)
                } else {
                    last
                });
            }
            longer.push(twin.clone());
            found.push(("two equal items".to_owned(), longer.clone().into()));
            if let Some(whole) = twin.as_i64().filter(|whole| whole.unsigned_abs() < 1 << 53) {
                longer.pop();
                longer.push(json!(whole as f64));
                found.push((
                    "two equal items, one written as 2.0".to_owned(),
                    longer.into(),
                ));
            }
        }
    }
    found
}

/// Items of which too few are what must be contained.
pub(super) fn without_contained(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let Some(wanted) = maker.document.child(spot.atom, &["contains"]) else {
        return Vec::new();
    };
    let mut found = vec![("nothing that must be contained".to_owned(), json!([]))];
    let odd = [json!(null), json!("odd"), json!(-1), json!([]), json!({})];
    for items in arrays(maker, spot) {
        let mut others = Vec::new();
        for index in 0..items.len() {
            let parts = maker.item_parts(spot.shape, index);
            let mut candidates: Vec<Value> = odd.to_vec();
            for _ in 0..4 {
                candidates.extend(maker.build(&parts, Style::Random, spot.depth + 1));
            }
            candidates.retain(|item| maker.fits(&parts, item) && !maker.fits(&[wanted], item));
            let fresh = candidates.iter().find(|item| !others.contains(*item));
            others.extend(fresh.or(candidates.first()).cloned());
        }
        let mut all_but_one = items.clone();
        if let (Some(first), Some(other)) = (all_but_one.first_mut(), others.first()) {
            *first = other.clone();
        }
        found.push((
            "one item too few that must be contained".to_owned(),
            all_but_one.into(),
        ));
        found.push(("nothing that must be contained".to_owned(), others.into()));
    }
    found
}

/// Items of which too many are what may be contained.
pub(super) fn too_many_contained(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let Some(wanted) = maker.document.child(spot.atom, &["contains"]) else {
        return Vec::new();
    };
    let Some(most) = count(spot.limit).filter(|most| *most <= MOST) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for mut items in arrays(maker, spot) {
        for _ in 0..=most {
            let mut parts = maker.item_parts(spot.shape, items.len());
            parts.push(wanted);
            let mut made = None;
            for style in [Style::Lean, Style::Random, Style::Random, Style::Random] {
                made = maker.build(&parts, style, spot.depth + 1);
                if made.as_ref().is_some_and(|item| !items.contains(item)) {
                    break;
                }
            }
            items.extend(made);
            found.push(("one over maxContains".to_owned(), items.clone().into()));
        }
    }
    found
}

/// An item where the schema has no place for one more.
pub(super) fn one_item_more(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    if spot.limit != &Value::Bool(false) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for mut items in arrays(maker, spot) {
        items.push(json!("one more"));
        found.push((
            "one item more than there is place for".to_owned(),
            items.into(),
        ));
    }
    found
}
