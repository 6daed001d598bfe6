//! What the user gave is not written over, and what is written again keeps what the user wrote.

mod running;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use running::Agent;

fn tck(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    command.args(arguments).current_dir(folder);
    command
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const CHECK: [&str; 6] = ["--only", "auth", "--cases", "3", "--seed", "1"];

#[test]
fn no_output_takes_the_place_of_an_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = Agent::start(|_| {});
    let url = agent.url();
    let ask = |more: &[&str]| {
        tck(
            folder.path(),
            &[&["check", &url], &CHECK[..], more].concat(),
        )
    };
    let made = ask(&["--output", "a.json", "--record", "a.rec"]);
    assert_eq!(made.status.code(), Some(0), "{}", complaint(&made));
    let added = tck(
        folder.path(),
        &["report", "history", "runs.sqlite", "--add", "a.json"],
    );
    assert_eq!(added.status.code(), Some(0), "{}", complaint(&added));
    for (file, text) in [
        ("known.toml", "[expected-failures]\n"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\n"),
        ("acp-tck.toml", ""),
    ] {
        std::fs::write(folder.path().join(file), text).expect("written");
    }
    let before = |file: &str| std::fs::read(folder.path().join(file)).expect("a file");
    let check = ["check", &url, "--output"];
    for (file, arguments) in [
        (
            "a.json",
            vec!["report", "render", "a.json", "--output", "./a.json"],
        ),
        (
            "a.json",
            vec!["report", "merge", "a.json", "--output", "a.json"],
        ),
        (
            "runs.sqlite",
            vec![
                "report",
                "history",
                "runs.sqlite",
                "--output",
                "runs.sqlite",
            ],
        ),
        (
            "a.rec",
            vec!["judge", "a.rec", "--format", "json", "--output", "a.rec"],
        ),
        (
            "key.pem",
            [
                &check[..],
                &[
                    "b.json",
                    "--certificate",
                    "key.pem",
                    "--signing-key",
                    "key.pem",
                ],
            ]
            .concat(),
        ),
        (
            "known.toml",
            [
                &check[..],
                &[
                    "known.toml",
                    "--format",
                    "json",
                    "--expected-failures",
                    "known.toml",
                ],
            ]
            .concat(),
        ),
        (
            "acp-tck.toml",
            [&check[..], &["acp-tck.toml", "--format", "json"]].concat(),
        ),
        (
            "a.json",
            vec!["check", &url, "--write-expected-failures", "a.json"],
        ),
    ] {
        let held = before(file);
        let done = tck(folder.path(), &arguments);
        let told = complaint(&done);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(
            told.contains(file) && told.contains("name another file"),
            "{told}"
        );
        assert!(before(file) == held, "{arguments:?}");
    }
}

#[test]
fn excuses_that_are_written_again_keep_their_reasons_and_what_was_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("known.toml");
    let mine = "[expected-failures]\n\"transport.head\" = \"JIRA-42\"\n\"schema.responds\" = \"it is slow\"\n\"auth.responds\" = \"it failed once\"\n";
    std::fs::write(&path, mine).expect("written");
    let head = acp_reference_agent::faults::find("refuses-head").expect("a fault");
    let agent = Agent::start(|settings| settings.faults = vec![head]);
    let url = agent.url();
    let only = ["--only", "transport.head,auth", "--seed", "1"];
    let write = ["--write-expected-failures", "known.toml"];
    let done = tck(
        folder.path(),
        &[&["check", &url], &only[..], &write].concat(),
    );
    assert_ne!(done.status.code(), Some(2), "{}", complaint(&done));
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.contains("\"transport.head\" = \"JIRA-42\""), "{text}");
    assert!(
        text.contains("\"schema.responds\" = \"it is slow\""),
        "{text}"
    );
    // It passes: to keep the entry would fail the next run.
    assert!(!text.contains("auth.responds"), "{text}");
}

#[test]
fn what_cannot_be_decided_because_of_an_excused_failure_is_excused_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let cut = acp_reference_agent::faults::find("cuts-streams-short").expect("a fault");
    let agent = Agent::start(|settings| settings.faults = vec![cut]);
    let url = agent.url();
    let only = ["--only", "stream,sse", "--cases", "5", "--seed", "1"];
    let check = |more: &[&str]| tck(folder.path(), &[&["check", &url], &only[..], more].concat());
    let written = check(&["--write-expected-failures", "known.toml"]);
    assert_eq!(written.status.code(), Some(1), "{}", complaint(&written));
    let excused = check(&["--expected-failures", "known.toml"]);
    let told = String::from_utf8_lossy(&excused.stdout).into_owned();
    assert_eq!(excused.status.code(), Some(0), "{told}");
    assert!(told.contains("stream.not-cut"), "{told}");
}
