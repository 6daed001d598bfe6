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
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
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

type Outgoing = Request<Full<Bytes>>;
type Connection = http1::Connection<TokioIo<Socket>, Full<Bytes>>;

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// A request that the agent has not answered; itself, if nothing of it was sent.
type Unanswered = (Option<Box<Outgoing>>, Trouble);

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
        reader.head(&head, Instant::now());
        let mut length = 0_u64;
        loop {
            let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            let Some(frame) = self.drive.on(next).await? else {
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
            let now = Instant::now();
            // Of a stream, the timeout is for its silence.
            self.drive.deadline = now + self.target.timeout;
            match reader.piece(piece, now) {
                Flow::On => {}
                Flow::After(pause) => {
                    tokio::time::sleep(pause).await;
                    self.drive.deadline = Instant::now() + self.target.timeout;
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
        let keys = &self.target.keys;
        let key = (!keys.is_empty()).then(|| &keys[self.number % keys.len()]);
        let request = prepared.request(key);
        let was_open = self.sender.is_some();
        if !was_open {
            self.open().await?;
        }
        match self.send(request).await {
            Err((Some(unsent), _)) if was_open => {
                self.close();
                self.open().await?;
                self.send(*unsent).await.map_err(|(_, trouble)| trouble)
            }
            answered => answered.map_err(|(_, trouble)| trouble),
        }
    }

    async fn send(&mut self, request: Outgoing) -> Result<Response<Incoming>, Unanswered> {
        let Some(sender) = &mut self.sender else {
            return Err((Some(Box::new(request)), Trouble::Broken));
        };
        let sending = async {
            if poll_fn(|cx| sender.poll_ready(cx)).await.is_err() {
                return Err((Some(Box::new(request)), Trouble::Broken));
            }
            let sent = match sender {
                Sender::One(sender) => sender.try_send_request(request).await,
                Sender::Two(sender) => sender.try_send_request(request).await,
            };
            sent.map_err(|mut error| {
                let unsent = error.take_message().map(Box::new);
                (unsent, trouble(error.error()))
            })
        };
        let sent = self.drive.on(sending).await;
        sent.unwrap_or_else(|late| Err((None, late)))
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
    /// Waits for `future`, and works on the connection meanwhile.
    async fn on<F: Future>(&mut self, future: F) -> Result<F::Output, Trouble> {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if let Some(connection) = &mut self.connection {
                if connection.as_mut().poll(cx).is_ready() {
                    // Whatever there was to say of it, the future has been told.
                    self.connection = None;
                }
                if let Poll::Ready(done) = future.as_mut().poll(cx) {
                    return Poll::Ready(Ok(done));
                }
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
