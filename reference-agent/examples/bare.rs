//! What the agent's speed is measured against: axum and nothing else, which takes a body in and
//! answers always the same bytes. For `scripts/bench-agent.sh`.

use std::{env, io};

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
    routing::post,
};
use tokio::net::TcpListener;

/// `bare PORT FILE`: answers `POST /invoke` on this port with the bytes of this file: header
/// fields, an empty line, a body.
fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: bare PORT FILE"));
    };
    let file = std::fs::read_to_string(file)?;
    let (head, body) = file
        .split_once("\n\n")
        .ok_or(io::Error::other("no empty line in the file"))?;
    let fields = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let value = HeaderValue::from_str(value).ok()?;
        Some((HeaderName::try_from(name).ok()?, value))
    });
    let head: HeaderMap = fields.collect();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let route = post(async move |_body: Bytes| {
        let mut response = Response::new(Body::from(body.clone()));
        *response.headers_mut() = head.clone();
        response
    });
    // One thread, as the agent has it for this.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
        axum::serve(listener, Router::new().route("/invoke", route)).await
    })
}
