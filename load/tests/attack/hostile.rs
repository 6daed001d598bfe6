//! Agents whose answers are no HTTP, or no end of it: each run ends, and names what it met.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use acp_load::run::Job;
use acp_load::target::{Target, Wishes};
use acp_reports::load::Report;

use crate::common::{job_for, run};
use crate::stalling::SCHEMA;

/// What the agent does with a connection on which it was asked something.
type Deed = fn(TcpStream) -> io::Result<()>;

/// Serves until the process ends: its deed to whoever asks for `path`, and a schema where that is
/// something else.
fn serve(path: &'static str, deed: Deed) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // A client that leaves is not this server's business.
            std::thread::spawn(move || converse(socket, path, deed));
        }
    });
    address
}

fn converse(mut socket: TcpStream, of: &str, deed: Deed) -> io::Result<()> {
    // A byte at a time: of a body not one is read.
    let lines = BufReader::with_capacity(1, socket.try_clone()?).lines();
    let mut path = String::new();
    for line in lines {
        let line = line?;
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        }
        if !line.is_empty() {
            continue;
        }
        let (status, text) = match path.as_str() {
            path if path == of => return deed(socket),
            "/schema" => ("200 OK", SCHEMA),
            _ => ("404 Not Found", "{}"),
        };
        let length = text.len();
        let json = "Content-Type: application/json";
        write!(
            socket,
            "HTTP/1.1 {status}\r\n{json}\r\nContent-Length: {length}\r\n\r\n{text}"
        )?;
        path.clear();
    }
    Ok(())
}

const TIMEOUT: Duration = Duration::from_millis(300);

/// Four users who ask such an agent for a third of a second.
async fn met(deed: Deed) -> Report {
    run(&job_at(serve("/invoke", deed), TIMEOUT).await, "mixed").await
}

async fn job_at(address: SocketAddr, timeout: Duration) -> Job {
    let mut wishes = Wishes::of(format!("http://{address}").parse().expect("a URL"));
    wishes.timeout = timeout;
    let mut job = job_for(Target::find(&wishes).await.expect("a target"));
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    job
}

fn without_end(mut socket: TcpStream, again: &[u8]) -> io::Result<()> {
    loop {
        socket.write_all(again)?;
    }
}

fn say(mut socket: TcpStream, text: &str) -> io::Result<()> {
    socket.write_all(text.as_bytes())
}

/// A piece each `pause` until nobody listens.
fn drip(mut socket: TcpStream, pause: Duration, piece: &str) -> io::Result<()> {
    loop {
        socket.write_all(piece.as_bytes())?;
        std::thread::sleep(pause);
    }
}

const DRIP: Duration = Duration::from_millis(60);

