//! A line for streams alone, thousands of which are held at once: HTTP/1.1 by the certifying
//! half's own head and framing, since a connection of hyper's keeps some twelve kilobytes of
//! buffers however long it waits.
//!
//! All lines of a thread read through one buffer: only while bytes come in does a stream need one.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use acp_conformance::wire::{Decoder, Head};
use hyper::header::{HeaderName, HeaderValue};
use hyper::http::response::Parts;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use crate::connection::Connection;
use crate::hot::{Exchange, Flow, LARGEST_BODY, Prepared, Reader, Trouble};
use crate::socket::{self, Socket};
use crate::target::Target;

/// How much is read at once, by whoever it is whose bytes have come.
const BUFFER: usize = 64 * 1024;

/// What lines of one thread share.
struct Shared {
    bytes: Box<[u8]>,
    /// What is the body's of what was read.
    body: Vec<u8>,
}

thread_local! {
    static SHARED: RefCell<Shared> = RefCell::new(Shared {
        bytes: vec![0; BUFFER].into(),
        body: Vec::new(),
    });
}

/// One user's line to the agent, for streams.
pub(crate) struct Lean {
    target: Arc<Target>,
    number: usize,
    socket: Option<Socket>,
}

/// How far an answer has come in.
struct Incoming {
    /// Of a head that is not complete yet.
    head: Vec<u8>,
    /// Once the head is there.
    body: Option<Decoder>,
    status: u16,
    keeps_alive: bool,
    length: u64,
}

impl Lean {
    pub(crate) fn new(target: Arc<Target>, number: usize) -> Self {
        Self {
            target,
            number,
            socket: None,
        }
    }

    /// Opens a connection; in a box, since it is large, and rare.
    async fn open(&mut self) -> Result<(), Trouble> {
        let opening = Box::pin(socket::open(&self.target, self.number));
        let opened = tokio::time::timeout(self.target.timeout, opening).await;
        self.socket = Some(opened.unwrap_or(Err(Trouble::TimedOut))?);
        Ok(())
    }

    /// A connection that the agent has closed meanwhile is replaced before anything is sent.
    async fn ready(&mut self) -> Result<&mut Socket, Trouble> {
        if let Some(socket) = &mut self.socket {
            let mut one = [0; 1];
            let mut buffer = ReadBuf::new(&mut one);
            let is_open = poll_fn(|cx| {
                Poll::Ready(
                    Pin::new(&mut *socket)
                        .poll_read(cx, &mut buffer)
                        .is_pending(),
                )
            });
            if !is_open.await {
                self.socket = None;
            }
        }
        if self.socket.is_none() {
            self.open().await?;
        }
        self.socket.as_mut().ok_or(Trouble::Unreachable)
    }

    async fn ask(
        &mut self,
        prepared: &Prepared,
        reader: &mut (impl Reader + Send),
        exchange: &mut Exchange,
    ) -> Result<(), Trouble> {
        let timeout = self.target.timeout;
        let keys = &self.target.keys;
        let key = (!keys.is_empty()).then(|| keys[self.number % keys.len()].clone());
        let socket = self.ready().await?;
        let request = written(prepared, key.as_ref());
        let mut deadline = exchange.began + timeout;
        let sent = tokio::time::timeout_at(deadline.into(), socket.write_all(&request)).await;
        sent.map_err(|_| Trouble::TimedOut)?
            .map_err(|_| Trouble::Broken)?;
        drop(request);
        let mut incoming = Incoming {
            head: Vec::new(),
            body: None,
            status: 0,
            keeps_alive: false,
            length: 0,
        };
        loop {
            let read = poll_fn(|cx| incoming.poll(cx, socket, reader));
            let read = tokio::time::timeout_at(deadline.into(), read).await;
            exchange.status = incoming.status;
            let step = read.unwrap_or(Err(Trouble::TimedOut))?;
            if incoming.body.is_some() {
                // Of a stream, the timeout is for its silence.
                deadline = Instant::now() + timeout;
            }
            match step {
                Step::More(Flow::On) => {}
                Step::More(Flow::After(pause)) => {
                    tokio::time::sleep(pause).await;
                    deadline = Instant::now() + timeout;
                }
                Step::More(Flow::Leave) => {
                    exchange.left = true;
                    return Ok(());
                }
                Step::Done => break,
            }
        }
        if !incoming.keeps_alive {
            self.socket = None;
        }
        Ok(())
    }
}

