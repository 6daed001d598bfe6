//! The case generator, on a corpus of schemas as people and libraries write them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::{collections::BTreeSet, fs, path::Path};

use acp_conformance::{
    cases::{Case, Class, Generator, Unmade, classify, shrink},
    schema::{Schema, format_violations},
};
use serde_json::{Value, json};

/// Keywords that their own schema lets nobody break alone: what breaks them breaks another
/// (`minItems: 2` under a `contains` that needs a third item), or nothing does (`multipleOf: 1`
/// of an integer).
const ENTANGLED: [(&str, &str, &str); 4] = [
    ("array-zoo", "minItems", ""),
    ("draft4-bounds", "dependencies", ""),
    ("mutual-exclusion", "minProperties", ""),
    (
        "weather-config",
        "multipleOf",
        "/properties/max_recommendations",
    ),
];

fn corpus() -> Vec<(String, Schema)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases_corpus");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let document: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        found.push((name, Schema::compile(&document).unwrap()));
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    found
}

fn schema(document: Value) -> Schema {
    Schema::compile(&document).unwrap()
}

fn valid(schema: &Schema, n: usize) -> Vec<Case> {
    Generator::new(schema, 1).valid(n).unwrap()
}

fn invalid(schema: &Schema, n: usize) -> Vec<Case> {
    Generator::new(schema, 1).invalid(n).0
}

#[test]
fn each_valid_case_of_the_corpus_is_valid_and_holds_its_formats() {
    for (name, schema) in corpus() {
        let cases = valid(&schema, 80);
        assert!(cases.len() >= 15, "{name}: only {}", cases.len());
        for case in cases {
            let value: Value = serde_json::from_str(&case.text).unwrap();
            assert!(
                schema.is_valid(&value),
                "{name}: {}: {}",
                case.name,
                case.text
            );
            assert_eq!(
                format_violations(&schema, &value),
                [],
                "{name}: {}",
                case.name
            );
            assert_eq!((value, Class::Valid), (case.value, case.class), "{name}");
        }
    }
}

#[test]
fn each_invalid_case_of_the_corpus_is_refused_by_the_keyword_it_names() {
    for (name, schema) in corpus() {
        for case in invalid(&schema, 80) {
            let value: Value = serde_json::from_str(&case.text).unwrap();
            let Class::Invalid {
                keyword,
                instance_path,
                ..
            } = &case.class
            else {
                panic!("{name}: {} is called valid", case.name);
            };
            let errors = schema.errors(&value);
            let named = |error: &acp_conformance::schema::Violation| {
                error.keyword == *keyword && error.instance_path == *instance_path
            };
            assert!(
                errors.iter().any(named),
                "{name}: {}: {errors:?}",
                case.name
            );
        }
    }
}

#[test]
fn each_keyword_of_the_corpus_is_broken_by_some_case() {
    for (name, schema) in corpus() {
        let (_, unmade) = Generator::new(&schema, 1).invalid(20);
        let excused =
            |unmade: &&Unmade| !ENTANGLED.contains(&(&name, &unmade.keyword, &unmade.schema_path));
        let left: Vec<&Unmade> = unmade.iter().filter(excused).collect();
        assert!(left.is_empty(), "{name}: {left:#?}");
    }
}

