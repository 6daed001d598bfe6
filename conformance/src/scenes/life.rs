//! What became of a process: plain data, by the clock of its scene.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::launch::Exit;

/// The names of moments.
pub(crate) mod mark {
    /// It answered for the first time with anything but a 5xx.
    pub(crate) const READY: &str = "ready";
    /// It was sent SIGTERM.
    pub(crate) const SIGNALLED: &str = "signalled";
    /// The orchestrator was there again.
    pub(crate) const BACK: &str = "back";
    /// So long was it watched.
    pub(crate) const WATCHED: &str = "watched";
}

/// A process, from its start on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    /// Why there was none, or why it did not come to what was to be seen.
    pub(crate) trouble: Option<String>,
    /// What happened when, since its start.
    pub(crate) marks: BTreeMap<&'static str, Duration>,
    /// When and how it ended of itself.
    pub(crate) exit: Option<(Duration, Exit)>,
    /// The last lines of its output.
    pub(crate) last_words: String,
}

impl Life {
    /// When something happened.
    pub(crate) fn at(&self, mark: &str) -> Option<Duration> {
        self.marks.get(mark).copied()
    }

    /// A sentence's end with what the process said last.
    pub(crate) fn saying(&self) -> String {
        match self.last_words.as_str() {
            "" => "; it said nothing".to_owned(),
            words => format!("; its last output: {words}"),
        }
    }
}
