//! Smaller cases of the same class.

use serde_json::{Map, Value};

use super::case::{Case, classify};
use crate::deadline::Deadline;
use crate::schema::Schema;

/// Candidates of one round: each costs the caller a request.
const MOST: usize = 1_000;
/// Members and items of one container that are looked into: halving comes before that.
const LOOKED_INTO: usize = 64;

/// One round of strictly smaller candidates of the same class, the smallest leap last. The
/// caller asks which of them still fails, and comes back with it until none does: sizes fall,
/// so that ends.
pub fn shrink<'s>(case: &Case, schema: &'s Schema) -> impl Iterator<Item = Case> + use<'s> {
    shrink_until(case, schema, &Deadline::default())
}

/// The same, with no candidate after the deadline.
pub(crate) fn shrink_until<'s>(
    case: &Case,
    schema: &'s Schema,
    deadline: &Deadline,
) -> impl Iterator<Item = Case> + use<'s> {
    let deadline = deadline.clone();
    let (name, class) = (shrunk_name(&case.name), case.class.clone());
    let size = size(&case.text);
    let mut values = Vec::new();
    smaller(&case.value, &mut |value| values.push(value));
    // The same value, plainly written, is the first thing to try.
    values.insert(0, case.value.clone());
    let mut seen: Vec<String> = Vec::new();
    values
        .into_iter()
        .take(MOST)
        .take_while(move |_| !deadline.is_over())
        .map(|value| value.to_string())
        .filter(move |text| self::size(text) < size)
        .filter(move |text| {
            let fresh = !seen.contains(text);
            if fresh {
                seen.push(text.clone());
            }
            fresh
        })
        .filter_map(move |text| {
            let (value, now) = classify(schema, &text).ok()?;
            let same = now.agrees_with(&class);
            same.then(|| Case {
                name: name.clone(),
                text,
                value,
                class: now,
            })
        })
}

fn shrunk_name(name: &str) -> String {
    const PREFIX: &str = "made smaller from ";
    if name.starts_with(PREFIX) {
        name.to_owned()
    } else {
        format!("{PREFIX}{name}")
    }
}

/// Shorter is smaller; of the same length, the text with plainer characters is.
fn size(text: &str) -> (usize, u64) {
    let weight = |letter: char| match letter {
        'a' | '0' | '{' | '}' | '[' | ']' | '"' | ',' | ':' => 0,
        '1'..='9' => u64::from(letter) - u64::from('0'),
        letter if letter.is_ascii() => 10 + u64::from(u32::from(letter)) / 8,
        letter => 100 + u64::from(u32::from(letter)),
    };
    (text.chars().count(), text.chars().map(weight).sum())
}

fn smaller(value: &Value, emit: &mut dyn FnMut(Value)) {
    match value {
        Value::Object(members) => smaller_object(members, emit),
        Value::Array(items) => smaller_array(items, emit),
        Value::String(text) => smaller_string(text, emit),
        Value::Number(number) => smaller_number(number.as_f64().unwrap_or_default(), emit),
        Value::Bool(_) | Value::Null => {}
    }
}

fn smaller_object(members: &Map<String, Value>, emit: &mut dyn FnMut(Value)) {
    let names: Vec<&String> = members.keys().collect();
    if names.len() > 3 {
        for half in [&names[..names.len() / 2], &names[names.len() / 2..]] {
            let left = members.iter().filter(|(name, _)| !half.contains(name));
            emit(
                left.map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            );
        }
    }
    for name in names.iter().take(LOOKED_INTO) {
        let mut fewer = members.clone();
        fewer.shift_remove(*name);
        emit(fewer.into());
    }
    for (name, value) in members.iter().take(LOOKED_INTO) {
        smaller(value, &mut |inner| {
            let mut changed = members.clone();
            changed.insert(name.clone(), inner);
            emit(changed.into());
        });
    }
}

fn smaller_array(items: &[Value], emit: &mut dyn FnMut(Value)) {
    if items.len() > 3 {
        emit(items[..items.len() / 2].to_vec().into());
        emit(items[items.len() / 2..].to_vec().into());
    }
    for index in (0..items.len()).rev().take(LOOKED_INTO) {
        let mut fewer = items.to_vec();
        fewer.remove(index);
        emit(fewer.into());
    }
    for (index, value) in items.iter().enumerate().take(LOOKED_INTO) {
        smaller(value, &mut |inner| {
            let mut changed = items.to_vec();
            changed[index] = inner;
            emit(changed.into());
        });
    }
}

fn smaller_string(text: &str, emit: &mut dyn FnMut(Value)) {
    let letters: Vec<char> = text.chars().collect();
    let half = letters.len() / 2;
    if half > 0 {
        emit("".into());
        emit(letters[..half].iter().collect::<String>().into());
        emit(letters[half..].iter().collect::<String>().into());
    }
    emit("a".repeat(letters.len()).into());
    let last = letters.len().saturating_sub(1);
    for index in [last, 0, half] {
        let mut fewer = letters.clone();
        if index < fewer.len() {
            fewer.remove(index);
            emit(fewer.into_iter().collect::<String>().into());
        }
    }
    for (index, _) in letters
        .iter()
        .enumerate()
        .filter(|(_, letter)| **letter != 'a')
        .take(12)
    {
        let mut plainer = letters.clone();
        plainer[index] = 'a';
        emit(plainer.into_iter().collect::<String>().into());
    }
}

fn smaller_number(number: f64, emit: &mut dyn FnMut(Value)) {
    let toward_zero = [
        0.0,
        1.0,
        -1.0,
        number / 2.0,
        number / 10.0,
        number - number.signum(),
    ];
    for smaller in toward_zero.into_iter().chain([number]) {
        let whole = smaller.trunc();
        if whole.abs() < 1e15 {
            emit(super::number::whole(whole as i128));
        }
    }
    let rounded = (number * 10.0).round() / 10.0;
    let candidates = [rounded, number.signum() * 0.5];
    candidates
        .into_iter()
        .filter_map(super::number::float)
        .for_each(emit);
}