fn hold(mut socket: TcpStream, text: &str) -> io::Result<()> {
    socket.write_all(text.as_bytes())?;
    socket.read_to_end(&mut Vec::new())?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_answer_is_named_and_holds_nobody() {
    let deeds: [(&str, &str, Deed); 13] = [
        ("another protocol", "not-http", |it| {
            say(it, "SSH-2.0-server\r\n")
        }),
        ("a field without end", "not-http", |mut it| {
            it.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
            without_end(it, &[b'x'; 4096])
        }),
        ("fields without end", "not-http", |mut it| {
            it.write_all(b"HTTP/1.1 200 OK\r\n")?;
            without_end(it, b"X: y\r\n")
        }),
        ("a chunk of no size", "not-http", |it| {
            say(
                it,
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
            )
        }),
        ("a chunk of more than any size", "not-http", |it| {
            let chunk = "fffffffffffffffff\r\nx";
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            say(it, &format!("{head}{chunk}"))
        }),
        ("two lengths", "not-http", |it| {
            say(
                it,
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
            )
        }),
        ("nothing", "broken-off", |_| Ok(())),
        ("less than was promised", "broken-off", |it| {
            say(
                it,
                "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n{}",
            )
        }),
        ("silence", "timed-out", |it| hold(it, "")),
        ("half a body", "timed-out", |it| {
            hold(it, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{")
        }),
        ("a body that drips", "timed-out", |mut it| {
            it.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")?;
            drip(it, DRIP, "x")
        }),
        ("a flood, and silence then", "timed-out", |mut it| {
            it.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")?;
            // For longer than the timeout, so that it runs out among it.
            let end = std::time::Instant::now() + TIMEOUT * 2;
            while std::time::Instant::now() < end {
                it.write_all(&[b'x'; 65_536])?;
            }
            hold(it, "")
        }),
        ("hints without end", "timed-out", |it| {
            without_end(it, b"HTTP/1.1 103 Early Hints\r\n\r\n")
        }),
    ];
    for (name, trouble, deed) in deeds {
        let requests = met(deed).await.requests;
        assert!(requests.total > 0, "{name}");
        let all = [(trouble.to_owned(), requests.total)].into();
        assert_eq!(requests.by_error, all, "{name}");
    }
}

#[tokio::test]
async fn what_nobody_asked_for_is_no_answer_to_what_is_asked_next() {
    let report = met(|mut socket| {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        let unasked = "HTTP/1.1 500 Oops\r\nContent-Length: 2\r\n\r\n{}";
        // In one segment with the answer, and after it.
        socket.write_all(format!("{answer}{unasked}").as_bytes())?;
        hold(socket, unasked)
    })
    .await;
    assert!(report.requests.total > 0);
    let all = [("200".to_owned(), report.requests.total)].into();
    assert_eq!(report.requests.by_status, all);
}

#[tokio::test]
async fn an_answer_counts_though_the_agent_has_closed_before_it_read_the_body() {
    let report = met(|it| {
        let head = "HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 2";
        say(it, &format!("{head}\r\n\r\n{{}}"))
    })
    .await;
    assert!(report.requests.total > 0);
    let all = [("413".to_owned(), report.requests.total)].into();
    assert_eq!(report.requests.by_status, all);
}

const EVENTS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";
const JSON: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";

#[tokio::test]
async fn a_document_that_drips_is_given_up_on() {
    let address = serve("/schema", |mut it| {
        it.write_all(JSON)?;
        drip(it, DRIP, " ")
    });
    let report = run(&job_at(address, TIMEOUT).await, "mixed").await;
    let error = report.error.expect("why");
    assert!(error.contains("timed-out"), "{error}");
}

#[tokio::test]
async fn a_stream_at_rest_is_not_heard_for_ever() {
    let address = serve("/invoke/stream", |mut it| {
        it.write_all(EVENTS)?;
        drip(it, DRIP, ": still there\n\n")
    });
    let report = run(&job_at(address, TIMEOUT).await, "stream").await;
    let error = report.error.expect("why");
    assert!(error.contains("timed-out"), "{error}");
}

#[tokio::test]
async fn who_does_not_want_to_wait_for_a_document_need_not() {
    let address = serve("/schema", |it| hold(it, ""));
    let job = job_at(address, Duration::from_secs(3600)).await;
    job.stop.cancel();
    let report = run(&job, "mixed").await;
    assert!(report.interrupted && report.error.is_some());
}

#[tokio::test]
async fn streams_that_never_end_have_failed() {
    let address = serve("/invoke/stream", |mut it| {
        it.write_all(EVENTS)?;
        drip(it, DRIP, "data: {\"event\":\"progress\"}\n\n")
    });
    let mut job = job_at(address, TIMEOUT).await;
    job.traffic.mix = vec![("stream".to_owned(), 1.0)];
    let report = run(&job, "mixed").await;
    let count = report.requests.by_error.get("unfinished").copied();
    assert_eq!((count, report.requests.failed), (Some(4), 4));
    assert!(report.defects.iter().any(|it| it.name == "never-ends"));
}
