//! HTTP/1.1, with the certifying half's own head and framing.
//!
//! All lines of a thread read through one buffer: only while bytes come in does anyone need one, and
//! thousands of streams wait.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use acp_conformance::wire::{Decoder, Field, Head};
use hyper::header::HeaderValue;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use super::{Caller, Exchange, Flow, LARGEST_BODY, Prepared, Reader, Trouble};
use crate::socket::{self, Socket};

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

/// In a box, since it is large, and rare.
pub(super) async fn connect(caller: &Caller) -> Result<Socket, Trouble> {
    let opening = socket::open(&caller.target, caller.number);
    caller.in_time(Box::pin(opening)).await
}

pub(super) async fn ask(
    idle: &mut Option<Socket>,
    caller: &mut Caller,
    prepared: &Prepared,
    reader: &mut impl Reader,
    exchange: &mut Exchange,
) -> Result<(), Trouble> {
    // One that the agent has closed meanwhile is replaced before anything is sent.
    let mut waiting = idle.take();
    let is_usable = waiting.as_mut().is_some_and(is_silent);
    let mut socket = match waiting.filter(|_| is_usable) {
        Some(socket) => socket,
        None => connect(caller).await?,
    };
    let Caller {
        target,
        number,
        alarm,
    } = caller;
    // An agent may answer, and close, before it has read the whole: what it says counts.
    let sent = alarm
        .over(send(&mut socket, prepared, target.key(*number)))
        .await?;
    let mut incoming = Incoming::new(exchange.began);
    loop {
        let read = alarm
            .over(poll_fn(|cx| incoming.poll(cx, &mut socket, reader)))
            .await;
        exchange.status = incoming.status;
        let step = read??;
        if incoming.is_stream {
            alarm.set(incoming.last + target.timeout);
        }
        match step {
            Step::More(Flow::On) => {}
            Step::More(Flow::After(pause)) => {
                tokio::time::sleep(pause).await;
                alarm.set(Instant::now() + target.timeout);
            }
            Step::More(Flow::Leave) => {
                exchange.left = true;
                return Ok(());
            }
            Step::Done => {
                if incoming.keeps_alive && sent.is_ok() && !target.reconnects {
                    *idle = Some(socket);
                }
                return Ok(());
            }
        }
    }
}

/// Whether nothing has come in, not even the end: what an agent says unasked is no answer.
fn is_silent(socket: &mut Socket) -> bool {
    let mut one = [0; 1];
    let mut buffer = ReadBuf::new(&mut one);
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(socket)
        .poll_read(&mut cx, &mut buffer)
        .is_pending()
}

async fn send(
    socket: &mut Socket,
    prepared: &Prepared,
    key: Option<&HeaderValue>,
) -> io::Result<()> {
    socket.write_all(&prepared.message(key)).await?;
    socket.flush().await
}

/// How far an answer has come in.
struct Incoming {
    /// Of a head that is not complete yet.
    head: Vec<u8>,
    /// Once the head is there.
    body: Option<Decoder>,
    status: u16,
    is_stream: bool,
    keeps_alive: bool,
    length: u64,
    /// When bytes came last.
    last: Instant,
}

/// What has come of a read.
enum Step {
    More(Flow),
    Done,
}

impl Incoming {
    fn new(began: Instant) -> Self {
        Self {
            head: Vec::new(),
            body: None,
            status: 0,
            is_stream: false,
            keeps_alive: false,
            length: 0,
            last: began,
        }
    }

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
            self.last = Instant::now();
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
        if self.body.is_some() {
            return self.push_body(read, body, reader);
        }
        // Mostly the head comes in one piece, and is read where it lies.
        let mut held = std::mem::take(&mut self.head);
        let bytes = match held.is_empty() {
            true => read,
            false => {
                held.extend_from_slice(read);
                &held
            }
        };
        let taken = self.read_head(bytes, reader)?;
        if self.body.is_some() {
            return self.push_body(&bytes[taken..], body, reader);
        }
        // What was said in between is not said again.
        self.head = bytes[taken..].to_vec();
        Ok(Step::More(Flow::On))
    }

    fn push_body(
        &mut self,
        mut bytes: &[u8],
        body: &mut Vec<u8>,
        reader: &mut impl Reader,
    ) -> Result<Step, Trouble> {
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
            false => reader.piece(body, self.last),
        };
        decoded.map_err(|_| Trouble::Unreadable)?;
        match flow {
            Flow::Leave => Ok(Step::More(flow)),
            _ if is_done => Ok(Step::Done),
            _ if self.length > LARGEST_BODY => Err(Trouble::TooLarge),
            _ => Ok(Step::More(flow)),
        }
    }

    /// Reads what heads there are, up to the answer's own, and tells how much they took. The body
    /// may come then; else more is needed.
    fn read_head(&mut self, bytes: &[u8], reader: &mut impl Reader) -> Result<usize, Trouble> {
        let mut at = 0;
        loop {
            let is_stream = &mut self.is_stream;
            let look = |head: &Head, fields: &[Field<'_>]| {
                if !is_interim(head) {
                    let fields = fields.iter().map(|field| (field.name, field.value));
                    *is_stream = reader.head(fields);
                }
            };
            // To a GET as to a POST.
            let head = Head::read(&bytes[at..], "POST", look).map_err(|_| Trouble::Unreadable)?;
            let Some(head) = head else {
                return Ok(at);
            };
            at += head.length;
            if is_interim(&head) {
                continue;
            }
            self.status = head.status;
            self.keeps_alive = head.keeps_alive;
            self.body = Some(Decoder::new(head.framing));
            return Ok(at);
        }
    }
}

fn is_interim(head: &Head) -> bool {
    (100..200).contains(&head.status)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hot::Line;
    use crate::target::{Target, Wishes};

    /// Keeps what it is shown.
    #[derive(Default)]
    struct Kept {
        fields: usize,
        body: Vec<u8>,
    }

    impl Reader for Kept {
        fn head<'h>(&mut self, fields: impl Iterator<Item = (&'h str, &'h [u8])>) -> bool {
            self.fields += fields.count();
            false
        }

        fn piece(&mut self, piece: &[u8], _: Instant) -> Flow {
            self.body.extend_from_slice(piece);
            Flow::On
        }
    }

    /// What becomes of an answer that is read in these pieces: its status, what was shown of it, and
    /// whether it was done.
    fn read(pieces: &[&[u8]]) -> Result<(u16, Kept, bool), Trouble> {
        let mut incoming = Incoming::new(Instant::now());
        let mut kept = Kept::default();
        let mut is_done = false;
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            let step = incoming.push(piece, &mut Vec::new(), &mut kept)?;
            is_done = matches!(step, Step::Done);
        }
        Ok((incoming.status, kept, is_done))
    }

    #[test]
    fn an_answer_is_the_same_wherever_it_is_cut() {
        let wire = b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n";
        for cut in 0..=wire.len() {
            let (left, right) = wire.split_at(cut);
            let (status, kept, is_done) = read(&[left, right]).expect("HTTP");
            assert_eq!((status, kept.fields, is_done), (200, 1, true), "{cut}");
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
        let wishes = Wishes::of(url.parse().expect("a URL"));
        let target = Target::find(&wishes).await.expect("a target");
        let prepared = Prepared::post(&target, "/invoke/stream", "{}").expect("a request");
        let mut line = Line::new(target, 0);
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
