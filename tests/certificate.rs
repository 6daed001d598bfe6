//! `--certificate` and `acp-tck verify`: what holds is said to hold, and everything else is
//! refused, each for its own reason.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use acp_reports::Report;
use acp_reports::certificate::{ReportFile, SigningKey, Terms, issue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

/// RFC 8032's first test key, for these tests alone.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
";
/// Of its second one.
const ANOTHER: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=
-----END PUBLIC KEY-----
";

/// A folder with keys, and the certificate and report of a run.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        desk.write("private.pem", PRIVATE);
        desk.write("public.pem", PUBLIC);
        desk.write("another.pem", ANOTHER);
        desk
    }

    /// The same, with what one run has yielded.
    fn certified() -> Self {
        static RUN: LazyLock<(String, String)> = LazyLock::new(|| {
            let desk = Desk::new();
            let key = desk.at("private.pem");
            let (code, told) = desk.check(&["--cases", "20"], &["--signing-key", &key]);
            assert_eq!(code, 0, "{told}");
            (desk.read("acp.json"), desk.read("certificate.json"))
        });
        let desk = Self::new();
        desk.write("acp.json", &RUN.0);
        desk.write("certificate.json", &RUN.1);
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect(name)
    }

    fn certificate(&self) -> Value {
        serde_json::from_str(&self.read("certificate.json")).expect("JSON")
    }

    /// Checks the built-in agent for a certificate.
    fn check(&self, arguments: &[&str], key: &[&str]) -> (i32, String) {
        let (report, certificate) = (self.at("acp.json"), self.at("certificate.json"));
        let mut all = vec!["check", "--output", &report, "--certificate", &certificate];
        all.extend(arguments.iter().chain(key));
        run(&all)
    }

    fn verify(&self, key: &str) -> (i32, String) {
        let (report, certificate) = (self.at("acp.json"), self.at("certificate.json"));
        run(&[
            "verify",
            &certificate,
            "--report",
            &report,
            "--key",
            &self.at(key),
        ])
    }
}

fn run(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    told(&command.args(arguments).output().expect("it runs"))
}

/// The exit code, and all that was printed.
fn told(output: &Output) -> (i32, String) {
    let text = [&output.stdout[..], &output.stderr].concat();
    let code = output.status.code().expect("an exit code");
    (code, String::from_utf8(text).expect("UTF-8"))
}

fn exists(path: &Path) -> bool {
    path.try_exists().expect("it can be looked for")
}

#[test]
fn a_certificate_of_a_run_holds_and_tells_of_whom() {
    let desk = Desk::certified();
    let (code, told) = desk.verify("public.pem");
    assert_eq!(code, 0, "{told}");
    for word in [
        "the certificate holds",
        "acp-reference-agent 0.1.0, builtin:reference-agent",
        "production, of five-endpoint/1",
        "core, errors, streaming",
        "acp.json, SHA-256 ",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let payload = desk.certificate()["payload"]
        .as_str()
        .map(|it| STANDARD.decode(it));
    let payload = payload.expect("a text").expect("base64");
    let said: Value = serde_json::from_slice(&payload).expect("JSON");
    let report: Value = serde_json::from_str(&desk.read("acp.json")).expect("JSON");
    assert_eq!(said["predicate"]["summary"], report["summary"]);
    assert_eq!(said["predicate"]["report"]["name"], "acp.json");
}

/// How a certificate or its report may be spoilt.
type Spoil = fn(&Desk);

const SPOILT: &[(&str, Spoil)] = &[
    ("altered after it was signed", |desk| {
        change(desk, |certificate| {
            let payload = certificate["payload"].as_str().expect("a text");
            let payload = STANDARD.decode(payload).expect("base64");
            let said = String::from_utf8(payload).expect("UTF-8");
            let said = said.replace("\"core\"", "\"cure\"");
            certificate["payload"] = STANDARD.encode(said).into();
        });
    }),
    ("report is not the one", |desk| {
        desk.write(
            "acp.json",
            &desk.read("acp.json").replace("\"pass\"", "\"fail\""),
        );
    }),
    ("of the type `text/plain`", |desk| {
        change(desk, |certificate| {
            certificate["payloadType"] = "text/plain".into()
        });
    }),
    ("payload is not base64", |desk| {
        change(desk, |certificate| {
            let payload = certificate["payload"].as_str().expect("a text");
            certificate["payload"] = payload[..payload.len() - 2].into();
        });
    }),
    ("signature is not base64", |desk| {
        change(desk, |certificate| {
            certificate["signatures"][0]["sig"] = "?".into()
        });
    }),
    ("nobody has signed it", |desk| {
        change(desk, |certificate| certificate["signatures"] = json!([]));
    }),
    ("duplicate field `payloadType`", |desk| {
        let text = desk.read("certificate.json");
        let twice = text.replacen('{', "{\"payloadType\": \"x\",", 1);
        desk.write("certificate.json", &twice);
    }),
    ("no DSSE envelope (missing field", |desk| {
        desk.write("certificate.json", "{}")
    }),
    ("it expired at 2026-01-02T00:00:00Z", |desk| {
        reissue(desk, ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"));
    }),
    ("still to come", |desk| {
        reissue(desk, ("9990-01-01T00:00:00Z", "9991-01-01T00:00:00Z"));
    }),
];

fn change(desk: &Desk, change: impl FnOnce(&mut Value)) {
    let mut certificate = desk.certificate();
    change(&mut certificate);
    desk.write("certificate.json", &certificate.to_string());
}

/// The same run's certificate, for another time.
fn reissue(desk: &Desk, (from, until): (&str, &str)) {
    let text = desk.read("acp.json");
    let report: Report = serde_json::from_str(&text).expect("a report");
    let time = |text: &str| text.parse::<Timestamp>().expect("a time");
    let terms = Terms {
        issued_at: time(from),
        expires_at: time(until),
    };
    let key = SigningKey::from_pem(PRIVATE.as_bytes()).expect("a key");
    let file = ReportFile::new("acp.json", text.as_bytes());
    let issued = issue(&report, file, terms, &key).expect("a certificate");
    desk.write("certificate.json", &issued);
}

#[test]
fn what_does_not_hold_is_refused_each_for_its_own_reason() {
    let mut reasons = BTreeSet::new();
    let mut refused = |desk: &Desk, key: &str, word: &str| {
        let (code, told) = desk.verify(key);
        assert_eq!(code, 1, "{word}: {told}");
        assert!(
            told.contains("refused: ") && told.contains(word),
            "{word}: {told}"
        );
        assert_eq!(told.lines().count(), 1, "{told}");
        let reason = told.split_once("refused: ").expect("a reason").1.to_owned();
        assert!(reasons.insert(reason), "{told}");
    };
    for (word, spoil) in SPOILT {
        let desk = Desk::certified();
        spoil(&desk);
        refused(&desk, "public.pem", word);
    }
    refused(
        &Desk::certified(),
        "another.pem",
        "this key has not signed it",
    );
}

#[test]
fn files_that_cannot_be_read_are_the_users() {
    let spoilt: &[(&str, &str)] = &[
        ("certificate.json", "not JSON"),
        ("public.pem", "no key in PEM"),
    ];
    for (name, word) in spoilt {
        let desk = Desk::certified();
        desk.write(name, "nonsense");
        let (code, told) = desk.verify("public.pem");
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(word) && told.contains(name), "{told}");
    }
    for name in ["certificate.json", "acp.json", "public.pem"] {
        let desk = Desk::certified();
        std::fs::remove_file(desk.path(name)).expect("it was there");
        let (code, told) = desk.verify("public.pem");
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(name), "{told}");
    }
    let (code, told) = Desk::certified().verify("private.pem");
    assert_eq!(code, 2, "{told}");
    assert!(
        told.contains("a private key") && !told.contains("MC4C"),
        "{told}"
    );
}

