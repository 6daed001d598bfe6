//! Reports put together, as a user does it: load pages, merges, matrices, histories.

mod running;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use running::Agent;

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    command.args(arguments).stdin(Stdio::null());
    command.output().expect("the program runs")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeds(arguments: &[&str]) -> Output {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    output
}

/// A refusal: exit code 2, and one line with these words.
fn refused(arguments: &[&str], words: &[&str]) {
    let output = run(arguments);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
}

/// A folder for reports.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.path().join(name)).expect("it was written")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).expect("it is JSON")
    }

    fn write(&self, name: &str, document: &Value) -> String {
        std::fs::write(self.0.path().join(name), document.to_string()).expect("a file");
        self.at(name)
    }

    /// A check of the built-in agent for some of its rules.
    fn check(&self, name: &str, only: &str) -> String {
        let file = self.at(name);
        let rest = ["--seed", "5", "--cases", "5", "--output", &file];
        succeeds(&[&["check", "--only", only][..], &rest].concat());
        file
    }
}

fn schema(name: &str) -> jsonschema::Validator {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/reports");
    let text = std::fs::read_to_string(place.join(name)).expect("the schema is there");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is one")
}

fn holds(schema: &jsonschema::Validator, document: &Value) {
    let faults = schema.iter_errors(document);
    let faults: Vec<String> = faults
        .map(|it| format!("{}: {it}", it.instance_path()))
        .collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_load_run_is_a_page_at_once_later_and_beside_an_earlier_one() {
    let agent = Agent::start(|_| {});
    let folder = Folder::new();
    let [json, at_once, later, beside] =
        ["a.json", "a.html", "b.html", "beside.html"].map(|name| folder.at(name));
    let url = agent.url();
    let load = [
        "load",
        &url,
        "--scenario",
        "cache",
        "--duration",
        "2500ms",
        "--users",
        "2",
    ];
    succeeds(&[&load[..], &["--output", &json, "--output", &at_once]].concat());
    succeeds(&["report", "render", &json, "--output", &later]);
    assert_eq!(folder.read("a.html"), folder.read("b.html"));
    for title in [
        "Latency by percentile",
        "Throughput",
        "Hits and misses",
        "Hit rate",
    ] {
        assert!(
            folder.read("a.html").contains(&format!("<b>{title}</b>")),
            "{title}"
        );
    }
    holds(&schema("load.schema.json"), &folder.json("a.json"));

    let json_beside = folder.at("beside.json");
    let output = run(&[
        &load[..],
        &[
            "--baseline",
            &json,
            "--output",
            &beside,
            "--output",
            &json_beside,
        ],
    ]
    .concat());
    // Whether it regressed is the machine's affair.
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        told(&output)
    );
    assert!(folder.read("beside.html").contains("line one earlier"));
    let report = folder.json("beside.json");
    holds(&schema("load.schema.json"), &report);
    let earlier = &report["baseline"]["earlier"];
    assert!(earlier["slices"].as_array().is_some_and(|it| it.len() >= 8));
    assert!(earlier["slices"][0].get("histograms").is_none());
}

#[test]
fn a_load_report_has_its_own_formats() {
    let folder = Folder::new();
    let json = folder.at("a.json");
    let output = run(&["load", "http://127.0.0.1:9", "--output", &json]);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    holds(&schema("load.schema.json"), &folder.json("a.json"));
    refused(
        &["report", "render", &json, "--format", "sarif"],
        &["sarif", "markdown"],
    );
    refused(
        &["report", "render", &json, "--output", &folder.at("a.tap")],
        &["a.tap", ".html"],
    );
    let text = succeeds(&["report", "render", &json]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("NO VERDICT"));
}