#[test]
fn no_text_comes_twice() {
    for (name, schema) in corpus() {
        let all = [valid(&schema, 150), invalid(&schema, 150)].concat();
        let texts: BTreeSet<&String> = all.iter().map(|case| &case.text).collect();
        assert_eq!(texts.len(), all.len(), "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_cases_and_another_seed_others() {
    for (name, schema) in corpus() {
        let with = |seed| {
            let mut generator = Generator::new(&schema, seed);
            (generator.valid(120).unwrap(), generator.invalid(120))
        };
        assert!(with(7) == with(7), "{name}");
        assert!(with(7) != with(8), "{name}");
    }
}

#[test]
fn a_short_list_is_the_beginning_of_a_long_one() {
    for (name, schema) in corpus() {
        let (short, long) = (valid(&schema, 12), valid(&schema, 60));
        assert!(long.starts_with(&short), "{name}: valid");
        let (short, long) = (invalid(&schema, 12), invalid(&schema, 60));
        assert!(long.starts_with(&short), "{name}: invalid");
    }
}

#[test]
fn shrinking_ends_and_keeps_the_class() {
    for (name, schema) in corpus() {
        for case in [valid(&schema, 3), invalid(&schema, 3)].concat() {
            let mut smallest = case.clone();
            let mut rounds = 0;
            // Everything still fails: the longest way there is.
            while let Some(next) = shrink(&smallest, &schema).next() {
                assert!(
                    next.class.agrees_with(&case.class),
                    "{name}: {} → {}",
                    case.text,
                    next.text
                );
                rounds += 1;
                assert!(rounds < 2_000, "{name}: {} shrinks for ever", case.text);
                smallest = next;
            }
            assert!(
                smallest.text.chars().count() <= case.text.chars().count(),
                "{name}"
            );
        }
    }
}

#[test]
fn a_failure_shrinks_to_what_makes_it() {
    let schema = schema(json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
        "required": ["city"]
    }));
    let text = r#"{"city":"Amsterdam","days":-77,"more":[1,2,{"a":"b"}]}"#;
    let (value, class) = classify(&schema, text).unwrap();
    let mut case = Case {
        name: "the whole: x".to_owned(),
        text: text.to_owned(),
        value,
        class,
    };
    let fails = |case: &Case| case.value["days"].as_i64().is_some_and(|days| days < 0);
    while let Some(next) = shrink(&case, &schema).find(fails) {
        case = next;
    }
    assert_eq!(case.text, r#"{"city":"","days":-1}"#);
}

#[test]
fn lengths_are_tried_on_both_sides_in_code_points() {
    let schema = schema(json!({"type": "string", "minLength": 3, "maxLength": 5}));
    let valid: Vec<String> = valid(&schema, 20)
        .into_iter()
        .map(|case| case.text)
        .collect();
    let invalid: Vec<String> = invalid(&schema, 20)
        .into_iter()
        .map(|case| case.text)
        .collect();
    for letter in ["a", "😀"] {
        let of = |length| match letter {
            "a" => json!("abcdefghij"[..length]).to_string(),
            _ => json!(letter.repeat(length)).to_string(),
        };
        assert!(
            valid.contains(&of(3)) && valid.contains(&of(5)),
            "{valid:#?}"
        );
        assert!(
            invalid.contains(&of(2)) && invalid.contains(&of(6)),
            "{invalid:#?}"
        );
    }
}

#[test]
fn bounds_are_tried_on_both_sides() {
    let integer = schema(json!({"type": "integer", "minimum": -3, "exclusiveMaximum": 12}));
    let texts = |cases: Vec<Case>| cases.into_iter().map(|case| case.text).collect::<Vec<_>>();
    let (inside, outside) = (texts(valid(&integer, 20)), texts(invalid(&integer, 20)));
    assert!(
        ["-3", "11"]
            .iter()
            .all(|edge| inside.contains(&(*edge).to_owned())),
        "{inside:?}"
    );
    assert!(
        ["-4", "12"]
            .iter()
            .all(|edge| outside.contains(&(*edge).to_owned())),
        "{outside:?}"
    );
    assert!(
        ["true", "null", "1.5"]
            .iter()
            .all(|odd| outside.contains(&(*odd).to_owned()))
    );
    let draft4 = schema(json!({
        "$schema": "http://json-schema.org/draft-04/schema#",
        "type": "number", "minimum": 0, "exclusiveMinimum": true
    }));
    assert!(texts(invalid(&draft4, 20)).contains(&"0".to_owned()));
}

#[test]
fn every_corner_of_unicode_and_of_numbers_is_visited() {
    let string = valid(&schema(json!({"type": "string"})), 60);
    for wanted in [
        '\0', '\u{1f}', '😀', '\u{2028}', '\u{202e}', 'ש', '\u{301}', '\u{ffff}',
    ] {
        let has = |case: &Case| {
            case.value
                .as_str()
                .is_some_and(|text| text.contains(wanted))
        };
        assert!(string.iter().any(has), "{wanted:?}");
    }
    let number = valid(&schema(json!({"type": "number"})), 80);
    for wanted in [
        "5e-324",
        "1e308",
        "-0.0",
        "9007199254740993",
        "18446744073709551615",
    ] {
        let is = |case: &Case| case.text.replace('+', "") == wanted;
        assert!(number.iter().any(is), "{wanted}");
    }
}

#[test]
fn some_valid_cases_are_spelt_in_another_way() {
    let schema = schema(json!({
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 0}, "s": {"type": "string"}},
        "required": ["n", "s"]
    }));
    let texts: Vec<String> = valid(&schema, 30)
        .into_iter()
        .map(|case| case.text)
        .collect();
    for spelling in ["\\u006e", " \t\r\n", ".0", "e2"] {
        assert!(
            texts.iter().any(|text| text.contains(spelling)),
            "{spelling:?} in {texts:#?}"
        );
    }
    assert!(
        texts
            .iter()
            .any(|text| text.find("\"s\"") < text.find("\"n\""))
    );
}

#[test]
fn twenty_cases_have_the_edges_of_each_property_and_each_keyword_once() {
    let schema = schema(json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1, "maxLength": 9},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "mode": {"enum": ["car", "bike"]}
        },
        "required": ["city"],
        "additionalProperties": false
    }));
    let places: BTreeSet<String> = valid(&schema, 20)
        .into_iter()
        .filter_map(|case| Some(case.name.split_once(':')?.0.to_owned()))
        .collect();
    assert!(
        ["city", "days", "mode", "the whole"]
            .iter()
            .all(|place| places.contains(*place))
    );
    let broken: BTreeSet<String> = invalid(&schema, 20)
        .into_iter()
        .filter_map(|case| match case.class {
            Class::Invalid { keyword, .. } => Some(keyword),
            Class::Valid => None,
        })
        .collect();
    let all = [
        "additionalProperties",
        "enum",
        "maxLength",
        "maximum",
        "minLength",
        "minimum",
        "required",
        "type",
    ];
    assert_eq!(broken.iter().map(String::as_str).collect::<Vec<_>>(), all);
}

