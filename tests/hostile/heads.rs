//! Heads: endless, huge, many, none, and answers to what nobody has asked.

use std::io::{Read, Write};

use crate::program::{check, check_all, run};
use crate::server::{CITY, Row, Server, documents, forever, silent};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";

#[test]
fn heads_without_end_are_left() {
    check_all(&[
        Row {
            name: "a field of 64 MiB",
            serve: |s, _| {
                s.write_all(OK)?;
                s.write_all(b"X-Long: ")?;
                s.write_all(&vec![b'x'; 64 << 20])?;
                s.write_all(b"\r\nContent-Length: 0\r\n\r\n")
            },
            shows: &[("auth.responds", "fail", "")],
        },
        Row {
            name: "fields without end",
            serve: |s, _| {
                s.write_all(OK)?;
                forever(s, b"Set-Cookie: a=b\r\n")
            },
            shows: &[("auth.responds", "fail", "")],
        },
        Row {
            name: "cookies by the thousand",
            serve: |s, _| {
                s.write_all(OK)?;
                s.write_all(&b"Set-Cookie: a=b\r\n".repeat(3_000))?;
                s.write_all(b"Content-Length: 2\r\n\r\n{}")
            },
            shows: &[("auth.responds", "fail", "")],
        },
        Row {
            name: "60 KiB of fields in every answer",
            serve: |s, _| {
                s.write_all(OK)?;
                s.write_all(format!("X: {}\r\n", "x".repeat(290)).repeat(200).as_bytes())?;
                s.write_all(b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            },
            shows: &[],
        },
        Row {
            name: "interim answers without end",
            serve: |s, _| forever(s, b"HTTP/1.1 100 Continue\r\n\r\n"),
            shows: &[],
        },
        Row {
            name: "interim answers, one by one",
            serve: |s, _| loop {
                s.write_all(b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n")?;
            },
            shows: &[],
        },
        Row {
            name: "a blank line without end",
            serve: |s, _| forever(s, b"\r\n"),
            shows: &[],
        },
        Row {
            name: "noughts without end",
            serve: |s, _| forever(s, b"\0"),
            shows: &[],
        },
        Row {
            name: "a reason without end",
            serve: |s, _| {
                s.write_all(b"HTTP/1.1 200 ")?;
                forever(s, b"so")
            },
            shows: &[],
        },
    ]);
}

#[test]
fn those_who_say_nothing_or_hang_up_are_told_so() {
    for (name, server, word) in [
        (
            "accepts and says nothing",
            Server::start(|s, _| silent(s)),
            "answers nothing",
        ),
        ("hangs up at once", Server::start_raw(drop), ""),
        (
            "resets, as it has not read what it was sent",
            Server::start_raw(|mut stream| drop(stream.read(&mut [0]))),
            "",
        ),
    ] {
        let run = run(check(&server.url(), "20s"));
        run.is_sound(name);
        let told = format!("{} {}", run.stderr, run.text);
        assert!(told.contains(word), "{name}: {told}");
    }
}

#[test]
fn answers_to_what_nobody_asked_are_taken_for_none() {
    check_all(&[
        Row {
            name: "three answers to each question",
            serve: |s, a| {
                let Some(done) = documents(s, a, CITY) else {
                    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                    s.write_all(answer.repeat(3).as_bytes())?;
                    return silent(s);
                };
                done
            },
            shows: &[],
        },
        Row {
            name: "more after the answer, on a connection that is kept",
            serve: |s, _| {
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
                s.write_all(answer.repeat(3).as_bytes())?;
                silent(s)
            },
            shows: &[("transport.keep-alive", "warn", "more than its answer")],
        },
    ]);
    let early = Server::start_raw(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
        let _ = silent(&mut stream);
    });
    run(check(&early.url(), "4s")).is_sound("answers before it is asked");
}
