//! Schemas and documents that are meant to keep a reader busy.

use std::io;
use std::net::TcpStream;

use crate::program::check_all;
use crate::server::{Asked, Row, documents, json};

fn with(stream: &mut TcpStream, asked: &Asked, schema: &str) -> io::Result<()> {
    match documents(stream, asked, schema) {
        Some(done) => done,
        None => json(stream, "200 OK", r#"{"output": {}}"#),
    }
}

/// An object whose one property has this schema.
fn of(stream: &mut TcpStream, asked: &Asked, schema: &str) -> io::Result<()> {
    let schema =
        format!(r#"{{"type": "object", "properties": {{"a": {schema}}}, "required": ["a"]}}"#);
    with(stream, asked, &schema)
}

fn pattern(stream: &mut TcpStream, asked: &Asked, pattern: &str) -> io::Result<()> {
    let pattern = serde_json::Value::from(pattern);
    of(
        stream,
        asked,
        &format!(r#"{{"type": "string", "minLength": 30, "pattern": {pattern}}}"#),
    )
}

/// Each definition names the next twice.
fn doubling(keyword: &str) -> String {
    let names = (0..60).map(|n| {
        let next = format!(r##"{{"$ref": "#/$defs/d{}"}}"##, n + 1);
        format!(r#""d{n}": {{"{keyword}": [{next}, {next}]}}"#)
    });
    let names: Vec<String> = names.collect();
    format!(
        r##"{{"$ref": "#/$defs/d0", "$defs": {{{}, "d60": {{"type": "object"}}}}}}"##,
        names.join(", ")
    )
}

#[test]
fn schemas_that_unfold_without_end_come_to_one() {
    check_all(&[
        Row {
            name: "a schema that is itself",
            serve: |s, a| with(s, a, r##"{"$ref": "#"}"##),
            shows: &[],
        },
        Row {
            name: "a schema that needs itself",
            serve: |s, a| {
                with(
                    s,
                    a,
                    r##"{"type": "object", "properties": {"a": {"$ref": "#/input"}, "b": {"$ref": "#"}}, "required": ["a", "b"]}"##,
                )
            },
            shows: &[],
        },
        Row {
            name: "two to the sixtieth, of all",
            serve: |s, a| with(s, a, &doubling("allOf")),
            shows: &[("invoke.accepts-valid", "inconclusive", "unfold")],
        },
        Row {
            name: "two to the sixtieth, of any",
            serve: |s, a| with(s, a, &doubling("anyOf")),
            shows: &[],
        },
        Row {
            name: "two to the sixtieth, of one",
            serve: |s, a| with(s, a, &doubling("oneOf")),
            shows: &[],
        },
        Row {
            name: "a tree of itself, four ways",
            serve: |s, a| {
                with(
                    s,
                    a,
                    r##"{"type": "object", "properties": {"a": {"type": "array", "minItems": 4, "items": {"$ref": "#"}}},
                "anyOf": [{"properties": {"b": {"$ref": "#"}}}, {"properties": {"c": {"$ref": "#"}}}]}"##,
                )
            },
            shows: &[],
        },
        Row {
            name: "thirty thousand properties",
            serve: |s, a| {
                let all: Vec<String> = (0..30_000)
                    .map(|n| format!(r#""p{n}": {{"type": "string"}}"#))
                    .collect();
                with(
                    s,
                    a,
                    &format!(
                        r#"{{"type": "object", "properties": {{{}}}}}"#,
                        all.join(", ")
                    ),
                )
            },
            shows: &[],
        },
        Row {
            name: "three thousand required properties",
            serve: |s, a| {
                let names: Vec<String> = (0..3_000).map(|n| format!("\"p{n}\"")).collect();
                let all: Vec<String> = names
                    .iter()
                    .map(|n| {
                        format!(
                            r#"{n}: {{"type": "string", "minLength": 3, "pattern": "^[a-z]+$"}}"#
                        )
                    })
                    .collect();
                with(
                    s,
                    a,
                    &format!(
                        r#"{{"type": "object", "properties": {{{}}}, "required": [{}]}}"#,
                        all.join(", "),
                        names.join(", ")
                    ),
                )
            },
            shows: &[],
        },
    ]);
}

#[test]
fn patterns_that_backtrack_without_end_come_to_one() {
    check_all(&[
        Row {
            name: "plus in plus",
            serve: |s, a| pattern(s, a, "^(a+)+$"),
            shows: &[],
        },
        Row {
            name: "plus in plus, and a look",
            serve: |s, a| pattern(s, a, "^(?=(a+)+b)(a|a)*(\\1)+$"),
            shows: &[],
        },
        Row {
            name: "the same either way",
            serve: |s, a| pattern(s, a, "^(?!x)(a|a|aa)*(?<=c)b$"),
            shows: &[],
        },
        Row {
            name: "nothing, a thousand times a thousand times",
            serve: |s, a| {
                let mut nested = "(?!x)a?".to_owned();
                for _ in 0..4 {
                    nested = format!("(?:{nested}){{1000}}");
                }
                pattern(s, a, &nested)
            },
            shows: &[],
        },
        Row {
            name: "a thousand times a thousand letters",
            serve: |s, a| pattern(s, a, "^((((a{1000}){1000}){1000}){1000})$"),
            shows: &[],
        },
        Row {
            name: "brackets without end",
            serve: |s, a| pattern(s, a, &"(".repeat(50_000)),
            shows: &[],
        },
        Row {
            name: "looks, as many as are read",
            serve: |s, a| pattern(s, a, &"(?=a)".repeat(400)),
            shows: &[],
        },
        Row {
            name: "looks without end",
            serve: |s, a| pattern(s, a, &"(?=a)".repeat(20_000)),
            shows: &[(
                "invoke.accepts-valid",
                "inconclusive",
                "longer than can be worked with",
            )],
        },
    ]);
}

#[test]
fn numbers_beyond_all_bounds_and_documents_beyond_all_depth_are_read_or_refused() {
    check_all(&[
        Row {
            name: "a text of a milliard letters",
            serve: |s, a| of(s, a, r#"{"type": "string", "minLength": 1000000000}"#),
            shows: &[],
        },
        Row {
            name: "a milliard items",
            serve: |s, a| {
                of(
                    s,
                    a,
                    r#"{"type": "array", "minItems": 1000000000, "items": {"type": "array", "minItems": 1000}}"#,
                )
            },
            shows: &[],
        },
        Row {
            name: "lists of lists of lists",
            serve: |s, a| {
                of(
                    s,
                    a,
                    r#"{"type": "array", "minItems": 40, "items": {"type": "array", "minItems": 40, "items": {"type": "array", "minItems": 40}}}"#,
                )
            },
            shows: &[],
        },
        Row {
            name: "bounds beyond a double",
            serve: |s, a| {
                of(
                    s,
                    a,
                    r#"{"type": "number", "minimum": 1e999999, "maximum": -1e999999}"#,
                )
            },
            shows: &[],
        },
        Row {
            name: "bounds of 100,000 digits",
            serve: |s, a| {
                let digits = "9".repeat(100_000);
                of(
                    s,
                    a,
                    &format!(
                        r#"{{"type": "integer", "minimum": {digits}, "multipleOf": 0.{digits}}}"#
                    ),
                )
            },
            shows: &[],
        },
        Row {
            name: "steps of next to nothing",
            serve: |s, a| {
                of(
                    s,
                    a,
                    r#"{"type": "number", "minimum": 1, "maximum": 2, "multipleOf": 1e-300}"#,
                )
            },
            shows: &[],
        },
        Row {
            name: "numbers beyond a double in every answer",
            serve: |s, _| {
                json(
                    s,
                    "200 OK",
                    &format!(
                        "{{\"a\": 1e999999, \"b\": -{}, \"c\": 1e-999999}}",
                        "7".repeat(100_000)
                    ),
                )
            },
            shows: &[],
        },
        Row {
            name: "100,000 levels",
            serve: |s, _| json(s, "200 OK", &("[".repeat(100_000) + &"]".repeat(100_000))),
            // Valid by RFC 8259, which sets no bound; only our reader does.
            shows: &[("transport.json-is-valid", "inconclusive", "")],
        },
        Row {
            name: "100,000 levels and a number beyond a double",
            serve: |s, _| {
                json(
                    s,
                    "200 OK",
                    &("{\"a\":".repeat(100_000) + "1e999999" + &"}".repeat(100_000)),
                )
            },
            shows: &[],
        },
        Row {
            name: "a schema of 100 levels",
            serve: |s, a| {
                with(
                    s,
                    a,
                    &(r#"{"type": "object", "properties": {"a": "#.repeat(60)
                        + "true"
                        + &"}}".repeat(60)),
                )
            },
            shows: &[],
        },
    ]);
}
