//! `acp-tck snapshot`: recorded, verified, told apart, accepted; and read by insta itself.

#[expect(dead_code, reason = "two of its servers are of use here")]
mod stub;

mod running;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use acp_conformance::snapshot::{self, Asking};
use acp_reference_agent::faults;
use tempfile::TempDir;

use running::Agent;

fn clean() -> Agent {
    Agent::start(|_| {})
}

fn with(fault: &str) -> Agent {
    Agent::start(|settings| settings.faults = vec![faults::find(fault).expect(fault)])
}

/// What changes in every answer of an agent with this fault.
const FAULT: &str = "writes-temperatures-as-text";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn command(url: &str, dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    command
        .args(["snapshot", url, "--cases", "4", "--dir"])
        .arg(dir)
        .args(arguments)
        .env_remove("CI")
        .env_remove("INSTA_UPDATE");
    command
}

/// The exit code, and all that was printed.
fn run(url: &str, dir: &Path, arguments: &[&str]) -> (i32, String) {
    told(&command(url, dir, arguments).output().expect("it runs"))
}

fn told(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    let code = output.status.code().expect("an exit code");
    (code, String::from_utf8(text).expect("UTF-8"))
}

fn recorded() -> TempDir {
    let dir = folder();
    let (code, told) = run(&clean().url(), dir.path(), &[]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("answers recorded in"), "{told}");
    dir
}

/// Every file's name and text.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return BTreeMap::new();
    };
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        (name, std::fs::read_to_string(entry.path()).expect("a text"))
    };
    entries.map(read).collect()
}

fn pending(dir: &Path) -> Vec<String> {
    let names = files(dir).into_keys();
    names.filter(|name| name.ends_with(".snap.new")).collect()
}

#[test]
fn what_is_recorded_is_verified_by_another_process_cold_and_warm() {
    let dir = recorded();
    let before = files(dir.path());
    for name in [
        "auth",
        "schema",
        "capabilities",
        "health",
        "root",
        "invoke-001",
        "invoke-invalid-001",
        "stream-invoke-stream-001",
        "stream-invoke-advanced-stream-001",
    ] {
        assert!(before.contains_key(&format!("{name}.snap")), "{name}");
    }
    let again = clean();
    for _ in 0..2 {
        let (code, told) = run(&again.url(), dir.path(), &[]);
        assert_eq!(code, 0, "{told}");
        assert!(told.contains(" 0 changed, 0 new; 0 no longer"), "{told}");
    }
    assert_eq!(files(dir.path()), before);
}

#[test]
fn a_changed_answer_is_shown_and_kept_beside_until_it_is_right_again_or_accepted() {
    let dir = recorded();
    let before = files(dir.path());
    let (clean, faulty) = (clean(), with(FAULT));
    let (code, told) = run(&faulty.url(), dir.path(), &[]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("changed invoke-001"), "{told}");
    let differs = |mark| {
        let mut lines = told.lines().map(str::trim_start);
        lines.any(|line| line.starts_with(mark) && line.contains("\"temperature\""))
    };
    assert!(differs('-') && differs('+'), "{told}");
    assert!(pending(dir.path()).contains(&"invoke-001.snap.new".to_owned()));
    // What was recorded is as it was.
    let (code, _) = run(&clean.url(), dir.path(), &[]);
    assert_eq!((code, files(dir.path())), (0, before));

    let (code, told) = run(&faulty.url(), dir.path(), &["--accept"]);
    assert_eq!(code, 0, "{told}");
    assert_eq!(pending(dir.path()), Vec::<String>::new());
    assert_eq!(run(&faulty.url(), dir.path(), &[]).0, 0);
    assert_eq!(run(&clean.url(), dir.path(), &[]).0, 1);
}

#[test]
fn insta_reads_the_files_and_takes_the_same_from_a_test() {
    let dir = recorded();
    let take = |agent: &Agent| {
        let asking = Asking {
            cases: 4,
            ..Asking::default()
        };
        let url = agent.url();
        let taken = snapshot::take(&url, &asking);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(taken).expect("snapshots")
    };
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(dir.path());
    settings.set_prepend_module_to_snapshot(false);
    let taken = take(&clean());
    assert_eq!(taken.len(), files(dir.path()).len());
    settings.bind(|| {
        for one in &taken {
            insta::assert_snapshot!(one.name.as_str(), one.contents);
        }
    });
    let changed = take(&with(FAULT));
    let invoked = changed.iter().find(|one| one.name == "invoke-001");
    let invoked = invoked.expect("an invocation");
    let refused = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        settings.bind(|| insta::assert_snapshot!(invoked.name.as_str(), invoked.contents));
    }));
    assert!(refused.is_err());
}

#[test]
fn what_is_written_goes_by_the_update_that_is_asked_for() {
    let agent = clean();
    let url = agent.url();
    let dir = folder();
    let new = dir.path().join("new");
    for how in ["no", "new"] {
        let (code, told) = run(&url, &new, &["--update", how]);
        assert_eq!(code, 1, "{told}");
        assert_eq!(new.is_dir(), how == "new");
    }
    assert_eq!(pending(&new).len(), files(&new).len());
    let (code, told) = run(&url, &new, &["--update", "unseen"]);
    assert_eq!((code, pending(&new)), (0, Vec::new()), "{told}");
    let one = new.join("auth.snap");
    std::fs::remove_file(&one).expect("it is there");
    assert_eq!(run(&url, &new, &[]).0, 1);
    assert_eq!(pending(&new), ["auth.snap.new"]);
    let mut by_environment = command(&url, &new, &[]);
    by_environment.env("INSTA_UPDATE", "always");
    assert_eq!(self::told(&by_environment.output().expect("it runs")).0, 0);
    assert!(one.is_file() && pending(&new).is_empty());
}

