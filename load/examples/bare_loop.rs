//! What the hot path is measured against: hyper, a histogram and nothing else. For
//! `scripts/bench-load-peers.sh`.
//!
//! `bare_loop HOST:PORT CONNECTIONS SECONDS BODY`: posts the body to /invoke, again and again, on so
//! many connections, on one thread.

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::time::{Duration, Instant};

use acp_load::recorder::{histogram, micros, record};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::LocalSet;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, connections, seconds, body] = &arguments[..] else {
        return Err("usage: bare_loop HOST:PORT CONNECTIONS SECONDS BODY".into());
    };
    let (connections, seconds): (usize, u64) = (connections.parse()?, seconds.parse()?);
    let end = Instant::now() + Duration::from_secs(seconds);
    let times = Rc::new(RefCell::new(histogram()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let users = (0..connections).map(|_| {
            let (address, body, times) = (address.clone(), body.clone(), times.clone());
            tokio::task::spawn_local(async move {
                user(&address, body, end, |time| {
                    record(&mut times.borrow_mut(), micros(time))
                })
                .await
            })
        });
        let users: Vec<_> = users.collect();
        for user in users {
            user.await??;
        }
        Outcome::Ok(())
    })?;
    let times = times.borrow();
    println!(
        "{} requests, p99 {} µs",
        times.len(),
        times.value_at_quantile(0.99)
    );
    Ok(())
}

async fn user(
    address: &str,
    body: String,
    end: Instant,
    tell: impl Fn(Duration),
) -> Result<(), Box<dyn Error>> {
    let socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
    tokio::task::spawn_local(connection);
    let body = Bytes::from(body);
    while Instant::now() < end {
        let began = Instant::now();
        let request = Request::post("/invoke")
            .header("host", address)
            .header("content-type", "application/json")
            .body(Full::new(body.clone()))?;
        sender.ready().await?;
        let mut answer = sender.send_request(request).await?.into_body();
        while let Some(frame) = answer.frame().await {
            frame?;
        }
        tell(began.elapsed());
    }
    Ok(())
}
