//! The hot path: one connection, and one exchange after the other on it, by hyper itself.
//!
//! A request's parts are made once and cloned by reference counts. The connection is driven by
//! the task that waits for the answer, so that no request costs a wake-up of another task.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::poll;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT,
};
use hyper::http::response::Parts;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::time::Sleep;

use crate::socket::{self, Socket};
use crate::target::{Protocol, Target};

/// The most of one body that is read, in bytes: a stream may be long, but not for ever.
pub(crate) const LARGEST_BODY: u64 = 1 << 30;
/// So much is read at once: an answer of an agent's mostly fits, and thousands of streams
/// stay small.
const READ_SIZE: usize = 4 * 1024;

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

/// A request, ready to be sent any number of times.
#[derive(Clone, Debug)]
pub struct Prepared {
    method: Method,
    path: String,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

impl Prepared {
    /// A `GET`; `None` if `path` cannot be one.
    #[must_use]
    pub fn get(target: &Target, path: &str) -> Option<Self> {
        Self::new(target, Method::GET, path, Bytes::new())
    }

    /// A `POST` of JSON text.
    #[must_use]
    pub fn post(target: &Target, path: &str, body: impl Into<Bytes>) -> Option<Self> {
        let mut prepared = Self::new(target, Method::POST, path, body.into())?;
        let json = HeaderValue::from_static("application/json");
        prepared.headers.insert(CONTENT_TYPE, json);
        // Else hyper would write it anew for each request.
        let length = HeaderValue::from(prepared.body.len());
        prepared.headers.insert(CONTENT_LENGTH, length);
        Some(prepared)
    }