impl Connection for Lean {
    async fn connect(&mut self) {
        if !self.target.reconnects && self.socket.is_none() {
            // It may fail: then the first exchange tries again, and tells.
            let _ = self.open().await;
        }
    }

    async fn exchange(
        &mut self,
        prepared: &Prepared,
        reader: &mut (impl Reader + Send),
    ) -> Exchange {
        let mut exchange = Exchange::begun();
        exchange.trouble = self.ask(prepared, reader, &mut exchange).await.err();
        exchange.ended = Instant::now();
        if exchange.trouble.is_some() || exchange.left || self.target.reconnects {
            self.socket = None;
        }
        exchange
    }
}

/// What has come of a read.
enum Step {
    More(Flow),
    Done,
}

impl Incoming {
    /// Reads once, and hands on what it was.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
        reader: &mut impl Reader,
    ) -> Poll<Result<Step, Trouble>> {
        SHARED.with_borrow_mut(|shared| {
            let mut buffer = ReadBuf::new(&mut shared.bytes);
            let read = ready!(Pin::new(socket).poll_read(cx, &mut buffer));
            let bytes = match read {
                Ok(()) => buffer.filled(),
                Err(_) => return Poll::Ready(Err(Trouble::Broken)),
            };
            if bytes.is_empty() {
                let may_end = self.body.as_ref().is_some_and(Decoder::may_close);
                self.keeps_alive = false;
                return Poll::Ready(may_end.then_some(Step::Done).ok_or(Trouble::Broken));
            }
            shared.body.clear();
            Poll::Ready(self.push(bytes, &mut shared.body, reader))
        })
    }

    fn push(
        &mut self,
        read: &[u8],
        body: &mut Vec<u8>,
        reader: &mut impl Reader,
    ) -> Result<Step, Trouble> {
        let whole;
        let mut bytes = read;
        if self.body.is_none() {
            self.head.extend_from_slice(read);
            let Some(rest) = self.read_head(reader)? else {
                return Ok(Step::More(Flow::On));
            };
            whole = std::mem::take(&mut self.head);
            bytes = &whole[rest..];
        }
        let Some(decoder) = &mut self.body else {
            return Err(Trouble::Unreadable);
        };
        let decoded = decoder.push(&mut bytes, body);
        let is_done = decoder.is_done();
        // What follows the answer belongs to nothing that was asked.
        self.keeps_alive &= bytes.is_empty();
        self.length += body.len() as u64;
        let flow = match body.is_empty() {
            true => Flow::On,
            false => reader.piece(body, Instant::now()),
        };
        decoded.map_err(|_| Trouble::Unreadable)?;
        match flow {
            Flow::Leave => Ok(Step::More(flow)),
            _ if is_done => Ok(Step::Done),
            _ if self.length > LARGEST_BODY => Err(Trouble::TooLarge),
            _ => Ok(Step::More(flow)),
        }
    }

    /// Where the body begins in what has come so far; `None` if the head is not complete.
    fn read_head(&mut self, reader: &mut impl Reader) -> Result<Option<usize>, Trouble> {
        let mut at = 0;
        loop {
            let head = Head::read(&self.head[at..], "POST").map_err(|_| Trouble::Unreadable)?;
            let Some(head) = head else {
                // What was said in between is not said again.
                self.head.drain(..at);
                return Ok(None);
            };
            at += head.length;
            if (100..200).contains(&head.answer.status) {
                continue;
            }
            self.status = head.answer.status;
            self.keeps_alive = head.keeps_alive;
            reader.head(&parts(&head), Instant::now());
            self.body = Some(Decoder::new(head.framing));
            return Ok(Some(at));
        }
    }
}

