//! A timer that is exact to some ten microseconds. The runtime's own goes by milliseconds, in
//! which twenty requests of a fast run would begin at once.

use std::time::Instant;

/// Waits for moments, one after the other.
pub(crate) struct Timer {
    #[cfg(target_os = "linux")]
    fd: Option<linux::Fd>,
}

impl Timer {
    pub(crate) fn new() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            fd: linux::open(),
        }
    }

    /// Waits until `moment`; at once if it is past.
    pub(crate) async fn until(&mut self, moment: Instant) {
        #[cfg(target_os = "linux")]
        if let Some(fd) = &mut self.fd
            && linux::until(fd, moment).await.is_some()
        {
            return;
        }
        tokio::time::sleep_until(moment.into()).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::os::fd::{AsFd, AsRawFd, RawFd};
    use std::time::Instant;

    use nix::sys::time::TimeSpec;
    use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    pub(super) type Fd = AsyncFd<Numbered>;

    /// The runtime wants the descriptor's number.
    pub(super) struct Numbered(TimerFd);

    impl AsRawFd for Numbered {
        fn as_raw_fd(&self) -> RawFd {
            self.0.as_fd().as_raw_fd()
        }
    }

    #[expect(
        deprecated,
        reason = "its successor is unsafe; this descriptor is owned here, and never replaced"
    )]
    pub(super) fn open() -> Option<Fd> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags).ok()?;
        AsyncFd::with_interest(Numbered(fd), Interest::READABLE).ok()
    }

    /// `None` if the timer does not work.
    pub(super) async fn until(fd: &Fd, moment: Instant) -> Option<()> {
        let left = moment.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(());
        }
        let once = Expiration::OneShot(TimeSpec::from_duration(left));
        fd.get_ref().0.set(once, TimerSetTimeFlags::empty()).ok()?;
        // It is never read: setting it anew clears it. So what is left of an earlier
        // expiration may wake us once too often.
        loop {
            fd.readable().await.ok()?.clear_ready();
            if Instant::now() >= moment {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_fires_early_and_can_be_used_again() {
        let mut timer = Timer::new();
        for micros in [300, 0, 2_000, 50] {
            let moment = Instant::now() + Duration::from_micros(micros);
            timer.until(moment).await;
            assert!(Instant::now() >= moment);
        }
    }
}
