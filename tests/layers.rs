//! Flags, `ACP_TCK_*` variables and `acp-tck.toml`, as a user meets them; and `init`, which writes the file.

mod running;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use running::Agent;

/// The program in a folder of the test's own.
fn tck(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ACP_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn output(command: &mut Command) -> Output {
    command.output().expect("the program runs")
}

fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// An address at which nobody listens.
fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("acp-tck.toml"), text).expect("a file");
}

/// The report of a check that asks nobody who listens: it tells the settings all the same.
fn report(command: &mut Command) -> Value {
    let output = output(command);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", complaint(&output)))
}

#[test]
fn flags_go_before_variables_and_those_before_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}", closed());
    let other = format!("http://{}", closed());
    write(
        folder.path(),
        &format!(
            "target = \"{url}\"\n[check]\nseed = 1\ncases = 11\nstrict = true\nonly = [\"auth\", \"sse\"]\n"
        ),
    );
    let check = |more: &[&str]| {
        tck(
            folder.path(),
            &[&["check", "--format", "json"], more].concat(),
        )
    };

    let by_file = report(&mut check(&[]));
    assert_eq!(by_file["target"]["url"], url);
    assert_eq!(
        (&by_file["seed"], &by_file["cases"]),
        (&1.into(), &11.into())
    );
    assert_eq!(by_file["strict"], true);
    let results = by_file["results"].as_array().expect("results");
    assert!(results.iter().all(|one| {
        one["rule"]
            .as_str()
            .is_some_and(|rule| rule.starts_with("auth.") || rule.starts_with("sse."))
    }));

    let told = [
        ("ACP_TCK_CHECK_SEED", "2"),
        ("ACP_TCK_CHECK_STRICT", "false"),
        ("ACP_TCK_CHECK_CASES", ""),
    ];
    let by_variables = report(check(&[]).envs(told));
    assert_eq!(by_variables["seed"], 2);
    assert_eq!(by_variables["strict"], false);
    assert_eq!(by_variables["cases"], 11, "an empty variable says nothing");

    let by_flags = report(check(&["--seed", "3", &other]).envs(told));
    assert_eq!(by_flags["seed"], 3);
    assert_eq!(by_flags["target"]["url"], other);
}

#[test]
fn what_does_not_go_with_a_higher_layer_is_left_out_with_what_needs_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}", closed());
    write(
        folder.path(),
        "target = \"http://127.0.0.1:9\"\n[check]\nlaunch = \"no-such-agent\"\nquick = true\nheartbeat-interval = \"2s\"\noutput = [\"a.json\"]\n",
    );
    // A URL goes before the command that stands in the file, and `quick` is of the command.
    let by_flag = report(&mut tck(
        folder.path(),
        &["check", &url, "--format", "json"],
    ));
    assert_eq!(by_flag["target"]["url"], url);
    assert!(
        !folder.path().join("a.json").exists(),
        "--format and --output are pairs"
    );
    let by_variable =
        report(tck(folder.path(), &["check", "--format", "json"]).env("ACP_TCK_CHECK_URL", &url));
    assert_eq!(by_variable["target"]["url"], url);
    // The command goes before the target, which all that ask an agent share.
    let by_file = output(&mut tck(folder.path(), &["check"]));
    assert!(
        complaint(&by_file).contains("no-such-agent"),
        "{}",
        complaint(&by_file)
    );
    // Two of one layer are a mistake.
    let both = output(&mut tck(folder.path(), &["check", &url, "--launch", "x"]));
    assert_eq!(both.status.code(), Some(2), "{}", complaint(&both));
}

