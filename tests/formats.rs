//! The formats of the report, as a user asks for them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args(arguments)
        .output()
        .expect("the program runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("it was written")
}

/// How each format's text begins, by the name of a file that asks for it.
const FILES: [(&str, &str); 9] = [
    ("a.txt", "acp-tck "),
    ("a.json", "{\n  \"format\": \"acp-tck/check\""),
    ("a.xml", "<?xml "),
    (
        "a.sarif",
        "{\n  \"$schema\": \"https://docs.oasis-open.org/sarif/",
    ),
    (
        "b.sarif.json",
        "{\n  \"$schema\": \"https://docs.oasis-open.org/sarif/",
    ),
    ("a.md", "## ACP: "),
    ("a.html", "<!DOCTYPE html>"),
    ("a.tap", "TAP version 14\n"),
    ("a.svg", "<svg "),
];

#[test]
fn the_name_of_each_file_tells_its_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = FILES.map(|(name, _)| folder.path().join(name).display().to_string());
    let mut arguments = vec!["check", "--only", "auth"];
    for path in &paths {
        arguments.extend(["--output", path]);
    }
    let output = run(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(output.stdout.is_empty());
    for (name, beginning) in FILES {
        let text = read(folder.path(), name);
        assert!(text.starts_with(beginning), "{name}: {text:.80}");
    }
}

#[test]
fn a_report_is_the_same_when_it_is_rendered_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (json, at_once, later) = (at("a.json"), at("a.html"), at("b.html"));
    let output = run(&[
        "check", "--only", "auth", "--output", &json, "--output", &at_once,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let output = run(&["report", "render", &json, "--output", &later]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert_eq!(read(folder.path(), "a.html"), read(folder.path(), "b.html"));
}

#[test]
fn two_runs_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (before, after) = (at("a.json"), at("b.json"));
    let output = run(&["check", "--only", "auth", "--output", &before]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let mut report: Value = serde_json::from_str(&read(folder.path(), "a.json")).expect("JSON");
    report["results"][0]["status"] = "fail".into();
    std::fs::write(&after, report.to_string()).expect("a file");

    let output = run(&["report", "diff", &before, &after]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Broke (1)"), "{text}");
    let output = run(&["report", "diff", &after, &before, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["differences"][0]["change"], "mended");
}

#[test]
fn what_is_no_report_is_not_rendered() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x.json").display().to_string();
    for (text, word) in [
        ("{", "not JSON"),
        (
            "{\"format\": \"acp-tck/diff\", \"format_version\": 1}",
            "not a report",
        ),
        (
            "{\"format\": \"acp-tck/check\", \"format_version\": 2}",
            "not a report",
        ),
        (
            "{\"format\": \"acp-tck/check\", \"format_version\": 1}",
            "missing field",
        ),
        (
            "{\"format\": \"acp-tck/load\", \"format_version\": 1}",
            "missing field",
        ),
    ] {
        std::fs::write(&file, text).expect("a file");
        let output = run(&["report", "render", &file]);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(word) && told.contains("x.json"), "{told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    }
}

#[test]
fn a_written_report_holds_to_the_published_schema() {
    let schema = include_str!("../fixtures/reports/check.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("the schema is one");
    for arguments in [
        &["check", "--quick", "--format", "json"][..],
        &[
            "check",
            "--format",
            "json",
            "--strict",
            "--only",
            "sse",
            "--claim",
            "streaming",
        ],
        &["check", "http://127.0.0.1:9", "--format", "json"],
    ] {
        let output = run(arguments);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let faults = validator.iter_errors(&report);
        let faults: Vec<String> = faults.map(|fault| fault.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new(), "{arguments:?}");
    }
}
