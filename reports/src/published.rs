//! The JSON Schemas of the reports, made from the models' types and published in `fixtures/`.
//! `ACP_TCK_BLESS=1 cargo test -p acp-reports` writes them anew.

use std::path::PathBuf;

use serde_json::Value;

use crate::{LoadReport, Report, load, sample};

/// A schema that is published: its file, what it is of, and the schema as the model has it.
struct Published {
    file: &'static str,
    title: &'static str,
    schema: schemars::Schema,
}

fn check() -> Published {
    Published {
        file: "check.schema.json",
        title: "The check report of acp-tck",
        schema: generator().into_root_schema_for::<Report>(),
    }
}

fn of_load() -> Published {
    Published {
        file: "load.schema.json",
        title: "The load report of acp-tck",
        schema: generator().into_root_schema_for::<LoadReport>(),
    }
}

fn generator() -> schemars::SchemaGenerator {
    schemars::generate::SchemaSettings::draft2020_12().into_generator()
}

impl Published {
    fn place(&self) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fixtures/reports");
        folder.join(self.file)
    }

    fn made(&self) -> Value {
        let mut schema = self.schema.clone();
        schema.insert("title".to_owned(), self.title.into());
        schema.to_value()
    }

    /// What is wrong with a document, by the schema as it is published.
    fn faults(&self, document: &Value) -> Vec<String> {
        let schema = std::fs::read_to_string(self.place()).expect("the schema is there");
        let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
        let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
        let errors = validator.iter_errors(document);
        errors
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }
}

#[test]
fn the_published_schemas_are_those_of_the_models() {
    for published in [check(), of_load()] {
        let made = serde_json::to_string_pretty(&published.made()).expect("it is JSON") + "\n";
        if std::env::var_os("ACP_TCK_BLESS").is_some() {
            std::fs::write(published.place(), &made).expect("the file can be written");
        }
        let there = std::fs::read_to_string(published.place()).unwrap_or_default();
        assert!(
            there == made,
            "{}: run with ACP_TCK_BLESS=1 to write it anew",
            published.file
        );
    }
}

#[test]
fn every_report_holds_to_the_published_schema() {
    for report in sample::all() {
        let document = serde_json::to_value(&report).expect("it is JSON");
        assert_eq!(check().faults(&document), Vec::<String>::new());
    }
    for report in load::sample::all() {
        let document = serde_json::to_value(&report).expect("it is JSON");
        assert_eq!(of_load().faults(&document), Vec::<String>::new());
    }
}

#[test]
fn what_is_no_load_report_does_not() {
    let report = serde_json::to_value(load::sample::cache()).expect("it is JSON");
    for (pointer, wrong) in [
        ("/format", Value::from("acp-tck/check")),
        ("/model", Value::from("half-open")),
        ("/requests/total", Value::from(-1)),
        ("/latency_ms/p99", Value::from("8")),
        ("/thresholds/0/holds", Value::from("yes")),
        ("/slices/0/at_s", Value::Null),
        ("/baseline/metrics/0/interval", serde_json::json!([1.0])),
    ] {
        let mut report = report.clone();
        *report.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(!of_load().faults(&report).is_empty(), "{pointer}");
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
        assert_eq!(check().faults(&report).len(), 1, "{pointer}");
    }
}
