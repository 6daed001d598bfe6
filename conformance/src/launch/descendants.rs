//! All that a process has started in turn, by a mark in their environment: who leaves the group
//! (`setsid`) inherits that all the same.
//!
//! Linux alone tells another's environment, in `/proc`. Elsewhere, and of who wipes its own
//! environment, only the group is known.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

/// The variable that holds the mark. The checker's own name comes first: agents that look for
/// misspelt `ACP_*` variables are not to wonder.
pub(super) const VARIABLE: &str = "TCK_ACP_LAUNCHED_BY";

/// More rounds than any chain of processes that start another as they die is looked for.
#[cfg(target_os = "linux")]
const ROUNDS: usize = 64;

/// A mark that no other process started on this machine has.
#[derive(Debug)]
pub(super) struct Mark(String);

impl Mark {
    pub(super) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        // The number of a process comes again, chance does not.
        let chance = RandomState::new().build_hasher().finish();
        Self(format!("{}-{number}-{chance:x}", std::process::id()))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Kills all that bear it, and what these start meanwhile.
    #[cfg(target_os = "linux")]
    pub(super) fn kill_all(&self) {
        use nix::sys::signal::{Signal, kill};
        for _ in 0..ROUNDS {
            let found = self.bearers();
            if found.is_empty() {
                return;
            }
            for pid in found {
                // It may have ended meanwhile.
                let _ = kill(pid, Signal::SIGKILL);
            }
            std::thread::yield_now();
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn kill_all(&self) {}

    /// Whose environment is another user's, cannot be read, and would not be ours to kill. That of
    /// a process that has ended is empty.
    #[cfg(target_os = "linux")]
    fn bearers(&self) -> Vec<nix::unistd::Pid> {
        let mark = format!("{VARIABLE}={}", self.0);
        let bears = |pid: i32| {
            let told = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            told.split(|byte| *byte == 0)
                .any(|entry| entry == mark.as_bytes())
        };
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(|pid| bears(*pid))
            .map(nix::unistd::Pid::from_raw)
            .collect()
    }
}