#[test]
fn shards_of_a_check_become_one_report() {
    let folder = Folder::new();
    let one = folder.check("one.json", "auth");
    let other = folder.check("other.json", "errors,auth.header-only");
    let whole = folder.at("whole.json");
    succeeds(&["report", "merge", &one, &other, "--output", &whole]);
    let report = folder.json("whole.json");
    holds(&schema("check.schema.json"), &report);
    let count = |name: &str| folder.json(name)["results"].as_array().map_or(0, Vec::len);
    assert!(count("whole.json") > count("one.json"));
    let rules: Vec<&Value> = report["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|it| &it["rule"])
        .collect();
    let mut once = rules.clone();
    once.dedup();
    assert_eq!(once, rules);
    let certified = |name: &str| {
        let features = report["features"].as_array().expect("features");
        features
            .iter()
            .any(|it| it["name"] == name && it["certified"] == true)
    };
    assert!(
        certified("errors") && !certified("streaming"),
        "{}",
        report["features"]
    );

    let mut failing = folder.json("other.json");
    failing["results"][0]["status"] = "fail".into();
    let failing = folder.write("failing.json", &failing);
    let output = run(&["report", "merge", &one, &failing]);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let mut foreign = folder.json("other.json");
    foreign["seed"] = 6.into();
    let foreign = folder.write("foreign.json", &foreign);
    refused(
        &["report", "merge", &one, &foreign],
        &["foreign.json", "the seed is 6", "5"],
    );
}

#[test]
fn loads_of_several_generators_become_one_report_and_lose_no_request() {
    let agent = Agent::start(|_| {});
    let folder = Folder::new();
    let url = agent.url();
    let names = ["a", "b"];
    let generators = names.map(|name| {
        let json = folder.at(&format!("{name}.json"));
        let log = folder.at(&format!("{name}.hlog"));
        Command::new(env!("CARGO_BIN_EXE_acp-tck"))
            .args([
                "load",
                &url,
                "--duration",
                "1s",
                "--users",
                "2",
                "--output",
                &json,
            ])
            .args(["--histogram", &log, "--threshold", "errors<1%"])
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs")
    });
    for mut generator in generators {
        assert!(generator.wait().expect("it ends").success());
    }
    let [a, b, whole, page] = ["a.json", "b.json", "ab.json", "ab.html"].map(|it| folder.at(it));
    succeeds(&[
        "report", "merge", &a, &b, "--output", &whole, "--output", &page,
    ]);
    let report = folder.json("ab.json");
    holds(&schema("load.schema.json"), &report);
    let of = |name: &str, pointer: &str| {
        let number = folder.json(name);
        number
            .pointer(pointer)
            .and_then(Value::as_u64)
            .expect("a number")
    };
    for pointer in ["/requests/ok", "/latency_ms/count", "/users"] {
        assert_eq!(
            of("ab.json", pointer),
            of("a.json", pointer) + of("b.json", pointer),
            "{pointer}"
        );
    }
    assert_eq!(report["thresholds"][0]["holds"], true);

    let [a, b, whole] = ["a.hlog", "b.hlog", "ab.hlog"].map(|it| folder.at(it));
    succeeds(&["report", "merge", &a, &b, "--output", &whole]);
    assert!(folder.read("ab.hlog").contains("Tag=latency,"));
    refused(&["report", "merge", &a, &page], &["ab.html", "each kind"]);
    let check = folder.check("check.json", "auth");
    refused(
        &["report", "merge", &folder.at("a.json"), &check],
        &["a.json", "each kind"],
    );
}

#[test]
fn agents_stand_beside_each_other() {
    let folder = Folder::new();
    let one = folder.check("one.json", "auth");
    let mut other = folder.json("one.json");
    other["target"]["agent_id"] = "other".into();
    other["results"][0]["status"] = "fail".into();
    let other = folder.write("other.json", &other);
    let page = folder.at("matrix.html");
    succeeds(&["report", "matrix", &one, &other, "--output", &page]);
    assert!(folder.read("matrix.html").contains("2 ACP agents"));
    let output = succeeds(&["report", "matrix", &one, &other]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("| 2 | other"));
    refused(
        &["report", "matrix", &one, "--output", &folder.at("m.json")],
        &["m.json", ".html"],
    );
}

#[test]
fn a_folder_of_runs_is_a_history() {
    let folder = Folder::new();
    folder.check("a.json", "auth");
    let mut later = folder.json("a.json");
    later["started_at"] = "2999-01-01T00:00:00Z".into();
    later["results"][0]["status"] = "fail".into();
    folder.write("0.json", &later);
    // What else lies there is nobody's mistake.
    std::fs::write(folder.at("package.json"), "{\"name\": \"x\"}").expect("a file");
    std::fs::write(folder.at("broken.json"), "{").expect("a file");
    let page = folder.at("history.html");
    let whole = folder.0.path().display().to_string();
    succeeds(&["report", "history", &whole, "--output", &page]);
    let text = folder.read("history.html");
    assert!(text.contains("2 runs of ACP agents") && text.contains("2999-01-01 00:00"));
    assert!(text.contains(">broke<") && text.contains("Open now"));

    let empty = Folder::new();
    let empty = empty.0.path().display().to_string();
    refused(&["report", "history", &empty], &[&empty, "no report"]);
    let missing = Path::new(&whole).join("missing.json").display().to_string();
    refused(&["report", "history", &missing], &["missing.json"]);
}

#[test]
fn runs_in_an_sqlite_file_are_a_history() {
    let folder = Folder::new();
    let one = folder.check("a.json", "auth");
    let mut later = folder.json("a.json");
    later["started_at"] = "2999-01-01T00:00:00Z".into();
    let later = folder.write("b.json", &later);
    let [store, page] = ["runs.sqlite", "history.html"].map(|name| folder.at(name));
    succeeds(&["report", "history", &store, "--add", &one]);
    // A job that runs twice adds its report once.
    for _ in 0..2 {
        succeeds(&["report", "history", &store, "--add", &one, &later]);
    }
    succeeds(&["report", "history", &store, "--output", &page]);
    let text = folder.read("history.html");
    assert!(text.contains("2 runs of ACP agents") && text.contains("2999-01-01 00:00"));

    // All or none: what is no report leaves the file as it was.
    let other = folder.write("other.json", &Value::Null);
    let before = std::fs::read(&store).expect("the file");
    refused(
        &["report", "history", &store, "--add", &one, &other],
        &["other.json", "not a report"],
    );
    assert_eq!(std::fs::read(&store).expect("the file"), before);
    refused(&["report", "history", &one, "--add", &one], &["a.json"]);
    std::fs::write(folder.at("cut.sqlite"), &before[..200]).expect("a file");
    let cut = folder.at("cut.sqlite");
    refused(&["report", "history", &cut], &["cut.sqlite"]);
}

#[test]
fn an_outage_is_no_change_of_the_agent() {
    let folder = Folder::new();
    let good = folder.check("good.json", "auth");
    let none = folder.at("none.json");
    let nobody = [
        "check",
        "http://127.0.0.1:9",
        "--only",
        "auth",
        "--seed",
        "5",
    ];
    let output = run(&[&nobody[..], &["--cases", "5", "--output", &none]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    for (before, after) in [(&good, &none), (&none, &good)] {
        let output = run(&["report", "diff", before, after]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(3), "{text}");
        assert!(
            text.contains("Not decided, as a run has no verdict"),
            "{text}"
        );
        assert!(text.contains("acp-reference-agent") && text.contains("127.0.0.1:9"));
        for word in ["Broke", "Mended", "answers otherwise"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}
