//! A process of the agent's: its group, the end of its output, its own end. The one file that
//! knows process-wrap.

use std::collections::VecDeque;
use std::fmt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::command::{Launch, Place};
use super::descendants::{Mark, VARIABLE};

/// How much of the output is kept, in bytes, and how many lines of it are shown.
const KEPT: usize = 16 * 1024;
const SHOWN: usize = 5;
/// And so many characters, the last ones.
const LETTERS: usize = 1000;
/// How long an agent has for its end after SIGTERM (the profile's `lifecycle.graceful-stop`).
pub(crate) const STOP_TIME: Duration = Duration::from_secs(10);
/// How long the last words of a process that has ended are waited for.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    /// What it said itself.
    pub(crate) code: Option<i32>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

impl fmt::Display for Exit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(formatter, "exit code {code}"),
            (None, Some(signal)) => write!(formatter, "signal {signal}"),
            (None, None) => formatter.write_str("an unknown status"),
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal = None;
        Self {
            code: status.code(),
            signal,
        }
    }
}

/// A process, and all that it starts in turn. Dropping it kills them.
#[derive(Debug)]
pub(crate) struct Process {
    child: Box<dyn ChildWrapper>,
    mark: Mark,
    output: Arc<Mutex<VecDeque<u8>>>,
    readers: JoinSet<()>,
    exit: Option<Exit>,
}

