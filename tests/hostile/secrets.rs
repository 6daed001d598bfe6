//! Agents that tell on their users: whatever way a key is echoed, no output has it.

use std::io::{self, Write};
use std::net::TcpStream;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::program::{Run, check, run, tck};
use crate::server::{Asked, CITY, Server, answer, documents, json};

/// Pieces of it are in no other word.
const KEY: &str = "zq7Kx+Vw3/Jp9Lm'2Rt5=";
const PIECES: &[&str] = &[
    "zq7k", "x+vw", "vw3/", "jp9l", "m'2r", "2rt5", "%2bvw", "u002bvw",
];

fn echoes(stream: &mut TcpStream, asked: &Asked, written: fn(&str) -> String) -> io::Result<()> {
    let key = asked
        .head
        .lines()
        .find_map(|line| line.strip_prefix("Authorization: Bearer "));
    // Those that are one off are keys as well.
    let written = written(key.unwrap_or(KEY).trim());
    let json_text = serde_json::Value::from(written.as_str()).to_string();
    let inner = json_text.trim_matches('"');
    let padding = "x".repeat(140);
    match asked.path.as_str() {
        "/capabilities" => json(stream, "200 OK", &format!(
            r#"{{"agent_id": "{inner}", "version": "{inner}", "streaming": true, "{inner}": 1, "capabilities": ["{inner}", 1]}}"#
        )),
        "/schema" => documents(stream, asked, &format!(
            r#"{{"type": "object", "properties": {{"city": {{"enum": ["{inner}", "b"]}}, "{inner}": {{"type": "string"}}}}, "required": ["city"]}}"#
        )).unwrap_or(Ok(())),
        path if path.contains("stream") => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            let half = written.floor_char_boundary(written.len() / 2);
            let (left, right) = written.split_at(half);
            let (begin, end) = (format!("data: {written} {left}"), format!("{right}\n\n"));
            let split = format!("event: chunk\ndata: {{\"delta\": \"{left}\"}}\n\nevent: chunk\ndata: {{\"delta\": \"{right}\"}}\n\n");
            for piece in [begin, end, format!("id: {written}\n"), split] {
                write!(stream, "{:x}\r\n{piece}\r\n", piece.len())?;
            }
            stream.write_all(b"0\r\n\r\n")
        }
        _ => {
            // At the end of what is shown of a body, and after it.
            let body = format!("{{\"error\": \"{padding}{inner}\", \"code\": \"{inner}\", \"{inner}\": \"{inner}\"}}");
            let field: String = written.chars().filter(|c| c.is_ascii_graphic()).collect();
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 500 {field}\r\nX-Echo: {field}\r\nContent-Type: {field}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        }
    }
}

type Echo = fn(&Asked, &mut TcpStream) -> io::Result<()>;

fn is_told(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_lowercase();
    PIECES.iter().copied().find(|piece| text.contains(piece))
}

fn is_kept(run: &Run, junit: &Path, name: &str) {
    let junit = std::fs::read_to_string(junit).expect("a report");
    for (face, text) in [
        ("JSON", &run.text),
        ("text", &run.stdout),
        ("stderr", &run.stderr),
        ("JUnit", &junit),
    ] {
        if let Some(piece) = is_told(text) {
            let at = text.to_ascii_lowercase().find(piece).unwrap_or_default();
            let around =
                text.floor_char_boundary(at.saturating_sub(80))..text.floor_char_boundary(at + 80);
            panic!("{name}: the {face} has it: {}", &text[around]);
        }
        let base64 = STANDARD.encode(KEY);
        assert!(
            !text.contains(&base64[4..20]),
            "{name}: the {face} has it in base64"
        );
    }
}

#[test]
fn a_key_that_is_echoed_in_any_writing_is_in_no_output() {
    let writings: [(&str, Echo); 8] = [
        ("as it is", |a, s| echoes(s, a, str::to_owned)),
        ("in capitals", |a, s| echoes(s, a, str::to_ascii_uppercase)),
        ("in percents", |a, s| {
            echoes(s, a, |key| {
                key.bytes().map(|b| format!("%{b:02X}")).collect()
            })
        }),
        ("in escapes", |a, s| {
            echoes(s, a, |key| {
                key.bytes().map(|b| format!("\\u{b:04x}")).collect()
            })
        }),
        ("some letters escaped", |a, s| {
            echoes(s, a, |key| key.replace('+', "%2B").replace('/', "\\/"))
        }),
        ("in base64", |a, s| {
            echoes(s, a, |key| STANDARD.encode(format!("a{key}b")))
        }),
        ("in base64 for URLs", |a, s| {
            echoes(s, a, |key| URL_SAFE_NO_PAD.encode(format!("ab{key}")))
        }),
        ("in hexadecimal digits", |a, s| {
            echoes(s, a, |key| {
                key.bytes().map(|b| format!("{b:02x}")).collect()
            })
        }),
    ];
    for (name, serve) in writings {
        let server = Server::start_raw(move |mut stream| {
            let asked = crate::server::read(&stream);
            let _ = serve(&asked, &mut stream);
        });
        let folder = tempfile::tempdir().expect("a folder");
        let junit = folder.path().join("junit.xml");
        let mut command = check(&server.url(), "60s");
        command.args(["--header", &format!("Authorization: Bearer {KEY}")]);
        // Words of the report's own: to redact them would spoil it, and must not spare the key.
        command.args(["--header", "X-Mode: must", "--header", "X-Kind: fail"]);
        command.args(["--format=junit", "--output"]).arg(&junit);
        let run = run(command);
        run.is_sound(name);
        is_kept(&run, &junit, name);
        assert!(
            run.text.contains("<redacted>"),
            "{name}: the echo was not come to"
        );
        assert_eq!(run.report["summary"]["error"], 0);
    }
}