#[test]
fn the_file_may_be_named_and_its_paths_are_counted_from_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let below = folder.path().join("ci");
    std::fs::create_dir(&below).expect("a folder");
    let url = format!("http://{}", closed());
    let file = below.join("acp.toml");
    std::fs::write(
        &file,
        format!("[check]\nurl = \"{url}\"\noutput = [\"report.json\"]\n"),
    )
    .expect("a file");
    for by_variable in [false, true] {
        let mut command = match by_variable {
            true => tck(folder.path(), &["check"]),
            false => tck(folder.path(), &["--config", "ci/acp.toml", "check"]),
        };
        if by_variable {
            command.env("ACP_TCK_CONFIG", "ci/acp.toml");
        }
        let done = output(&mut command);
        assert_eq!(done.status.code(), Some(3), "{}", complaint(&done));
        std::fs::remove_file(below.join("report.json")).expect("the report was written");
    }
    let missing = output(&mut tck(folder.path(), &["check", "--config", "no.toml"]));
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        complaint(&missing).contains("no.toml"),
        "{}",
        complaint(&missing)
    );
}

#[test]
fn a_mistake_in_a_layer_is_one_line_that_says_where_it_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    for (file, variable, words) in [
        (
            "[check]\nolny = 'x'\n",
            None,
            ["acp-tck.toml, line 2", "did you mean `only`?"],
        ),
        (
            "[check]\n\ncases = 'x'\n",
            None,
            ["acp-tck.toml, line 3", "--cases"],
        ),
        (
            "[check]\nformat = 'yaml'\n",
            None,
            ["acp-tck.toml, line 2", "human, json"],
        ),
        (
            "[check]\nurl = 'localhost'\n",
            None,
            ["acp-tck.toml, line 2", "http://"],
        ),
        ("[check\n", None, ["acp-tck.toml, line 1", ""]),
        (
            "",
            Some(("ACP_TCK_CHECK_CASES", "x")),
            ["ACP_TCK_CHECK_CASES", "--cases"],
        ),
        (
            "",
            Some(("ACP_TCK_CHECK_STRICT", "maybe")),
            ["ACP_TCK_CHECK_STRICT", "`true` or `false`"],
        ),
    ] {
        write(folder.path(), file);
        let done = output(tck(folder.path(), &["check"]).envs(variable));
        let told = complaint(&done);
        assert_eq!(done.status.code(), Some(2), "{file}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{file}: {told}");
        assert!(
            words.iter().all(|word| told.contains(word)),
            "{file}: {told}"
        );
    }
    // What needs no file is not stopped by a broken one.
    write(folder.path(), "[chek]\n");
    let done = output(&mut tck(folder.path(), &["completions", "bash"]));
    assert_eq!(done.status.code(), Some(0));
    // A variable that is nearly one is told, and stops nothing.
    let url = format!("http://{}", closed());
    write(folder.path(), "");
    let done = output(tck(folder.path(), &["check", &url]).env("ACP_TCK_CHECK_SEDE", "1"));
    assert!(
        complaint(&done).contains("did you mean ACP_TCK_CHECK_SEED?"),
        "{}",
        complaint(&done)
    );
}

#[test]
fn a_secret_in_a_variable_is_shown_neither_in_help_nor_in_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = "hush-hush-hush";
    for arguments in [&["check"][..], &["check", "--help"]] {
        let done = output(tck(folder.path(), arguments).env("ACP_TCK_CHECK_HEADER", secret));
        let told = complaint(&done) + &String::from_utf8_lossy(&done.stdout);
        assert!(
            told.contains("ACP_TCK_CHECK_HEADER") && !told.contains(secret),
            "{told}"
        );
    }
}

#[test]
fn several_values_stand_on_a_line_each_in_a_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}", closed());
    let done = output(
        tck(folder.path(), &["check", &url]).env("ACP_TCK_CHECK_OUTPUT", "a.json\n b.xml\n"),
    );
    assert_eq!(done.status.code(), Some(3), "{}", complaint(&done));
    assert!(folder.path().join("a.json").exists() && folder.path().join("b.xml").exists());
}

