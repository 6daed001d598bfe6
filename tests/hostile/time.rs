//! Agents that take their time: the checker takes its own.

use std::io::Write;
use std::time::Duration;

use crate::program::{check, run, tck};
use crate::server::{CITY, Server, documents, json};

#[test]
fn one_byte_at_a_time_is_waited_for_no_longer_than_allowed() {
    for (name, server) in [
        (
            "drips the head",
            Server::start(|stream, _| {
                for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    .iter()
                    .cycle()
                {
                    stream.write_all(&[*byte])?;
                    std::thread::sleep(Duration::from_millis(20));
                }
                Ok(())
            }),
        ),
        (
            "drips the body",
            Server::start(|stream, asked| {
                if let Some(done) = documents(stream, asked, CITY) {
                    return done;
                }
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"output\": \"",
                )?;
                loop {
                    stream.write_all(b"x")?;
                    std::thread::sleep(Duration::from_millis(20));
                }
            }),
        ),
        (
            "drips the body as fast as it can",
            Server::start(|stream, asked| {
                if let Some(done) = documents(stream, asked, CITY) {
                    return done;
                }
                let _ = stream.set_nodelay(true);
                stream.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: ",
                )?;
                loop {
                    stream.write_all(b"x")?;
                }
            }),
        ),
    ] {
        let run = run(check(&server.url(), "4s"));
        run.is_sound(name);
    }
}

#[test]
fn what_the_budget_leaves_open_is_inconclusive_and_says_so() {
    // Each answer comes in time; all of them never would.
    let server = Server::start(|stream, asked| {
        std::thread::sleep(Duration::from_millis(150));
        documents(stream, asked, CITY)
            .unwrap_or_else(|| json(stream, "404 Not Found", r#"{"error": "no"}"#))
    });
    let run = run(check(&server.url(), "3s"));
    run.is_sound("always nearly late");
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(run.report["verdict"], "fail");
    let (status, message) = run.finding("transport.survives-abort");
    assert!(
        status == "inconclusive" && message.contains("--budget"),
        "{status}: {message}"
    );
    assert_eq!(run.finding("auth.responds").0, "pass");
    assert!(
        run.stdout
            .contains("the time for the whole run (3s) was used up")
    );
}

/// Some thousand patterns, all of which every instance must hold to: making cases takes a minute
/// where nothing is optimised, and seconds where all is.
fn laborious() -> String {
    let names: Vec<String> = (0..3_000).map(|number| format!("\"p{number}\"")).collect();
    let text = r#"{"type": "string", "minLength": 3, "pattern": "^[a-z]+$"}"#;
    let all: Vec<String> = names.iter().map(|name| format!("{name}: {text}")).collect();
    format!(
        r#"{{"type": "object", "properties": {{{}}}, "required": [{}]}}"#,
        all.join(", "),
        names.join(", ")
    )
}

#[test]
fn a_schema_takes_no_more_of_the_time_than_there_is() {
    let server = Server::start(|stream, asked| {
        documents(stream, asked, &laborious())
            .unwrap_or_else(|| json(stream, "200 OK", r#"{"output": {}}"#))
    });
    let folder = tempfile::tempdir().expect("a folder");
    let record = folder.path().join("record");
    let mut command = check(&server.url(), "2s");
    command.arg("--record").arg(&record);
    let first = run(command);
    first.is_sound("takes long to make cases for");
    for rule in ["invoke.accepts-valid", "config.accepts-valid"] {
        let (status, message) = first.finding(rule);
        assert!(
            status == "inconclusive" && message.contains("--budget"),
            "{rule} is {status}: {message}"
        );
    }
    assert_eq!(first.finding("auth.responds").0, "pass");
    // What there was no time for is as open when there is some.
    let mut command = tck();
    command.arg("judge").arg(&record);
    let again = run(command);
    assert_eq!(first.report["results"], again.report["results"]);
}

#[test]
fn a_path_that_never_answers_is_not_waited_for_topic_after_topic() {
    use std::io::Read;
    let server = Server::start(|stream, asked| {
        if asked.path.starts_with("/invoke") {
            // Until the checker has had enough of it.
            let _ = stream.read(&mut [0]);
            return Ok(());
        }
        documents(stream, asked, CITY)
            .unwrap_or_else(|| json(stream, "404 Not Found", r#"{"error": "no"}"#))
    });
    let run = run(check(&server.url(), "300s"));
    run.is_sound("never answers at /invoke");
    let all = run.report["results"].as_array().expect("results").iter();
    let open = all.filter(|one| {
        let message = one["message"].as_str().unwrap_or_default();
        message.contains("nothing at /invoke has ever been answered")
    });
    assert!(open.count() > 3, "{}", run.stdout);
    assert!(!run.statuses("fail").is_empty());
}
