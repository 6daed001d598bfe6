//! The terminal while the live view has it: taken on stderr, and given back whatever happens.
//!
//! Ctrl-C stays a signal, and nothing is read: what is typed meanwhile is not shown, and thrown
//! away at the end.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};

/// Whether the screen is ours. Whoever writes to it or gives it back holds stderr, which a thread
/// that panics while it draws can take once more.
static IS_OURS: AtomicBool = AtomicBool::new(false);

/// The screen of the live view.
pub(super) struct Screen(Terminal<CrosstermBackend<Ink>>);

impl Screen {
    /// Takes the screen, if there is one that can show the view and that is this program's to take.
    pub(super) fn open() -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if is_dumb || !io::stderr().is_terminal() || !keyboard::is_ours() {
            return None;
        }
        restore_on_panic();
        let mut stderr = io::stderr().lock();
        keyboard::hush();
        IS_OURS.store(true, Ordering::SeqCst);
        let taken = execute!(stderr, EnterAlternateScreen, Hide);
        drop(stderr);
        let terminal = taken.and_then(|()| Terminal::new(CrosstermBackend::new(Ink::default())));
        match terminal {
            Ok(terminal) => Some(Self(terminal)),
            Err(_) => {
                restore();
                None
            }
        }
    }

    /// Draws anew what has changed. A terminal that takes nothing more is no reason to stop a run.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame)) {
        let _ = self.0.draw(draw);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives the screen back, if it was taken.
pub(super) fn restore() {
    let mut stderr = io::stderr().lock();
    if IS_OURS.swap(false, Ordering::SeqCst) {
        // There is nobody left to tell if this fails.
        let _ = execute!(stderr, LeaveAlternateScreen, Show);
        keyboard::restore();
    }
}

/// What a panic says is for the real screen.
fn restore_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            before(panic);
        }));
    });
}

/// One picture at a time goes to stderr, and none when the screen is no longer ours.
#[derive(Default)]
struct Ink(Vec<u8>);

impl Write for Ink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut stderr = io::stderr().lock();
        let picture = std::mem::take(&mut self.0);
        match IS_OURS.load(Ordering::SeqCst) {
            true => stderr.write_all(&picture).and_then(|()| stderr.flush()),
            false => Ok(()),
        }
    }
}

/// What the keyboard does meanwhile.
#[cfg(unix)]
mod keyboard {
    use nix::sys::termios::{
        LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
    };

    use super::{Mutex, PoisonError, io};

    static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

    /// Whether this program is in the foreground: another that touches the terminal is stopped.
    pub(super) fn is_ours() -> bool {
        nix::unistd::tcgetpgrp(io::stderr()).is_ok_and(|group| group == nix::unistd::getpgrp())
    }

    /// What is typed is not shown, and Ctrl-Z does nothing: the shell would get our screen.
    pub(super) fn hush() {
        let Ok(before) = tcgetattr(io::stderr()) else {
            return;
        };
        let mut hushed = before.clone();
        hushed
            .local_flags
            .remove(LocalFlags::ECHO | LocalFlags::ICANON);
        hushed.control_chars[SpecialCharacterIndices::VSUSP as usize] = nix::libc::_POSIX_VDISABLE;
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        // Without it the view is less tidy, and nothing worse.
        let _ = tcsetattr(io::stderr(), SetArg::TCSANOW, &hushed);
    }

    pub(super) fn restore() {
        let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(before) = before {
            // As for the screen: there is nobody left to tell.
            let _ = tcsetattr(io::stderr(), SetArg::TCSAFLUSH, &before);
        }
    }
}

#[cfg(not(unix))]
mod keyboard {
    pub(super) fn is_ours() -> bool {
        true
    }

    pub(super) fn hush() {}

    pub(super) fn restore() {}
}