#[test]
fn a_key_that_a_process_prints_is_in_no_output() {
    let folder = tempfile::tempdir().expect("a folder");
    let junit = folder.path().join("junit.xml");
    for (name, script) in [
        ("once", "echo \"my key is $TOLD\" >&2; exit 3"),
        (
            "at the cut",
            "head -c 20000 /dev/zero | tr \"\\0\" \"$TOLD\"; echo \"$TOLD\"; exit 3",
        ),
        (
            "a thousand times in a line",
            "for i in $(seq 2000); do printf %s \"$TOLD\"; done; exit 3",
        ),
    ] {
        let mut command = tck();
        command.args([
            "check",
            "--launch",
            &format!("sh -c '{script}'"),
            "--api-key-env",
            "TOLD",
        ]);
        command
            .env("TOLD", KEY)
            .args(["--format=junit", "--output"])
            .arg(&junit);
        let run = run(command);
        assert_eq!(run.code, Some(3), "{name}");
        is_kept(&run, &junit, name);
        assert!(run.text.contains("<redacted>"), "{name}: {}", run.text);
    }
}

#[test]
fn a_key_in_a_short_answer_is_no_reason_to_cut_anything_else() {
    let server = Server::start(|stream, asked| {
        documents(stream, asked, CITY)
            .unwrap_or_else(|| json(stream, "500 Oops", r#"{"error": "plain"}"#))
    });
    let mut command = check(&server.url(), "60s");
    command.args(["--header", &format!("Authorization: Bearer {KEY}")]);
    let run = run(command);
    run.is_sound("plain");
    assert!(
        run.text.contains(&server.url()),
        "curl lines lead to the agent"
    );
}

/// An agent that works, and tells its key in its documents, its answers and its streams.
fn works_and_tells(stream: &mut TcpStream, asked: &Asked) -> io::Result<()> {
    let told = serde_json::Value::from(KEY).to_string();
    match asked.path.as_str() {
        "/capabilities" => json(
            stream,
            "200 OK",
            &format!(r#"{{"agent_id": {told}, "version": {told}}}"#),
        ),
        "/invoke/stream" => {
            let body = format!("event: {KEY}\ndata: {told}\n\n");
            answer(stream, "200 OK", "text/event-stream", body.as_bytes())
        }
        "/invoke" => json(stream, "200 OK", &format!(r#"{{"output": {told}}}"#)),
        _ => documents(stream, asked, CITY).unwrap_or_else(|| json(stream, "404 No", "{}")),
    }
}

#[test]
fn a_key_that_is_echoed_under_load_is_in_no_output() {
    let server = Server::start(works_and_tells);
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    for scenario in ["mixed", "stream", "cache"] {
        let mut command = tck();
        command.args(["load", &server.url(), "--duration=300ms", "--users=2"]);
        command.args(["--scenario", scenario]);
        command.args(["--header", &format!("Authorization: Bearer {KEY}")]);
        command.env("TOLD", KEY).args(["--api-key-env", "TOLD"]);
        for (format, name) in [
            ("html", "report.html"),
            ("markdown", "report.md"),
            ("junit", "report.xml"),
        ] {
            command
                .args(["--format", format, "--output"])
                .arg(file(name));
        }
        command.arg("--prometheus").arg(file("report.prom"));
        command.arg("--histogram").arg(file("report.hlog"));
        let run = run(command);
        assert_eq!(run.report["format"], "acp-tck/load", "{}", run.stderr);
        for name in ["report.html", "report.md", "report.prom", "report.hlog"] {
            let text = std::fs::read_to_string(file(name)).expect(name);
            assert_eq!(is_told(&text), None, "{scenario}: {name}");
        }
        is_kept(&run, &file("report.xml"), scenario);
        assert!(run.text.contains("<redacted>"), "{scenario}: {}", run.text);
    }
}
