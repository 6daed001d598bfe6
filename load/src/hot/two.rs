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

use super::{Caller, Exchange, Flow, LARGEST_BODY, Next, Prepared, Reader, Trouble};
use crate::socket;

pub(super) type Sender = http2::SendRequest<Full<Bytes>>;

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
            // It ends when its sender is dropped; what went wrong, the sender tells as well.
            tokio::spawn(async { drop(connection.await) });
            Ok(sender)
        })
        .await
}

pub(super) async fn ask(
    open: &mut Option<Sender>,
    caller: &mut Caller,
    prepared: &Prepared,
    reader: &mut impl Reader,
    exchange: &mut Exchange,
) -> Result<Next, Trouble> {
    let (head, mut body) = response(open, caller, prepared).await?.into_parts();
    let Caller { target, alarm, .. } = caller;
    exchange.status = head.status.as_u16();
    let fields = head.headers.iter();
    reader.head(fields.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let mut length = 0_u64;
    loop {
        let next = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx));
        let Some(frame) = alarm.over(next).await? else {
            return Ok(Next::Kept);
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
        alarm.set(now + target.timeout);
        match reader.piece(piece, now) {
            Flow::On => {}
            Flow::After(pause) => {
                tokio::time::sleep(pause).await;
                alarm.set(Instant::now() + target.timeout);
            }
            Flow::Leave => {
                exchange.left = true;
                return Ok(Next::Closed);
            }
        }
    }
}

/// Asks on the connection that is open. One that the agent has closed meanwhile, before
/// anything of the request was sent, is replaced once.
async fn response(
    open: &mut Option<Sender>,
    caller: &mut Caller,
    prepared: &Prepared,
) -> Result<Response<Incoming>, Trouble> {
    if let Some(sender) = open {
        match send(sender, caller, prepared).await {
            Err(unanswered) if unanswered.is_unsent => {}
            answered => return answered.map_err(|unanswered| unanswered.trouble),
        }
    }
    let sender = open.insert(connect(caller).await?);
    let answered = send(sender, caller, prepared).await;
    answered.map_err(|unanswered| unanswered.trouble)
}

async fn send(
    sender: &mut Sender,
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
