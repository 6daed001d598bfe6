//! `acp-tck load` in a terminal, as a user has it, and its metrics where others take them in.
#![cfg(unix)]

mod running;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;

use serde_json::Value;

use running::Agent;

const PROGRAM: &str = env!("CARGO_BIN_EXE_acp-tck");
const ENTERED: &str = "\u{1b}[?1049h";
const LEFT: &str = "\u{1b}[?1049l";
const CURSOR_SHOWN: &str = "\u{1b}[?25h";

/// A program in a terminal of its own, 100 by 30, by `script` of util-linux. What comes out is read
/// as it comes. Ctrl-C reaches the shell around it too, which has to live on to show how the
/// terminal was left: hence the trap, without which `dash` dies of it and `bash` does not.
struct Terminal {
    script: Child,
    shown: String,
}

impl Terminal {
    fn run(command: &str) -> Self {
        let line =
            format!("trap : INT; stty rows 30 cols 100; {command}; code=$?; stty -a; exit $code");
        let script = Command::new("script")
            .args(["-qefc", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Self {
            script: script.expect("script runs"),
            shown: String::new(),
        }
    }

    /// Reads until this is there.
    fn until(&mut self, wanted: &str) {
        while !self.shown.contains(wanted) {
            assert!(self.read() > 0, "{wanted:?} never came: {:?}", self.shown);
        }
    }

    fn read(&mut self) -> usize {
        let mut bytes = [0; 4096];
        let out = self.script.stdout.as_mut().expect("stdout");
        let length = out.read(&mut bytes).expect("it can be read");
        self.shown
            .push_str(&String::from_utf8_lossy(&bytes[..length]));
        length
    }

    fn press(&mut self, keys: &str) {
        let keyboard = self.script.stdin.as_mut().expect("stdin");
        keyboard.write_all(keys.as_bytes()).expect("pressed");
    }

    /// The exit code; all that was shown is there then.
    fn end(&mut self) -> Option<i32> {
        while self.read() > 0 {}
        self.script.wait().expect("an end").code()
    }

    /// Whether all is as it was: our screen left, the cursor shown, the keyboard as before.
    fn is_restored(&self) -> bool {
        let Some(left) = self.shown.rfind(LEFT) else {
            return false;
        };
        let after = &self.shown[left..];
        let words: Vec<_> = after.split([' ', ';', '\r', '\n']).collect();
        self.shown.matches(ENTERED).count() == 1
            && !after.contains(ENTERED)
            && after.contains(CURSOR_SHOWN)
            && words.contains(&"echo")
            && words.contains(&"icanon")
            && after.contains("susp = ^Z")
    }
}

#[test]
fn on_a_terminal_there_is_a_view_which_ctrl_c_ends_and_the_report_comes() {
    let agent = Agent::start(|_| {});
    let url = agent.url();
    let mut terminal = Terminal::run(&format!("{PROGRAM} load {url} --duration 1h"));
    terminal.until(ENTERED);
    terminal.until("p99.9");
    terminal.until("Ctrl-C");
    terminal.press("typed\u{1a}\u{3}");
    assert_eq!(terminal.end(), Some(130), "{}", terminal.shown);
    assert!(terminal.is_restored(), "{:?}", terminal.shown);
    let left = terminal.shown.rfind(LEFT).expect("it was left");
    let report = &terminal.shown[left..];
    assert!(
        report.contains("mixed") && report.contains("p99"),
        "{report}"
    );
    assert!(!report.contains("typed"), "{report}");
}

/// An agent that has a schema, and never answers what is asked by it; and word of when that is.
fn mute_when_invoked() -> (String, Receiver<()>) {
    const SCHEMA: &str = r#"{"input":{"type":"object"}}"#;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (asked, hears) = channel();
    std::thread::spawn(move || {
        let mut waiting = Vec::new();
        for mut socket in listener.incoming().flatten() {
            let mut request = [0; 4096];
            while let Ok(length @ 1..) = socket.read(&mut request) {
                let request = String::from_utf8_lossy(&request[..length]);
                let (status, text) = match request.split(' ').nth(1) {
                    Some("/invoke") if !request.contains("\"stream\":true") => break,
                    Some("/schema") => ("200 OK", SCHEMA),
                    _ => ("404 Not Found", "{}"),
                };
                let length = text.len();
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{text}");
                let _ = socket.write_all(answer.as_bytes());
            }
            waiting.push(socket);
            let _ = asked.send(());
        }
    });
    (url, hears)
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_leaves_the_terminal_as_it_was() {
    let (url, asked) = mute_when_invoked();
    let command = format!("{PROGRAM} load {url} --scenario cache --timeout 1h");
    let mut terminal = Terminal::run(&command);
    terminal.until("asking the agent");
    asked.recv().expect("it is asked");
    terminal.press("\u{3}");
    terminal.until("Ctrl-C again");
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), Some(130), "{}", terminal.shown);
    assert!(terminal.is_restored(), "{:?}", terminal.shown);
}

#[test]
fn a_terminal_that_can_do_nothing_gets_lines() {
    let agent = Agent::start(|_| {});
    let url = agent.url();
    let command = format!("TERM=dumb {PROGRAM} load {url} --duration 1h");
    let mut terminal = Terminal::run(&command);
    terminal.until(" failed");
    terminal.press("\u{3}");
    assert_eq!(terminal.end(), Some(130), "{}", terminal.shown);
    assert!(!terminal.shown.contains(ENTERED));
}

/// A collector: takes one push, answers it, and hands out its first line and its body.
fn collector(answer: &'static str) -> (String, JoinHandle<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let taken = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a push");
        let (line, body) = pushed(&mut socket);
        socket.write_all(answer.as_bytes()).expect("answered");
        (line, body)
    });
    (url, taken)
}