/// The head as readers know it.
fn parts(head: &Head) -> Parts {
    let (mut parts, ()) = hyper::Response::new(()).into_parts();
    parts.status = hyper::StatusCode::from_u16(head.answer.status).unwrap_or_default();
    for (name, value) in &head.answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            parts.headers.append(name, value);
        }
    }
    parts
}

/// The request's bytes.
fn written(prepared: &Prepared, key: Option<&HeaderValue>) -> Vec<u8> {
    let (method, uri, headers, body) = prepared.parts();
    let mut bytes = Vec::with_capacity(512 + body.len());
    bytes.extend_from_slice(format!("{method} {uri} HTTP/1.1\r\n").as_bytes());
    let named = headers.iter().map(|(name, value)| (name.as_str(), value));
    let key = key.map(|key| ("x-api-key", key));
    for (name, value) in named
        .filter(|(name, _)| key.is_none() || *name != "x-api-key")
        .chain(key)
    {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it is shown.
    #[derive(Default)]
    struct Kept {
        status: u16,
        body: Vec<u8>,
    }

    impl Reader for Kept {
        fn head(&mut self, head: &Parts, _: Instant) {
            self.status = head.status.as_u16();
        }

        fn piece(&mut self, piece: &[u8], _: Instant) -> Flow {
            self.body.extend_from_slice(piece);
            Flow::On
        }
    }

    /// What becomes of an answer that is read in these pieces; whether it was done.
    fn read(pieces: &[&[u8]]) -> Result<(Kept, bool), Trouble> {
        let mut incoming = Incoming {
            head: Vec::new(),
            body: None,
            status: 0,
            keeps_alive: false,
            length: 0,
        };
        let mut kept = Kept::default();
        let mut is_done = false;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let step = incoming.push(piece, &mut Vec::new(), &mut kept)?;
            is_done = matches!(step, Step::Done);
        }
        Ok((kept, is_done))
    }

    #[test]
    fn an_answer_is_the_same_wherever_it_is_cut() {
        let wire = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
        for cut in 0..=wire.len() {
            let (left, right) = wire.split_at(cut);
            let (kept, is_done) = read(&[left, right]).expect("HTTP");
            assert_eq!((kept.status, is_done), (200, true), "{cut}");
            assert_eq!(kept.body, b"Wikipedia", "{cut}");
        }
    }

    #[test]
    fn what_is_no_http_is_told_and_what_came_before_is_kept() {
        assert!(read(&[b"SSH-2.0-server\r\n"]).is_err());
        assert!(read(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"]).is_err());
    }

    #[tokio::test]
    async fn a_line_is_kept_and_replaced_when_the_agent_has_closed_it() {
        use std::io::{Read, Write};

        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let agent = std::thread::spawn(move || {
            // Two answers on the first connection, which is closed then, and one on the next.
            for answers in [2, 1] {
                let (mut socket, _) = listener.accept().expect("a connection");
                for _ in 0..answers {
                    let mut buffer = [0; 4096];
                    let read = socket.read(&mut buffer).expect("a request");
                    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
                    assert!(
                        text.starts_with("POST /invoke/stream HTTP/1.1\r\n"),
                        "{text}"
                    );
                    assert!(text.ends_with("content-length: 2\r\n\r\n{}"), "{text}");
                    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes";
                    socket.write_all(answer.as_bytes()).expect("sent");
                }
            }
        });
        let wishes = crate::target::Wishes::of(url.parse().expect("a URL"));
        let target = Target::find(&wishes).await.expect("a target");
        let prepared = Prepared::post(&target, "/invoke/stream", "{}").expect("a request");
        let mut line = Lean::new(target, 0);
        line.connect().await;
        for turn in 0..3 {
            let mut kept = Kept::default();
            let mut exchange = line.exchange(&prepared, &mut kept).await;
            if turn == 2 && exchange.trouble == Some(Trouble::Broken) {
                // The agent's closing may be under way while we send.
                exchange = line.exchange(&prepared, &mut kept).await;
            }
            assert_eq!((exchange.status, exchange.trouble), (200, None), "{turn}");
            assert_eq!(kept.body, b"yes");
        }
        agent.join().expect("the agent is content");
    }
}
