//! Records as files: one that was written long ago is still judged as it was then, its HTTP Archive is one
//! for others too, and whatever is done to it, the reader comes back.

use std::io::BufRead;
use std::path::Path;

use acp_conformance::recording::{NotARecording, Recording};
use acp_conformance::settings::Judging;
use acp_reports::{Report, Status};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The reference agent with the fault `knows-no-lower-bound`, launched, with a key.
fn record() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/record/weather.jsonl");
    std::fs::read(path).expect("the fixture")
}

fn read(text: &[u8]) -> Result<Recording, NotARecording> {
    Recording::read(&mut &*text)
}

fn complaint(text: &[u8]) -> String {
    read(text).expect_err("a mistake").to_string()
}

fn report(text: &[u8]) -> Report {
    let recording = read(text).expect("a record");
    recording.report(&Judging::default())
}

/// The record with something done to its first line.
fn with_head(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    with_line(0, change)
}

fn with_line(number: usize, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let text = record();
    let mut lines: Vec<Vec<u8>> = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let mut line = serde_json::from_slice(&lines[number]).expect("JSON");
    change(&mut line);
    lines[number] = line.to_string().into_bytes();
    lines.join(&b'\n')
}

#[test]
fn a_record_of_this_version_is_judged_as_it_was_when_it_was_written() {
    let report = report(&record());
    let status = |rule: &str| {
        let mut results = report.results.iter();
        let finding = results.find(|finding| finding.rule == rule).expect(rule);
        (finding.status, finding.attempts, finding.failed_attempts)
    };
    for rule in [
        "transport.head",
        "auth.enforced",
        "stream.one-terminal",
        "orchestrator.registers",
        "orchestrator.re-registers",
    ] {
        assert_eq!(status(rule), (Status::Pass, 1, 0), "{rule}");
    }
    assert_eq!(status("invoke.rejects-invalid"), (Status::Fail, 3, 3));
    assert_eq!(report.results.len(), 6);
    let failed = report.results.iter().find(|one| one.status == Status::Fail);
    let smallest = &failed.expect("a failure").evidence[0];
    let body: Value = serde_json::from_str(&smallest.request.body).expect("JSON");
    assert_eq!(body["input"].as_object().expect("an input").len(), 2);
}

#[test]
fn what_was_read_is_written_as_it_was() {
    let text = record();
    let mut again = Vec::new();
    let recording = read(&text).expect("a record");
    recording.write(&mut again).expect("memory");
    let lines = |text: &[u8]| -> Vec<Value> {
        let lines = text.lines().map(|line| line.expect("UTF-8"));
        lines
            .map(|line| serde_json::from_str(&line).expect("JSON"))
            .collect()
    };
    let (mut before, mut after) = (lines(&text), lines(&again));
    // The version is the writer's, and of refused credentials there is nothing left.
    before[0]["tool"] = Value::Null;
    after[0]["tool"] = Value::Null;
    assert_eq!(before, after);
}

#[test]
fn what_is_not_a_record_of_this_version_is_told_in_a_line() {
    let many = vec![json!(["a", "b"]); 2_000];
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let raw = record();
    let mut torn = raw.clone();
    torn.truncate(raw.len() - 20);
    let mut nested = with_head(|_| {});
    nested.extend_from_slice(format!("{{\"topic\": {deep}}}\n").as_bytes());
    for (text, hint) in [
        (Vec::new(), "not a record"),
        (b"{}".to_vec(), "not a record"),
        (b"\xff\xfe\x00".to_vec(), "not a record"),
        (deep.clone().into_bytes(), "not a record"),
        (
            with_head(|head| head["format"] = json!("acp-tck/check")),
            "check --record",
        ),
        (
            with_head(|head| head["format_version"] = json!(2)),
            "version 2",
        ),
        (
            with_head(|head| head["profile"] = json!("other/1")),
            "other/1",
        ),
        (
            with_head(|head| head["started_at"] = json!("yesterday")),
            "yesterday",
        ),
        (
            with_head(|head| head["claims"] = json!(["flying"])),
            "flying",
        ),
        (with_head(|head| head["took_ns"] = json!(-1)), "line 1"),
        (with_head(|head| head["took_ns"] = json!(u64::MAX)), "month"),
        (
            with_head(|head| head["asks"] = json!(u64::MAX)),
            "cut short",
        ),
        (
            with_head(|head| head["launched"]["heartbeat_ns"] = json!(0)),
            "heartbeats",
        ),
        (
            with_head(|head| head["incomplete"] = json!({"tea": "late"})),
            "tea",
        ),
        (with_line(7, |ask| ask["topic"] = json!("tea")), "line 8"),
        (with_line(7, |ask| ask["round"] = json!(9)), "no round 9"),
        (
            with_line(7, |ask| ask["end"] = json!({"how": "sadly"})),
            "sadly",
        ),
        (
            with_line(7, |ask| ask["request"]["headers"] = json!(many)),
            "1024",
        ),
        (
            with_line(7, |ask| ask["answer"]["reads"] = json!([[5, 1], [4, 2]])),
            "order",
        ),
        (
            with_line(7, |ask| ask["answer"]["body"] = json!({"base64": "?"})),
            "base64",
        ),
        (with_line(7, |ask| *ask = json!([1, 2])), "line 8"),
        (torn, "cut short"),
        (nested, "line"),
    ] {
        let told = complaint(&text);
        assert!(
            told.contains(hint) && !told.contains('\n'),
            "{hint}: {told}"
        );
        assert!(told.len() < 300, "{told}");
    }
}

