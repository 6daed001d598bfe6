//! Receiving: an answer as it comes in, and how long to wait for the rest of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

use super::body::Decoder;
use super::exchange::{Answer, End, Read, Scale};
use super::head::{self, Head};

const READ_SIZE: usize = 16 * 1024;

/// Bounds on what an agent can cost the checker.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long one exchange may take; of a stream, how long it may be silent.
    pub timeout: Duration,
    /// How long one stream may take in all.
    pub stream: Duration,
    /// How many bytes of one body are read.
    pub body: usize,
    /// How much one answer may weigh (see [`Answer::weight`]).
    pub answer: usize,
    /// How much all answers together may weigh.
    pub total: usize,
}

impl Limits {
    /// Bounds for a given patience: a stream may take six times as long as an answer, a body
    /// 4 MiB. An answer may come to 16 MiB in memory, all of them to 96 MiB: well below half of
    /// the 256 MiB that a whole run may use.
    #[must_use]
    pub fn with_timeout(timeout: Duration) -> Self {
        Self {
            timeout,
            stream: timeout * 6,
            body: 4 << 20,
            answer: 16 << 20,
            total: 96 << 20,
        }
    }
}

/// What to do with the rest of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Go on reading.
    Go,
    /// The message should end within this time.
    EndsWithin(Duration),
    /// Drop the connection.
    Leave,
}

/// How an answer is read.
pub enum Reading<'a> {
    /// To its end, within the time for one exchange.
    Whole,
    /// As a stream: each piece of the body is shown, and the reader says how to go on.
    Stream(&'a mut (dyn FnMut(&[u8]) -> Watch + Send)),
}

/// What is known of an answer while it comes in.
pub(super) struct Incoming<'a> {
    pub(super) began: Instant,
    pub(super) deadline: Instant,
    pub(super) method: String,
    pub(super) limits: Limits,
    /// What all answers together weigh so far.
    pub(super) kept: &'a AtomicUsize,
    pub(super) answer: Option<Answer>,
    pub(super) keeps_alive: bool,
}

impl Incoming<'_> {
    pub(super) async fn receive(
        &mut self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        buffer: &mut Vec<u8>,
        reading: Reading<'_>,
    ) -> End {
        let (head, answer) = match self.head(reader, buffer).await {
            Ok(read) => read,
            Err(end) => return end,
        };
        let mut decoder = Decoder::new(head.framing);
        self.keeps_alive = head.keeps_alive;
        let mut weight = answer.weight();
        self.kept.fetch_add(weight, Ordering::Relaxed);
        let answer = self.answer.insert(answer);
        let mut scale = Scale::default();
        let mut patience = Patience::new(reading, self.began, self.limits);
        loop {
            let before = answer.body.len();
            let mut rest = buffer.as_slice();
            let framed = decoder.push(&mut rest, &mut answer.body);
            let used = buffer.len() - rest.len();
            buffer.drain(..used);
            if answer.body.len() > before {
                answer.reads.push(Read {
                    until: answer.body.len(),
                    at: self.began.elapsed(),
                });
                let more = scale.weigh(&answer.body[before..]) + size_of::<Read>();
                weight += more;
                let all = self.kept.fetch_add(more, Ordering::Relaxed) + more;
                if answer.body.len() > self.limits.body
                    || weight > self.limits.answer
                    || all > self.limits.total
                {
                    answer.body.truncate(self.limits.body);
                    return End::TooLarge;
                }
            }
            if let Err(problem) = framed {
                return End::NotHttp(problem);
            }
            if decoder.is_done() {
                answer.surplus = buffer.len();
                return End::Complete;
            }
            if patience.show(&answer.body[before..]) == Watch::Leave {
                return End::Left;
            }
            match more(reader, buffer, patience.deadline()).await {
                Ok(()) => {}
                Err(End::Cut(_)) if decoder.may_close() => return End::Complete,
                Err(End::Cut(how)) => {
                    return End::Cut(format!("{how} before the end of the message"));
                }
                Err(end) => return end,
            }
        }
    }

    async fn head(
        &mut self,
        reader: &mut (dyn AsyncRead + Unpin + Send),
        buffer: &mut Vec<u8>,
    ) -> Result<(Head, Answer), End> {
        loop {
            match head::parse(buffer, &self.method).map_err(End::NotHttp)? {
                Some((head, _)) if matches!(head.status, 100..200) => {
                    buffer.drain(..head.length);
                }
                Some((head, answer)) => {
                    buffer.drain(..head.length);
                    return Ok((head, answer));
                }
                None => more(reader, buffer, self.deadline)
                    .await
                    .map_err(|end| match end {
                        End::Cut(how) => End::Cut(format!("{how} without an answer")),
                        end => end,
                    })?,
            }
        }
    }
}

/// How long to wait for the rest of a body.
struct Patience<'a> {
    reading: Reading<'a>,
    timeout: Duration,
    last: Instant,
    end: Instant,
}

impl<'a> Patience<'a> {
    fn new(reading: Reading<'a>, began: Instant, limits: Limits) -> Self {
        let whole = match reading {
            Reading::Whole => limits.timeout,
            Reading::Stream(_) => limits.stream,
        };
        Self {
            reading,
            timeout: limits.timeout,
            last: Instant::now(),
            end: began + whole,
        }
    }

    fn show(&mut self, bytes: &[u8]) -> Watch {
        let Reading::Stream(watch) = &mut self.reading else {
            return Watch::Go;
        };
        if bytes.is_empty() {
            return Watch::Go;
        }
        self.last = Instant::now();
        let next = watch(bytes);
        if let Watch::EndsWithin(grace) = next {
            self.end = self.end.min(self.last + grace);
        }
        next
    }

    fn deadline(&self) -> Instant {
        self.end.min(self.last + self.timeout)
    }
}

/// Reads while writing: an agent may answer, and refuse, before it has read the whole.
pub(super) async fn while_sending(
    sending: impl Future<Output = std::io::Result<()>>,
    receiving: impl Future<Output = End>,
) -> End {
    tokio::pin!(sending, receiving);
    let mut sent = false;
    loop {
        tokio::select! {
            biased;
            end = &mut receiving => return end,
            _ = &mut sending, if !sent => sent = true,
        }
    }
}

/// Reads once into `buffer`; an `Err` is the exchange's end.
async fn more(
    reader: &mut (dyn AsyncRead + Unpin + Send),
    buffer: &mut Vec<u8>,
    deadline: Instant,
) -> Result<(), End> {
    // A read that finds bytes never looks at the clock: an agent that always has more to send
    // would have all the time in the world.
    if Instant::now() >= deadline {
        return Err(End::TimedOut);
    }
    buffer.reserve(READ_SIZE);
    match timeout_at(deadline, reader.read_buf(buffer)).await {
        Ok(Ok(0)) => Err(End::Cut("the agent closed the connection".to_owned())),
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(End::Cut(format!(
            "the connection broke ({})",
            describe(&error)
        ))),
        Err(_) => Err(End::TimedOut),
    }
}

/// An I/O error in the words of a report, the same on every system.
pub(super) fn describe(error: &std::io::Error) -> String {
    use std::io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => "connection refused".to_owned(),
        Kind::ConnectionReset => "connection reset".to_owned(),
        Kind::BrokenPipe => "broken pipe".to_owned(),
        Kind::UnexpectedEof => "closed in the middle".to_owned(),
        _ => error.to_string(),
    }
}