#[test]
fn nothing_passes_for_right_in_ci_that_was_never_recorded() {
    let dir = folder();
    let agent = clean();
    let mut in_ci = command(&agent.url(), dir.path(), &[]);
    let (code, told) = told(&in_ci.env("CI", "true").output().expect("it runs"));
    assert_eq!(code, 1);
    assert!(told.contains("nothing was written"), "{told}");
    assert_eq!(files(dir.path()), BTreeMap::new());
}

#[test]
fn what_is_asked_no_longer_fails_and_goes_when_that_is_accepted() {
    let dir = recorded();
    let notes = dir.path().join("notes.snap.md");
    std::fs::write(&notes, "mine").expect("a file");
    let silent = Agent::start(|settings| settings.enable_streaming = false);
    let (code, told) = run(&silent.url(), dir.path(), &[]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("gone    stream-invoke-stream-001"), "{told}");
    assert_eq!(run(&silent.url(), dir.path(), &["--accept"]).0, 0);
    let names = files(dir.path()).into_keys();
    assert!(!names.into_iter().any(|name| name.starts_with("stream-")));
    assert!(notes.is_file());
    assert_eq!(run(&silent.url(), dir.path(), &[]).0, 0);
}

#[test]
fn other_cases_than_the_recorded_ones_are_refused() {
    let dir = recorded();
    let before = files(dir.path());
    let agent = clean();
    let (code, told) = run(&agent.url(), dir.path(), &["--seed", "1"]);
    assert_eq!(code, 2);
    assert!(told.contains("--seed 0 --cases 4"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    assert_eq!(files(dir.path()), before);
    let accepted = run(&agent.url(), dir.path(), &["--seed", "1", "--accept"]);
    assert_eq!(accepted.0, 0, "{}", accepted.1);
    assert_ne!(files(dir.path()), before);
}

#[test]
fn somebody_elses_files_are_neither_replaced_nor_removed() {
    let agent = clean();
    for (name, text, word) in [
        (
            "auth.snap",
            "---\nsource: tests/a.rs\n---\nx\n",
            "somebody else's",
        ),
        ("auth.snap", "not insta's", "not insta's format"),
    ] {
        let dir = folder();
        std::fs::write(dir.path().join(name), text).expect("a file");
        let (code, told) = run(&agent.url(), dir.path(), &["--accept"]);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(word) && told.contains(name), "{told}");
        let only = BTreeMap::from([(name.to_owned(), text.to_owned())]);
        assert_eq!(files(dir.path()), only);
    }
}

#[test]
fn no_secret_stands_in_a_snapshot_though_the_agent_echoes_it() {
    let dir = folder();
    let server = stub::Server::start(stub::echoing);
    let secret = "sk_live_Weather-0123456789";
    let mut command = command(&server.url(), dir.path(), &["--api-key-env", "AGENT_KEY"]);
    command.env("AGENT_KEY", secret);
    let (code, told) = told(&command.output().expect("it runs"));
    assert_eq!(code, 0, "{told}");
    let texts = files(dir.path());
    assert!(texts.values().any(|text| text.contains("<redacted>")));
    for (name, text) in texts.iter().chain([(&"stdout".to_owned(), &told)]) {
        assert!(!text.to_lowercase().contains("sk_live_weather"), "{name}");
    }
}

#[test]
fn an_agent_that_is_not_there_or_limits_its_clients_leaves_no_half_of_a_recording() {
    for server in [
        stub::Server::start(stub::limiting).url(),
        format!("http://{}", stub::closed()),
    ] {
        let dir = folder();
        let (code, told) = run(&server, dir.path(), &[]);
        assert_eq!(code, 3, "{told}");
        assert!(
            told.starts_with("acp-tck: no snapshot was taken: "),
            "{told}"
        );
        assert_eq!(told.lines().count(), 1, "{told}");
        assert_eq!(files(dir.path()), BTreeMap::new());
    }
}

#[test]
fn names_of_files_are_plain_whatever_path_streams() {
    let dir = folder();
    let agent = clean();
    let odd = "/../../invoke/stream?x=%2e%2e/a";
    let (code, told) = run(&agent.url(), dir.path(), &["--stream-path", odd]);
    assert_eq!(code, 0, "{told}");
    let is_plain = |name: &String| {
        let name = name.strip_suffix(".snap").expect("a snapshot");
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    assert!(files(dir.path()).keys().all(is_plain));
}

#[test]
fn what_the_user_knows_to_change_is_left_out() {
    let dir = folder();
    let place = [
        "--volatile",
        "/body/output/temperature",
        "--volatile",
        "/events/*",
    ];
    let (clean, faulty) = (clean(), with(FAULT));
    assert_eq!(run(&clean.url(), dir.path(), &place).0, 0);
    let (code, told) = run(&faulty.url(), dir.path(), &place);
    assert_eq!(code, 0, "{told}");
}
