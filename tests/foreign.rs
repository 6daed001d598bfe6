//! An agent written by someone else, in another language: certified by the same command.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Names the interpreter that `fixtures/agents/python/setup.sh` prints.
const PYTHON: &str = "ACP_TCK_PYTHON";

struct Agent {
    child: Child,
    url: String,
}

impl Agent {
    fn start(python: &str, folder: &Path) -> Self {
        let mut child = Command::new(python)
            .arg(folder.join("agent.py"))
            .args(["--port", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the agent starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the agent says where");
        Self {
            child,
            url: url.to_owned(),
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs Python 3.11: ACP_TCK_PYTHON=$(fixtures/agents/python/setup.sh) cargo test -- --ignored"]
fn the_fastapi_agent_gets_the_verdict_that_it_deserves() {
    let python = std::env::var(PYTHON).expect("ACP_TCK_PYTHON names an interpreter");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/python");
    let agent = Agent::start(&python, &folder);
    let output = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args([
            "check",
            &agent.url,
            "--strict",
            "--format",
            "json",
            "--expected-failures",
        ])
        .arg(folder.join("expected-failures.toml"))
        .output()
        .expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let broken: Vec<_> = report["results"]
        .as_array()
        .expect("results")
        .iter()
        .filter(|finding| {
            let status = finding["status"].as_str();
            !matches!(status, Some("pass" | "expected" | "skip"))
        })
        .map(|finding| (&finding["rule"], &finding["message"]))
        .collect();
    assert!(broken.is_empty(), "{broken:?}");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(report["summary"]["expected"], 1);
    for feature in report["features"].as_array().expect("features") {
        // It has `/health`, and no metrics; other features it has not at all.
        let is_whole =
            ["core", "errors", "streaming"].contains(&feature["name"].as_str().unwrap_or_default());
        assert_eq!(feature["certified"], is_whole, "{feature}");
    }
}

#[test]
#[ignore = "needs Python 3.11: ACP_TCK_PYTHON=$(fixtures/agents/python/setup.sh) cargo test -- --ignored"]
fn a_stranger_certifies_the_fastapi_agent_with_init_and_check_alone() {
    let python = std::env::var(PYTHON).expect("ACP_TCK_PYTHON names an interpreter");
    let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/python/agent.py");
    let launch = format!("'{python}' '{}' --port {{port}}", agent.display());
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("the program runs");
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
        told
    };
    run(&["init", "--launch", &launch]);
    let told = run(&["check"]);
    assert!(
        told.contains("CERTIFIED: core, errors, streaming"),
        "{told}"
    );
}

#[test]
#[ignore = "needs Python 3.11: ACP_TCK_PYTHON=$(fixtures/agents/python/setup.sh) cargo test -- --ignored"]
fn the_fastapi_agent_is_started_and_stopped_as_any_other() {
    let python = std::env::var(PYTHON).expect("ACP_TCK_PYTHON names an interpreter");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/python");
    let launch = format!("{python} {}/agent.py --port {{port}}", folder.display());
    let output = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args(["check", "--quick", "--format=json", "--launch", &launch])
        .arg("--expected-failures")
        .arg(folder.join("expected-failures.toml"))
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let results = report["results"].as_array().expect("results").iter();
    for finding in results {
        let rule = finding["rule"].as_str().unwrap_or_default();
        let status = finding["status"].as_str().unwrap_or_default();
        match rule {
            "lifecycle.env" | "lifecycle.ready" | "lifecycle.graceful-stop" => {
                assert_eq!(status, "pass", "{finding}");
            }
            // It registers with nobody, and says nothing of it.
            _ if rule.starts_with("orchestrator.") => assert_eq!(status, "skip", "{finding}"),
            _ => {}
        }
    }
}

/// A run of `acp-tck load` against the agent: its report.
fn loaded(agent: &Agent, arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
        .args(["load", &agent.url, "--format", "json", "--duration", "2s"])
        .args(arguments)
        .output()
        .expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {told}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
#[ignore = "needs Python 3.11: ACP_TCK_PYTHON=$(fixtures/agents/python/setup.sh) cargo test -- --ignored"]
fn the_fastapi_agent_stands_its_load_and_what_it_has_not_is_not_found() {
    let python = std::env::var(PYTHON).expect("ACP_TCK_PYTHON names an interpreter");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/python");
    let agent = Agent::start(&python, &folder);
    for arguments in [
        &["--users", "4", "--invalid-share", "20%"][..],
        &["--rate", "20/s", "--mix", "invoke=4,discover=1"],
    ] {
        let report = loaded(&agent, arguments);
        assert_eq!(report["requests"]["failed"], 0, "{}", report["requests"]);
        assert!(report["requests"]["ok"].as_u64() > Some(0));
        let invalid = &report["invalid"];
        assert_eq!(invalid["sent"], invalid["refused"], "{invalid}");
    }
    let stream = &loaded(&agent, &["--scenario", "stream", "--users", "20"])["stream"];
    assert!(stream["opened"].as_u64() >= Some(20), "{stream}");
    assert_eq!(stream["completed"], stream["opened"], "{stream}");
    assert_eq!(stream["broken"], 0);
    // It has no cache that marks its hits, and no limit.
    let cache = &loaded(&agent, &["--scenario", "cache"])["cache"];
    assert_eq!(cache["marker"], Value::Null);
    assert_eq!(cache["wrong_answers"], 0);
    let limit = &loaded(&agent, &["--scenario", "rate-limit"])["rate_limit"];
    assert_eq!(limit["algorithm"], "none", "{limit}");
}
