//! The program under test: run to its end, its peak memory watched, its report read.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::server::{Row, Server};

/// What the whole run may use at the worst, in KiB.
pub(crate) const MOST_MEMORY: u64 = 256 * 1024;
/// Past this a run hangs. Nothing here takes a tenth of it on a free machine.
const PATIENCE: Duration = Duration::from_secs(420);

/// What came of a run.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The JSON report as text, and read.
    pub(crate) text: String,
    pub(crate) report: Value,
    /// The most memory that was resident, in KiB; 0 where the system does not tell.
    pub(crate) peak: u64,
    took: Duration,
}

/// A `check` of an agent at a URL, with short limits.
pub(crate) fn check(url: &str, budget: &str) -> Command {
    let mut command = tck();
    command.args([
        "check",
        url,
        "--timeout=300ms",
        "--cases=8",
        "--budget",
        budget,
    ]);
    command
}

/// The program without the settings of whoever runs the tests.
pub(crate) fn tck() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_acp-tck"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ACP_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs it to its end; the report goes to a file, the text for people to standard output.
pub(crate) fn run(mut command: Command) -> Run {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let (json, out, err) = (file("report.json"), file("out"), file("err"));
    command.args(["--format=json", "--format=human", "--output"]);
    command.arg(&json);
    command.stdout(std::fs::File::create(&out).expect("a file"));
    command.stderr(std::fs::File::create(&err).expect("a file"));
    let begun = Instant::now();
    let mut child = command.spawn().expect("the program runs");
    let mut peak = 0;
    let status = loop {
        peak = peak_of(child.id()).max(peak);
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("it hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let text = read(&json);
    Run {
        code: status.code(),
        stdout: read(&out),
        stderr: read(&err),
        report: serde_json::from_str(&text).unwrap_or_default(),
        text,
        peak,
        took: begun.elapsed(),
    }
}

/// The peak of a process's resident memory, in KiB; 0 as long as it is not yet another program than this.
pub(crate) fn peak_of(pid: u32) -> u64 {
    // A child is its parent until it has become what it was started for: the memory, too, is the
    // parent's, and whoever started it may be told of it a moment too soon.
    let program = |pid: u32| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    if program(pid) == program(std::process::id()) {
        return 0;
    }
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

impl Run {
    /// What holds whatever the agent does; `name` is the agent's.
    pub(crate) fn is_sound(&self, name: &str) {
        eprintln!(
            "{name}: exit {:?}, {:.1} s, {} MiB at the most",
            self.code,
            self.took.as_secs_f64(),
            self.peak / 1024
        );
        assert!(matches!(self.code, Some(1 | 3)), "{name}: {}", self.told());
        assert!(!self.stderr.contains("panicked"), "{name}: {}", self.stderr);
        assert_eq!(
            self.report["format"],
            "acp-tck/check",
            "{name}: {}",
            self.told()
        );
        assert!(self.peak < MOST_MEMORY, "{name}: {} KiB", self.peak);
        let errors = self.statuses("error");
        assert!(errors.is_empty(), "{name}: {errors:?}");
        assert!(self.stderr.lines().count() <= 1, "{name}: {}", self.stderr);
        assert!(
            self.text.len() < 64 << 20 && self.stdout.len() < 1 << 20,
            "{name}"
        );
    }

    fn told(&self) -> String {
        let beginning: String = self.stdout.chars().take(4_000).collect();
        format!("{:?}\n{}\n{beginning}", self.code, self.stderr)
    }

    /// The rules with a status.
    pub(crate) fn statuses(&self, status: &str) -> Vec<&str> {
        let all = self.report["results"].as_array().into_iter().flatten();
        all.filter(|one| one["status"] == status)
            .filter_map(|one| one["rule"].as_str())
            .collect()
    }

    /// The finding of a rule: its status and message.
    pub(crate) fn finding(&self, rule: &str) -> (&str, &str) {
        let mut all = self.report["results"].as_array().into_iter().flatten();
        let found = all.find(|one| one["rule"] == rule).expect(rule);
        let text = |name: &str| found[name].as_str().unwrap_or_default();
        (text("status"), text("message"))
    }
}

/// Checks each agent of a table, and that its rows say true.
pub(crate) fn check_all(rows: &[Row]) {
    for row in rows {
        let server = Server::start(row.serve);
        // What is to be found must be come to, on however busy a machine.
        let budget = if row.shows.is_empty() { "4s" } else { "120s" };
        let run = run(check(&server.url(), budget));
        run.is_sound(row.name);
        for (rule, status, word) in row.shows {
            let (found, message) = run.finding(rule);
            assert!(
                found == *status && message.contains(word),
                "{}: {rule} is {found}: {message}",
                row.name
            );
        }
    }
}