#[test]
fn a_schema_that_refuses_nothing_says_so() {
    for document in [json!(true), json!({}), json!({"title": "anything"})] {
        let schema = schema(document);
        let (cases, unmade) = Generator::new(&schema, 1).invalid(10);
        assert!(cases.is_empty());
        assert!(
            unmade[0].keyword.is_empty() && unmade[0].reason.contains("refuses"),
            "{unmade:?}"
        );
        assert!(!valid(&schema, 10).is_empty());
    }
}

#[test]
fn a_schema_that_admits_nothing_is_reported() {
    let endless = json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object",
        "properties": {"a": {"$ref": "#/$defs/a"}}, "required": ["a"]}}});
    for document in [
        json!(false),
        json!({"not": {}}),
        json!({"type": "integer", "minimum": 5, "maximum": 4}),
        json!({"type": "string", "minLength": 5, "maxLength": 4}),
        json!({"enum": [1, 2], "type": "string"}),
        json!({"type": "object", "required": ["a"], "properties": {"a": false}}),
        endless,
    ] {
        let schema = schema(document);
        let error = Generator::new(&schema, 1).valid(5).unwrap_err();
        assert!(!error.reason.is_empty(), "{schema:?}");
    }
}

#[test]
fn what_is_too_large_to_make_is_reported_as_that() {
    for (keyword, kind) in [
        ("minLength", "string"),
        ("minItems", "array"),
        ("minProperties", "object"),
    ] {
        let schema = schema(json!({"type": kind, keyword: 1_000_000_000}));
        let error = Generator::new(&schema, 1).valid(5).unwrap_err();
        assert!(error.reason.contains("too large to make"), "{error}");
    }
}

#[test]
fn a_small_space_gives_fewer_cases_than_asked_for() {
    let schema = schema(json!({"enum": ["a", "b", 3]}));
    // Each value in each of its spellings, and no more.
    let cases = valid(&schema, 100);
    assert!((3..12).contains(&cases.len()), "{cases:#?}");
}

#[test]
fn hostile_schemas_come_to_an_end() {
    let mut doubling = json!({"type": "object"});
    for level in 0..40 {
        let next = format!("#/$defs/d{}", level + 1);
        doubling["$defs"][format!("d{level}")] = json!({"allOf": [{"$ref": next}, {"$ref": next}], "anyOf": [{"$ref": next}, {"$ref": next}]});
    }
    doubling["$defs"]["d40"] = json!({"minProperties": 1});
    doubling["$ref"] = json!("#/$defs/d0");
    let mut deep = json!({"type": "string", "maxLength": 3});
    for _ in 0..58 {
        deep = json!({"type": "object", "properties": {"a": deep}, "required": ["a"]});
    }
    let wide: serde_json::Map<String, Value> = (0..400)
        .map(|at| (format!("p{at}"), json!({"type": "string", "maxLength": at})))
        .collect();
    for document in [
        doubling,
        deep,
        json!({"type": "object", "properties": wide}),
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        json!({"type": "string", "pattern": "^(a+)+$", "minLength": 30}),
        json!({"type": "string", "pattern": "^(?=(a+)+b)(a|a)*c$"}),
        json!({"type": "string", "pattern": "^(x{1,900}){1,9}$"}),
        json!({"anyOf": (0..300).map(|n| json!({"const": n})).collect::<Vec<_>>()}),
        json!({"type": "array", "items": {"$ref": "#"}, "minItems": 1}),
        json!({"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}}}),
        json!({"type": "number", "multipleOf": 1e-300, "minimum": -1e308, "maximum": 1e308}),
        json!({"type": "integer", "minimum": 1e300}),
        json!({"type": "integer", "multipleOf": 1e308}),
        json!({"type": "number", "minimum": 1e300, "multipleOf": 2}),
        json!({"type": "number", "maximum": -1e300, "multipleOf": 2}),
        json!({"enum": [1e300, -1e300]}),
        json!({"const": 1e300}),
    ] {
        let Ok(schema) = Schema::compile(&document) else {
            continue;
        };
        let mut generator = Generator::new(&schema, 1);
        let _ = generator.valid(20);
        let _ = generator.invalid(20);
    }
}

#[test]
fn nothing_that_is_handed_out_is_larger_than_64_kib() {
    let schema = schema(json!({"type": "object", "properties": {
        "text": {"type": "string", "maxLength": 15_000},
        "list": {"type": "array", "items": {"type": "integer"}, "maxItems": 900}}}));
    let all = [valid(&schema, 100), invalid(&schema, 100)].concat();
    assert!(all.iter().all(|case| case.text.len() <= 64 << 10));
}
