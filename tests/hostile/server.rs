//! Servers on bare sockets, and an agent that is honest but for one thing.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A request, as far as anybody here wants to know.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Answers a request, or does worse. An error is the end of the connection.
pub(crate) type Serve = fn(&mut TcpStream, &Asked) -> io::Result<()>;

/// A hostile agent, and findings that it is to get: rule, status, a word of the message.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) serve: Serve,
    pub(crate) shows: &'static [(&'static str, &'static str, &'static str)],
}

/// A server that runs until the tests end.
pub(crate) struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start(serve: Serve) -> Self {
        Self::start_raw(move |mut stream| {
            let asked = read(&stream);
            let _ = serve(&mut stream, &asked);
        })
    }

    /// The same, from the moment of the connection on.
    pub(crate) fn start_raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let (counter, serve) = (Arc::clone(&connections), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        Self {
            address,
            connections,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections have been made to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Reads a request, whole.
pub(crate) fn read(stream: &TcpStream) -> Asked {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
    let lower = head.to_ascii_lowercase();
    let length = lower
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length = length.and_then(|length| length.trim().parse().ok());
    let mut body = Vec::new();
    let _ = reader.take(length.unwrap_or(0)).read_to_end(&mut body);
    let mut words = head.split_whitespace().map(str::to_owned);
    Asked {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        body: String::from_utf8_lossy(&body).into_owned(),
        head,
    }
}

/// One honest answer of JSON.
pub(crate) fn json(stream: &mut TcpStream, status: &str, body: &str) -> io::Result<()> {
    answer(stream, status, "application/json", body.as_bytes())
}

/// One honest answer.
pub(crate) fn answer(
    stream: &mut TcpStream,
    status: &str,
    kind: &str,
    body: &[u8],
) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}

/// The documents of an agent that streams; its input and its configuration have this schema.
pub(crate) fn documents(
    stream: &mut TcpStream,
    asked: &Asked,
    schema: &str,
) -> Option<io::Result<()>> {
    let body = match asked.path.as_str() {
        "/auth" => r#"{"type": "none", "description": "open to all"}"#.to_owned(),
        "/schema" => {
            format!(r#"{{"input": {schema}, "output": {{"type": "object"}}, "config": {schema}}}"#)
        }
        "/capabilities" => r#"{"agent_id": "hostile", "version": "1.0.0", "streaming": true,
            "capabilities": [{"name": "harm", "description": "does harm"}]}"#
            .to_owned(),
        _ => return None,
    };
    (asked.method == "GET").then(|| json(stream, "200 OK", &body))
}

/// A schema that asks for a city.
pub(crate) const CITY: &str = r#"{"type": "object", "properties": {"city": {"type": "string", "minLength": 1, "maxLength": 40}},
    "required": ["city"], "additionalProperties": false}"#;

/// Writes the same without end, until the other side has had enough.
pub(crate) fn forever(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    let block = piece.repeat((16_384 / piece.len()).max(1));
    loop {
        stream.write_all(&block)?;
    }
}

/// Says no more, until the other side leaves.
pub(crate) fn silent(stream: &mut TcpStream) -> io::Result<()> {
    stream.read(&mut [0]).map(drop)
}