#[test]
fn init_writes_what_the_agent_is_and_the_check_reads_it() {
    let agent = Agent::start(|_| {});
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("acp-tck.toml");
    let done = output(&mut tck(folder.path(), &["init", &agent.url()]));
    assert_eq!(done.status.code(), Some(0), "{}", complaint(&done));
    let told = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        told.contains("acp-reference-agent") && told.contains("acp-tck check"),
        "{told}"
    );
    let text = std::fs::read_to_string(&file).expect("it was written");
    for part in [
        &format!("target = \"{}\"", agent.url()),
        "claim = [\"errors\", \"streaming\", \"config-versions\", \"cache\", \"observability\"]",
        "#   credentials: none",
        "scenario = \"cache\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let check = report(&mut tck(
        folder.path(),
        &["check", "--only", "auth", "--format", "json"],
    ));
    assert_eq!(check["target"]["url"], agent.url());
    assert_eq!(check["verdict"], "pass");

    // Nothing is overwritten unasked, and nobody is asked for it.
    std::fs::write(&file, "# mine\n").expect("a file");
    let again = output(&mut tck(folder.path(), &["init", &agent.url()]));
    assert_eq!(again.status.code(), Some(2));
    assert!(
        complaint(&again).contains("--force"),
        "{}",
        complaint(&again)
    );
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), "# mine\n");
    let forced = output(&mut tck(folder.path(), &["init", &agent.url(), "--force"]));
    assert_eq!(forced.status.code(), Some(0), "{}", complaint(&forced));
    assert_eq!(std::fs::read_to_string(&file).expect("a file"), text);
}

#[test]
fn init_without_an_agent_writes_a_file_to_fill_in_and_with_one_that_is_not_there_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("http://{}", closed());
    let done = output(&mut tck(folder.path(), &["init", &url]));
    assert_eq!(done.status.code(), Some(3), "{}", complaint(&done));
    assert!(
        complaint(&done).contains("nothing was written"),
        "{}",
        complaint(&done)
    );
    assert!(!folder.path().join("acp-tck.toml").exists());
    let done = output(&mut tck(folder.path(), &["init"]));
    assert_eq!(done.status.code(), Some(0), "{}", complaint(&done));
    // What was written is a file that holds, and changes nothing yet.
    let check = report(&mut tck(
        folder.path(),
        &["check", &url, "--format", "json"],
    ));
    assert_eq!(check["verdict"], "error");
}

#[test]
fn each_key_that_init_writes_as_a_comment_is_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = output(&mut tck(folder.path(), &["init", "--output", "-"]));
    let text = String::from_utf8(done.stdout).expect("UTF-8");
    let is_key = |line: &&str| {
        let key = line
            .strip_prefix("# ")
            .and_then(|line| line.split_once(" = "));
        key.is_some_and(|(key, _)| !key.contains(' '))
    };
    let keys: Vec<&str> = text.lines().filter(is_key).collect();
    assert!(keys.len() > 8, "{text}");
    let mut bare = String::new();
    for line in text.lines() {
        let line = if is_key(&line) { &line[2..] } else { line };
        // Two that go against each other are for the user to choose between.
        if !line.starts_with("launch") && !line.starts_with("baseline") {
            bare += &format!("{line}\n");
        }
    }
    write(folder.path(), &bare);
    let done = output(&mut tck(folder.path(), &["rules", "list"]));
    assert_eq!(done.status.code(), Some(0), "{bare}\n{}", complaint(&done));
}

#[test]
fn the_manual_has_a_page_for_each_subcommand() {
    let folder = tempfile::tempdir().expect("a folder");
    let done = output(&mut tck(folder.path(), &["man", "--dir", "man1"]));
    assert_eq!(done.status.code(), Some(0), "{}", complaint(&done));
    for (page, word) in [
        ("acp-tck.1", "check"),
        ("acp-tck-load.1", "scenario"),
        ("acp-tck-report-diff.1", "ACP_TCK_REPORT_DIFF_FORMAT"),
    ] {
        let text = std::fs::read_to_string(folder.path().join("man1").join(page)).expect(page);
        assert!(text.replace('\\', "").contains(word), "{page}");
    }
}
