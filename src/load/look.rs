//! What a person sees while a run goes on: a view on a terminal, a line every few seconds
//! elsewhere; on stderr, so that a report on stdout stays whole.
//!
//! A thread of its own looks and draws: on the runtime it would be part of what is measured.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use acp_load::live::{Glance, Onlooker, Scene};
use acp_load::run::{Show, Tell};
use tokio_util::sync::CancellationToken;

use super::screen::Screen;
use super::view::{self, View};

/// How often, on a terminal and elsewhere.
const SOON: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(5);

/// What those who make the load tell the one who looks on.
enum Word {
    Begins(Box<Onlooker>),
    Says(String),
    Ends,
}

/// Looks on at a run until it is dropped: then the terminal is as it was.
pub(super) struct Looking {
    words: Sender<Word>,
    thread: Option<JoinHandle<()>>,
}

impl Looking {
    /// Begins; `title` says what is done to whom.
    pub(super) fn begin(title: String, stop: CancellationToken) -> Self {
        let (words, heard) = channel();
        let look = move || match Screen::open() {
            Some(screen) => on_screen(screen, &title, &stop, &heard),
            None => in_lines(&heard),
        };
        let thread = std::thread::Builder::new().name("view".to_owned());
        Self {
            words,
            // Without a view, the load is made all the same.
            thread: thread.spawn(look).ok(),
        }
    }

    /// To be told of each attack.
    pub(super) fn show(&self) -> Show {
        let words = self.words.clone();
        Arc::new(move |scene: &Scene| {
            let onlooker = Onlooker::new(scene, Instant::now());
            let _ = words.send(Word::Begins(Box::new(onlooker)));
        })
    }

    /// To be told of what is no attack.
    pub(super) fn tell(&self) -> Tell {
        let words = self.words.clone();
        Arc::new(move |text: &str| {
            let _ = words.send(Word::Says(text.to_owned()));
        })
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        let _ = self.words.send(Word::Ends);
        if let Some(thread) = self.thread.take() {
            // It said so itself if it panicked.
            let _ = thread.join();
        }
    }
}

fn on_screen(mut screen: Screen, title: &str, stop: &CancellationToken, heard: &Receiver<Word>) {
    let mut onlooker: Option<Box<Onlooker>> = None;
    let mut glance = None;
    let mut number = 0;
    let mut says = None;
    loop {
        if let Some(onlooker) = &mut onlooker {
            // When an attack is over, its last glance stays until the next one begins.
            glance = onlooker.look(Instant::now()).or(glance);
        }
        let load = onlooker.as_ref().map(|it| it.load());
        let view = View {
            title,
            number,
            seen: load.zip(glance.as_ref()),
            says: says.as_deref(),
            is_ending: stop.is_cancelled(),
        };
        screen.draw(|frame| view::draw(frame, &view));
        match heard.recv_timeout(SOON) {
            Ok(Word::Begins(next)) => {
                onlooker = Some(next);
                number += 1;
            }
            Ok(Word::Says(text)) => says = Some(text),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Word::Ends) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
}

fn in_lines(heard: &Receiver<Word>) {
    let mut onlooker: Option<Box<Onlooker>> = None;
    // What is told in between puts no line off: there may be one attack after the other.
    let mut due = Instant::now() + SELDOM;
    loop {
        match heard.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(Word::Begins(next)) => {
                onlooker = Some(next);
                continue;
            }
            Ok(Word::Says(text)) => {
                anstream::eprintln!("{text}");
                continue;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Word::Ends) | Err(RecvTimeoutError::Disconnected) => break,
        }
        due = Instant::now() + SELDOM;
        let glance = onlooker.as_mut().and_then(|it| it.look(Instant::now()));
        if let Some(glance) = glance {
            anstream::eprintln!("{}", line(&glance));
        }
    }
}

fn line(glance: &Glance) -> String {
    let mut line = format!(
        "{:>4.0} s  {:>8.0}/s  p50 {:.2} ms  p99 {:.2} ms  {} failed",
        glance.elapsed.as_secs_f64(),
        glance.rate,
        glance.recent.p50_ms,
        glance.recent.p99_ms,
        glance.failed
    );
    let (hits, misses) = glance.hits;
    if hits + misses > 0 {
        let rate = hits as f64 / (hits + misses) as f64 * 100.0;
        line.push_str(&format!("  hits {rate:.1} %"));
    }
    if glance.open > 0 {
        line.push_str(&format!("  {} streams open", glance.open));
    }
    line
}

#[cfg(test)]
mod tests {
    use acp_load::live::Figures;

    use super::*;

    #[test]
    fn a_line_says_what_matters() {
        let glance = Glance {
            elapsed: Duration::from_secs(5),
            rate: 200.0,
            failed: 2,
            recent: Figures {
                p50_ms: 1.5,
                p99_ms: 9.25,
                ..Figures::default()
            },
            open: 3,
            hits: (3, 1),
            ..Glance::default()
        };
        assert_eq!(
            line(&glance),
            "   5 s       200/s  p50 1.50 ms  p99 9.25 ms  2 failed  hits 75.0 %  3 streams open"
        );
    }
}
