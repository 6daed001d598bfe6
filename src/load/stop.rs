//! Ctrl-C and SIGTERM end a run early; what was found is still written.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// A token that the first signal cancels; the second one ends the program at once. This goes before
/// goose, which would take Ctrl-C for itself and does not if somebody has it.
pub(super) fn on_signals() -> Result<CancellationToken, Failure> {
    static ASKED: AtomicBool = AtomicBool::new(false);
    let stop = CancellationToken::new();
    let told = stop.clone();
    ctrlc::set_handler(move || {
        if ASKED.swap(true, Ordering::Relaxed) {
            super::screen::restore();
            // As a shell has it for a program that Ctrl-C ended.
            std::process::exit(130);
        }
        told.cancel();
    })
    .map_err(Failure::other)?;
    Ok(stop)
}
