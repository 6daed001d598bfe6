//! Drives for requests that no client should send: what an agent must withstand.

use serde_json::Value;

use super::driver::{Driver, Listen, Question};
use crate::evidence::{Ask, Step};
use crate::wire::{Manner, Request};

/// How deep a body nests that is meant to exhaust a recursive reader's stack.
const DEPTH: usize = 100_000;
const LONG_PATH: usize = 8 * 1024;

/// Bodies that are not JSON, to every path that takes a body.
pub(super) async fn malformed(driver: &Driver<'_>) -> Vec<Ask> {
    let bodies = malformed_bodies(driver);
    let questions = targets(driver).into_iter().flat_map(|path| {
        bodies.iter().map(move |(note, body)| {
            let note = format!("{note}, to {path}");
            Question::new(Step::Main, 0, note, Request::post(path, body.clone()))
        })
    });
    driver.spread(questions.collect()).await
}

fn targets<'a>(driver: &Driver<'a>) -> Vec<&'a str> {
    let streams = driver.probe.streams.iter().filter(|stream| !stream.by_flag);
    ["/invoke", "/config"]
        .into_iter()
        .chain(streams.map(|stream| stream.path.as_str()))
        .collect()
}

fn malformed_bodies(driver: &Driver<'_>) -> Vec<(&'static str, Vec<u8>)> {
    let valid = driver.bank.simple_body();
    let cut = valid.as_bytes()[..valid.len() - 1].to_vec();
    let mut bodies = vec![
        ("an empty body", Vec::new()),
        ("free text", b"hello".to_vec()),
        ("JSON cut before its end", cut),
        ("text after the JSON", format!("{valid} x").into_bytes()),
        (
            "a comma too many",
            b"{\"input\": {}, \"config\": {},}".to_vec(),
        ),
        ("single quotes", b"{'input': {}, 'config': {}}".to_vec()),
        ("a bare NaN", b"{\"input\": NaN, \"config\": NaN}".to_vec()),
        (
            "a number with a leading zero",
            b"{\"input\": 01, \"config\": 01}".to_vec(),
        ),
        (
            "a raw line feed in a string",
            b"{\"input\": \"\n\", \"config\": \"\n\"}".to_vec(),
        ),
        (
            "bytes that are not UTF-8",
            b"{\"input\": \"\xff\xfe\", \"config\": \"\xff\"}".to_vec(),
        ),
        ("XML", b"<input/>".to_vec()),
    ];
    if let Some(body) = with_number(driver, "NaN") {
        bodies.push(("NaN where a number belongs", body.into_bytes()));
    }
    bodies
}

pub(super) async fn wrong_content_type(driver: &Driver<'_>) -> Vec<Ask> {
    let request = Request::bare("POST", "/invoke")
        .with_header("Content-Type", "text/plain")
        .with_body(driver.bank.simple_body());
    let note = "a valid body that is declared to be text/plain";
    driver
        .in_turn(vec![Question::new(Step::Main, 0, note, request)])
        .await
}

/// Requests that are odd: in their JSON, in their members' types, in their HTTP.
pub(super) async fn odd(driver: &Driver<'_>) -> Vec<Ask> {
    let mut questions = Vec::new();
    for path in targets(driver) {
        for (note, body) in odd_bodies(driver) {
            let note = format!("{note}, to {path}");
            let question = Question::new(Step::Main, 0, note, Request::post(path, body));
            // What is taken after all is a whole stream: its first piece says enough.
            let is_plain = matches!(path, "/invoke" | "/config");
            questions.push(if is_plain {
                question
            } else {
                question.listening(Listen::FirstPiece)
            });
        }
    }
    questions.extend(odd_requests(driver));
    driver.spread(questions).await
}