fn pushed(socket: &mut TcpStream) -> (String, Value) {
    let mut text = String::new();
    let mut bytes = [0; 4096];
    loop {
        let length = socket.read(&mut bytes).expect("it can be read");
        text.push_str(std::str::from_utf8(&bytes[..length]).expect("ASCII"));
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let field = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            let is_length = name.eq_ignore_ascii_case("content-length");
            is_length.then(|| value.parse::<usize>().ok())?
        };
        if head.lines().find_map(field) == Some(body.len()) {
            let line = head.lines().next().unwrap_or_default().to_owned();
            return (line, serde_json::from_str(body).expect("JSON"));
        }
    }
}

#[test]
fn metrics_go_to_a_file_and_to_a_collector() {
    let agent = Agent::start(|_| {});
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("load.prom");
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
    let (collector, taken) = collector(answer);
    let output = Command::new(PROGRAM)
        .args([
            "load",
            &agent.url(),
            "--duration",
            "300ms",
            "--mix",
            "invoke=1",
        ])
        .args([
            "--threshold",
            "errors<1%",
            "--otlp",
            &collector,
            "--prometheus",
        ])
        .arg(&file)
        .output()
        .expect("the program runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    let (line, body) = taken.join().expect("a push");
    assert_eq!(line, "POST /v1/metrics HTTP/1.1");
    let metrics = &body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    let names: Vec<_> = metrics
        .as_array()
        .expect("metrics")
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert!(
        names.iter().any(|name| **name == "acp.load.latency"),
        "{names:?}"
    );
    let text = std::fs::read_to_string(&file).expect("a file");
    let line = text
        .lines()
        .find(|line| line.starts_with("acp_load_passed{"));
    assert!(line.expect("a verdict").ends_with(" 1"), "{text}");
}

#[test]
fn metrics_that_do_not_get_there_do_not_hide_behind_a_pass() {
    let agent = Agent::start(|_| {});
    let answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    let (collector, taken) = collector(answer);
    let output = Command::new(PROGRAM)
        .args([
            "load",
            &agent.url(),
            "--duration",
            "300ms",
            "--otlp",
            &collector,
        ])
        .output()
        .expect("the program runs");
    taken.join().expect("a push");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{complaint}");
    assert!(
        complaint.contains("--otlp") && complaint.contains("503"),
        "{complaint}"
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("p99"));
}
