//! The command line, as a user meets it: what is printed, what is written, how it exits.

mod stub;

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn tck(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    tck(arguments).output().expect("the program runs")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

fn complaint(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

fn report(path: &Path) -> Value {
    let text = std::fs::read(path).expect("the report was written");
    serde_json::from_slice(&text).expect("the report is JSON")
}

#[test]
fn wrong_usage_is_told_in_one_line_that_says_how_to_mend_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let no_reason = file("a.toml", "[expected-failures]\n\"transport.head\" = \"\"\n");
    let no_toml = file("b.toml", "[expected-failures\n");
    let typo = file("c.toml", "[expected-failure]\n");
    let url = "http://127.0.0.1:9";
    for (arguments, word) in [
        (vec!["check", "localhost:8000"], "http://"),
        (vec!["check", "ftp://localhost"], "http://"),
        (vec!["check", "http://user:pw@localhost"], "--header"),
        (
            vec!["check", url, "--only", "sse.data-is-jsn"],
            "sse.data-is-json",
        ),
        (vec!["check", url, "--skip", "nonsense"], "nonsense"),
        (vec!["check", url, "--onyl", "sse"], "--only"),
        (vec!["check", url, "--cases", "0"], "0"),
        (vec!["check", url, "--timeout", "ten"], "ten"),
        (vec!["check", url, "--timeout", "0s"], "for example 10s"),
        (
            vec!["check", url, "--budget", "0s"],
            "no run takes no time; give it some, for example 5m",
        ),
        (vec!["rules", "explain"], "<ID>"),
        (vec!["completions"], "<SHELL>"),
        (vec!["completions"], "bash"),
        (vec!["check", url, "--format"], "--format"),
        (vec!["check", url, "--format"], "human, json, junit"),
        (vec!["check", url, "--header", "NoColon"], "Name: value"),
        (
            vec!["check", url, "--api-key-env", "ACP_TCK_NO_SUCH_VARIABLE"],
            "environment variable",
        ),
        (vec!["check", url, "--claim", "telepathy"], "telepathy"),
        (
            vec!["check", url, "--stream-path", "stream"],
            "begins with /",
        ),
        (vec!["check", url, "--format", "yaml"], "human, json, junit"),
        (
            vec!["check", url, "--format", "json", "--format", "junit"],
            "--output",
        ),
        (
            vec!["check", url, "--output", "/no/such/folder/x.json"],
            "no folder",
        ),
        (vec!["check", url, "--output", "report.yaml"], ".sarif.json"),
        (
            vec!["check", url, "--expected-failures", "/no/such/file"],
            "/no/such/file",
        ),
        (
            vec!["check", url, "--expected-failures", &no_reason],
            "transport.head",
        ),
        (
            vec!["check", url, "--expected-failures", &no_toml],
            "line 1",
        ),
        (
            vec!["check", url, "--expected-failures", &typo],
            "expected-failure",
        ),
        (
            vec!["agent", "--fault", "cuts-stream-shrt"],
            "no such fault",
        ),
        (vec!["rules", "explain", "sse.utf"], "sse.utf8"),
        (vec!["faults", "list", "no-such-*"], "no-such-*"),
        (
            vec![
                "agent",
                "--fault",
                "checks-then-counts",
                "--rate-limit-invoke",
                "off",
            ],
            "--rate-limit-invoke 10/60s",
        ),
        (vec!["sse", "/no/such/file"], "/no/such/file"),
        (vec!["completions", "cmd"], "cmd"),
    ] {
        let output = run(&arguments);
        let told = complaint(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{arguments:?}: {told}");
        assert!(told.contains(word), "{arguments:?}: {told}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn nobody_listening_is_no_verdict_and_the_report_is_still_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let junit = folder.path().join("report.xml");
    let output = tck(&["check", &format!("http://{}", stub::closed())])
        .args(["--format", "json", "--output"])
        .arg(&path)
        .args(["--format", "junit", "--output"])
        .arg(&junit)
        .output()
        .expect("the program runs");
    assert_eq!(code(&output), 3);
    let told = complaint(&output);
    assert!(told.contains("connection refused"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    let report = report(&path);
    assert_eq!(report["verdict"], "error");
    assert_eq!(report["summary"]["pass"], 0);
    let xml = std::fs::read_to_string(junit).expect("the report was written");
    assert!(xml.contains("<error"), "{xml}");
}

#[test]
fn an_agent_that_answers_nothing_is_no_verdict() {
    let silent = stub::Server::start(stub::silent);
    let output = run(&["check", &silent.url(), "--timeout", "200ms"]);
    assert_eq!(code(&output), 3);
    assert!(
        complaint(&output).contains("answers nothing"),
        "{}",
        complaint(&output)
    );
}

#[test]
fn an_agent_that_dies_half_way_is_no_verdict_and_what_was_found_is_written() {
    let dying = stub::Server::start_for(12, stub::nothing_found);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let output = tck(&["check", &dying.url(), "--format", "json", "--output"])
        .arg(&path)
        .output()
        .expect("the program runs");
    assert_eq!(code(&output), 3, "{}", complaint(&output));
    assert!(
        complaint(&output).contains("stopped answering after"),
        "{}",
        complaint(&output)
    );
    let report = report(&path);
    assert_eq!(report["verdict"], "error");
    let failed = report["summary"]["fail"].as_u64().expect("a count");
    assert!(failed > 0, "what was found before is in the report");
    assert_eq!(
        report["summary"]["pass"].as_u64().map(|passed| passed < 10),
        Some(true)
    );
}

#[test]
fn the_verdict_is_told_where_all_reports_go_to_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json").display().to_string();
    let output = run(&["check", "--only", "auth", "--output", &path]);
    assert_eq!(code(&output), 0);
    let told = complaint(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("HOLDS"), "{told}");
    let server = stub::Server::start(stub::nothing_found);
    let output = run(&["check", &server.url(), "--only", "auth", "--output", &path]);
    assert!(complaint(&output).contains("NOT certified"));
    // Where the report is seen, it says so itself.
    let output = run(&["check", "--only", "auth"]);
    assert!(output.stderr.is_empty(), "{}", complaint(&output));
}

#[test]
fn the_demonstration_certifies_at_the_production_level_whatever_the_environment_says() {
    let mut command = tck(&["check", "--quick", "--cases=10", "--format=json"]);
    command.env("ACP_PORT", "1").env("ACP_AUTH", "api_key");
    let output = command.output().expect("the program runs");
    assert_eq!(code(&output), 0, "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["level"], "production");
    assert_eq!(report["target"]["url"], "builtin:reference-agent");
    assert_eq!(status_of(&report, "lifecycle.graceful-stop"), "pass");
    assert!(!report.to_string().contains("127.0.0.1"));
}

#[test]
fn an_agent_with_a_tight_limit_is_told_of_before_it_refuses() {
    let agent = stub::Agent::start(&[]);
    let limit = "--feature-param=rate-limit=10/60s";
    let arguments = ["check", &agent.url, "--cases=20", limit, "--only"];
    let output = run(&[&arguments[..], &["invoke.accepts-valid"]].concat());
    let told = complaint(&output);
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in [
        "10 invocations in 1m",
        "--rate-limit-invoke off",
        "--api-key-env",
    ] {
        assert!(told.contains(word), "{told}");
    }
    let output = run(&[&arguments[..], &["auth"]].concat());
    assert!(output.stderr.is_empty(), "{}", complaint(&output));
}

#[test]
fn a_server_that_is_no_agent_falls_short() {
    let server = stub::Server::start(stub::nothing_found);
    let output = run(&["check", &server.url(), "--format", "json"]);
    assert_eq!(code(&output), 1, "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["level"], "none");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_run_and_what_was_found_is_written() {
    let server = stub::Server::start(stub::silent_but_auth);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("report.json");
    let record = folder.path().join("record").display().to_string();
    let mut child = tck(&["check", &server.url(), "--format", "json", "--output"])
        .arg(&path)
        .args(["--record", &record])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    server.await_connections(2);
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.expect("kill runs").success());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130));
    let again = run(&["judge", &record]);
    assert_eq!(code(&again), 130, "{}", complaint(&again));
    let report = report(&path);
    assert_eq!(report["verdict"], "error");
    assert_eq!(report["error"], "the run was interrupted");
    let auth = report["results"].as_array().expect("results").iter();
    let responds = auth
        .clone()
        .find(|finding| finding["rule"] == "auth.type-known");
    assert!(responds.is_some());
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_blames_nobody_for_what_it_did_not_ask() {
    let server = stub::Server::start(stub::claiming);
    let mut child = tck(&["check", &server.url(), "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    // The five documents, and the first that is asked after them.
    server.await_connections(6);
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.expect("kill runs").success());
    let mut told = String::new();
    let mut stdout = child.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut told).expect("a report");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let report: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!(
        status_of(&report, "features.claims-are-true"),
        "inconclusive"
    );
}

#[test]
fn an_agent_that_limits_is_not_blamed_for_it() {
    let server = stub::Server::start(stub::limiting);
    let output = run(&["check", &server.url(), "--only", "auth", "--format", "json"]);
    assert_eq!(code(&output), 1, "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(status_of(&report, "auth.responds"), "inconclusive");
}

/// What became of a rule.
fn status_of<'a>(report: &'a Value, rule: &str) -> &'a str {
    let mut results = report["results"].as_array().expect("results").iter();
    let finding = results.find(|finding| finding["rule"] == rule);
    finding.expect(rule)["status"].as_str().expect("a status")
}

#[test]
fn the_same_seed_gives_the_same_report() {
    let once = || {
        let output = run(&[
            "check", "--quick", "--seed", "7", "--cases", "40", "--format", "json",
        ]);
        assert_eq!(code(&output), 0, "{}", complaint(&output));
        let mut report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        without_times(&mut report);
        report.to_string()
    };
    assert_eq!(once(), once());
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["started_at", "duration_ms", "elapsed_ms"] {
                members.remove(name);
            }
            members.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

#[test]
fn expected_failures_are_checked_in_both_directions() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("expected.toml");
    let file = path.to_str().expect("UTF-8");
    let faulty = stub::Agent::start(&["--fault", "refuses-head"]);
    let only = ["--only", "transport.head,auth"];
    let check = |more: &[&str]| {
        let url = faulty.url.as_str();
        run(&[&["check", url, "--strict"], only.as_slice(), more].concat())
    };
    assert_eq!(code(&check(&[])), 1);
    assert_eq!(code(&check(&["--write-expected-failures", file])), 1);
    let written = std::fs::read_to_string(&path).expect("the file was written");
    assert!(written.contains("\"transport.head\" = "), "{written}");
    assert_eq!(code(&check(&["--expected-failures", file])), 0);

    let stale =
        "[expected-failures]\n\"auth.responds\" = \"it once failed\"\n\"no.such-rule\" = \"x\"\n";
    std::fs::write(&path, stale).expect("a file");
    let output = run(&["check", "--only", "auth", "--expected-failures", file]);
    assert_eq!(code(&output), 1);
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        told.contains("passes again") && told.contains("no such rule"),
        "{told}"
    );
}

fn finding<'r>(report: &'r Value, rule: &str) -> &'r Value {
    let results = report["results"].as_array().expect("results");
    results
        .iter()
        .find(|finding| finding["rule"] == rule)
        .expect("a finding")
}

#[test]
fn a_failure_that_comes_and_goes_is_called_unsteady_with_the_counts() {
    let fickle = stub::Server::start(stub::fickle);
    let output = run(&[
        "check",
        &fickle.url(),
        "--only",
        "auth.type-known",
        "--format",
        "json",
    ]);
    assert_eq!(code(&output), 1, "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let finding = finding(&report, "auth.type-known");
    assert_eq!(finding["status"], "fail");
    assert_eq!(finding["unsteady"], true);
    assert_eq!(
        (
            finding["attempts"].as_u64(),
            finding["failed_attempts"].as_u64()
        ),
        (Some(3), Some(1))
    );
}

#[test]
fn a_stream_path_that_is_not_there_is_a_claim_that_is_not_true() {
    let output = run(&["check", "--stream-path", "/strem", "--only", "features"]);
    assert_eq!(code(&output), 1);
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(told.contains("--stream-path"), "{told}");
}

#[test]
fn what_never_worked_is_not_said_to_have_broken() {
    let server = stub::Server::start(stub::nothing_found);
    let only = "transport.survives-abort,transport.oversized-body-4xx";
    let output = run(&["check", &server.url(), "--only", only, "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    for rule in only.split(',') {
        assert_eq!(finding(&report, rule)["status"], "inconclusive", "{rule}");
    }
}

#[test]
fn a_failing_case_is_shrunk_to_what_makes_it_fail() {
    let faulty = stub::Agent::start(&["--fault", "fails-below-zero"]);
    let output = run(&[
        "check",
        &faulty.url,
        "--only",
        "invoke.accepts-valid",
        "--format",
        "json",
    ]);
    assert_eq!(code(&output), 1, "{}", complaint(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let smallest = &finding(&report, "invoke.accepts-valid")["evidence"][0];
    let body = smallest["request"]["body"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    let input = body["input"].as_object().expect("an input");
    // The city is required; the temperature is what it fails for.
    assert_eq!(input.len(), 2, "{input:?}");
    assert!(
        input["temperature_preference"]
            .as_f64()
            .is_some_and(|number| number < 0.0),
        "{input:?}"
    );
    assert!(
        smallest["curl"]
            .as_str()
            .is_some_and(|line| line.starts_with("curl "))
    );
}

#[test]
fn a_secret_is_in_no_output() {
    let echoing = stub::Server::start(stub::echoing);
    let secret = "s3cr3t-0123456789";
    for format in ["human", "json", "junit", "sarif", "markdown", "html", "tap"] {
        let output = tck(&[
            "check",
            &echoing.url(),
            "--format",
            format,
            "--api-key-env",
            "ACP_TCK_TEST_KEY",
        ])
        .args(["--header", &format!("Authorization: Bearer {secret}-2")])
        .env("ACP_TCK_TEST_KEY", secret)
        .output()
        .expect("the program runs");
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8(text).expect("UTF-8");
        assert!(text.contains("redacted"), "{format}: the agent did echo it");
        assert!(!text.contains(secret), "{format}: {text}");
    }
}

#[test]
fn piped_output_has_no_colour_and_no_progress() {
    let output = run(&["check", "--only", "auth"]);
    assert_eq!(code(&output), 0);
    assert!(!output.stdout.contains(&0x1b) && !output.stderr.contains(&0x1b));
    assert!(output.stderr.is_empty());
}

#[test]
fn a_captured_stream_is_linted() {
    let folder = tempfile::tempdir().expect("a folder");
    let lint = |bytes: &[u8]| {
        let path = folder.path().join("stream.txt");
        std::fs::write(&path, bytes).expect("a file");
        run(&["sse", path.to_str().expect("UTF-8"), "--format", "json"])
    };
    let good = lint(b"id: 1\ndata: {}\n\n");
    assert_eq!(code(&good), 0);
    let told: Value = serde_json::from_slice(&good.stdout).expect("JSON");
    assert_eq!(told["grammar_valid"], true);
    assert_eq!(
        told["events"],
        serde_json::json!([{"event": "message", "data": "{}", "id": "1", "retry": null}])
    );
    let bad = lint(b"Data: {}\n\n");
    assert_eq!(code(&bad), 1);
    let told: Value = serde_json::from_slice(&bad.stdout).expect("JSON");
    assert_eq!(told["defects"][0]["tier"], "lost");
    assert_eq!(told["defects"][0]["offset"], 0);
}

#[test]
fn the_catalogue_and_the_faults_can_be_read() {
    let listed = String::from_utf8(run(&["rules", "list"]).stdout).expect("UTF-8");
    assert!(listed.lines().count() > 70);
    let explained =
        String::from_utf8(run(&["rules", "explain", "sse.utf8"]).stdout).expect("UTF-8");
    for word in ["clause", "why", "mend", "source", "faults"] {
        assert!(explained.contains(word), "{explained}");
    }
    let all = String::from_utf8(run(&["faults", "list"]).stdout).expect("UTF-8");
    assert!(
        all.contains("\napi-keys: needs API keys (--auth api_key)\n"),
        "{all}"
    );
    let some = run(&["faults", "list", "orchestrator.heart*"]).stdout;
    let some = String::from_utf8(some).expect("UTF-8");
    assert!(some.lines().count() < 40, "{some}");
    assert!(some.lines().all(|line| all.contains(line)), "{some}");
    assert_eq!(code(&run(&["completions", "bash"])), 0);
    assert_eq!(code(&run(&["--help"])), 0);
}

#[test]
fn a_rule_that_only_faults_name_is_still_to_come() {
    let all = String::from_utf8(run(&["faults", "list"]).stdout).expect("UTF-8");
    let mut marked = all.lines().filter_map(|line| {
        let trips = line.trim().strip_prefix("trips ")?;
        let ids = trips.strip_suffix(" (its rules are still to come)")?;
        ids.split(", ").next()
    });
    // When the catalogue has them all there is nothing left to see.
    let Some(id) = marked.next() else { return };
    let output = run(&["rules", "explain", id]);
    assert_eq!(code(&output), 2);
    let told = complaint(&output);
    assert!(told.contains("is still to come"), "{told}");
}

#[cfg(unix)]
#[test]
fn a_report_replaces_nothing_but_a_regular_file() {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    let write = |path: &str| {
        let output = run(&["check", "--only", "auth", "--output", path]);
        assert_eq!(code(&output), 0, "{path}: {}", complaint(&output));
        output.stdout
    };
    let mode = |path: &str| {
        let found = std::fs::metadata(path).expect("a file");
        found.permissions().mode() & 0o777
    };

    write("/dev/null");
    let null = std::fs::metadata("/dev/null").expect("it is still there");
    assert!(null.file_type().is_char_device());

    // A link is followed, also to what is not there yet; the file keeps its permissions.
    std::fs::write(at("plain"), "").expect("a file");
    assert_eq!(
        mode(&at("plain")),
        mode(&{
            write(&at("new"));
            at("new")
        })
    );
    let odd = std::fs::Permissions::from_mode(0o604);
    std::fs::set_permissions(at("plain"), odd).expect("permissions");
    for (target, link) in [("plain", "link"), ("later", "dangling")] {
        symlink(target, at(link)).expect("a link");
        write(&at(link));
        let kept = std::fs::symlink_metadata(at(link)).expect("a link");
        assert!(kept.is_symlink(), "{link}");
        let text = std::fs::read_to_string(at(target)).expect("a file");
        assert!(
            text.contains("CERTIFIED") || text.contains("HOLDS"),
            "{text}"
        );
    }
    assert_eq!(mode(&at("plain")), 0o604);

    let pipe = at("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("text")
    });
    write(&pipe);
    assert!(reader.join().expect("it reads").contains("Summary"));

    for stdout in ["-", "/dev/stdout"] {
        let told = String::from_utf8(write(stdout)).expect("UTF-8");
        assert!(told.contains("Summary"), "{stdout}: {told}");
    }
}

#[test]
fn two_outputs_to_one_place_are_refused_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("x").display().to_string();
    let detour = folder.path().join("./x").display().to_string();
    let url = "http://127.0.0.1:9";
    let pair = ["--format", "json", "--format", "junit", "--output", &file];
    let twice = [["check", url].as_slice(), &pair, &["--output", &detour]].concat();
    let across = ["check", url, "--output", &file, "--write-expected-failures"];
    let across = [across.as_slice(), &[&detour]].concat();
    let stdout = vec!["check", url, "--write-expected-failures", "-"];
    for arguments in [twice, across, stdout] {
        let output = run(&arguments);
        let told = complaint(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {told}");
        assert!(told.contains("two outputs"), "{arguments:?}: {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_file_is_told_before_the_run() {
    // Nobody can write there, not even the administrator.
    for option in ["--output", "--write-expected-failures"] {
        let output = run(&["check", "http://127.0.0.1:9", option, "/proc/self/report"]);
        let told = complaint(&output);
        assert_eq!(code(&output), 2, "{told}");
        assert!(told.contains("nothing can be written in"), "{told}");
        assert!(!told.contains(".tmp"), "{told}");
    }
}

#[test]
fn without_a_command_the_whole_help_is_shown() {
    let output = run(&[]);
    assert_eq!(code(&output), 2);
    let told = complaint(&output);
    for word in ["Usage:", "check", "completions", "Exit codes:"] {
        assert!(told.contains(word), "{told}");
    }
    assert!(told.lines().count() > 10, "{told}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_port_that_is_taken_is_told_with_a_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(&["agent", "--port", &port]);
    let told = complaint(&output);
    assert_eq!(code(&output), 2, "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in [&port, "address in use", "--port 0 takes any free port"] {
        assert!(told.contains(word), "{told}");
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_the_options_of_a_subcommand() {
    let script = String::from_utf8(run(&["completions", "bash"]).stdout).expect("UTF-8");
    let completed = format!(
        "{script}
COMP_WORDS=(acp-tck check --f) COMP_CWORD=2
_acp__tck acp-tck --f check
printf '%s\\n' \"${{COMPREPLY[@]}}\""
    );
    let output = Command::new("bash").args(["-c", &completed]).output();
    let output = output.expect("bash runs");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        told.lines().any(|line| line == "--format"),
        "{told}{:?}",
        output.stderr
    );
}

#[test]
fn the_agent_is_described_without_being_started() {
    for (flag, sample) in [
        (
            "--print-descriptor",
            include_str!("../fixtures/descriptor/acp-descriptor.json"),
        ),
        (
            "--print-manifest",
            include_str!("../fixtures/descriptor/agent-manifest.yaml"),
        ),
    ] {
        let output = run(&["agent", flag]);
        assert_eq!(code(&output), 0, "{flag}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), sample, "{flag}");
    }
    let output = run(&["agent", "--print-descriptor", "--print-manifest"]);
    assert_eq!(code(&output), 2);
    let output = run(&["agent", "--print-descriptor", "--version", "7.0.1"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["version"], "7.0.1");
}

#[test]
fn a_probe_of_nobody_fails_in_one_line() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let output = run(&["agent", "--probe", "--port", &port.to_string()]);
    assert_eq!(code(&output), 1);
    let told = complaint(&output);
    assert!(
        told.contains("is not ready") && told.lines().count() == 1,
        "{told}"
    );
}

#[test]
fn a_slip_of_the_pen_does_not_put_a_secret_on_the_terminal() {
    let url = "http://127.0.0.1:9";
    for arguments in [
        vec!["check", url, "--header", "X-Key s3cr3t"],
        vec!["check", url, "--header", "X Key: s3cr3t  and more"],
        vec!["load", url, "--header", "s3cr3t"],
        vec!["check", "ftp://localhost/?key=s3cr3t"],
        vec!["check", "http://localhost/?key=s3cr3t"],
        vec!["check", "http://localhost/#s3cr3t"],
        vec!["check", "http://s3cr3t@localhost/"],
        vec!["check", url, "http://user:s3cr3t@localhost/?key=s3cr3t"],
        vec!["load", "http://localhost/?key=s3cr3t"],
        vec!["snapshot", "http://localhost/?key=s3cr3t"],
    ] {
        let output = run(&arguments);
        let told = complaint(&output);
        assert_eq!(code(&output), 2, "{arguments:?}: {told}");
        assert!(!told.contains("s3cr3t"), "{arguments:?}: {told}");
    }
}