fn odd_bodies(driver: &Driver<'_>) -> Vec<(String, Vec<u8>)> {
    let bank = driver.bank;
    let nested = |open: &str, close: &str| open.repeat(DEPTH) + &close.repeat(DEPTH);
    let whole = ["[]", "\"x\"", "42", "null", "true"];
    let mut bodies: Vec<(String, String)> = whole
        .map(|body| (format!("{body} for an object"), body.to_owned()))
        .into();
    for part in [
        "null",
        "[]",
        "\"x\"",
        "0",
        "false",
        "\"\\ud800\"",
        "1e999",
        "-1e999",
    ] {
        let body = format!("{{\"input\": {part}, \"config\": {part}}}");
        bodies.push((format!("{part} for the input or configuration"), body));
    }
    bodies.push(("an array 100,000 deep".to_owned(), nested("[", "]")));
    let deep = format!(
        "{{\"input\": {0}, \"config\": {0}}}",
        nested("{\"a\":[", "]}")
    );
    bodies.push(("objects 200,000 deep".to_owned(), deep));
    bodies.push(("brackets without end".to_owned(), "[".repeat(DEPTH)));
    for id in [
        "42",
        "{}",
        "[\"x\"]",
        "\"\"",
        "\"\\u0000\"",
        "\"../../../etc/passwd\"",
        "\"\\udfff\"",
    ] {
        let body = bank.body_with(&format!(", \"config_id\": {id}"));
        bodies.push((format!("{id} for a config_id"), body));
    }
    let long = format!(", \"config_id\": \"{}\"", "x".repeat(20_000));
    bodies.push((
        "a config_id of 20,000 characters".to_owned(),
        bank.body_with(&long),
    ));
    for metadata in ["\"x\"", "[]", "1"] {
        let body = bank.body_with(&format!(", \"metadata\": {metadata}"));
        bodies.push((format!("{metadata} for the metadata"), body));
    }
    bodies.push((
        "the same key twice".to_owned(),
        bank.body_with(", \"input\": 1, \"input\": 2"),
    ));
    bodies.push((
        "a byte order mark first".to_owned(),
        format!("\u{feff}{}", bank.simple_body()),
    ));
    for number in ["1e999", "-1e999", &"9".repeat(400), "1e-999", "-0"] {
        let name: String = number.chars().take(12).collect();
        bodies.extend(with_number(driver, number).map(|body| (format!("the number {name}"), body)));
    }
    for text in ["\\ud800", "\\udc00\\ud800", "\\u0000"] {
        bodies.extend(with_text(driver, text).map(|body| (format!("the string {text}"), body)));
    }
    let bodies = bodies
        .into_iter()
        .map(|(note, body)| (note, body.into_bytes()));
    let wide = bank
        .simple_body()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    bodies
        .chain([("a body in UTF-16".to_owned(), wide)])
        .collect()
}

/// What an HTTP library may well answer beneath the agent.
fn odd_requests(driver: &Driver<'_>) -> Vec<Question> {
    let body = driver.bank.simple_body();
    let typed = |value| {
        let request = Request::bare("POST", "/invoke").with_header("Content-Type", value);
        request.with_body(body.clone())
    };
    let short = Request::post("/invoke", body.clone()).in_manner(Manner::Declares(body.len() / 2));
    let mut many = Request::post("/invoke", body.clone());
    for index in 0..64 {
        many = many.with_header(&format!("X-Acp-Tck-{index}"), "x");
    }
    let requests = [
        (
            "a body without Content-Type",
            Request::bare("POST", "/invoke").with_body(body.clone()),
        ),
        ("a Content-Type that is no media type", typed(";;;")),
        (
            "a charset that is not UTF-8",
            typed("application/json; charset=utf-16"),
        ),
        ("a Content-Length that is too short", short),
        (
            "a NUL in the query",
            Request::post("/invoke?x=%00", body.clone()),
        ),
        ("a NUL in the path", Request::get("/schema%00")),
        ("a path that is not UTF-8", Request::get("/%ff%fe")),
        (
            "a path that climbs",
            Request::get("/..%2f..%2f..%2fetc/passwd"),
        ),
        (
            "a path of 8 KiB",
            Request::get(&format!("/{}", "x".repeat(LONG_PATH))),
        ),
        ("64 unknown header fields", many),
        ("an unknown method", Request::bare("ACPTCK", "/invoke")),
    ];
    requests
        .into_iter()
        .map(|(note, request)| Question::new(Step::Main, 0, note, request).beneath())
        .collect()
}

/// The simplest request with another text for the first number in its input.
fn with_number(driver: &Driver<'_>, text: &str) -> Option<String> {
    with_leaf(driver, Value::is_number, text)
}

/// The simplest request with another text between the quotes of the first string in its input.
fn with_text(driver: &Driver<'_>, text: &str) -> Option<String> {
    with_leaf(driver, Value::is_string, &format!("\"{text}\""))
}

fn with_leaf(driver: &Driver<'_>, is_wanted: fn(&Value) -> bool, text: &str) -> Option<String> {
    const PLACE: &str = "acp-tck-place";
    let inputs = driver
        .bank
        .inputs
        .iter()
        .filter_map(|case| case.value.as_object());
    let mut input = inputs
        .clone()
        .find(|input| input.values().any(is_wanted))?
        .clone();
    *input.values_mut().find(|leaf| is_wanted(leaf))? = Value::from(PLACE);
    let input = Value::Object(input)
        .to_string()
        .replace(&format!("\"{PLACE}\""), text);
    Some(format!("{{\"input\": {input}}}"))
}
