//! The same JSON value in other spellings: escapes, white space, number forms, order of members.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::rng::Rng;

/// A way to write JSON; the default is the plain one.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spelling {
    escape_all: bool,
    spaced: bool,
    exponents: bool,
    fractions: bool,
    shuffled: bool,
}

/// The spellings that are tried, each with what to call it.
pub(super) const OTHERS: [(&str, Spelling); 5] = [
    (
        "every character escaped",
        Spelling {
            escape_all: true,
            ..PLAIN
        },
    ),
    (
        "white space between all tokens",
        Spelling {
            spaced: true,
            ..PLAIN
        },
    ),
    (
        "members in another order",
        Spelling {
            shuffled: true,
            ..PLAIN
        },
    ),
    (
        "integers written as 2.0",
        Spelling {
            fractions: true,
            ..PLAIN
        },
    ),
    (
        "numbers written with an exponent",
        Spelling {
            exponents: true,
            ..PLAIN
        },
    ),
];

const PLAIN: Spelling = Spelling {
    escape_all: false,
    spaced: false,
    exponents: false,
    fractions: false,
    shuffled: false,
};

/// Writes `value` in the given spelling.
pub(super) fn spell(value: &Value, spelling: Spelling, rng: &mut Rng) -> String {
    let mut out = String::new();
    write_value(value, spelling, rng, &mut out);
    out
}

fn write_value(value: &Value, spelling: Spelling, rng: &mut Rng, out: &mut String) {
    match value {
        Value::String(text) => write_string(text, spelling, out),
        Value::Number(number) => write_number(&number.to_string(), spelling, out),
        Value::Array(items) => write_array(items, spelling, rng, out),
        Value::Object(members) => write_object(members, spelling, rng, out),
        other => out.push_str(&other.to_string()),
    }
}

fn write_array(items: &[Value], spelling: Spelling, rng: &mut Rng, out: &mut String) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        gap(spelling, out);
        write_value(item, spelling, rng, out);
        gap(spelling, out);
    }
    out.push(']');
}

fn write_object(members: &Map<String, Value>, spelling: Spelling, rng: &mut Rng, out: &mut String) {
    let mut members: Vec<_> = members.iter().collect();
    if spelling.shuffled {
        members.reverse();
        rng.shuffle(&mut members);
    }
    out.push('{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        out.push_str(if at > 0 { "," } else { "" });
        gap(spelling, out);
        write_string(name, spelling, out);
        gap(spelling, out);
        out.push(':');
        gap(spelling, out);
        write_value(value, spelling, rng, out);
        gap(spelling, out);
    }
    out.push('}');
}

fn gap(spelling: Spelling, out: &mut String) {
    if spelling.spaced {
        out.push_str(" \t\r\n");
    }
}

fn write_string(text: &str, spelling: Spelling, out: &mut String) {
    if !spelling.escape_all {
        out.push_str(&Value::from(text).to_string());
        return;
    }
    out.push('"');
    for unit in text.encode_utf16() {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
    out.push('"');
}

fn write_number(plain: &str, spelling: Spelling, out: &mut String) {
    let whole = plain
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    // A fraction or an exponent makes many readers turn the number into a double: only what a
    // double holds exactly stays the same number.
    let exact = whole && plain.trim_start_matches('-').len() <= 15;
    if exact && spelling.exponents {
        let digits = plain.trim_end_matches('0');
        match plain.len() - digits.len() {
            zeros if zeros > 0 && !digits.trim_start_matches('-').is_empty() => {
                let _ = write!(out, "{digits}e{zeros}");
            }
            _ => {
                let _ = write!(out, "{plain}E+0");
            }
        }
    } else if exact && spelling.fractions {
        let _ = write!(out, "{plain}.0");
    } else {
        out.push_str(plain);
    }
}