    fn new(target: &Target, method: Method, path: &str, body: Bytes) -> Option<Self> {
        let whole = format!("{}{path}", target.base_path);
        let mut headers = HeaderMap::with_capacity(8);
        let uri = match target.protocol {
            Protocol::Http1 => {
                headers.insert(HOST, HeaderValue::from_str(&target.authority).ok()?);
                whole
            }
            Protocol::Http2 => {
                let scheme = target.url.scheme();
                format!("{scheme}://{}{whole}", target.authority)
            }
        };
        let agent = concat!("acp-tck/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        headers.extend(target.headers.iter().cloned());
        if target.reconnects && target.protocol == Protocol::Http1 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Some(Self {
            method,
            path: path.to_owned(),
            uri: uri.parse().ok()?,
            headers,
            body,
        })
    }

    /// The path, below the agent's base path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The method, the target, the header fields and the body.
    pub(crate) fn parts(&self) -> (&Method, &Uri, &HeaderMap, &Bytes) {
        (&self.method, &self.uri, &self.headers, &self.body)
    }

    fn request(&self, key: Option<&HeaderValue>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(key) = key {
            request.headers_mut().insert("x-api-key", key.clone());
        }
        request
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
    /// The head is there.
    fn head(&mut self, head: &Parts, at: Instant);
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
    pub(crate) fn begun() -> Self {
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

type Connection = http1::Connection<TokioIo<Socket>, Full<Bytes>>;

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// Why the agent has not answered.
struct Unanswered {
    /// Nothing of the request was sent.
    is_unsent: bool,
    trouble: Trouble,
}

impl From<Trouble> for Unanswered {
    fn from(trouble: Trouble) -> Self {
        Self {
            is_unsent: false,
            trouble,
        }
    }
}

/// One user's line to the agent.
pub struct Line {
    target: Arc<Target>,
    number: usize,
    sender: Option<Sender>,
    drive: Drive,
}

impl Line {
    /// The line of user `number`, who takes the key and the address of that number.
    #[must_use]
    pub fn new(target: Arc<Target>, number: usize) -> Self {
        Self {
            target,
            number,
            sender: None,
            drive: Drive {
                connection: None,
                alarm: None,
                deadline: Instant::now(),
            },
        }
    }

    /// Connects beforehand, so that no exchange pays for it. It may fail: then the first
    /// exchange tries again, and tells.
    pub async fn connect(&mut self) {
        if !self.target.reconnects && self.sender.is_none() {
            let _ = self.open().await;
        }
    }

    /// Sends a request and reads the answer, on the connection that is open, or on a new one.
    pub async fn exchange(&mut self, prepared: &Prepared, reader: &mut impl Reader) -> Exchange {
        let mut exchange = Exchange::begun();
        self.drive.deadline = exchange.began + self.target.timeout;
        exchange.trouble = self.ask(prepared, reader, &mut exchange).await.err();
        exchange.ended = Instant::now();
        if exchange.trouble.is_some() || exchange.left || self.target.reconnects {
            self.close();
        }
        exchange
    }

    async fn ask(
        &mut self,
        prepared: &Prepared,
        reader: &mut impl Reader,
        exchange: &mut Exchange,
    ) -> Result<(), Trouble> {
        let (head, mut body) = self.response(prepared).await?.into_parts();
        exchange.status = head.status.as_u16();
        // The clock is read once for all that has come in by then.
        let mut now = Instant::now();
        reader.head(&head, now);
        let mut length = 0_u64;
        loop {
            let mut next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            let frame = match poll!(&mut next) {
                Poll::Ready(frame) => frame,
                Poll::Pending => {
                    let frame = self.drive.on(next).await?;
                    now = Instant::now();
                    frame
                }
            };
            let Some(frame) = frame else {
                return Ok(());
            };
            let frame = frame.map_err(|error| trouble(&error))?;
            let Some(piece) = frame.data_ref() else {
                continue;
            };
            length += piece.len() as u64;
            if length > LARGEST_BODY {
                return Err(Trouble::TooLarge);
            }
            // Of a stream, the timeout is for its silence.
            self.drive.deadline = now + self.target.timeout;
            match reader.piece(piece, now) {
                Flow::On => {}
                Flow::After(pause) => {
                    tokio::time::sleep(pause).await;
                    now = Instant::now();
                    self.drive.deadline = now + self.target.timeout;
                }
                Flow::Leave => {
                    exchange.left = true;
                    return Ok(());
                }
            }
        }
    }

    /// Asks on the connection that is open. One that the agent has closed meanwhile, before
    /// anything of the request was sent, is replaced once.
    async fn response(&mut self, prepared: &Prepared) -> Result<Response<Incoming>, Trouble> {
        let was_open = self.sender.is_some();
        if !was_open {
            self.open().await?;
        }
        match self.send(prepared).await {
            Err(unanswered) if was_open && unanswered.is_unsent => {
                self.close();
                self.open().await?;
                let sent = self.send(prepared).await;
                sent.map_err(|unanswered| unanswered.trouble)
            }
            answered => answered.map_err(|unanswered| unanswered.trouble),
        }
    }

    async fn send(&mut self, prepared: &Prepared) -> Result<Response<Incoming>, Unanswered> {
        let unsent = Unanswered {
            is_unsent: true,
            trouble: Trouble::Broken,
        };
        let Some(sender) = &mut self.sender else {
            return Err(unsent);
        };
        let ready = self.drive.on(poll_fn(|cx| sender.poll_ready(cx))).await?;
        if ready.is_err() {
            return Err(unsent);
        }
        let keys = &self.target.keys;
        let key = (!keys.is_empty()).then(|| &keys[self.number % keys.len()]);
        let request = prepared.request(key);
        let answered = match sender {
            Sender::One(sender) => self.drive.on(sender.send_request(request)).await?,
            Sender::Two(sender) => self.drive.on(sender.send_request(request)).await?,
        };
        answered.map_err(|error| Unanswered {
            is_unsent: error.is_canceled(),
            trouble: trouble(&error),
        })
    }

    async fn open(&mut self) -> Result<(), Trouble> {
        // In a box, since it is large, and rare.
        let opening = Box::pin(connect(&self.target, self.number));
        let opened = tokio::time::timeout(self.target.timeout, opening).await;
        let (sender, connection) = opened.unwrap_or(Err(Trouble::TimedOut))?;
        self.sender = Some(sender);
        self.drive.connection = connection;
        Ok(())
    }

    fn close(&mut self) {
        self.sender = None;
        self.drive.connection = None;
    }
}

impl Sender {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match self {
            Self::One(sender) => sender.poll_ready(cx),
            Self::Two(sender) => sender.poll_ready(cx),
        }
    }
}

async fn connect(
    target: &Target,
    number: usize,
) -> Result<(Sender, Option<Pin<Box<Connection>>>), Trouble> {
    let io = TokioIo::new(socket::open(target, number).await?);
    if target.protocol == Protocol::Http2 {
        let shake = http2::Builder::new(TokioExecutor::new()).handshake(io);
        let (sender, connection) = shake.await.map_err(|error| trouble(&error))?;
        // It ends when its sender is dropped; what went wrong, the sender tells as well.
        tokio::spawn(async { drop(connection.await) });
        return Ok((Sender::Two(sender), None));
    }
    let mut builder = http1::Builder::new();
    builder.read_buf_exact_size(Some(READ_SIZE));
    // Head and body as one piece: to copy a body of this size costs less than to write from two places.
    builder.writev(false);
    let shake = builder.handshake(io).await;
    let (sender, connection) = shake.map_err(|error| trouble(&error))?;
    Ok((Sender::One(sender), Some(Box::pin(connection))))
}

/// What makes an exchange go on: the connection's own work, and the alarm that ends a late one.
struct Drive {
    connection: Option<Pin<Box<Connection>>>,
    alarm: Option<Pin<Box<Sleep>>>,
    deadline: Instant,
}

impl Drive {
    /// Waits for `future`, and works on the connection meanwhile: that first, since it is what the
    /// future waits for, and each look at either costs.
    async fn on<F: Future>(&mut self, future: F) -> Result<F::Output, Trouble> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Some(connection) = &mut self.connection
                && connection.as_mut().poll(cx).is_ready()
            {
                // Whatever there was to say of it, the future has been told.
                self.connection = None;
            }
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            match self.is_late(cx) {
                true => Poll::Ready(Err(Trouble::TimedOut)),
                false => Poll::Pending,
            }
        })
        .await
    }

    /// The alarm stays set from one exchange to the next, and is set anew only when it has gone
    /// off: a timer for each request would cost more than the rest of the waiting.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.deadline;
        let set = || Box::pin(tokio::time::sleep_until(deadline.into()));
        let is_new = self.alarm.is_none();
        let alarm = self.alarm.get_or_insert_with(set);
        if !is_new && !alarm.is_elapsed() {
            return false;
        }
        if !is_new {
            if Instant::now() >= deadline {
                self.alarm = None;
                return true;
            }
            alarm.as_mut().reset(deadline.into());
        }
        alarm.as_mut().poll(cx).is_ready()
    }
}

fn trouble(error: &hyper::Error) -> Trouble {
    match error {
        error if error.is_parse_too_large() => Trouble::TooLarge,
        error if error.is_parse() => Trouble::Unreadable,
        _ => Trouble::Broken,
    }
}