#[test]
fn a_run_that_certifies_no_level_leaves_no_certificate() {
    let desk = Desk::new();
    let key = desk.at("private.pem");
    let (code, told) = desk.check(&["--only", "auth"], &["--signing-key", &key]);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("reaches no level"), "{told}");
    assert!(exists(&desk.path("acp.json")) && !exists(&desk.path("certificate.json")));
    let gone = ["http://127.0.0.1:9"];
    let (code, told) = desk.check(&gone, &["--signing-key", &key]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("the run does not pass"), "{told}");
    assert!(!exists(&desk.path("certificate.json")));
}

#[test]
fn what_is_missing_for_a_certificate_is_told_before_the_run() {
    let desk = Desk::new();
    let at = |name: &str| desk.at(name);
    let (private, public, missing) = (at("private.pem"), at("public.pem"), at("none.pem"));
    for (key, word) in [
        (vec![], "--signing-key FILE"),
        (vec!["--signing-key", &*missing], "none.pem"),
        (vec!["--signing-key", &*public], "a public key"),
        (
            vec!["--signing-key-env", "ACP_TCK_NO_SUCH_KEY"],
            "ACP_TCK_NO_SUCH_KEY",
        ),
        (
            vec!["--signing-key", &*private, "--valid-for", "0s"],
            "ten years",
        ),
        (
            vec!["--signing-key", &*private, "--format", "human"],
            "--output report.json",
        ),
    ] {
        let (code, told) = desk.check(&[], &key);
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(word), "{word}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        assert!(!exists(&desk.path("acp.json")));
    }
}

#[test]
fn a_record_is_certified_with_a_key_from_the_environment() {
    let desk = Desk::new();
    let at = |name: &str| desk.at(name);
    let (record, report, certificate) = (at("run.jsonl"), at("acp.json"), at("certificate.json"));
    let (code, told) = run(&["check", "--cases", "20", "--record", &record]);
    assert_eq!(code, 0, "{told}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    command.args([
        "judge",
        &record,
        "--output",
        &report,
        "--certificate",
        &certificate,
    ]);
    command.args(["--signing-key-env", "SIGNING_KEY", "--valid-for", "1h"]);
    let output = command.env("SIGNING_KEY", PRIVATE).output();
    let (code, told) = self::told(&output.expect("it runs"));
    assert_eq!(code, 0, "{told}");
    let (code, told) = desk.verify("public.pem");
    assert_eq!(code, 0, "{told}");
}
