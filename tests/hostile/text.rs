//! Texts that mean to act on a terminal: in every place where an agent's words reach a person.

use std::io::Write;
use std::process::Stdio;

use crate::program::{check, run, tck};
use crate::server::{Server, json};

/// Clears the screen, sets the title, moves up, rings, turns the text round, and forges a verdict. No
/// sequence in it is a colour: those are ours.
const ACTS: &str =
    "\u{1b}[2J\u{1b}]0;pwned\u{7}\u{1b}[1A\u{9b}2K\u{202e}\u{8}\u{0}\rCERTIFIED: core\u{2028}";

/// Only line ends, and colours of our own.
fn is_safe(text: &str) -> Result<(), String> {
    let mut pieces = text.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let Some((code, rest)) = piece.split_once('m') else {
            return Err(format!("{:?}", piece.chars().take(40).collect::<String>()));
        };
        let is_colour =
            code.starts_with('[') && code[1..].bytes().all(|b| b.is_ascii_digit() || b == b';');
        if !is_colour {
            return Err(format!("{code:?}"));
        }
        plain.push_str(rest);
    }
    let acts = |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2028}'));
    match plain.find(acts) {
        Some(at) => Err(format!(
            "{:?}",
            plain[at..].chars().take(40).collect::<String>()
        )),
        None if plain.lines().any(|line| line.starts_with("CERTIFIED")) => {
            Err("a forged verdict".to_owned())
        }
        None => Ok(()),
    }
}

fn escaped() -> String {
    let quoted = serde_json::Value::from(ACTS).to_string();
    quoted.trim_matches('"').to_owned()
}

#[test]
fn no_word_of_an_agent_acts_on_a_terminal() {
    let server = Server::start(|stream, asked| {
        let acts = escaped();
        let raw = ACTS.replace(['\r', '\0'], " ");
        match asked.path.as_str() {
            "/capabilities" => json(
                stream,
                "200 OK",
                &format!(
                    r#"{{"agent_id": "{acts}", "version": "{acts}", "streaming": true, "capabilities": [{{"name": "{acts}", "description": 1}}]}}"#
                ),
            ),
            "/schema" => json(
                stream,
                "200 OK",
                &format!(
                    r##"{{"input": {{"type": "object", "properties": {{"{acts}": {{"type": "string", "enum": ["{acts}"]}}}}, "required": ["{acts}"]}},
                        "output": {{"type": "{acts}"}}, "config": {{"$ref": "#/{acts}"}}}}"##
                ),
            ),
            path if path.contains("stream") => write!(
                stream,
                "HTTP/1.1 200 {raw}\r\nContent-Type: text/event-stream\r\nX-{raw}: 1\r\n\r\n"
            )
            .and_then(|()| {
                stream.write_all(format!("id: {raw}\nevent: {raw}\ndata: {ACTS}\n\n").as_bytes())
            }),
            _ => write!(
                stream,
                "HTTP/1.1 500 {raw}\r\nContent-Type: {raw}/json\r\nX-A: {raw}\r\nAllow: {raw}\r\nRetry-After: {raw}\r\nContent-Length: 9999\r\n\r\n{{\"error\": {{\"code\": \"{acts}\", \"message\": \"{ACTS}\"}}}}"
            ),
        }
    });
    let mut command = check(&server.url(), "60s");
    // As on a terminal: a writer to a file strips what it takes for colours.
    command.env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR");
    let run = run(command);
    run.is_sound("acts on terminals");
    assert!(run.stdout.contains('\u{1b}'), "colours were asked for");
    is_safe(&run.stdout).expect("the report");
    is_safe(&run.stderr).expect("standard error");
}

#[test]
fn no_word_of_a_captured_stream_acts_on_a_terminal() {
    let mut child = tck()
        .arg("sse")
        .env("CLICOLOR_FORCE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let acts = ACTS.replace(['\r', '\0'], " ");
    let text = format!(
        "{acts}: {acts}\nid: {acts}\nevent: {acts}\nretry: {acts}\ndata: {ACTS}\n\ndata: {{\"a\": \"{acts}\n\n:{acts}\nid: \0{acts}\n"
    );
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("taken");
    drop(input);
    let output = child.wait_with_output().expect("an end");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("event 1"), "{told}");
    is_safe(&told).expect("what it tells");
}

#[test]
fn no_word_of_a_process_acts_on_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("words");
    std::fs::write(&file, ACTS).expect("a file");
    let mut command = tck();
    command.args([
        "check",
        "--launch",
        &format!("sh -c 'cat {}; exit 3'", file.display()),
    ]);
    command.env("CLICOLOR_FORCE", "1");
    let run = run(command);
    assert_eq!(run.code, Some(3));
    assert!(run.text.contains("pwned"), "{}", run.text);
    is_safe(&run.stdout).expect("the report");
    is_safe(&run.stderr).expect("standard error");
}
