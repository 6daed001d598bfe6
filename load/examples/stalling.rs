//! Serves an agent that stalls on a known schedule, for `scripts/bench-load-truth.sh`, until it is
//! killed: `stalling PORT EVERY STALL SERVICE`, the times in milliseconds.
//!
//! It prints what the latency of evenly coming requests must be: the 50th, 99th and 99.9th percentile,
//! in milliseconds. `GET /served` tells how many invocations there were.

#[path = "../tests/attack/stalling.rs"]
#[expect(
    dead_code,
    reason = "its own record is read by tests; scripts ask for the count alone"
)]
mod stalling;

use std::io::{self, Write};
use std::time::Duration;

use stalling::{Schedule, Server};

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|it| it.parse::<u64>());
    let mut next = |default| numbers.next().and_then(Result::ok).unwrap_or(default);
    let port = u16::try_from(next(0)).unwrap_or_default();
    let [every, stall, service] = [10_000, 1_000, 10].map(|it| Duration::from_millis(next(it)));
    let schedule = Schedule {
        every,
        stall,
        service,
        drops_each: 0,
    };
    let server = Server::start(schedule, port)?;
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|quantile| {
        let latency = schedule.latency(quantile);
        latency.as_secs_f64() * 1000.0
    });
    writeln!(io::stdout(), "{} {p50} {p99} {p999}", server.address)?;
    io::stdout().flush()?;
    loop {
        std::thread::park();
    }
}
