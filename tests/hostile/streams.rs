//! Streams that do not end, or not as streams do.

use std::io::{self, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::program::check_all;
use crate::server::{Asked, CITY, Row, answer, documents, forever, json};

const EVENT: &[u8] = b"event: progress\ndata: {\"event\": \"progress\", \"progress\": 0.5}\n\n";

/// Honest but for its streams.
fn streams(
    stream: &mut TcpStream,
    asked: &Asked,
    with: fn(&mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(done) = documents(stream, asked, CITY) {
        return done;
    }
    if !asked.path.contains("stream") {
        let body = r#"{"output": {}, "error": {"code": "NO", "message": "no"}}"#;
        return json(
            stream,
            if asked.body.contains("city") {
                "200 OK"
            } else {
                "400 Bad Request"
            },
            body,
        );
    }
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")?;
    with(stream)
}

#[test]
fn streams_without_end_are_left() {
    check_all(&[
        Row {
            name: "valid events without end",
            serve: |s, a| streams(s, a, |s| forever(s, EVENT)),
            shows: &[],
        },
        Row {
            name: "a valid event now and then, without end",
            serve: |s, a| {
                streams(s, a, |s| {
                    loop {
                        s.write_all(EVENT)?;
                        std::thread::sleep(Duration::from_millis(50));
                    }
                })
            },
            shows: &[],
        },
        Row {
            name: "comments without end",
            serve: |s, a| streams(s, a, |s| forever(s, b":\n")),
            shows: &[],
        },
        Row {
            name: "blank lines without end",
            serve: |s, a| streams(s, a, |s| forever(s, b"\n")),
            shows: &[],
        },
        Row {
            name: "empty events without end",
            serve: |s, a| streams(s, a, |s| forever(s, b"data\n\n")),
            shows: &[],
        },
        Row {
            name: "a line without end",
            serve: |s, a| {
                streams(s, a, |s| {
                    s.write_all(b"data: ")?;
                    forever(s, b"x")
                })
            },
            shows: &[],
        },
        Row {
            name: "an event without end",
            serve: |s, a| streams(s, a, |s| forever(s, b"data: x\n")),
            shows: &[],
        },
        Row {
            name: "defects without end",
            serve: |s, a| streams(s, a, |s| forever(s, b"\xff: x\r\0\n")),
            shows: &[],
        },
        Row {
            name: "ids of 100 KiB",
            serve: |s, a| {
                streams(s, a, |s| {
                    let event = format!("id: {}\ndata: {{}}\n\n", "i".repeat(100_000));
                    s.write_all(event.repeat(8).as_bytes())?;
                    s.write_all(&b"data: {}\n\n".repeat(10_000))
                })
            },
            shows: &[],
        },
        Row {
            name: "goes on after its end",
            serve: |s, a| {
                streams(s, a, |s| {
                    s.write_all(
                        b"event: complete\ndata: {\"event\": \"complete\", \"output\": {}}\n\n",
                    )?;
                    forever(s, EVENT)
                })
            },
            shows: &[],
        },
    ]);
}

#[test]
fn everything_may_say_that_it_is_a_stream() {
    check_all(&[Row {
        name: "documents as streams",
        serve: |s, _| answer(s, "200 OK", "text/event-stream", &EVENT.repeat(2_000)),
        shows: &[],
    }]);
}
