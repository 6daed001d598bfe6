//! Servers before an agent, or in place of one: what no fault of the reference agent can be.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

/// An agent that streams by `"stream": true` on `/invoke` alone, made of one that streams by its
/// paths. The first request of each connection is looked at: the checker uses a new one for each.
pub(crate) async fn start(agent: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(relay(client, agent));
        }
    });
    address
}

async fn relay(mut client: TcpStream, agent: SocketAddr) {
    let request = read(&mut client).await;
    let text = String::from_utf8_lossy(&request);
    let streams = text.contains("\"stream\": true");
    let changed = if text.starts_with("POST /invoke/") {
        replace_path(&request, "POST /nowhere")
    } else if text.starts_with("POST /invoke ") && streams {
        // A member that the paths do not know: without it, the length is another.
        let body = text.replace(", \"stream\": true", "");
        let shorter = body.len();
        let head = body.find("\r\n\r\n").map_or(shorter, |end| end + 4);
        let length = format!("Content-Length: {}", shorter - head);
        let lines = body[..head].split("\r\n").map(|line| {
            let is_length = line.to_ascii_lowercase().starts_with("content-length:");
            if is_length { length.as_str() } else { line }
        });
        let lines: Vec<&str> = lines.collect();
        let whole = lines.join("\r\n") + &body[head..];
        replace_path(whole.as_bytes(), "POST /invoke/stream")
    } else {
        request
    };
    let Ok(mut upstream) = TcpStream::connect(agent).await else {
        return;
    };
    if upstream.write_all(&changed).await.is_ok() {
        let _ = copy_bidirectional(&mut client, &mut upstream).await;
    }
}

/// The first line's method and path in other words.
fn replace_path(request: &[u8], told: &str) -> Vec<u8> {
    let mut spaces = request
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b' ');
    let end = spaces.nth(1).map_or(0, |(index, _)| index);
    [told.as_bytes(), &request[end..]].concat()
}

/// A request's head, and as much of a body as it says; less if no more comes.
async fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&all).to_ascii_lowercase();
        let length = text.split_once("content-length:").and_then(|(_, rest)| {
            let digits = rest.trim_start().split("\r\n").next()?;
            digits.trim().parse::<usize>().ok()
        });
        let head = all.windows(4).position(|four| four == b"\r\n\r\n");
        // Long ones are passed on as they come.
        let is_whole = head.is_some_and(|head| all.len() >= head + 4 + length.unwrap_or(0));
        if is_whole || all.len() > 64 * 1024 {
            return all;
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return all,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Whatever is asked is 404; but `/health` says that all is well.
pub(crate) async fn nothing_but_health() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let request = read(&mut client).await;
                let (status, body) = match request.starts_with(b"GET /health") {
                    true => ("200 OK", r#"{"status": "healthy"}"#),
                    false => ("404 Not Found", r#"{"detail": "Not Found"}"#),
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = client.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}
