//! The hot path: one connection, and one exchange after the other on it.
//!
//! HTTP/1.1 is written and read here, with the certifying half's head and framing: hyper's
//! connection costs two thirds of what a whole request may, and keeps twelve kilobytes of buffers
//! however long it waits. HTTP/2 is hyper's.

mod alarm;
mod one;
mod prepared;
mod two;

use std::sync::Arc;
use std::time::{Duration, Instant};

use self::alarm::Alarm;
pub use self::prepared::Prepared;
use crate::socket::Socket;
use crate::target::{Protocol, Target};

/// The most of one body that is read, in bytes: a stream may be long, but not for ever.
const LARGEST_BODY: u64 = 1 << 30;

/// Why an exchange came to no proper end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// No connection.
    Unreachable,
    /// A connection, and no TLS on it: mostly a certificate that is not trusted.
    Tls,
    /// The connection was lost before the answer was whole.
    Broken,
    /// What came is no HTTP.
    Unreadable,
    /// It took longer than the timeout.
    TimedOut,
    /// More than is ever read.
    TooLarge,
    /// This machine has no more ports or file descriptors.
    Exhausted,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Unreachable,
        Self::Tls,
        Self::Broken,
        Self::Unreadable,
        Self::TimedOut,
        Self::TooLarge,
        Self::Exhausted,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Tls => "tls-failed",
            Self::Broken => "broken-off",
            Self::Unreadable => "not-http",
            Self::TimedOut => "timed-out",
            Self::TooLarge => "too-large",
            Self::Exhausted => "generator-exhausted",
        }
    }
}

/// How a reader wishes to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// To read on.
    On,
    /// To wait before reading on.
    After(Duration),
    /// To leave: the connection is dropped.
    Leave,
}

/// Who looks at an answer while it comes in.
pub trait Reader {
    /// The head is there, with these fields. Tells whether this is a stream: of one the timeout is for
    /// its silence, of all else for the whole.
    fn head<'h>(&mut self, fields: impl Iterator<Item = (&'h str, &'h [u8])>) -> bool;
    /// A piece of the body is there.
    fn piece(&mut self, piece: &[u8], at: Instant) -> Flow;
}

/// How an exchange went.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// When it began: before the connection was made, if one had to be made.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// The status code; 0 if no head came.
    pub status: u16,
    /// Why it came to no proper end, if it did not.
    pub trouble: Option<Trouble>,
    /// Whether the reader left.
    pub left: bool,
}

impl Exchange {
    /// One that begins now.
    fn begin() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            ended: now,
            status: 0,
            trouble: None,
            left: false,
        }
    }
}

/// Who asks, and whom; and what goes off when it takes too long.
struct Caller {
    target: Arc<Target>,
    number: usize,
    alarm: Alarm,
}

impl Caller {
    /// Waits for a connection, but not for ever.
    async fn in_time<C>(
        &self,
        opening: impl Future<Output = Result<C, Trouble>>,
    ) -> Result<C, Trouble> {
        let opened = tokio::time::timeout(self.target.timeout, opening).await;
        opened.unwrap_or(Err(Trouble::TimedOut))
    }
}

/// The connection that waits for the next exchange, if one does. An exchange takes it and puts it back
/// at its proper end: one that is given up in the middle leaves none behind.
enum Way {
    One(Option<Socket>),
    Two(Option<two::Sender>),
}

/// One user's line to the agent.
pub struct Line {
    caller: Caller,
    way: Way,
}

impl Line {
    /// The line of user `number`, who takes the key and the address of that number.
    #[must_use]
    pub fn new(target: Arc<Target>, number: usize) -> Self {
        let way = match target.protocol {
            Protocol::Http1 => Way::One(None),
            Protocol::Http2 => Way::Two(None),
        };
        let alarm = Alarm::new();
        let caller = Caller {
            target,
            number,
            alarm,
        };
        Self { caller, way }
    }

    /// How long an answer may take; of a stream, how long it may be silent.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.caller.target.timeout
    }

    /// Connects beforehand, so that no exchange pays for it. It may fail: then the first
    /// exchange tries again, and tells.
    pub async fn connect(&mut self) {
        if self.caller.target.reconnects {
            return;
        }
        match &mut self.way {
            Way::One(idle) if idle.is_none() => *idle = one::connect(&self.caller).await.ok(),
            Way::Two(idle) if idle.is_none() => *idle = two::connect(&self.caller).await.ok(),
            _ => {}
        }
    }

    /// Sends a request and reads the answer, on the connection that is open, or on a new one.
    pub async fn exchange(&mut self, prepared: &Prepared, reader: &mut impl Reader) -> Exchange {
        let mut exchange = Exchange::begin();
        let Self { caller, way } = self;
        caller.alarm.set(exchange.began + caller.target.timeout);
        let asked = match way {
            Way::One(idle) => one::ask(idle, caller, prepared, reader, &mut exchange).await,
            // In a box: thousands of users of the other wait at once, and need not its room.
            Way::Two(idle) => {
                Box::pin(two::ask(idle, caller, prepared, reader, &mut exchange)).await
            }
        };
        exchange.trouble = asked.err();
        exchange.ended = Instant::now();
        exchange
    }
}
