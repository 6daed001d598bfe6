//! What a schema itself is checked for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::time::Duration;

use acp_conformance::cases::Generator;
use acp_conformance::deadline::Deadline;
use acp_conformance::schema::{
    Schema, annotations_that_disagree, external_refs, format_violations, metaschema_violations,
};
use serde_json::{Value, json};

#[test]
fn the_dialect_is_what_the_document_says() {
    let draft4 = "http://json-schema.org/draft-04/schema#";
    let tuple = |dialect: &str| json!({"$schema": dialect, "items": [{"type": "string"}]});
    assert!(
        !Schema::compile(&tuple(draft4))
            .unwrap()
            .is_valid(&json!([1]))
    );
    let open = json!({"$schema": draft4, "minimum": 1, "exclusiveMinimum": true});
    assert!(!Schema::compile(&open).unwrap().is_valid(&json!(1)));
    let error = Schema::compile(&json!({"$schema": "https://example.com/own"})).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/$schema"));
}

#[test]
fn a_document_that_is_no_schema_is_refused_with_its_place() {
    let error = Schema::compile(&json!({"properties": {"a": {"type": "strin"}}})).unwrap_err();
    assert_eq!(
        error.pointer.as_deref(),
        Some("/properties/a/type"),
        "{error}"
    );
    assert!(Schema::compile(&json!({"pattern": "("})).is_err());
    assert!(Schema::compile(&json!([])).is_err());
    assert!(Schema::compile(&json!({"$ref": "#/$defs/none"})).is_err());
}

#[test]
fn the_metaschema_is_asked_by_dialect() {
    let open = json!({"exclusiveMinimum": true});
    assert_eq!(metaschema_violations(&open).len(), 1);
    let mut draft4 = json!({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1});
    draft4["exclusiveMinimum"] = json!(true);
    assert_eq!(metaschema_violations(&draft4), []);
    assert_eq!(
        metaschema_violations(&json!({"$schema": "urn:x"}))[0].keyword,
        "$schema"
    );
}

#[test]
fn references_that_leave_the_document_are_found_and_never_followed() {
    let document = json!({
        "$id": "https://example.com/a",
        "properties": {
            "own": {"$ref": "https://example.com/a#/$defs/x"},
            "near": {"$ref": "b.json"},
            "file": {"$ref": "file:///etc/passwd"},
            "again": {"$ref": "b.json"},
            "$ref": {"type": "string"},
            "sample": {"const": {"$ref": "http://not.a/ref"}}
        },
        "$defs": {"x": true}
    });
    assert_eq!(external_refs(&document), ["b.json", "file:///etc/passwd"]);
    let error = Schema::compile(&document).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/properties/near/$ref"));
}

#[test]
fn formats_are_annotations_until_they_are_asked_for() {
    for dialect in [
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let schema = Schema::compile(&json!({
            "$schema": dialect,
            "properties": {
                "at": {"type": "string", "format": "date-time"},
                "maybe": {"anyOf": [{"type": "string", "format": "email"}, {"type": "null"}]}
            }
        }))
        .unwrap();
        let wrong = json!({"at": "tomorrow", "maybe": "nobody"});
        assert!(schema.is_valid(&wrong));
        let found = format_violations(&schema, &wrong);
        let places: Vec<&str> = found
            .iter()
            .map(|found| found.instance_path.as_str())
            .collect();
        assert_eq!(places, ["/at", "/maybe"]);
        let right = json!({"at": "2024-02-29T12:00:00Z", "maybe": "a@example.com"});
        assert_eq!(format_violations(&schema, &right), []);
    }
}

#[test]
fn defaults_and_examples_are_held_against_their_own_subschema() {
    let found = annotations_that_disagree(&json!({
        "properties": {
            "fine": {"type": "integer", "default": 3, "examples": [1, 2]},
            "wrong": {"type": "integer", "default": "3"},
            "referred": {"$ref": "#/$defs/word", "examples": ["ab", 7]},
            "default": {"type": "string"}
        },
        "$defs": {"word": {"type": "string", "minLength": 2, "default": ""}}
    }));
    let places: Vec<&str> = found
        .iter()
        .map(|found| found.instance_path.as_str())
        .collect();
    let wrong = [
        "/properties/wrong/default",
        "/properties/referred/examples/1",
        "/$defs/word/default",
    ];
    assert_eq!(places, wrong);
}

#[test]
fn a_message_is_one_line_of_bounded_length() {
    let schema = Schema::compile(&json!({"type": "integer"})).unwrap();
    let huge = Value::from("x\n".repeat(100_000));
    let errors = schema.errors(&huge);
    assert!(errors[0].message.len() < 400 && !errors[0].message.contains('\n'));
}

#[test]
fn a_deeply_nested_document_is_refused_and_not_walked() {
    let deep = (0..5_000).fold(json!(true), |inner, _| {
        Value::Object([("not".to_owned(), inner)].into_iter().collect())
    });
    assert!(Schema::compile(&deep).is_err());
    assert_eq!(external_refs(&deep), [] as [String; 0]);
    // Dropping it would recurse just as deeply: not ours to mend.
    std::mem::forget(deep);
}

#[test]
fn keywords_are_named_as_they_are_written() {
    let keyword = |document: Value, instance: Value| {
        Schema::compile(&document).unwrap().errors(&instance)[0]
            .keyword
            .clone()
    };
    let lone = json!({"dependentRequired": {"a": ["b"]}});
    assert_eq!(keyword(lone, json!({"a": 1})), "dependentRequired");
    assert_eq!(
        keyword(json!({"properties": {"a": false}}), json!({"a": 1})),
        "properties"
    );
    assert_eq!(keyword(json!({"items": false}), json!([1])), "items");
    assert_eq!(keyword(json!(false), json!(1)), "false");
    assert_eq!(keyword(json!({"required": ["a"]}), json!({})), "required");
}

#[test]
fn no_case_is_made_when_the_time_is_up() {
    let document = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let schema = Schema::compile(&document).unwrap();
    let over = Deadline::within(Duration::ZERO);
    let generator = || Generator::new(&schema, 0).until(&over);
    let told = generator().valid(5).unwrap_err().to_string();
    assert!(told.contains("longer than there is time"), "{told}");
    let (cases, unmade) = generator().invalid(5);
    assert!(cases.is_empty() && unmade.is_empty());
    let hour = Deadline::within(Duration::from_secs(3600));
    let in_time = Generator::new(&schema, 0).until(&hour).valid(5);
    assert_eq!(in_time, Generator::new(&schema, 0).valid(5));
}
