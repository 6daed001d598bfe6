//! The generator watches itself: could it keep up, or are the figures its own?

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio_util::sync::CancellationToken;

use crate::attack::Timer;
use crate::recorder::{histogram, micros, record};

/// How often the event loop's lag is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// Of less time than this no share can be told: the system counts processor time in coarser steps.
const MOMENT: Duration = Duration::from_millis(50);

/// How the generator fared.
#[derive(Clone, Debug)]
pub struct Signs {
    /// Processor time, as a share of one core.
    pub cpu_share: f64,
    /// How many threads it had.
    pub threads: usize,
    /// The share of the time in which one of its threads could have run and was not let.
    pub starved_share: f64,
    /// Its memory at most, in bytes.
    pub memory: u64,
    /// How late its timers were, in microseconds.
    pub loop_lag: Histogram<u64>,
}

impl Default for Signs {
    fn default() -> Self {
        Self {
            cpu_share: 0.0,
            threads: 1,
            starved_share: 0.0,
            memory: 0,
            loop_lag: histogram(),
        }
    }
}

/// What the rest of a run says of the generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Course {
    /// In the open model: the 99th percentile of how late it began requests, in microseconds.
    pub lag_p99: u64,
    /// The median latency, in microseconds.
    pub latency_p50: u64,
    /// The share of arrivals that were dropped.
    pub dropped_share: f64,
    /// Requests for which it had no port or file descriptor.
    pub exhausted: u64,
}

/// Why the figures cannot be trusted, if they cannot.
///
/// Rules of thumb: above nine tenths of its processors, queues form in the generator; a lag of
/// more than a tenth of what is measured is in what is measured.
#[must_use]
pub fn doubts(signs: &Signs, course: &Course) -> Option<String> {
    /// Below this, a lag is the machine's own unrest.
    const UNREST: u64 = 1_000;
    let mut doubts = Vec::new();
    let tenth = course.latency_p50 / 10;
    let (threads, cpu) = (signs.threads.max(1) as f64, signs.cpu_share);
    if cpu > 0.9 * threads {
        doubts.push(format!(
            "the generator used {cpu:.2} of its {threads} processor(s); give it more with --threads, or ask for less"
        ));
    }
    if signs.starved_share > 0.1 * threads {
        let share = signs.starved_share * 100.0;
        doubts.push(format!(
            "other work kept the generator from its processor for {share:.0} % of the time"
        ));
    }
    if course.lag_p99 > tenth.max(UNREST / 5) {
        let (lag, p50) = (course.lag_p99, course.latency_p50);
        doubts.push(format!(
            "requests began late by {lag} µs (p99) on the generator's side, with a median latency of {p50} µs"
        ));
    }
    let lag = signs.loop_lag.value_at_quantile(0.99);
    if lag > tenth.max(UNREST) {
        doubts.push(format!(
            "the generator's event loop lagged by {lag} µs (p99)"
        ));
    }
    if course.dropped_share > 0.001 {
        let share = course.dropped_share * 100.0;
        doubts.push(format!("{share:.2} % of the arrivals were dropped"));
    }
    if course.exhausted > 0 {
        let count = course.exhausted;
        doubts.push(format!(
            "{count} requests found no free port or file descriptor on this machine"
        ));
    }
    (!doubts.is_empty()).then(|| doubts.join("; "))
}

/// A watch on the own process.
pub struct Watch {
    began: Instant,
    cpu: Duration,
    waited: Duration,
    threads: usize,
}

impl Watch {
    /// Of a process with so many threads for the load.
    #[must_use]
    pub fn begin(threads: usize) -> Self {
        Self {
            began: Instant::now(),
            cpu: usage().0,
            waited: waited(),
            threads,
        }
    }

    /// What there was to see until now; the event loop is watched elsewhere.
    #[must_use]
    pub fn so_far(&self) -> Signs {
        let time = self.began.elapsed();
        let (cpu, memory) = usage();
        let share = |of: Duration| match time < MOMENT {
            true => 0.0,
            false => of.as_secs_f64() / time.as_secs_f64(),
        };
        Signs {
            cpu_share: share(cpu.saturating_sub(self.cpu)),
            threads: self.threads,
            starved_share: share(waited().saturating_sub(self.waited)),
            memory,
            loop_lag: histogram(),
        }
    }
}

