//! The agent as a program: what it is told by its environment, and how it ends.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Much longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ACP_") {
            command.env_remove(name);
        }
    }
    command
        .arg("agent")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// The program, serving.
struct Program {
    child: Child,
    addr: SocketAddr,
    /// What it has said so far, and what it says from then on.
    said: String,
    says: Option<std::thread::JoinHandle<String>>,
}

impl Program {
    /// On any free port, in a folder without a `.env`, with one thread: so that connections
    /// are served in the order in which they come.
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = command(folder.path(), arguments);
        command.args(["--port", "0", "--max-workers", "1"]);
        Self::run(&mut command)
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command.spawn().expect("the program runs");
        let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut said = String::new();
        let addr = loop {
            let mut line = String::new();
            let count = stderr.read_line(&mut line).expect("a line");
            assert!(count > 0, "no address in {said:?}");
            said.push_str(&line);
            if let Some((_, told)) = line.split_once(r#""url":"http://"#) {
                break told.split('"').next().and_then(|addr| addr.parse().ok());
            }
        };
        let addr = addr.expect("an address");
        // Whoever writes to a pipe that nobody reads comes to a halt.
        let says = std::thread::spawn(move || {
            let mut rest = String::new();
            stderr.read_to_string(&mut rest).expect("UTF-8");
            rest
        });
        Self {
            child,
            addr,
            said,
            says: Some(says),
        }
    }

    /// A connection over which this was sent, and has been read.
    fn send(&self, request: &str) -> TcpStream {
        let mut socket = self.connect();
        socket.write_all(request.as_bytes()).expect("it is taken");
        for _ in 0..5 {
            let answer = self.ask(&get("/health"));
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        }
        socket
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(self.addr).expect("a connection");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        socket
    }

    fn ask(&self, request: &str) -> String {
        let mut socket = self.connect();
        socket.write_all(request.as_bytes()).expect("it is taken");
        rest(socket)
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status();
        assert!(status.expect("kill runs").success());
    }

    /// All that it says until it ends.
    fn rest_of_log(&mut self) -> String {
        let says = self.says.take().expect("asked for once");
        says.join().expect("text")
    }

    fn code(&mut self) -> Option<i32> {
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that still comes over a connection.
fn rest(mut socket: TcpStream) -> String {
    let mut all = Vec::new();
    // A reset is an end like any other.
    let _ = socket.read_to_end(&mut all);
    String::from_utf8(all).expect("UTF-8")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

/// A question about the slow city.
fn post(path: &str) -> String {
    let body = r#"{"input":{"city":"Atlantis"}}"#;
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_request_in_flight_is_finished_after_sigterm() {
    let mut program = Program::start(&["--slow-city", "Atlantis=1s"]);
    let work = program.send(&post("/invoke"));
    program.signal("-TERM");
    let answer = rest(work);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_stream_in_flight_comes_to_its_end_after_sigterm() {
    let mut program = Program::start(&["--slow-city", "Atlantis=1s"]);
    let mut work = program.connect();
    work.write_all(post("/invoke/stream").as_bytes())
        .expect("it is taken");
    let mut begun = [0; 16];
    work.read_exact(&mut begun).expect("a beginning");
    program.signal("-TERM");
    let told = rest(work);
    assert!(told.contains(r#""status":"complete""#), "{told}");
    assert!(told.ends_with("0\r\n\r\n"), "{told}");
    assert_eq!(program.code(), Some(0));
}

#[test]
fn what_outlives_the_grace_is_cut_and_the_end_is_a_good_one() {
    for grace in ["0", "500ms"] {
        let mut program = Program::start(&[
            "--slow-city",
            "Atlantis=1h",
            "--request-timeout",
            "2h",
            "--shutdown-grace",
            grace,
        ]);
        let work = program.send(&post("/invoke"));
        program.signal("-INT");
        assert_eq!(rest(work), "");
        assert_eq!(program.code(), Some(0));
        let told = program.rest_of_log();
        let cut = told
            .lines()
            .find(|line| line.contains("cut what was still"));
        assert!(
            cut.is_some_and(|line| line.contains(r#""connections":1"#)),
            "{told}"
        );
        assert_eq!(told.contains("waiting for what is under way"), grace != "0");
    }
}

#[test]
fn what_it_begins_with_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let flags = ["--port", "0", "--host", "0.0.0.0", "--admin-port", "0"];
    let mut command = command(folder.path(), &flags);
    command.args(["--weather-retries", "1", "--fault", "refuses-head"]);
    command
        .env("ACP_ADMIN_KEY", "s3cr3t")
        .env("ACP_PROT", "1")
        .env("ACP_CACHE_TTL", "");
    let program = Program::run(&mut command);
    for told in [
        r#""url":"http://127.0.0.1:"#,
        r#""admin_url":"http://127.0.0.1:"#,
        r#""faults":"[refuses-head]""#,
        "did you mean ACP_PORT?",
        "ACP_WEATHER_RETRIES has no effect because ACP_WEATHER_URL is not set",
    ] {
        assert!(program.said.contains(told), "{told} in {}", program.said);
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut program = Program::start(&[
        "--slow-city",
        "Atlantis=1h",
        "--request-timeout",
        "2h",
        "--shutdown-grace",
        "1h",
    ]);
    let work = program.send(&post("/invoke"));
    program.signal("-TERM");
    // It has heard the first one when it listens no more.
    while TcpStream::connect(program.addr).is_ok() {}
    program.signal("-TERM");
    assert_eq!(program.code(), Some(130));
    assert_eq!(rest(work), "");
}

#[test]
fn an_orchestrator_that_is_not_there_keeps_nobody() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let url = format!("http://{}", closed.expect("an address"));
    let mut program = Program::start(&["--orchestrator-url", &url]);
    assert!(program.ask(&get("/health")).starts_with("HTTP/1.1 200 "));
    program.signal("-TERM");
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_crash_on_the_way_out_is_in_the_exit_code() {
    let mut program = Program::start(&["--fault", "crashes-on-its-way-out"]);
    program.signal("-TERM");
    assert_eq!(program.code(), Some(3));
}

/// The head and the body of the next request that comes in; it is answered with an id.
fn registered(listener: &TcpListener) -> (String, serde_json::Value) {
    let (mut socket, _) = listener.accept().expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut reader = BufReader::new(&mut socket);
    let (mut head, mut length) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let from = head.len();
        assert!(reader.read_line(&mut head).expect("a line") > 0);
        let line = head[from..].to_ascii_lowercase();
        if let Some(told) = line.strip_prefix("content-length:") {
            length = told.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let answer = r#"{"registration_id":"reg-1"}"#;
    let head_of_answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    write!(
        socket,
        "{head_of_answer}\r\nContent-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .expect("it is taken");
    (head, serde_json::from_slice(&body).expect("JSON"))
}

#[test]
fn the_environment_the_file_and_the_flags_are_obeyed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "ACP_AGENT_NAME=\"From the file\"\nACP_VERSION=1.0.0\nACP_AGENT_ID=from-the-file\n";
    std::fs::write(folder.path().join(".env"), file).expect("a file");
    let orchestrator = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", orchestrator.local_addr().expect("an address"));
    let mut command = command(folder.path(), &["--version", "3.0.0"]);
    command.envs([
        ("ACP_HOST", "127.0.0.2"),
        ("ACP_PORT", "0"),
        ("ACP_AGENT_ID", "from-a-variable"),
        ("ACP_VERSION", "2.0.0"),
        ("ACP_ORCHESTRATOR_URL", &url),
        ("ACP_HEARTBEAT_INTERVAL", "100ms"),
        ("ACP_REQUEST_TIMEOUT", "200ms"),
        ("ACP_SLOW_CITY", "Atlantis=1h"),
    ]);
    let mut program = Program::run(&mut command);
    assert_eq!(program.addr.ip().to_string(), "127.0.0.2");

    let (head, said) = registered(&orchestrator);
    assert!(head.starts_with("POST /agents/register "), "{head}");
    assert_eq!(said["agent_id"], "from-a-variable");
    assert_eq!(said["name"], "From the file");
    assert_eq!(said["metadata"]["version"], "3.0.0");
    assert_eq!(said["endpoint"], format!("http://{}", program.addr));
    let (head, _) = registered(&orchestrator);
    assert!(head.starts_with("POST /agents/reg-1/heartbeat "), "{head}");

    let known = program.ask(&get("/capabilities"));
    for told in ["from-a-variable", "From the file", "3.0.0"] {
        assert!(known.contains(told), "{told} in {known}");
    }
    let request = post("/invoke").replace("Host: a", "Host: a\r\nConnection: close");
    let answer = program.ask(&request);
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
    assert!(answer.contains(r#""code":"TIMEOUT""#), "{answer}");
    program.signal("-TERM");
    assert_eq!(program.code(), Some(0));
}

#[test]
fn a_wrong_value_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, value) in [
        ("ACP_PORT", "80000"),
        ("ACP_REQUEST_TIMEOUT", "soon"),
        ("ACP_ORCHESTRATOR_URL", "localhost:8004"),
        ("ACP_HEARTBEAT_INTERVAL", "0"),
        ("ACP_HOST", "no such host"),
    ] {
        let output = command(folder.path(), &[]).env(name, value).output();
        let output = output.expect("the program runs");
        let told = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert_eq!(told.matches('\n').count(), 1, "{told}");
        assert!(told.contains(value), "{told}");
    }
}
