//! Where a page's commands are run: an empty folder, ports of its own, and an agent to ask.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::exceptions::{GIVEN, REPLACED};
use crate::pages::root;

/// Much longer than anything takes to begin to serve.
const PATIENCE: Duration = Duration::from_secs(120);
/// The agent that a page asks if it has started none in the same block.
const AGENT: &str = "acp-tck agent --rate-limit off --rate-limit-invoke off";

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    agent: Option<Server>,
}

/// A process that serves until it is dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            agent: None,
        }
    }

    /// Runs the commands of one block, as if each that serves had a terminal of its own.
    pub(crate) fn run(&mut self, commands: &[String], environment: &[(&str, &str)]) -> Vec<Output> {
        let mut servers: Vec<Server> = Vec::new();
        let mut outputs = Vec::new();
        for command in commands {
            if serves(command) {
                servers.push(self.serve(command));
                continue;
            }
            let port = match servers.last() {
                Some(server) => server.port,
                None if command.contains("localhost:8000") || needs_agent(command) => {
                    self.agent_port()
                }
                None => 0,
            };
            self.give(command, port);
            let mut shell = self.shell(&replaced(command, port));
            outputs.push(
                shell
                    .envs(environment.iter().copied())
                    .output()
                    .expect("bash"),
            );
        }
        outputs
    }

    /// The agent of the page, started when it is first needed.
    fn agent_port(&mut self) -> u16 {
        if self.agent.is_none() {
            self.agent = Some(self.serve(AGENT));
        }
        self.agent.as_ref().map_or(0, |agent| agent.port)
    }

    /// Makes the files that a command names and a reader would have.
    fn give(&self, command: &str, port: u16) {
        for (name, maker) in GIVEN {
            let path = self.folder.path().join(name);
            let is_made_here = command.contains(&format!("--output {name}"));
            if command.contains(name) && !is_made_here && !path.exists() {
                let made = self.shell(&replaced(maker, port)).output().expect("bash");
                assert!(path.exists(), "{maker}: {}", said(&made));
            }
        }
    }

    fn serve(&self, command: &str) -> Server {
        let port = free_port();
        self.give(command, port);
        let mut shell = self.shell(&format!(
            "exec {}",
            replaced(command.trim_end_matches('&'), port)
        ));
        shell
            .env("ACP_PORT", port.to_string())
            .env("ACP_TCK_ORCHESTRATOR_PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut server = Server {
            child: shell.spawn().expect("bash"),
            port,
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().expect("a process");
            assert!(ended.is_none(), "{command}: it ended: {ended:?}");
            assert!(begun.elapsed() < PATIENCE, "{command}: it does not serve");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    fn shell(&self, command: &str) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_acp-tck"))
            .parent()
            .expect("a folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut shell = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ACP_") {
                shell.env_remove(name);
            }
        }
        shell
            .args(["-euo", "pipefail", "-c", command])
            .env("PATH", format!("{}:{path}", program.display()))
            .env("ROOT", root())
            .env_remove("NO_COLOR")
            // What a page shows is what a person does at a terminal: a snapshot is recorded there, and in CI is not.
            .env_remove("CI")
            .env_remove("INSTA_UPDATE")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        shell
    }
}

/// A free port of those that nobody is given who asks for any: pages run at once, and what they start takes
/// such ones.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(18_000);
    loop {
        let port = NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Whether a command goes on until it is told to stop.
pub(crate) fn serves(command: &str) -> bool {
    let is_told = ["--print", "--probe", "--help", "--duration"];
    let is_server = [
        "acp-tck agent",
        "cargo run --release -- agent",
        "acp-tck orchestrator",
        "python3 agent.py",
    ];
    is_server.iter().any(|server| command.starts_with(server))
        && !is_told.iter().any(|flag| command.contains(flag))
}

/// Whether a command makes its files by asking an agent.
fn needs_agent(command: &str) -> bool {
    GIVEN.iter().any(|(name, _)| command.contains(name))
}

fn replaced(command: &str, port: u16) -> String {
    let mut command = command.to_owned();
    for (from, to) in REPLACED {
        command = command.replace(from, to);
    }
    command.replace("localhost:8000", &format!("127.0.0.1:{port}"))
}

/// All that a command said.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
