//! `acp-tck load`, as a user meets it.

mod running;

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use running::Agent;

/// One whose streams are short.
fn agent() -> Agent {
    Agent::start(|settings| settings.stream_step = std::time::Duration::from_millis(5))
}

fn tck(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    command.arg("load").args(arguments).stdin(Stdio::null());
    command
}

fn load(arguments: &[&str]) -> Output {
    tck(arguments).output().expect("the program runs")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_run_reports_in_json_and_nothing_else_is_on_stdout() {
    let agent = agent();
    let output = load(&[
        &agent.url(),
        "--duration",
        "500ms",
        "--users",
        "3",
        "--format",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(report["format"], "acp-tck/load");
    assert_eq!(report["model"], "closed");
    assert_eq!(report["users"], 3);
    assert_eq!(report["requests"]["failed"], 0);
    assert!(report["requests"]["ok"].as_u64() > Some(0));
    assert_eq!(report["verdict"], "pass");
}

#[test]
fn a_threshold_that_does_not_hold_fails_the_run() {
    let agent = agent();
    let url = agent.url();
    let arguments = [&url, "--duration", "300ms", "--rate", "50/s"];
    let output = load(&[&arguments[..], &["--threshold", "p99<1us"]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    let output = load(&[&arguments[..], &["--threshold", "errors<0.1%"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
}

/// Far more streams than one connection can hold, and none may wait: arrivals are dropped on any
/// machine.
#[test]
fn a_run_that_is_not_to_be_trusted_is_no_verdict_if_that_is_asked_for() {
    let agent = agent();
    let url = agent.url();
    let arguments = [
        &url,
        "--mix",
        "stream",
        "--rate",
        "300/s",
        "--users",
        "1",
        "--backlog",
        "1",
        "--duration",
        "500ms",
        "--format",
        "json",
    ];
    let output = load(&arguments);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(report["generator"]["trusted"], false);
    let output = load(&[&arguments[..], &["--require-trusted"]].concat());
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(
        told.contains("cannot be trusted") && told.contains("dropped"),
        "{told}"
    );
    // The report is written all the same.
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(report["verdict"], "pass");
}

#[test]
fn wrong_usage_is_told_in_one_line() {
    let url = "http://127.0.0.1:9";
    for (arguments, word) in [
        (vec![url, "--scenario", "nonsense"], "mixed"),
        (vec![url, "--rate", "fast"], "/s"),
        (vec![url, "--plan", "5/s over never"], "500ms"),
        (vec![url, "--threshold", "p98.7.6<1"], "p98"),
        (vec![url, "--popularity", "zap"], "zipf"),
        (vec![url, "--mix", "dance=1"], "invoke"),
        (vec![url, "--objective", "nonsense"], "--objective"),
        (
            vec![url, "--rate", "5..50/s over 1m", "--duration", "10s"],
            "1m",
        ),
        (
            vec![url, "--scenario", "cache", "--invalid-share", "5%"],
            "mixed",
        ),
        (vec![url, "--scenario", "cache", "--mix", "invoke"], "soak"),
        (vec![url, "--leaving", "5%"], "stream"),
        (
            vec![url, "--scenario", "rate-limit", "--rate", "5/s"],
            "--rate",
        ),
        (
            vec![url, "--scenario", "rate-limit", "--users", "3"],
            "--users",
        ),
        (
            vec![url, "--scenario", "rate-limit", "--keys", "7"],
            "--keys",
        ),
        (
            vec![url, "--scenario", "rate-limit", "--popularity", "uniform"],
            "--popularity",
        ),
        (
            vec![url, "--scenario", "soak", "--pid", "4294967295"],
            "--pid",
        ),
        (vec![url, "--source", "203.0.113.7"], "--source"),
        (vec![url, "--rate", "5/s", "--think", "1s"], "--think"),
        (vec![url, "--even"], "--even"),
        (vec![url, "--backlog", "5"], "--backlog"),
        (
            vec![url, "--plan", "3 users for 1s", "--users", "50"],
            "--users",
        ),
        (vec![url, "--threshold", "errors<1"], "errors<1"),
        #[cfg(not(feature = "dashboard"))]
        (vec![url, "--dashboard"], "--features dashboard"),
    ] {
        let output = load(&arguments);
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_ramp_takes_its_own_time() {
    let agent = agent();
    let url = agent.url();
    let ramp = ["--rate", "10..40/s over 1s", "--format", "json"];
    let output = load(&[&[url.as_str()][..], &ramp].concat());
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON alone");
    assert_eq!(report["duration_s"], 1.0);
    assert_eq!(report["rate"], 25.0);
}

#[test]
fn an_agent_without_http_2_is_told_so() {
    let agent = agent();
    let output = load(&[&agent.url(), "--http2", "--duration", "1s"]);
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("no HTTP/2"), "{told}");
}

#[test]
fn nobody_there_is_no_verdict() {
    let output = load(&["http://127.0.0.1:9", "--duration", "1s", "--format", "json"]);
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["verdict"], "error");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_run_and_what_was_found_is_written() {
    use std::io::{BufRead, BufReader, Read};

    let agent = agent();
    let url = agent.url();
    let mut child = tck(&[&url, "--duration", "1h", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    // The first line of progress says that it is under way.
    let stderr = child.stderr.take().expect("stderr");
    let mut line = String::new();
    BufReader::new(stderr).read_line(&mut line).expect("a line");
    assert!(line.contains("p99"), "{line}");
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.expect("kill runs").success());
    let mut text = String::new();
    let mut stdout = child.stdout.take().expect("stdout");
    stdout.read_to_string(&mut text).expect("UTF-8");
    assert_eq!(child.wait().expect("an end").code(), Some(130));
    let report: Value = serde_json::from_str(&text).expect("the report is whole");
    assert_eq!(report["interrupted"], true);
    assert!(report["requests"]["ok"].as_u64() > Some(0));
}
