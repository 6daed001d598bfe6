//! HTTP/2, by hyper.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio_util::task::AbortOnDropHandle;

use super::{Caller, Exchange, Flow, LARGEST_BODY, Prepared, Reader, Trouble};
use crate::socket;

/// A connection. Hyper's own part of it is a task, which ends with it, whatever the agent still says.
pub(super) struct Sender {
    sender: http2::SendRequest<Full<Bytes>>,
    _task: AbortOnDropHandle<()>,
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

pub(super) async fn connect(caller: &Caller) -> Result<Sender, Trouble> {
    caller
        .in_time(async {
            let io = TokioIo::new(socket::open(&caller.target, caller.number).await?);
            let shake = http2::Builder::new(TokioExecutor::new()).handshake(io);
            let (sender, connection) = shake.await.map_err(|error| trouble(&error))?;
            // What went wrong, the sender tells as well.
            let task = tokio::spawn(async { drop(connection.await) });
            Ok(Sender {
                sender,
                _task: AbortOnDropHandle::new(task),
            })
        })
        .await
}

pub(super) async fn ask(
    idle: &mut Option<Sender>,
    caller: &mut Caller,
    prepared: &Prepared,
    reader: &mut impl Reader,
    exchange: &mut Exchange,
) -> Result<(), Trouble> {
    let (sender, response) = response(idle.take(), caller, prepared).await?;
    let (head, mut body) = response.into_parts();
    let Caller { target, alarm, .. } = caller;
    exchange.status = head.status.as_u16();
    let fields = head.headers.iter();
    let is_stream = reader.head(fields.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let mut length = 0_u64;
    loop {
        let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        let Some(frame) = alarm.over(next).await? else {
            *idle = (!target.reconnects).then_some(sender);
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
        if is_stream {
            alarm.set(now + target.timeout);
        }
        match reader.piece(piece, now) {
            Flow::On => {}
            Flow::After(pause) => {
                tokio::time::sleep(pause).await;
                alarm.set(Instant::now() + target.timeout);
            }
            Flow::Leave => {
                exchange.left = true;
                return Ok(());
            }
        }
    }
}

/// Asks on the connection that is open, and tells which it was in the end: one that the agent has
/// closed meanwhile, before anything of the request was sent, is replaced once.
async fn response(
    idle: Option<Sender>,
    caller: &mut Caller,
    prepared: &Prepared,
) -> Result<(Sender, Response<Incoming>), Trouble> {
    if let Some(mut sender) = idle {
        match send(&mut sender, caller, prepared).await {
            Ok(response) => return Ok((sender, response)),
            Err(unanswered) if unanswered.is_unsent => {}
            Err(unanswered) => return Err(unanswered.trouble),
        }
    }
    let mut sender = connect(caller).await?;
    match send(&mut sender, caller, prepared).await {
        Ok(response) => Ok((sender, response)),
        Err(unanswered) => Err(unanswered.trouble),
    }
}

async fn send(
    Sender { sender, .. }: &mut Sender,
    caller: &mut Caller,
    prepared: &Prepared,
) -> Result<Response<Incoming>, Unanswered> {
    let Caller {
        target,
        number,
        alarm,
    } = caller;
    if alarm.over(sender.ready()).await?.is_err() {
        return Err(Unanswered {
            is_unsent: true,
            trouble: Trouble::Broken,
        });
    }
    let request = prepared.request(target.key(*number));
    let answered = alarm.over(sender.send_request(request)).await?;
    answered.map_err(|error| Unanswered {
        is_unsent: error.is_canceled(),
        trouble: trouble(&error),
    })
}

fn trouble(error: &hyper::Error) -> Trouble {
    match error {
        error if error.is_parse_too_large() => Trouble::TooLarge,
        error if error.is_parse() => Trouble::Unreadable,
        _ => Trouble::Broken,
    }
}
