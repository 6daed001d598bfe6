//! Agents whose answers are no HTTP, or no end of it: each run ends, and names what it met.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use acp_load::target::{Target, Wishes};
use acp_reports::load::Report;

use crate::common::{job_for, run};
use crate::stalling::SCHEMA;

/// What the agent does with a connection on which it was asked something.
type Deed = fn(TcpStream) -> io::Result<()>;

/// Serves until the process ends: a schema to whoever asks for it, and its deed to everybody else.
fn serve(deed: Deed) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            // A client that leaves is not this server's business.
            std::thread::spawn(move || converse(socket, deed));
        }
    });
    address
}

fn converse(mut socket: TcpStream, deed: Deed) -> io::Result<()> {
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
            "/schema" => ("200 OK", SCHEMA),
            "/invoke" => return deed(socket),
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

/// Four users who ask such an agent for a third of a second.
async fn met(deed: Deed) -> Report {
    let mut wishes = Wishes::of(format!("http://{}", serve(deed)).parse().expect("a URL"));
    wishes.timeout = Duration::from_millis(300);
    let mut job = job_for(Target::find(&wishes).await.expect("a target"));
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    run(&job, "mixed").await
}

fn without_end(mut socket: TcpStream, again: &[u8]) -> io::Result<()> {
    loop {
        socket.write_all(again)?;
    }
}

fn say(mut socket: TcpStream, text: &str) -> io::Result<()> {
    socket.write_all(text.as_bytes())
}

fn hold(mut socket: TcpStream, text: &str) -> io::Result<()> {
    socket.write_all(text.as_bytes())?;
    socket.read_to_end(&mut Vec::new())?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_answer_is_named_and_holds_nobody() {
    let deeds: [(&str, &str, Deed); 11] = [
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
