//! The descriptor and the manifest, from the command line: bad files, and documents that do not agree.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const DESCRIPTOR: &str = include_str!("../fixtures/descriptor/acp-descriptor.json");
const MANIFEST: &str = include_str!("../fixtures/descriptor/agent-manifest.yaml");

/// Checks the built-in agent by these documents.
fn check(more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args(["check", "--only", "descriptor", "--format", "json"])
        .args(more)
        .output()
        .expect("the program runs")
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file");
    path
}

/// The rules that fail, with what they say.
fn failures(output: &Output) -> Vec<(String, String)> {
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = report["results"].as_array().expect("results");
    let failing = results.iter().filter(|finding| finding["status"] == "fail");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    failing
        .map(|finding| (text(&finding["rule"]), text(&finding["message"])))
        .collect()
}

#[test]
fn a_file_that_cannot_be_read_is_the_users_and_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    for (flag, text) in [
        ("--descriptor", "{\"version\": \"1.0.0\",\n \"auth\": }"),
        ("--descriptor", "{\"version\": 1,\n \"version\": 2}"),
        ("--descriptor", ""),
        ("--manifest", "kind: AgentManifest\nspec: [\nmetadata: x\n"),
        ("--manifest", "kind: a\nkind: b\n"),
    ] {
        let path = file(folder.path(), "document", text);
        let path = path.to_str().expect("UTF-8");
        let output = check(&[flag, path]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}: {told}");
        assert_eq!(told.trim().lines().count(), 1, "{told}");
        for part in [path, "line ", "column "] {
            assert!(told.contains(part), "{told}");
        }
    }
    let output = check(&["--descriptor", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_document_that_contradicts_the_agent_is_a_finding() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut descriptor: Value = serde_json::from_str(DESCRIPTOR).expect("JSON");
    // What the demonstration has switched off.
    descriptor["rate_limit"] = Value::Null;
    let told = |descriptor: &Value, manifest: &str| {
        let descriptor = file(
            folder.path(),
            "acp-descriptor.json",
            &descriptor.to_string(),
        );
        let manifest = file(folder.path(), "agent-manifest.yaml", manifest);
        let [descriptor, manifest] = [&descriptor, &manifest].map(|it| it.to_str().expect("UTF-8"));
        check(&["--descriptor", descriptor, "--manifest", manifest])
    };
    let true_ones = told(&descriptor, MANIFEST);
    assert_eq!(failures(&true_ones), Vec::new());
    assert_eq!(true_ones.status.code(), Some(0));

    descriptor["version"] = json!("0.0.9");
    let output = told(
        &descriptor,
        &MANIFEST.replace("live: /health", "live: /healthz"),
    );
    let rules: Vec<String> = failures(&output)
        .into_iter()
        .map(|(rule, _)| rule)
        .collect();
    assert_eq!(rules, ["descriptor.true", "manifest.true"]);
    assert_eq!(output.status.code(), Some(1));

    descriptor["version"] = json!(9);
    let output = told(
        &descriptor,
        &MANIFEST.replace("kind: AgentManifest", "kind: Agent"),
    );
    let failures = failures(&output);
    let rules: Vec<&str> = failures.iter().map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(rules, ["descriptor.valid", "manifest.valid"]);
    assert!(failures[0].1.contains("at /version"), "{failures:?}");
}
