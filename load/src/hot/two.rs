//! HTTP/2, by hyper.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::alarm::Alarm;
use super::{Exchange, Flow, LARGEST_BODY, Prepared, Reader, Trouble};
use crate::socket;
use crate::target::Target;

type Sender = http2::SendRequest<Full<Bytes>>;

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
pub(super) struct Line {
    target: Arc<Target>,
    number: usize,
    sender: Option<Sender>,
    alarm: Alarm,
}

impl Line {
    pub(super) fn new(target: Arc<Target>, number: usize) -> Self {
        Self {
            target,
            number,
            sender: None,
            alarm: Alarm::new(),
        }
    }

    pub(super) async fn connect(&mut self) {
        if !self.target.reconnects && self.sender.is_none() {
            let _ = self.open().await;
        }
    }

    pub(super) async fn exchange(
        &mut self,
        prepared: &Prepared,
        reader: &mut impl Reader,
    ) -> Exchange {
        let mut exchange = Exchange::begin();
        self.alarm.set(exchange.began + self.target.timeout);
        exchange.trouble = self.ask(prepared, reader, &mut exchange).await.err();
        exchange.ended = Instant::now();
        if exchange.trouble.is_some() || exchange.left || self.target.reconnects {
            self.sender = None;
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
        let fields = head.headers.iter();
        reader.head(fields.map(|(name, value)| (name.as_str(), value.as_bytes())));
        let mut length = 0_u64;
        loop {
            let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
            let Some(frame) = self.alarm.over(next).await? else {
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
            self.alarm.set(now + self.target.timeout);
            match reader.piece(piece, now) {
                Flow::On => {}
                Flow::After(pause) => {
                    tokio::time::sleep(pause).await;
                    self.alarm.set(Instant::now() + self.target.timeout);
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
        if self.alarm.over(sender.ready()).await?.is_err() {
            return Err(unsent);
        }
        let request = prepared.request(self.target.key(self.number));
        let answered = self.alarm.over(sender.send_request(request)).await?;
        answered.map_err(|error| Unanswered {
            is_unsent: error.is_canceled(),
            trouble: trouble(&error),
        })
    }

    async fn open(&mut self) -> Result<(), Trouble> {
        let opening = connect(&self.target, self.number);
        let opened = tokio::time::timeout(self.target.timeout, opening).await;
        self.sender = Some(opened.unwrap_or(Err(Trouble::TimedOut))?);
        Ok(())
    }
}

async fn connect(target: &Target, number: usize) -> Result<Sender, Trouble> {
    let io = TokioIo::new(socket::open(target, number).await?);
    let shake = http2::Builder::new(TokioExecutor::new()).handshake(io);
    let (sender, connection) = shake.await.map_err(|error| trouble(&error))?;
    // It ends when its sender is dropped; what went wrong, the sender tells as well.
    tokio::spawn(async { drop(connection.await) });
    Ok(sender)
}

fn trouble(error: &hyper::Error) -> Trouble {
    match error {
        error if error.is_parse_too_large() => Trouble::TooLarge,
        error if error.is_parse() => Trouble::Unreadable,
        _ => Trouble::Broken,
    }
}
