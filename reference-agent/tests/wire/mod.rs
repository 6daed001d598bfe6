//! A client that says exactly what it is told, over a real socket, and hides nothing.

use std::net::SocketAddr;

use acp_reference_agent::{
    Running, Settings,
    faults::{self, Fault},
    start,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// An agent on a free port, with these faults.
pub(crate) async fn agent_with(names: &[&str]) -> Running {
    let faults = names
        .iter()
        .map(|name| faults::find(name).expect("a fault"))
        .collect();
    start(Settings {
        faults,
        ..Settings::unlimited()
    })
    .await
    .expect("the agent starts")
}

/// A clean agent on a free port.
pub(crate) async fn agent() -> Running {
    agent_with(&[]).await
}

/// Whether a fault bends one of the features that the five endpoints do without: those are
/// shown in `tests/features`.
pub(crate) fn is_of_a_feature(fault: &Fault) -> bool {
    const FEATURES: [&str; 10] = [
        "cache.",
        "config-versions.",
        "descriptor.",
        "health.",
        "lifecycle.",
        "manifest.",
        "metrics.",
        "orchestrator.",
        "rate-limit.",
        "auth.",
    ];
    const CORE: [&str; 4] = [
        "auth.responds",
        "auth.type-known",
        "auth.description",
        "auth.required-agrees",
    ];
    fault
        .trips
        .iter()
        .any(|rule| FEATURES.iter().any(|area| rule.starts_with(area)) && !CORE.contains(rule))
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as HTTP says it should.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `data` of each event.
    pub(crate) fn events(&self) -> Vec<Value> {
        let text = self.text();
        let blocks = text.split("\n\n").filter(|block| !block.is_empty());
        blocks
            .map(|block| serde_json::from_str(block.strip_prefix("data: ").expect("data")))
            .collect::<Result<_, _>>()
            .expect("JSON data")
    }

    /// Reads an answer out of all the bytes of a connection.
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let end = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a whole head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1))
            .expect("a status");
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let rest = &bytes[end + 4..];
        let mut answer = Self {
            status: status.parse().expect("a number"),
            headers,
            body: vec![],
            whole: true,
        };
        if answer.header("transfer-encoding") == Some("chunked") {
            (answer.body, answer.whole) = dechunk(rest);
        } else {
            let length = answer
                .header("content-length")
                .and_then(|text| text.parse().ok());
            answer.whole = length.is_none_or(|length: usize| length == rest.len());
            answer.body = rest.to_vec();
        }
        answer
    }
}

fn dechunk(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(&String::from_utf8_lossy(&rest[..end]), 16);
        let Ok(size) = size else { break };
        if size == 0 {
            return (body, true);
        }
        let chunk = rest
            .get(end + 2..end + 2 + size)
            .unwrap_or(&rest[end + 2..]);
        body.extend_from_slice(chunk);
        rest = rest.get(end + 4 + size..).unwrap_or_default();
    }
    (body, false)
}

/// Sends the bytes and reads until the agent closes the connection.
pub(crate) async fn raw(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut socket = TcpStream::connect(addr).await.expect("a connection");
    socket.write_all(bytes).await.expect("the request is taken");
    let mut all = Vec::new();
    // A reset is an end like any other here; what came before it is what counts.
    let _ = socket.read_to_end(&mut all).await;
    all
}

/// The bytes of a request with a body.
pub(crate) fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n");
    for header in headers {
        head.push_str(&format!("{header}\r\n"));
    }
    let mut bytes = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

pub(crate) async fn get(agent: &Running, path: &str) -> Answer {
    Answer::parse(&raw(agent.addr(), &request("GET", path, &[], b"")).await)
}

pub(crate) async fn post_bytes(agent: &Running, path: &str, body: &[u8]) -> Answer {
    let json = ["Content-Type: application/json"];
    Answer::parse(&raw(agent.addr(), &request("POST", path, &json, body)).await)
}

pub(crate) async fn post(agent: &Running, path: &str, body: &Value) -> Answer {
    post_bytes(agent, path, body.to_string().as_bytes()).await
}
