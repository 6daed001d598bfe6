//! Hostile processes: what is launched cannot outlive the run, fill it, or lead it elsewhere.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::program::{MOST_MEMORY, run, tck};
use crate::server::{Server, json};

fn launch(script: &str, budget: &str) -> std::process::Command {
    let mut command = tck();
    command.args(["check", "--launch", &format!("sh -c '{script}'")]);
    command.args([
        "--timeout=300ms",
        "--cases=4",
        "--heartbeat-interval=1s",
        "--budget",
        budget,
    ]);
    command
}

fn pids(file: &Path) -> Vec<u32> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect()
}

/// Of a zombie that nobody has fetched yet, the state is left.
fn is_alive(pid: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    state.is_ok_and(|state| !state.contains(") Z"))
}

fn all_end(file: &Path) {
    let begun = Instant::now();
    let pids = pids(file);
    assert!(!pids.is_empty(), "none was started");
    while pids.iter().any(|pid| is_alive(*pid)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "one lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_launched_ends_with_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("pids");
    let own = env!("CARGO_BIN_EXE_acp-tck");
    let tell = format!("echo $$ >> {}", file.display());
    for (name, script) in [
        // Neither serves nor ends.
        (
            "never serves, and writes without end",
            format!("{tell}; trap \"\" TERM; while :; do echo spam spam spam; done"),
        ),
        // Serves, has children, ignores all requests to end.
        (
            "has children that ignore everything",
            format!(
                "{tell}; trap \"\" TERM; (trap \"\" TERM; sleep 600) & echo $! >> {}; {own} agent --rate-limit off --rate-limit-invoke off; sleep 600",
                file.display()
            ),
        ),
        (
            "closes its port after a moment",
            format!(
                "{tell}; timeout 1 {own} agent --rate-limit off --rate-limit-invoke off; sleep 600"
            ),
        ),
    ] {
        let _ = std::fs::remove_file(&file);
        let run = run(launch(&script, "3s"));
        run.is_sound(name);
        all_end(&file);
    }
}

#[test]
fn an_endpoint_that_leads_to_another_machine_is_not_asked() {
    // TEST-NET-1: nobody is there, and to ask would take all the time that there is.
    let own = env!("CARGO_BIN_EXE_acp-tck");
    let script = format!(
        "exec {own} agent --rate-limit off --rate-limit-invoke off --public-url http://192.0.2.1:9/"
    );
    let mut command = launch(&script, "120s");
    command.args(["--quick", "--only=orchestrator.truthful,auth.responds"]);
    let run = run(command);
    run.is_sound("registers another machine");
    let (status, message) = run.finding("orchestrator.truthful");
    assert!(
        status == "inconclusive" && message.contains("asks nobody else"),
        "{status}: {message}"
    );
}

#[test]
fn an_orchestrator_that_is_flooded_stays_small_and_gives_no_verdict() {
    use std::io::{BufRead, BufReader, Write};
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.json");
    let mut command = tck();
    command
        .args([
            "orchestrator",
            "--port=0",
            "--duration=8s",
            "--format=json",
            "--output",
        ])
        .arg(&report);
    let mut child = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut told = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    told.read_line(&mut line).expect("a line");
    let at = line
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split(':').nth(1));
    let port: String = at
        .unwrap_or_default()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let port: u16 = port.parse().expect("a port");
    let drained = std::thread::spawn(move || {
        let (mut longest, mut line) = (0, Vec::new());
        while told.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            longest = line.len().max(longest);
            line.clear();
        }
        longest
    });
    let hostile: Vec<_> = (0..4)
        .map(|who| {
            std::thread::spawn(move || {
                let mut number = 0;
                while let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) {
                    number += 1;
                    let body = match (who, number % 4) {
                        (0, 0) => format!("{{\"agent_id\": \"{}\"}}", "i".repeat(400_000)),
                        (0, 1) => format!("[{}0]", "[],".repeat(20_000)),
                        (0, 2) => "x".repeat(500_000),
                        _ => format!("{{\"agent_id\": \"a-{who}-{number}\", \"endpoint\": \"http://192.0.2.1/\"}}"),
                    };
                    let length = body.len();
                    let path = if who == 1 { "x".repeat(8_000) } else { "agents/register".to_owned() };
                    let _ = write!(stream, "POST /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
                    let _ = std::io::copy(&mut stream, &mut std::io::sink());
                }
            })
        })
        .collect();
    let mut peak = 0;
    let status = loop {
        peak = crate::program::peak_of(child.id()).max(peak);
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    hostile
        .into_iter()
        .for_each(|one| one.join().expect("it ends"));
    let longest = drained.join().expect("it ends");
    let text = std::fs::read_to_string(&report).expect("a report");
    eprintln!(
        "a flooded orchestrator: {} MiB at the most, {} bytes of report",
        peak / 1024,
        text.len()
    );
    assert!(peak < MOST_MEMORY, "{peak} KiB");
    assert!(longest < 1_000, "a line of {longest} bytes");
    assert!(matches!(status.code(), Some(1 | 3)), "{status:?}");
    assert!(text.len() < 1 << 20);
}

#[test]
fn somebody_else_on_this_machine_is_found_out() {
    let other = Server::start(|stream, _| json(stream, "200 OK", r#"{"agent_id": "another"}"#));
    let own = env!("CARGO_BIN_EXE_acp-tck");
    let script = format!(
        "exec {own} agent --rate-limit off --rate-limit-invoke off --public-url {}",
        other.url()
    );
    let mut command = launch(&script, "120s");
    command.args(["--quick", "--only=orchestrator.truthful"]);
    let run = run(command);
    let (status, message) = run.finding("orchestrator.truthful");
    assert!(
        status == "fail" && message.contains("another agent"),
        "{status}: {message}"
    );
}
