//! How to break the keywords of numbers and strings; see the table in `invalid`.

use serde_json::{Value, json};

use super::{
    build::Style,
    invalid::{Candidates, Spot, swap_case},
    maker::Maker,
    number::{clamped, float, past, times, whole},
    pattern::LONGEST_TEXT,
    shape::{Kind, count},
    text::{FILLINGS, fill},
};

pub(super) fn below(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let mut found = at_open_bound(maker, spot, "exclusiveMinimum");
    found.extend(
        past(spot.limit, -1.0)
            .into_iter()
            .map(|value| (format!("{value}, below minimum"), value)),
    );
    found.extend(past_by_steps(maker, spot, -1.0));
    found
}

pub(super) fn above(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    let mut found = at_open_bound(maker, spot, "exclusiveMaximum");
    found.extend(
        past(spot.limit, 1.0)
            .into_iter()
            .map(|value| (format!("{value}, above maximum"), value)),
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

pub(super) fn below_open(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    open_bound(maker, spot, "minimum", -1.0)
}

pub(super) fn above_open(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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
    found.extend(beyond.map(|value| (format!("{value}, beyond the excluded bound"), value)));
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
        .filter_map(|count| times(count, step))
        .map(|value| (format!("{value}, one multiple beyond the bound"), value))
        .collect()
}

pub(super) fn between_steps(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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
        found.extend([1, -1].map(|more| whole(clamped(at) + more)));
        found.extend(
            [at + step / 2.0, at - step / 2.0, at + step / 3.0]
                .into_iter()
                .filter_map(float),
        );
    }
    found.retain(|value| value.as_f64().is_some_and(|number| range.contains(number)));
    found
        .into_iter()
        .map(|value| (format!("{value}, no multiple of {step}"), value))
        .collect()
}

pub(super) fn too_short(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
    match count(spot.limit) {
        Some(least @ 1..=LONGEST_TEXT) => of_length(maker, spot, least - 1, "one under minLength"),
        Some(least) if least > 0 => vec![("an empty string".to_owned(), json!(""))],
        _ => Vec::new(),
    }
}

pub(super) fn too_long(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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
pub(super) fn undescribed(maker: &mut Maker<'_>, spot: &Spot<'_>) -> Candidates {
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

/// `\d` is ASCII in ECMA-262; many engines let these pass.
fn foreign_digit(letter: char) -> char {
    let digit = letter.to_digit(10);
    digit
        .and_then(|digit| char::from_u32(0x660 + digit))
        .unwrap_or(letter)
}
