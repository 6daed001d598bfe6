//! Servers to point the program at: hostile ones, and the reference agent as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// An address at which nobody listens.
pub(crate) fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

/// A server of one function: it is given a connection and the request's head.
pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<(Mutex<usize>, Condvar)>,
}

impl Server {
    /// Serves until the test ends.
    pub(crate) fn start(serve: fn(TcpStream, &str)) -> Self {
        Self::start_for(usize::MAX, serve)
    }

    /// Serves so many connections, and is gone then.
    pub(crate) fn start_for(count: usize, serve: fn(TcpStream, &str)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new((Mutex::new(0), Condvar::new()));
        let counter = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().take(count).flatten() {
                *counter.0.lock().expect("a count") += 1;
                counter.1.notify_all();
                thread::spawn(move || {
                    let head = head(&stream);
                    serve(stream, &head);
                });
            }
        });
        Self {
            address,
            connections,
        }
    }

    /// Its base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until so many connections have been made.
    pub(crate) fn await_connections(&self, count: usize) {
        let made = self.connections.0.lock().expect("a count");
        drop(
            self.connections
                .1
                .wait_while(made, |made| *made < count)
                .expect("a count"),
        );
    }
}

/// Reads a request's head and body.
fn head(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length:")?
                .trim()
                .parse()
                .ok()
        })
        .unwrap_or(0);
    let mut body = reader.take(length);
    let _ = std::io::copy(&mut body, &mut std::io::sink());
    head
}

fn answer(mut stream: TcpStream, status: &str, body: &str) {
    let length = body.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
}

/// Accepts, reads, and says nothing until the client goes.
pub(crate) fn silent(mut stream: TcpStream, _: &str) {
    let _ = stream.read(&mut [0]);
}

/// Answers `/auth`, and nothing else.
pub(crate) fn silent_but_auth(stream: TcpStream, head: &str) {
    if head.starts_with("GET /auth") {
        answer(
            stream,
            "200 OK",
            r#"{"type": "none", "description": "none"}"#,
        );
    } else {
        silent(stream, head);
    }
}

/// Claims to stream, and says nothing to whoever would see it do so.
pub(crate) fn claiming(stream: TcpStream, head: &str) {
    if head.starts_with("GET /") {
        let body = r#"{"capabilities": [{"name": "talk"}], "streaming": true}"#;
        answer(stream, "200 OK", body);
    } else {
        silent(stream, head);
    }
}

/// Has had enough of everybody, for an hour.
pub(crate) fn limiting(mut stream: TcpStream, _: &str) {
    let _ = stream.write_all(
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
}

/// Answers `/auth` with an unknown type the first time, and rightly from then on.
pub(crate) fn fickle(stream: TcpStream, head: &str) {
    static ASKED: AtomicBool = AtomicBool::new(false);
    if !head.starts_with("GET /auth") {
        return nothing_found(stream, head);
    }
    let kind = if ASKED.swap(true, Ordering::Relaxed) {
        "none"
    } else {
        "whim"
    };
    answer(
        stream,
        "200 OK",
        &format!(r#"{{"type": "{kind}", "description": "none"}}"#),
    );
}

/// A web server without an agent.
pub(crate) fn nothing_found(stream: TcpStream, _: &str) {
    answer(stream, "404 Not Found", r#"{"detail": "Not Found"}"#);
}

/// Tells the client its own header fields, in every place that a report shows.
pub(crate) fn echoing(stream: TcpStream, head: &str) {
    let echo = head.replace(['\r', '\n', '"'], " ");
    answer(stream, "500 Oops", &format!(r#"{{"error": "{echo}"}}"#));
}

/// The reference agent as a process of its own.
pub(crate) struct Agent {
    child: Child,
    /// Open for as long as the agent may write to it.
    _log: BufReader<ChildStderr>,
    /// Its base URL.
    pub(crate) url: String,
}

impl Agent {
    /// Starts it on a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_acp-tck"))
            .args([
                "agent",
                "--port",
                "0",
                "--rate-limit",
                "off",
                "--rate-limit-invoke",
                "off",
            ])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut line = String::new();
        let stderr = child.stderr.take().expect("a pipe");
        let mut log = BufReader::new(stderr);
        log.read_line(&mut line).expect("a line");
        let told: serde_json::Value = serde_json::from_str(&line).expect("a line of the log");
        let url = told["url"].as_str();
        let url = url
            .unwrap_or_else(|| panic!("no URL in {line:?}"))
            .to_owned();
        let _log = log;
        Self { child, _log, url }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
