//! `check --record`, `judge`, `--har`, `--shuffle` and `--repeat`: a run says the same from its
//! file, in whatever order it was asked, and however often.

mod recorded;
mod setups;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use acp_conformance::recording::Recording;
use acp_conformance::run;
use acp_conformance::settings::Settings;
use acp_reference_agent as reference;
use acp_reports::{Report, Status};
use reference::faults::{self, Fault};
use serde_json::Value;
use setups::{SETUPS, Setup};
use tokio_util::sync::CancellationToken;
use url::Url;

/// Of each kind a few; the whole catalogue is judged from records in the matrix.
const SAMPLE: &[&str] = &[
    "knows-no-lower-bound",
    "stops-in-mid-event",
    "streams-as-plain-text",
    "takes-any-activity",
];

/// The recording of a run in a setup, with a fault or none, in the order of a seed.
fn gathered(setup: &Setup, fault: Option<&'static Fault>, shuffle: Option<u64>) -> Recording {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut agent = reference::Settings {
            faults: fault.into_iter().collect(),
            ..reference::Settings::unlimited()
        };
        (setup.agent)(&mut agent);
        let agent = reference::start(agent).await.expect("the agent starts");
        let url = Url::parse(&agent.url()).expect("a URL");
        let mut settings = Settings::for_agent(url, jiff::Timestamp::now());
        (setup.checker)(&mut settings);
        setup.hand_over(&agent, &mut settings);
        settings.facts.cases = 40;
        settings.shuffle = shuffle;
        let recording = run::record(&settings, &|_| {}, &CancellationToken::new()).await;
        agent.stop().await;
        recording.expect("a run")
    })
}

fn tripped(report: &Report) -> BTreeSet<&str> {
    let broken = report
        .results
        .iter()
        .filter(|finding| matches!(finding.status, Status::Fail | Status::Warn | Status::Error));
    broken.map(|finding| finding.rule.as_str()).collect()
}

fn fault(name: &str) -> &'static Fault {
    let mut all = faults::catalogue();
    all.find(|fault| fault.name == name).expect(name)
}

#[test]
fn a_run_says_the_same_from_its_file_in_every_setup() {
    for setup in SETUPS {
        let recording = gathered(setup, None, None);
        let report = recorded::report(&recording, &Default::default());
        // A setup in which a rule can be judged alone has it judged.
        for rule in setup.only_here {
            let mut results = report.results.iter();
            let finding = results.find(|finding| finding.rule == *rule).expect(rule);
            assert_eq!(finding.status, Status::Pass, "{rule}");
        }
        let mut file = Vec::new();
        recording.write(&mut file).expect("memory");
        recording.write_har(&mut file).expect("memory");
        let text = String::from_utf8(file).expect("UTF-8");
        for secret in setups::traces_of_secrets() {
            assert!(!text.contains(&secret), "{}: a secret is told", setup.name);
        }
    }
}

#[test]
fn a_verdict_does_not_depend_on_the_order_of_asking() {
    let plain = &SETUPS[0];
    let faults = SAMPLE.iter().map(|name| Some(fault(name)));
    for (number, fault) in [None].into_iter().chain(faults).enumerate() {
        let named: BTreeSet<&str> = fault
            .iter()
            .flat_map(|fault| fault.trips)
            .copied()
            .collect();
        for seed in [1, 2] {
            let seed = seed + 10 * number as u64;
            let recording = gathered(plain, fault, Some(seed));
            let report = recorded::report(&recording, &Default::default());
            let name = fault.map_or("no fault", |fault| fault.name);
            assert_eq!(tripped(&report), named, "{name}, --shuffle={seed}");
        }
    }
}

fn tck(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    let command = command.args(arguments).stdin(Stdio::null());
    command.output().expect("the program runs")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn file(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    path.to_str().expect("UTF-8").to_owned()
}

fn bytes(path: &str) -> Vec<u8> {
    std::fs::read(path).expect(path)
}

#[test]
fn the_report_of_a_record_is_the_runs_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name| file(folder.path(), name);
    let (record, har, run, again) = (at("r.jsonl"), at("r.har"), at("run"), at("again"));
    let only = "--only=auth,transport.head,invoke";
    let output = tck(&[
        "check",
        only,
        "--cases=10",
        "--record",
        &record,
        "--har",
        &har,
        "--format=json",
        "--output",
        &run,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let output = tck(&["judge", &record, "--format=json", "--output", &again]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert_eq!(bytes(&run), bytes(&again));
    let archive: Value = serde_json::from_slice(&bytes(&har)).expect("JSON");
    assert_eq!(archive["log"]["version"], "1.2");
    let output = tck(&[
        "judge",
        &record,
        "--format=json",
        "--output",
        &again,
        "--only=auth",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    let report: Report = serde_json::from_slice(&bytes(&again)).expect("a report");
    assert!(report.results.len() > 2);
    assert!(report.results.iter().all(|one| one.feature != "errors"));
}

#[test]
fn what_is_wrong_with_a_record_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = file(folder.path(), "other.jsonl");
    std::fs::write(
        &other,
        "{\"format\": \"acp-tck/record\", \"format_version\": 9}\n",
    )
    .expect("a file");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/record/weather.jsonl");
    let fixture = fixture.to_str().expect("UTF-8");
    let missing = file(folder.path(), "missing");
    for (arguments, word) in [
        (vec!["judge", &other], "version 9"),
        (vec!["judge", &missing], "No such file"),
        (
            vec!["judge", fixture, "--only", "cache"],
            "none of the rules",
        ),
        (vec!["judge", fixture, "--only", "tea"], "tea"),
        (vec!["judge", "README.md"], "not a record"),
        (
            vec!["check", "--repeat=2", "--record", &missing],
            "--repeat",
        ),
        (vec!["check", "--repeat=0"], "--repeat"),
        (vec!["check", "--shuffle=tea"], "--shuffle"),
        (
            vec!["check", "--record", "/nowhere/r.jsonl"],
            "--record /nowhere/r.jsonl",
        ),
        (
            vec!["check", "--record", &missing, "--har", &missing],
            "two outputs",
        ),
    ] {
        let output = tck(&arguments);
        let told = complaint(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
    }
    let output = tck(&["judge", fixture]);
    assert_eq!(output.status.code(), Some(1), "{}", complaint(&output));
}

#[test]
fn many_runs_make_one_report() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(folder.path(), "report.json");
    let output = tck(&[
        "check",
        "--repeat=3",
        "--shuffle",
        "--cases=5",
        "--only=transport.head,auth.responds",
        "--format=json",
        "--output",
        &path,
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", complaint(&output));
    assert!(complaint(&output).contains("--shuffle="));
    let report: Report = serde_json::from_slice(&bytes(&path)).expect("a report");
    for finding in &report.results {
        assert_eq!((finding.attempts, finding.failed_attempts), (3, 0));
        assert!(!finding.unsteady);
    }
}
