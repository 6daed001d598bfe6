//! What the agent's speed is measured against: axum and nothing else, which takes a body in and
//! answers always the same bytes. For `scripts/bench-agent.sh`.

use std::{env, io};

use axum::{Router, body::Bytes, http::header, routing::post};
use tokio::net::TcpListener;

/// `bare PORT FILE`: answers `POST /invoke` on this port with the bytes of this file.
fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("usage: bare PORT FILE"));
    };
    let answer = Bytes::from(std::fs::read(file)?);
    let json = [(header::CONTENT_TYPE, "application/json")];
    let route = post(async move |_body: Bytes| (json, answer.clone()));
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
