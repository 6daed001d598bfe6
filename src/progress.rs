//! The progress bar: on a terminal only, on stderr, gone when the report comes.

use std::io::IsTerminal;

use acp_conformance::drive::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exit::complain;

/// A bar that counts topics and exchanges.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar, hidden where nobody would see it.
    pub(crate) fn new() -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(None, target);
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} topics, {msg} ({elapsed})");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Takes note of how the run gets on.
    pub(crate) fn show(&self, progress: Progress) {
        match progress {
            Progress::Topics(count) => self.0.set_length(count as u64),
            Progress::Begun(topic) => {
                self.0.set_message(topic.to_string());
                if self
                    .0
                    .length()
                    .is_some_and(|length| self.0.position() < length)
                {
                    self.0.inc(1);
                }
            }
            Progress::Asked => self.0.tick(),
            Progress::Limited(requests, window) => self.0.suspend(|| {
                let window = humantime::format_duration(window);
                complain(&limited(requests, &window.to_string()));
            }),
        }
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

/// What to do about an agent that refuses most of what a check asks.
fn limited(requests: u32, window: &str) -> String {
    format!(
        "the agent takes {requests} invocations in {window}, and a check makes hundreds, so that most of it will stay \
         open: switch the limit off or raise it for the check (the reference agent: --rate-limit off \
         --rate-limit-invoke off), or give a key that may do more with --api-key-env"
    )
}
