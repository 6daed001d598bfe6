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

pub use self::prepared::Prepared;
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
    /// The head is there, with these fields.
    fn head<'h>(&mut self, fields: impl Iterator<Item = (&'h str, &'h [u8])>);
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

/// One user's line to the agent.
pub struct Line(Way);

enum Way {
    One(one::Line),
    Two(two::Line),
}

impl Line {
    /// The line of user `number`, who takes the key and the address of that number.
    #[must_use]
    pub fn new(target: Arc<Target>, number: usize) -> Self {
        Self(match target.protocol {
            Protocol::Http1 => Way::One(one::Line::new(target, number)),
            Protocol::Http2 => Way::Two(two::Line::new(target, number)),
        })
    }

    /// Connects beforehand, so that no exchange pays for it. It may fail: then the first
    /// exchange tries again, and tells.
    pub async fn connect(&mut self) {
        match &mut self.0 {
            Way::One(line) => line.connect().await,
            Way::Two(line) => line.connect().await,
        }
    }

    /// Sends a request and reads the answer, on the connection that is open, or on a new one.
    pub async fn exchange(&mut self, prepared: &Prepared, reader: &mut impl Reader) -> Exchange {
        match &mut self.0 {
            Way::One(line) => line.exchange(prepared, reader).await,
            // In a box: thousands of users of the other wait at once, and need not its room.
            Way::Two(line) => Box::pin(line.exchange(prepared, reader)).await,
        }
    }
}
