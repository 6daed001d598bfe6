//! `check --launch` and `orchestrator`, as a user meets them: what is started, and that nothing of
//! it stays.

#![cfg(unix)]

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

fn tck(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ACP_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The reference agent, to be launched; it writes its process number to a file first.
fn agent(file: &Path, more: &str) -> String {
    let own = env!("CARGO_BIN_EXE_acp-tck");
    let agent = format!("{own} agent --rate-limit off --rate-limit-invoke off {more}");
    format!("sh -c 'echo $$ >> {}; exec {agent}'", file.display())
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The numbers of the processes that were launched.
fn launched(file: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn is_alive(pid: u32) -> bool {
    let mut command = Command::new("kill");
    let asked = command.args(["-0", &pid.to_string()]).stderr(Stdio::null());
    asked.status().is_ok_and(|status| status.success())
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.expect("kill").success());
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_agent_that_ends_at_once_is_no_verdict_and_its_last_words_are_told() {
    let command = "sh -c 'echo no module named agent >&2; exit 4'";
    let output = tck(&["check", "--launch", command])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(3));
    let told = complaint(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(
        told.contains("exit code 4") && told.contains("no module named agent"),
        "{told}"
    );
}

#[test]
fn an_agent_that_never_serves_is_no_verdict_however_short_the_time_is() {
    let command = "sh -c 'echo waiting for the database; exec sleep 600'";
    let output = tck(&["check", "--budget=2s", "--launch", command])
        .output()
        .expect("it runs");
    let told = complaint(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in [
        "could not be started",
        "does not serve",
        "waiting for the database",
    ] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn who_leaves_the_group_of_what_is_launched_does_not_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, own) = (folder.path().join("pids"), env!("CARGO_BIN_EXE_acp-tck"));
    let script = format!(
        "setsid sleep 600 & echo $! >> {}; exec {own} agent --rate-limit off --rate-limit-invoke off",
        file.display()
    );
    let launch = format!("sh -c '{script}'");
    let output = tck(&["check", "--quick", "--only=auth", "--launch", &launch])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(!launched(&file).is_empty());
    for pid in launched(&file) {
        until(|| (!is_alive(pid)).then_some(()));
    }
}

#[test]
fn what_an_orchestrator_has_seen_is_judged_again_from_its_record() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let port = port.expect("a port").port();
    let beat = "--heartbeat-interval=1s";
    let told = port.to_string();
    let (record, first, again) = (file("record"), file("first.json"), file("again.json"));
    let mut command = tck(&["orchestrator", "--port", &told, "--duration=4s", beat]);
    command.args(["--record", &record, "--output", &first]);
    let orchestrator = command.spawn().expect("an orchestrator");
    until(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    let url = format!("http://127.0.0.1:{port}");
    let mut agents = ["one", "two"].map(|id| {
        let more = ["--agent-id", id, "--orchestrator-url", &url, beat];
        let fault = (id == "two").then_some("--fault=beats-twice-as-often");
        let mut agent = tck(&["agent", "--port=0"]);
        agent.args(more).args(fault).stderr(Stdio::null());
        agent.spawn().expect("an agent")
    });
    let output = orchestrator.wait_with_output().expect("an end");
    for agent in &mut agents {
        agent.kill().expect("it ends");
        agent.wait().expect("an end");
    }
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    let output = tck(&["judge", &record, "--output", &again])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
    let read = |path| std::fs::read_to_string(path).expect("a report");
    assert_eq!(read(&first), read(&again));
    let seen = read(&first).contains("2 agents, seen by the orchestrator at");
    assert!(seen, "{}", read(&first));
}

#[test]
fn what_goes_against_a_launch_is_told() {
    let url = "http://127.0.0.1:9";
    for (arguments, word) in [
        (vec!["check", url, "--launch", "agent"], "--launch"),
        (
            vec!["check", url, "--quick"],
            "cannot be used with '--quick'",
        ),
        (
            vec!["check", url, "--heartbeat-interval=2s"],
            "cannot be used with",
        ),
        (vec!["check", "--launch", ""], "{port}"),
        (vec!["check", "--launch", "'agent"], "quote"),
        (
            vec!["check", "--launch", "a", "--heartbeat-interval", "10ms"],
            "1s",
        ),
        (
            vec!["check", "--launch", "a", "--heartbeat-interval", "0s"],
            "heartbeats are judged from 1s",
        ),
        (vec!["orchestrator", "--fault", "sulks"], "forgets"),
    ] {
        let output = tck(&arguments).output().expect("it runs");
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
}

#[test]
fn a_quick_run_certifies_and_says_what_it_has_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let (file, report) = (
        folder.path().join("pids"),
        folder.path().join("report.json"),
    );
    let only = "orchestrator,lifecycle,auth";
    let mut command = tck(&["check", "--quick", "--only", only, "--format", "json"]);
    command
        .arg("--launch")
        .arg(agent(&file, ""))
        .arg("--output")
        .arg(&report);
    let output = command.output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let text = std::fs::read(&report).expect("a report");
    let report: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let all = report["results"].as_array().expect("results");
    let status = |rule: &str| {
        let found = all.iter().find(|one| one["rule"] == rule).expect(rule);
        (
            found["status"].as_str().unwrap_or_default(),
            found["message"].as_str().unwrap_or_default(),
        )
    };
    assert_eq!(status("lifecycle.graceful-stop").0, "pass");
    assert_eq!(status("orchestrator.truthful").0, "pass");
    let (skipped, why) = status("orchestrator.heartbeats");
    assert!(skipped == "skip" && why.contains("--quick"), "{why}");
    let features = report["features"].as_array().expect("features");
    let orchestrator = features.iter().find(|one| one["name"] == "orchestrator");
    assert_eq!(orchestrator.expect("a feature")["certified"], false);
    assert!(launched(&file).len() > 1);
    assert!(launched(&file).into_iter().all(|pid| !is_alive(pid)));
}

#[test]
fn whoever_is_interrupted_leaves_no_agent_behind() {
    // The second one is not waited for: an agent that does not end is killed.
    for (name, times, code, fault) in [
        ("-INT", 1, 130, ""),
        ("-HUP", 1, 130, ""),
        ("-TERM", 2, 130, "--fault never-exits"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pids");
        let mut command = tck(&["check", "--launch", &agent(&file, fault)]);
        let child = command.spawn().expect("it runs");
        until(|| (launched(&file).len() > 1).then_some(()));
        for _ in 0..times {
            signal(&child, name);
            std::thread::sleep(Duration::from_millis(500));
        }
        let output = child.wait_with_output().expect("an end");
        assert_eq!(
            output.status.code(),
            Some(code),
            "{name}: {}",
            complaint(&output)
        );
        for pid in launched(&file) {
            until(|| (!is_alive(pid)).then_some(()));
        }
    }
}

#[test]
fn an_orchestrator_alone_judges_whoever_registers() {
    let ports = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    for (fault, code, word) in [
        (None, 0, "registers, as reg-1"),
        (Some("beats-twice-as-often"), 1, "reg-1 beats"),
    ] {
        let port = ports().expect("a port").port();
        let beat = "--heartbeat-interval=1s";
        let told = port.to_string();
        let mut orchestrator = tck(&["orchestrator", "--port", &told, "--duration=5s", beat]);
        let orchestrator = orchestrator.spawn().expect("an orchestrator");
        until(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let url = format!("http://127.0.0.1:{port}");
        let mut agent = tck(&["agent", "--port=0", "--orchestrator-url", &url, beat]);
        agent.args(fault.map(|name| format!("--fault={name}")));
        let mut agent = agent.stderr(Stdio::null()).spawn().expect("an agent");
        let output = orchestrator.wait_with_output().expect("an end");
        agent.kill().expect("it ends");
        agent.wait().expect("an end");
        assert_eq!(output.status.code(), Some(code), "{}", complaint(&output));
        assert!(complaint(&output).contains(word), "{}", complaint(&output));
    }
    let alone = tck(&["orchestrator", "--port=0", "--duration=100ms"])
        .output()
        .expect("it runs");
    assert_eq!(alone.status.code(), Some(3));
    assert!(complaint(&alone).contains("no agent has registered"));
}

#[test]
fn who_registers_and_falls_silent_is_seen_live_and_falls_short() {
    use std::io::Write;
    for (agent, words) in [
        (
            r#"{"agent_id": "ay"}"#,
            &["registered: reg-1 (ay)", "reg-1 (ay) is ", "s overdue"][..],
        ),
        (r#"{"name": "A"}"#, &["somebody without an agent_id"]),
    ] {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
        let port = port.expect("a port").port();
        let told = port.to_string();
        let beat = "--heartbeat-interval=1s";
        let mut orchestrator = tck(&["orchestrator", "--port", &told, "--duration=4s", beat]);
        let orchestrator = orchestrator.spawn().expect("an orchestrator");
        let mut stream = until(|| std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        let length = agent.len();
        write!(
            stream,
            "POST /agents/register HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{agent}"
        )
        .expect("it is taken");
        let output = orchestrator.wait_with_output().expect("an end");
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        for word in words {
            assert!(told.contains(word), "{told}");
        }
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(!report.contains("uncertified"), "{report}");
    }
}

#[test]
fn an_agent_that_registers_nowhere_is_not_waited_for_in_further_scenes() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("record");
    let own = env!("CARGO_BIN_EXE_acp-tck");
    let launch = format!(
        "env -u ACP_ORCHESTRATOR_URL {own} agent --port {{port}} --rate-limit off --rate-limit-invoke off"
    );
    let mut command = tck(&["check", "--only=orchestrator", "--launch", &launch]);
    let output = command.arg("--record").arg(&record).output();
    let output = output.expect("it runs");
    let read = std::fs::read_to_string(&record).unwrap_or_default();
    let cut_short = read.matches("says nothing to an orchestrator").count();
    assert_eq!(cut_short, 3, "{}", complaint(&output));
}
