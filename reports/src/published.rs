//! The JSON Schema of the report, made from the model's types and published in `fixtures/`.
//! `ACP_TCK_BLESS=1 cargo test -p acp-reports` writes it anew.

use std::path::PathBuf;

use serde_json::Value;

use crate::{Report, sample};

fn place() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/reports/check.schema.json")
}

fn made() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("title".to_owned(), "The check report of acp-tck".into());
    schema.to_value()
}

/// Whether a document is a report by the published schema; else what is wrong with it.
fn faults(document: &Value) -> Vec<String> {
    let schema = std::fs::read_to_string(place()).expect("the schema is there");
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
    let errors = validator.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn the_published_schema_is_the_one_of_the_model() {
    let made = serde_json::to_string_pretty(&made()).expect("it is JSON") + "\n";
    if std::env::var_os("ACP_TCK_BLESS").is_some() {
        std::fs::write(place(), &made).expect("the file can be written");
    }
    let published = std::fs::read_to_string(place()).unwrap_or_default();
    assert!(
        published == made,
        "run with ACP_TCK_BLESS=1 to write it anew"
    );
}

#[test]
fn every_report_holds_to_the_published_schema() {
    for report in sample::all() {
        let document = serde_json::to_value(&report).expect("it is JSON");
        assert_eq!(faults(&document), Vec::<String>::new());
    }
}

#[test]
fn what_is_no_report_does_not() {
    let report = serde_json::to_value(sample::report()).expect("it is JSON");
    for (pointer, wrong) in [
        ("/format", Value::from("acp-tck/load")),
        ("/format_version", Value::from(2)),
        ("/verdict", Value::from("certified")),
        ("/results/0/status", Value::from("ok")),
        ("/results/0/checked", Value::from(-1)),
        ("/summary/pass", Value::from("4")),
    ] {
        let mut report = report.clone();
        *report.pointer_mut(pointer).expect("it is there") = wrong;
        assert_eq!(faults(&report).len(), 1, "{pointer}");
    }
}
