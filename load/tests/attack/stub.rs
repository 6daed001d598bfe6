//! An agent that answers as a test says, a thread a connection.

use std::io::{self, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use acp_load::run::Job;
use acp_load::target::{Target, Wishes};

use crate::common::job_for;
use crate::stalling::request;

/// What it has for a path and a body: a media type and a text; nothing is answered 404.
pub(crate) type Answer = dyn Fn(&str, &str) -> Option<(&'static str, String)> + Send + Sync;

/// The same, for one who looks who asks.
type AnswerTo = dyn Fn(IpAddr, &str, &str) -> Option<(&'static str, String)> + Send + Sync;

pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENTS: &str = "text/event-stream";

/// Serves until the process ends.
pub(crate) fn serve(answer: Arc<Answer>) -> SocketAddr {
    serve_each(Arc::new(move |_, path, body| answer(path, body)))
}

/// The same, for one who looks who asks.
pub(crate) fn serve_each(answer: Arc<AnswerTo>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let answer = answer.clone();
            // A client that leaves is not this server's business.
            std::thread::spawn(move || converse(socket, &*answer));
        }
    });
    address
}

/// Four users at this agent.
pub(crate) async fn job_at(address: SocketAddr) -> Job {
    job_from(address, &[]).await
}

/// The same, each from an address of its own.
pub(crate) async fn job_from(address: SocketAddr, sources: &[IpAddr]) -> Job {
    let url = format!("http://{address}").parse().expect("a URL");
    let mut wishes = Wishes::of(url);
    wishes.sources = sources.to_vec();
    job_for(Target::find(&wishes).await.expect("a target"))
}

fn converse(socket: TcpStream, answer: &AnswerTo) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let peer = socket.peer_addr()?.ip();
    let mut reader = BufReader::new(socket.try_clone()?);
    let mut writer = socket;
    while let Some((line, body)) = request(&mut reader)? {
        let path = line.split(' ').nth(1).unwrap_or_default();
        let (status, (kind, text)) = match answer(peer, path, &body) {
            Some(found) => ("200 OK", found),
            None => ("404 Not Found", (JSON, "{}".to_owned())),
        };
        let length = text.len();
        write!(
            writer,
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{text}"
        )?;
    }
    Ok(())
}
