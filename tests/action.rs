//! `action.yml`: its own steps are run here as GitHub would run them, and no input of it comes near a shell.

#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const ACTION: &str = include_str!("../action.yml");

fn action() -> Value {
    serde_saphyr::from_str(ACTION).expect("YAML")
}

fn steps(action: &Value) -> &Vec<Value> {
    action["runs"]["steps"].as_array().expect("steps")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[test]
fn what_is_handed_over_reaches_no_shell_but_as_a_variable() {
    let action = action();
    let mut handed = Vec::new();
    for step in steps(&action) {
        assert!(!text(step, "run").contains("${{"), "{step}");
        assert_eq!(
            step.get("run").is_some(),
            step.get("shell").is_some(),
            "{step}"
        );
        handed.push(step.to_string());
    }
    let handed = handed.concat();
    let inputs = action["inputs"].as_object().expect("inputs");
    for name in inputs.keys() {
        let is_used = [format!("inputs.{name} "), format!("inputs.{name}'")];
        assert!(
            is_used.iter().any(|used| handed.contains(used)),
            "{name} is not used"
        );
    }
}

#[test]
fn the_page_names_each_input_and_output() {
    let page = include_str!("../docs/ci.md");
    let action = action();
    for part in ["inputs", "outputs"] {
        for name in action[part].as_object().expect(part).keys() {
            assert!(
                page.contains(&format!("`{name}`")),
                "docs/ci.md does not tell of {name}"
            );
        }
    }
}

/// A job of GitHub's, as far as the action sees it.
struct Job {
    folder: tempfile::TempDir,
    inputs: BTreeMap<String, String>,
    /// What steps have put out, as `id.name`.
    outputs: BTreeMap<String, String>,
}

impl Job {
    /// With the inputs that are given, and the defaults of the others.
    fn new(given: &[(&str, &str)]) -> Self {
        let action = action();
        let inputs = action["inputs"].as_object().expect("inputs");
        let mut inputs: BTreeMap<String, String> = inputs
            .iter()
            .map(|(name, input)| (name.clone(), text(input, "default").to_owned()))
            .collect();
        let program = env!("CARGO_BIN_EXE_acp-tck");
        for (name, value) in given.iter().chain(&[("program", program)]) {
            let known = inputs.insert((*name).to_owned(), (*value).to_owned());
            assert!(known.is_some(), "{name} is no input");
        }
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            inputs,
            outputs: BTreeMap::new(),
        }
    }

    /// Runs one of the action's own steps.
    fn run(&mut self, name: &str) -> Output {
        let action = action();
        let mut all = steps(&action).iter();
        let step = all.find(|step| step["name"] == name).expect(name);
        let put_out = self.folder.path().join("output");
        std::fs::write(&put_out, "").expect("a file");
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ACP_") {
                shell.env_remove(name);
            }
        }
        let told = step.get("env").and_then(Value::as_object);
        for (name, value) in told.into_iter().flatten() {
            shell.env(name, self.evaluated(value.as_str().expect("a text")));
        }
        // As GitHub starts it.
        let done = shell
            .args([
                "--noprofile",
                "--norc",
                "-eo",
                "pipefail",
                "-c",
                text(step, "run"),
            ])
            .env("GITHUB_OUTPUT", &put_out)
            .env("GITHUB_STEP_SUMMARY", self.folder.path().join("summary"))
            .env("RUNNER_TEMP", self.folder.path().join("a folder"))
            .current_dir(self.folder.path())
            .output()
            .expect("bash");
        for line in std::fs::read_to_string(put_out).expect("outputs").lines() {
            let (key, value) = line.split_once('=').expect("an output");
            self.outputs
                .insert(format!("{}.{key}", text(step, "id")), value.to_owned());
        }
        done
    }

    /// An expression that is nothing but a name, as those of `env` are.
    fn evaluated(&self, text: &str) -> String {
        let name = text
            .strip_prefix("${{ ")
            .and_then(|rest| rest.strip_suffix(" }}"));
        let name = name.expect("one expression");
        let step = name
            .strip_prefix("steps.")
            .map(|name| name.replace(".outputs.", "."));
        match (name.strip_prefix("inputs."), step) {
            (Some(input), _) => self.inputs[input].clone(),
            (_, Some(output)) => self.outputs.get(&output).cloned().unwrap_or_default(),
            _ => env!("CARGO_MANIFEST_DIR").to_owned(),
        }
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(Path::new(&self.outputs["prepare.reports"]).join(name)).expect(name)
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_job_ends_as_the_check_does_with_reports_and_a_summary() {
    let own = env!("CARGO_BIN_EXE_acp-tck");
    let agent = format!("'{own}' agent --rate-limit off --rate-limit-invoke off");
    for (fault, only, code) in [
        ("", "auth", "0"),
        (" --fault invents-an-auth-type", "auth,sse.utf8", "1"),
    ] {
        let launch = format!("{agent}{fault}");
        let mut job = Job::new(&[("launch", &launch), ("only", only), ("quick", "true")]);
        let prepared = job.run("Prepare");
        assert!(prepared.status.success(), "{}", said(&prepared));
        assert_eq!(job.outputs["prepare.key"].len(), 64);
        let checked = job.run("Check");
        assert!(checked.status.success(), "{}", said(&checked));
        assert_eq!(job.outputs["check.exit-code"], code, "{}", said(&checked));
        assert_eq!(job.outputs["check.has-sarif"], "true");
        let shown = String::from_utf8_lossy(&checked.stdout).into_owned();
        assert!(shown.contains("Rules by area"), "{shown}");
        let summary =
            std::fs::read_to_string(job.folder.path().join("summary")).expect("a summary");
        assert!(summary.starts_with("## ACP: "), "{summary}");
        for (name, beginning) in [
            ("acp.svg", "<svg "),
            ("acp.html", "<!DOCTYPE html>"),
            ("acp.xml", "<?xml "),
        ] {
            assert!(job.read(name).starts_with(beginning), "{name}");
        }
        assert_eq!(
            job.run("The verdict")
                .status
                .code()
                .map(|code| code.to_string()),
            Some(code.to_owned())
        );
    }
}

#[test]
fn an_input_that_means_harm_is_text() {
    let mut job = Job::new(&[
        ("url", "http://localhost:1/$(touch harm)`touch harm`"),
        ("only", "; touch harm"),
    ]);
    job.run("Prepare");
    let checked = job.run("Check");
    assert!(checked.status.success(), "{}", said(&checked));
    assert_eq!(job.outputs["check.exit-code"], "2", "{}", said(&checked));
    assert!(!job.folder.path().join("harm").exists());
}