/// Measures how late a timer of this event loop is, again and again, until `end`.
pub(crate) async fn loop_lag(end: CancellationToken) -> Histogram<u64> {
    let mut lags = histogram();
    let mut timer = Timer::new();
    while !end.is_cancelled() {
        let due = Instant::now() + LOOK;
        timer.until(due).await;
        record(&mut lags, micros(due.elapsed()));
    }
    lags
}

/// Processor time, and the most memory, in bytes.
#[cfg(unix)]
fn usage() -> (Duration, u64) {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;

    let Ok(usage) = getrusage(UsageWho::RUSAGE_SELF) else {
        return (Duration::ZERO, 0);
    };
    let cpu = usage.user_time() + usage.system_time();
    let cpu = Duration::from_micros(u64::try_from(cpu.num_microseconds()).unwrap_or_default());
    // In kilobytes on Linux, in bytes on macOS.
    let unit = if cfg!(target_vendor = "apple") {
        1
    } else {
        1024
    };
    (
        cpu,
        u64::try_from(usage.max_rss()).unwrap_or_default() * unit,
    )
}

#[cfg(not(unix))]
fn usage() -> (Duration, u64) {
    (Duration::ZERO, 0)
}

/// How long threads of this process have waited for a processor, as Linux counts it: the second
/// number of `schedstat`, in nanoseconds. Elsewhere it is not known, and nothing.
fn waited() -> Duration {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return Duration::ZERO;
    };
    let of = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(path.join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let nanos: u64 = tasks.flatten().filter_map(|task| of(task.path())).sum();
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_no_time_at_all_no_share_is_told() {
        let watch = Watch {
            // Nothing has elapsed of what is still to come.
            began: Instant::now() + Duration::from_secs(60),
            cpu: Duration::ZERO,
            waited: Duration::ZERO,
            threads: 1,
        };
        let signs = watch.so_far();
        assert_eq!((signs.cpu_share, signs.starved_share), (0.0, 0.0));
    }

    fn course() -> Course {
        Course {
            lag_p99: 100,
            latency_p50: 2_000,
            dropped_share: 0.0,
            exhausted: 0,
        }
    }

    #[test]
    fn an_idle_generator_is_trusted() {
        assert_eq!(doubts(&Signs::default(), &course()), None);
    }

    #[test]
    fn each_sign_of_a_bottleneck_is_named() {
        let busy = Signs {
            cpu_share: 0.95,
            ..Signs::default()
        };
        let starved = Signs {
            starved_share: 0.4,
            ..Signs::default()
        };
        let mut lagging = Signs::default();
        record(&mut lagging.loop_lag, 5_000);
        for (signs, word) in [
            (busy, "--threads"),
            (starved, "other work"),
            (lagging, "event loop"),
        ] {
            let told = doubts(&signs, &course()).expect("it is there");
            assert!(told.contains(word), "{told}");
        }
        let calm = Signs::default();
        let late = Course {
            lag_p99: 300,
            ..course()
        };
        let dropped = Course {
            dropped_share: 0.002,
            ..course()
        };
        let exhausted = Course {
            exhausted: 1,
            ..course()
        };
        for (course, word) in [
            (late, "began late"),
            (dropped, "dropped"),
            (exhausted, "port"),
        ] {
            let told = doubts(&calm, &course).expect("it is there");
            assert!(told.contains(word), "{told}");
        }
    }

    #[test]
    fn two_threads_may_use_two_processors() {
        let signs = Signs {
            cpu_share: 1.5,
            threads: 2,
            ..Signs::default()
        };
        assert_eq!(doubts(&signs, &course()), None);
    }

    #[test]
    fn the_own_usage_can_be_read() {
        let signs = Watch::begin(1).so_far();
        assert!(signs.memory > 0);
    }
}
