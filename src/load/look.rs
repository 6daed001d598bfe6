//! What a person sees while a run goes on: a line that changes on a terminal, a line every few
//! seconds elsewhere; on stderr, so that a report on stdout stays whole.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use acp_load::live::{Glance, glance};
use acp_load::recorder::Recorder;
use acp_load::run::Show;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often, on a terminal and elsewhere.
const SOON: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(5);

/// Looks at each attack, from the moment at which counting begins, until the next begins or
/// the run is stopped.
pub(super) fn looking_on(stop: CancellationToken) -> Show {
    let last: Mutex<Option<CancellationToken>> = Mutex::new(None);
    Arc::new(move |recorder: &Arc<Recorder>| {
        let end = stop.child_token();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = last.replace(end.clone()) {
            before.cancel();
        }
        // It holds no more than a hint of the recorder: the line ends when the attack does.
        let recorder = Arc::downgrade(recorder);
        tokio::spawn(async move {
            let is_terminal = std::io::stderr().is_terminal();
            let bar = is_terminal.then(bar);
            let step = if is_terminal { SOON } else { SELDOM };
            let began = Instant::now();
            let mut before = Glance::default();
            let mut seen = began;
            loop {
                tokio::select! {
                    () = tokio::time::sleep(step) => {}
                    () = end.cancelled() => break,
                }
                let Some(recorder) = recorder.upgrade() else {
                    break;
                };
                let now = glance(&recorder);
                let time = seen.elapsed().as_secs_f64();
                let line = line(began.elapsed(), &before, &now, time);
                match &bar {
                    Some(bar) => bar.set_message(line),
                    None => anstream::eprintln!("{line}"),
                }
                (before, seen) = (now, Instant::now());
            }
            if let Some(bar) = bar {
                bar.finish_and_clear();
            }
        });
    })
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar
}

fn line(elapsed: Duration, before: &Glance, now: &Glance, time: f64) -> String {
    let rate = (now.ok - before.ok) as f64 / time.max(1e-3);
    let mut line = format!(
        "{:>4.0} s  {rate:>8.0}/s  p50 {:.2} ms  p99 {:.2} ms  {} failed",
        elapsed.as_secs_f64(),
        now.p50_ms,
        now.p99_ms,
        now.failed
    );
    let (hits, misses) = now.hits;
    if hits + misses > 0 {
        let rate = hits as f64 / (hits + misses) as f64 * 100.0;
        line.push_str(&format!("  hits {rate:.1} %"));
    }
    if now.open > 0 {
        line.push_str(&format!("  {} streams open", now.open));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_matters() {
        let now = Glance {
            ok: 1000,
            failed: 2,
            p50_ms: 1.5,
            p99_ms: 9.25,
            open: 3,
            hits: (3, 1),
        };
        let line = line(Duration::from_secs(5), &Glance::default(), &now, 5.0);
        assert_eq!(
            line,
            "   5 s       200/s  p50 1.50 ms  p99 9.25 ms  2 failed  hits 75.0 %  3 streams open"
        );
    }
}
