//! Bodies: endless, heavy, coded, and not as long as they say.

use std::io::{self, Write};
use std::net::TcpStream;

use crate::program::check_all;
use crate::server::{Asked, CITY, Row, answer, documents, forever, json};

/// A gzip file that unpacks to more than it is: nobody is to try.
const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff";

/// The head of an answer of JSON without a length.
fn open(stream: &mut TcpStream, fields: &str) -> io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{fields}\r\n"
    )
}

fn endless(stream: &mut TcpStream, fields: &str, piece: &[u8]) -> io::Result<()> {
    open(stream, fields)?;
    forever(stream, piece)
}

fn honest_first(
    stream: &mut TcpStream,
    asked: &Asked,
    then: fn(&mut TcpStream) -> io::Result<()>,
) -> io::Result<()> {
    match documents(stream, asked, CITY) {
        Some(done) => done,
        None => then(stream),
    }
}

/// As heavy as the bounds on one answer let a body be, on every path.
fn heavy(stream: &mut TcpStream, piece: &str) -> io::Result<()> {
    let count = 120_000 / piece.matches(['[', '{', ',', ':']).count().max(1);
    let body = format!("[{}0]", piece.repeat(count));
    json(stream, "200 OK", &body)
}

#[test]
fn bodies_without_end_are_left() {
    check_all(&[
        Row {
            name: "a body until the end of time",
            serve: |s, _| endless(s, "", b"x"),
            shows: &[],
        },
        Row {
            name: "a string without end",
            serve: |s, a| honest_first(s, a, |s| endless(s, "", b"\"x")),
            shows: &[(
                "invoke.accepts-valid",
                "inconclusive",
                "that the checker keeps",
            )],
        },
        Row {
            name: "brackets without end",
            serve: |s, _| endless(s, "", b"["),
            shows: &[],
        },
        Row {
            name: "chunks without end",
            serve: |s, _| endless(s, "Transfer-Encoding: chunked\r\n", b"5\r\n{\"a\":\r\n"),
            shows: &[],
        },
        Row {
            name: "chunks of one byte without end",
            serve: |s, _| endless(s, "Transfer-Encoding: chunked\r\n", b"1\r\nx\r\n"),
            shows: &[],
        },
        Row {
            name: "chunk extensions without end",
            serve: |s, _| {
                endless(
                    s,
                    "Transfer-Encoding: chunked\r\n",
                    b"1;ext=\"0123456789\";more\r\nx\r\n",
                )
            },
            shows: &[],
        },
        Row {
            name: "an extension without end",
            serve: |s, _| endless(s, "Transfer-Encoding: chunked\r\n", b"1;x"),
            shows: &[],
        },
        Row {
            name: "trailers without end",
            serve: |s, _| {
                open(s, "Transfer-Encoding: chunked\r\n")?;
                s.write_all(b"2\r\n{}\r\n0\r\n")?;
                forever(s, b"X-More: and more\r\n")
            },
            shows: &[("auth.responds", "fail", "")],
        },
    ]);
}

#[test]
fn bodies_that_weigh_much_once_they_are_read_stay_within_bounds() {
    check_all(&[
        Row {
            name: "empty arrays",
            serve: |s, _| heavy(s, "[],"),
            shows: &[],
        },
        Row {
            name: "small objects",
            serve: |s, _| heavy(s, "{\"a\":0},"),
            shows: &[],
        },
        Row {
            name: "zeros",
            serve: |s, _| heavy(s, "0,"),
            shows: &[],
        },
        Row {
            name: "objects in objects",
            serve: |s, _| heavy(s, &("{\"a\":".repeat(60) + "0" + &"}".repeat(60) + ",")),
            shows: &[],
        },
        Row {
            name: "one text of 4 MiB",
            serve: |s, _| json(s, "200 OK", &format!("\"{}\"", "x".repeat(4_000_000))),
            shows: &[],
        },
        Row {
            name: "texts for every answer but the documents",
            serve: |s, a| {
                honest_first(s, a, |s| {
                    json(
                        s,
                        "200 OK",
                        &format!(
                            "{{\"output\": {{\"x\": \"{}\"}}}}",
                            "\u{1}x".repeat(400_000)
                        ),
                    )
                })
            },
            shows: &[],
        },
    ]);
}

#[test]
fn codings_that_nobody_asked_for_are_not_undone() {
    check_all(&[Row {
        name: "a gzip bomb",
        serve: |s, _| {
            let length = GZIP.len() + (1 << 20);
            open(
                s,
                &format!("Content-Encoding: gzip\r\nContent-Length: {length}\r\n"),
            )?;
            s.write_all(GZIP)?;
            s.write_all(&vec![0; 1 << 20])
        },
        shows: &[("transport.json-is-valid", "fail", "coded")],
    }]);
}

#[test]
fn lengths_that_lie_are_found_out() {
    check_all(&[
        Row {
            name: "a length that is too long",
            serve: |s, _| {
                open(s, "Content-Length: 1000\r\n")?;
                s.write_all(b"{}")
            },
            shows: &[("auth.responds", "fail", "")],
        },
        Row {
            name: "a length beyond all numbers",
            serve: |s, _| open(s, &format!("Content-Length: {}\r\n", "9".repeat(1_000))),
            shows: &[("auth.responds", "fail", "")],
        },
        Row {
            name: "a length that promises 16 EiB",
            serve: |s, _| endless(s, "Content-Length: 18446744073709551615\r\n", b" "),
            shows: &[],
        },
        Row {
            name: "a length that is too short",
            serve: |s, a| match documents(s, a, CITY) {
                Some(done) => done,
                None => {
                    open(s, "Content-Length: 2\r\n")?;
                    s.write_all(b"{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                }
            },
            shows: &[],
        },
        Row {
            name: "two lengths",
            serve: |s, _| {
                open(s, "Content-Length: 2\r\nContent-Length: 20\r\n")?;
                s.write_all(b"{}")
            },
            shows: &[("auth.responds", "fail", "")],
        },
        Row {
            name: "a length and chunks",
            serve: |s, _| {
                open(s, "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")?;
                s.write_all(b"7\r\n{\"a\":1}\r\n0\r\n\r\n")
            },
            shows: &[],
        },
        Row {
            name: "an answer to each half of nothing",
            serve: |s, _| answer(s, "204 No Content", "", b"{}"),
            shows: &[],
        },
    ]);
}