impl Process {
    /// Starts one in a group of its own; says why not in a fragment.
    pub(crate) fn spawn(launch: &Launch, place: &Place) -> Result<Self, String> {
        let (program, arguments) = launch.filled(place);
        let mark = Mark::new();
        let mut command = CommandWrap::with_new(&program, |command| {
            for name in &launch.without {
                command.env_remove(name);
            }
            command
                .args(arguments)
                .env(VARIABLE, mark.text())
                .envs(place.variables())
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        command.wrap(KillOnDrop);
        let spawned = command.spawn();
        let mut child = spawned.map_err(|error| {
            format!("`{program}` cannot be started: {error} (no shell reads the command; for one, write sh -c '…')")
        })?;
        let output = Arc::default();
        let mut readers = JoinSet::new();
        if let Some(stdout) = child.stdout().take() {
            readers.spawn(keep_end(stdout, Arc::clone(&output)));
        }
        if let Some(stderr) = child.stderr().take() {
            readers.spawn(keep_end(stderr, Arc::clone(&output)));
        }
        Ok(Self {
            child,
            mark,
            output,
            readers,
            exit: None,
        })
    }

    /// How it ended, if it has.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    /// Waits for its end. What it leaves behind is killed.
    pub(crate) async fn wait(&mut self) -> Exit {
        if let Some(exit) = self.exit {
            return exit;
        }
        let status = self.child.wait().await;
        // Whoever listens or writes on in its place would hold up all that follows.
        let _ = self.child.start_kill();
        self.mark.kill_all();
        let unknown = Exit {
            code: None,
            signal: None,
        };
        let exit = status.map_or(unknown, Exit::from);
        self.exit = Some(exit);
        let all_read = async { while self.readers.join_next().await.is_some() {} };
        let _ = timeout(LAST_WORDS, all_read).await;
        exit
    }

    /// Asks it to end, as supervisors do: the process alone, which tells its own.
    pub(crate) fn terminate(&mut self) {
        const SIGTERM: i32 = 15;
        #[cfg(unix)]
        // It may have ended already.
        let _ = self.child.inner().signal(SIGTERM);
        #[cfg(not(unix))]
        let _ = (SIGTERM, self.child.start_kill());
    }

    /// Asks it to end, and kills it if it does not.
    pub(crate) async fn stop(&mut self) {
        if self.exit.is_some() {
            return;
        }
        self.terminate();
        if timeout(STOP_TIME, self.wait()).await.is_err() {
            let _ = self.child.start_kill();
            let _ = timeout(STOP_TIME, self.wait()).await;
        }
    }

    /// The last lines of its output, in one.
    pub(crate) fn last_words(&self) -> String {
        let mut kept = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(kept.make_contiguous()).into_owned();
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let last = lines[lines.len().saturating_sub(SHOWN)..].join(" / ");
        // What was cut says so: what is left of a secret is known by it.
        let is_cut = lines.len() <= SHOWN && kept.len() == KEPT;
        match last.char_indices().rev().nth(LETTERS - 1) {
            Some((at, _)) if at > 0 => format!("…{}", &last[at..]),
            _ if is_cut => format!("…{last}"),
            _ => last,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The number of a group that has ended may be another's by now.
        if self.exit.is_none() {
            let _ = self.child.start_kill();
            self.mark.kill_all();
        }
    }
}

/// Reads all, so that the process is never held up, and keeps the end of it.
async fn keep_end(mut pipe: impl AsyncRead + Unpin, output: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        let mut kept = output.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&buffer[..read]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::time::Instant;

    use super::*;

    fn spawn(command: &str) -> Process {
        let launch = Launch::new(command).expect("a command");
        let place = Place {
            port: 1,
            orchestrator: "http://127.0.0.1:9".to_owned(),
            heartbeat: Launch::HEARTBEAT,
            told: Vec::new(),
        };
        Process::spawn(&launch, &place).expect("a process")
    }

    /// Of a zombie that nobody has fetched yet, the state is left.
    fn is_alive(pid: u32) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        state.is_ok_and(|state| !state.contains(") Z"))
    }

    #[tokio::test]
    async fn what_a_process_said_last_is_kept_with_how_it_ended() {
        let mut process = spawn("sh -c 'seq 100000; echo $ACP_PORT >&2; sleep 0.1; exit 3'");
        let exit = process.wait().await;
        assert_eq!(exit.to_string(), "exit code 3");
        let said = process.last_words();
        assert!(said.contains("/ 100000") && said.len() < 100, "{said}");
    }

    #[tokio::test]
    async fn a_process_that_does_not_heed_is_killed_and_its_children_with_it() {
        let folder = std::env::temp_dir().join(format!("acp-tck-{}", std::process::id()));
        let file = folder.display();
        let child =
            format!("sh -c 'sleep 600 & echo $! > {file}; trap \"\" TERM; wait; sleep 600'");
        let process = spawn(&child);
        let pid = loop {
            let told = std::fs::read_to_string(&folder).unwrap_or_default();
            match told.trim().parse::<u32>() {
                Ok(pid) => break pid,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        };
        drop(process);
        let begun = Instant::now();
        while is_alive(pid) {
            assert!(begun.elapsed() < Duration::from_secs(10), "it lives on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let _ = std::fs::remove_file(&folder);
    }

    /// What leaves the group is not left behind.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_leaves_the_group_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let leaver = format!(
            "setsid sleep 600 & echo $! > {0}.new; mv {0}.new {0}",
            file.display()
        );
        for end in ["exit 0", "wait"] {
            let _ = std::fs::remove_file(&file);
            let mut process = spawn(&format!("sh -c '{leaver}; {end}'"));
            let pid = loop {
                match std::fs::read_to_string(&file) {
                    Ok(told) => break told.trim().parse::<u32>().expect("a number"),
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            if end == "exit 0" {
                process.wait().await;
            }
            drop(process);
            let begun = Instant::now();
            while is_alive(pid) {
                assert!(
                    begun.elapsed() < Duration::from_secs(10),
                    "{end}: it lives on"
                );
                tokio::task::yield_now().await;
            }
        }
    }

    #[tokio::test]
    async fn an_output_without_end_or_line_end_is_cut_and_says_so() {
        let mut process = spawn("sh -c 'yes | tr -d \"\\n\" | head -c 1000000'");
        process.wait().await;
        let said = process.last_words();
        assert!(said.starts_with("…y") && said.len() < 2_000, "{said}");
    }

    #[tokio::test]
    async fn what_cannot_be_started_is_told() {
        let launch = Launch::new("/no/such/program").expect("a command");
        let place = Place {
            port: 1,
            orchestrator: String::new(),
            heartbeat: Launch::HEARTBEAT,
            told: Vec::new(),
        };
        let told = Process::spawn(&launch, &place).expect_err("nothing to start");
        assert!(told.contains("/no/such/program"), "{told}");
    }
}
