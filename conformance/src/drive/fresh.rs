//! Inputs that the agent has never been asked before, not even in an earlier run.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::driver::Driver;
use crate::probe::Part;

/// How many inputs were made in this process: the same topic may be driven again.
static MADE: AtomicU64 = AtomicU64::new(0);

/// More variants of one input than this show nothing new.
const MOST_VARIANTS: usize = 12;

/// An input that holds to the schema, with a word in it that stands in no other.
pub(super) fn input(driver: &Driver<'_>) -> Option<Value> {
    let schema = driver.probe.schema(Part::Input).ok()?;
    let word = word(driver);
    let inputs = driver
        .bank
        .inputs
        .iter()
        .filter(|case| case.value.is_object());
    inputs
        .flat_map(|case| strings(&case.value).into_iter().map(move |at| (case, at)))
        .take_while(|_| driver.goes_on())
        .find_map(|(case, at)| {
            let input = with(&case.value, &at, Value::from(word.as_str()))?;
            schema.is_valid(&input).then_some(input)
        })
}

/// A word that was never said before: letters alone, of both cases, as a name may have.
pub(super) fn word(driver: &Driver<'_>) -> String {
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let began = driver.settings.facts.started_at.as_microsecond();
    format!("Tck{}q{}", letters(began.unsigned_abs()), letters(number))
}

/// Inputs that differ from this one in one place, and a little; with what was done to it.
pub(super) fn variants(driver: &Driver<'_>, input: &Value) -> Vec<(String, Value)> {
    all_variants(driver, input).take(MOST_VARIANTS).collect()
}

/// The same, however many there are.
pub(super) fn all_variants(
    driver: &Driver<'_>,
    input: &Value,
) -> impl Iterator<Item = (String, Value)> {
    let schema = driver.probe.schema(Part::Input).ok();
    let mut seen = vec![by_value(input)];
    let all = other_words(input)
        .chain(other_orders(driver, input))
        .chain(other_members(driver, input));
    let all = all.take_while(|_| driver.goes_on());
    all.filter(move |(_, variant)| {
        let value = by_value(variant);
        let is_new =
            schema.is_some_and(|schema| schema.is_valid(variant)) && !seen.contains(&value);
        if is_new {
            seen.push(value);
        }
        is_new
    })
}

/// Its texts in letters of the other case, and longer by one.
fn other_words(input: &Value) -> impl Iterator<Item = (String, Value)> {
    strings(input).into_iter().flat_map(|at| {
        let text = input
            .pointer(&at)
            .and_then(Value::as_str)
            .unwrap_or_default();
        let other_case = match text.chars().any(char::is_lowercase) {
            true => text.to_uppercase(),
            false => text.to_lowercase(),
        };
        let longer = format!("{text}x");
        [
            ("in other letters", other_case),
            ("one letter longer", longer),
        ]
        .into_iter()
        .filter_map(|(how, text)| Some((format!("{at} {how}"), with(input, &at, text.into())?)))
        .collect::<Vec<_>>()
    })
}

/// A list as it is, and in reverse: two questions.
fn other_orders(driver: &Driver<'_>, input: &Value) -> impl Iterator<Item = (String, Value)> {
    let lists = members(driver).filter_map(|(name, member)| {
        let list = member.as_array()?;
        let reversed: Value = list.iter().rev().cloned().collect();
        (reversed != *member).then_some((name, member.clone(), reversed))
    });
    lists.take(1).flat_map(|(name, list, reversed)| {
        [("a list in", list), ("the reverse of it in", reversed)]
            .into_iter()
            .filter_map(|(how, list)| Some((format!("{how} /{name}"), put(input, name, list)?)))
            .collect::<Vec<_>>()
    })
}

/// Another member, of those that the generated inputs have.
fn other_members(driver: &Driver<'_>, input: &Value) -> impl Iterator<Item = (String, Value)> {
    members(driver).filter_map(|(name, member)| {
        let is_word = member.is_string() && input.get(name).is_some_and(Value::is_string);
        let other = put(input, name, member.clone()).filter(|_| !is_word)?;
        Some((format!("another /{name}"), other))
    })
}

/// The members of all generated inputs.
fn members<'d>(driver: &Driver<'d>) -> impl Iterator<Item = (&'d String, &'d Value)> {
    let inputs = driver.bank.inputs.iter();
    inputs.filter_map(|case| case.value.as_object()).flatten()
}

fn put(input: &Value, name: &str, member: Value) -> Option<Value> {
    let mut other = input.as_object()?.clone();
    other.insert(name.to_owned(), member);
    Some(Value::Object(other))
}

/// The same with one spelling for each number: 5 and 5.0 are one, and so are 0 and -0.
fn by_value(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map(|number| number + 0.0).into(),
        Value::Array(items) => items.iter().map(by_value).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, member)| (name.clone(), by_value(member)))
            .collect(),
        scalar => scalar.clone(),
    }
}

/// A number in letters.
fn letters(mut number: u64) -> String {
    let mut text = String::new();
    loop {
        text.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return text;
        }
    }
}

/// Where the texts of an object's members stand.
fn strings(value: &Value) -> Vec<String> {
    let members = value.as_object().into_iter().flatten();
    members
        .filter(|(_, member)| member.is_string())
        .map(|(name, _)| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
        .collect()
}

fn with(input: &Value, at: &str, member: Value) -> Option<Value> {
    let mut input = input.clone();
    *input.pointer_mut(at)? = member;
    Some(input)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_the_same_in_any_spelling() {
        let spelt = by_value(&json!({"a": [5, 0], "b": "5"}));
        assert_eq!(spelt, by_value(&json!({"a": [5.0, -0.0], "b": "5"})));
        assert_ne!(spelt, by_value(&json!({"a": [5.5, 0], "b": "5"})));
        assert_ne!(spelt, by_value(&json!({"a": [0, 5], "b": "5"})));
    }
}
