//! Keeps standard output for the report: goose says there how many users it has launched, and
//! nothing turns that off.

use std::io;

/// While this is there, what is printed to standard output goes nowhere.
pub(super) struct Quiet {
    #[cfg(unix)]
    stdout: std::os::fd::OwnedFd,
}

#[cfg(unix)]
impl Quiet {
    pub(super) fn begin() -> io::Result<Self> {
        use std::os::fd::AsFd;

        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        let nowhere = std::fs::OpenOptions::new().write(true).open("/dev/null")?;
        nix::unistd::dup2_stdout(nowhere)?;
        Ok(Self { stdout })
    }
}

#[cfg(unix)]
impl Drop for Quiet {
    fn drop(&mut self) {
        // What is still in the buffer belongs nowhere, too.
        let _ = io::Write::flush(&mut io::stdout());
        // The descriptor was standard output's a moment ago: this does not fail.
        let _ = nix::unistd::dup2_stdout(&self.stdout);
    }
}

#[cfg(not(unix))]
impl Quiet {
    pub(super) fn begin() -> io::Result<Self> {
        Ok(Self {})
    }
}