#[test]
fn rules_that_nobody_knows_are_left_out() {
    let text = with_head(|head| head["rules"] = json!(["tea.is-hot", "transport.head"]));
    let report = report(&text);
    assert_eq!(report.results.len(), 1);
}

#[test]
fn what_cannot_be_judged_without_the_secrets_is_left_open() {
    let text = with_head(|head| head["blurred"] = json!(["transport.head"]));
    let report = report(&text);
    let finding = &report.results[0];
    assert_eq!(finding.status, Status::Inconclusive);
    assert!(finding.message.contains("longer"), "{}", finding.message);
}

/// A schema of har-schema (npm, by the HAR specification), with the others that it refers to.
fn har_schema(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/har");
    let text = std::fs::read(folder.join(name)).expect(name);
    let mut schema: Value = serde_json::from_slice(&text).expect("JSON");
    let members = schema.as_object_mut().expect("an object");
    members.remove("$id");
    resolve(&mut schema);
    schema
}

fn resolve(schema: &mut Value) {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        *schema = har_schema(name.trim_end_matches('#'));
        return;
    }
    match schema {
        Value::Array(items) => items.iter_mut().for_each(resolve),
        Value::Object(members) => members.values_mut().for_each(resolve),
        _ => {}
    }
}

#[test]
fn the_http_archive_is_one_for_readers_that_are_not_ours() {
    let schema = jsonschema::draft6::new(&har_schema("har.json")).expect("a schema");
    let recording = read(&with_line(7, |ask| {
        ask["answer"]["body"] = json!({"base64": "/w=="});
    }));
    let mut archive = Vec::new();
    let recording = recording.expect("a record");
    recording.write_har(&mut archive).expect("memory");
    let archive: Value = serde_json::from_slice(&archive).expect("JSON");
    let wrong: Vec<String> = schema
        .iter_errors(&archive)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let log = &archive["log"];
    let entries = log["entries"].as_array().expect("entries");
    let head: Value = serde_json::from_str(
        record()
            .lines()
            .next()
            .expect("a line")
            .expect("UTF-8")
            .as_str(),
    )
    .expect("JSON");
    assert_eq!(
        entries.len() as u64,
        head["asks"].as_u64().expect("a count")
    );
    let pages = log["pages"].as_array().expect("pages");
    for entry in entries {
        assert!(pages.iter().any(|page| page["id"] == entry["pageref"]));
        let timings = &entry["timings"];
        let sum = ["send", "wait", "receive"].map(|part| timings[part].as_f64().expect(part));
        let total = entry["time"].as_f64().expect("a time");
        assert!((sum.iter().sum::<f64>() - total).abs() < 1e-6);
    }
    assert!(entries.iter().any(|entry| entry["_chunks"].is_array()));
    let encoded = |entry: &&Value| entry["response"]["content"]["encoding"] == "base64";
    let encoded = entries.iter().find(encoded).expect("a binary body");
    assert_eq!(encoded["response"]["content"]["text"], "/w==");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Bytes are changed, lines are swapped, doubled and left out.
    #[test]
    fn whatever_is_done_to_a_record_it_is_refused_or_judged(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        swapped in any::<(prop::sample::Index, prop::sample::Index)>(),
        digits in any::<bool>(),
    ) {
        let text = record();
        let mut lines: Vec<Vec<u8>> = text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        // Some of it, so that the change tells.
        lines.truncate(60);
        let mut head: Value = serde_json::from_slice(&lines[0]).expect("JSON");
        head["asks"] = json!(lines.len() - 1);
        lines[0] = head.to_string().into_bytes();
        let last = lines.len() - 1;
        lines.swap(1 + swapped.0.index(last), 1 + swapped.1.index(last));
        let mut text = lines.join(&b'\n');
        for (place, byte) in changes {
            let at = place.index(text.len());
            // Another digit leaves it JSON more often than another byte.
            match digits {
                true => {
                    let digit = text[at..].iter().position(u8::is_ascii_digit);
                    if let Some(digit) = digit {
                        text[at + digit] = b'0' + byte % 10;
                    }
                }
                false => text[at] = byte,
            }
        }
        if let Ok(recording) = read(&text) {
            let report = recording.report(&Judging::default());
            prop_assert!(report.results.iter().all(|one| one.status != Status::Error));
            recording.write_har(&mut std::io::sink()).expect("a sink");
        }
    }
}
