//! A server that stalls on a known schedule, and keeps its own record: what the latency of
//! requests that come evenly must be, can be computed.
//!
//! A thread a connection: threads sleep to some ten microseconds, where an event loop's timers go
//! by milliseconds.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How the server behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// At the end of each stretch of this length…
    pub(crate) every: Duration,
    /// …it stalls for so long: who comes then waits until the stall is over.
    pub(crate) stall: Duration,
    /// What every answer takes besides.
    pub(crate) service: Duration,
    /// Each so many-th connection is dropped without an answer; none for 0.
    pub(crate) drops_each: u64,
}

impl Schedule {
    /// How long one waits who comes at `at`, since the start.
    fn wait(&self, at: Duration) -> Duration {
        let every = self.every.as_nanos();
        let left = Duration::from_nanos_u128(every - at.as_nanos() % every);
        match left <= self.stall {
            true => left,
            false => Duration::ZERO,
        }
    }

    /// The latency below which this share of requests is, if they come evenly and none waits for
    /// anything but the stall.
    pub(crate) fn latency(&self, quantile: f64) -> Duration {
        let stalled = self.stall.as_secs_f64() / self.every.as_secs_f64();
        let above = (quantile - (1.0 - stalled)).max(0.0) / stalled.max(1e-9);
        self.service + self.stall.mul_f64(above)
    }
}

/// One question: when it was read, and when its answer was written; since the start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    pub(crate) arrived: Duration,
    pub(crate) answered: Duration,
}

/// The server. Its threads end with their connections, and the first with the process.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    schedule: Schedule,
    began: Instant,
    served: Mutex<Vec<Served>>,
}

pub(crate) const SCHEMA: &str = r#"{"input":{"type":"object","properties":{"city":{"type":"string","minLength":1,"maxLength":9}},"required":["city"],"additionalProperties":false}}"#;

impl Server {
    pub(crate) fn start(schedule: Schedule, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            schedule,
            began: Instant::now(),
            served: Mutex::default(),
        });
        let server = Self {
            address,
            shared: shared.clone(),
        };
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let shared = shared.clone();
                // A client that leaves, or what it sends, is not this server's business.
                std::thread::spawn(move || shared.serve(socket));
            }
        });
        Ok(server)
    }

    /// All invocations so far, in the order in which they came.
    pub(crate) fn served(&self) -> Vec<Served> {
        let served = self.shared.served.lock();
        let mut served = served.unwrap_or_else(PoisonError::into_inner).clone();
        served.sort_by_key(|it| it.arrived);
        served
    }
}

impl Shared {
    fn serve(&self, socket: TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut reader = BufReader::new(socket.try_clone()?);
        let mut writer = socket;
        while let Some((line, body)) = request(&mut reader)? {
            let is_invocation = line.starts_with("POST /invoke ") && !body.contains("\"stream\"");
            let (status, answer) = match line.split(' ').nth(1) {
                Some("/schema") => ("200 OK", SCHEMA.to_owned()),
                Some("/capabilities") => ("200 OK", "{}".to_owned()),
                Some("/served") => ("200 OK", self.count().to_string()),
                _ if is_invocation => ("200 OK", r#"{"output":{}}"#.to_owned()),
                _ => ("404 Not Found", "{}".to_owned()),
            };
            if is_invocation && !self.invoke() {
                return Ok(());
            }
            let length = answer.len();
            let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\n");
            let answer = format!("{head}Content-Length: {length}\r\n\r\n{answer}");
            writer.write_all(answer.as_bytes())?;
        }
        Ok(())
    }

    fn count(&self) -> usize {
        let served = self.served.lock();
        served.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes as long as the schedule says, and writes it down; whether there is an answer.
    fn invoke(&self) -> bool {
        let arrived = self.began.elapsed();
        std::thread::sleep(self.schedule.wait(arrived) + self.schedule.service);
        let answered = self.began.elapsed();
        let served = self.served.lock();
        let mut served = served.unwrap_or_else(PoisonError::into_inner);
        served.push(Served { arrived, answered });
        let each = self.schedule.drops_each;
        each == 0 || !(served.len() as u64).is_multiple_of(each)
    }
}

/// The request line and the body; `None` at the end of the connection.
pub(crate) fn request(reader: &mut impl BufRead) -> io::Result<Option<(String, String)>> {
    let mut first = String::new();
    if reader.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim().to_ascii_lowercase();
        if let Some(told) = line.strip_prefix("content-length:") {
            length = told.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((first, String::from_utf8_lossy(&body).into_owned())))
}
