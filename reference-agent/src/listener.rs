//! The sockets: what HTTP refuses by itself is completed on its way out, and some faults are
//! shown every byte.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};

use crate::{
    refusal::Refusal,
    seams::{Left, Seams, Sent, Wired},
    visit::Visit,
};

/// The next connection, and where it comes from.
pub(crate) async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        let Ok((socket, addr)) = listener.accept().await else {
            // Out of file descriptors, most likely: it passes, and spinning does not help.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Events are small and are to leave at once.
        let _ = socket.set_nodelay(true);
        return (socket, addr);
    }
}

/// One connection.
pub(crate) struct Connection {
    socket: TcpStream,
    visit: Arc<Visit>,
    tamper: Option<Arc<Seams>>,
    asked: bool,
    sent: Sent,
    waiting: Vec<u8>,
    closing: bool,
}

impl Connection {
    pub(crate) fn over(socket: TcpStream, visit: Arc<Visit>) -> Self {
        let seams = &visit.app.agent.seams;
        Self {
            socket,
            tamper: seams.watch_wire().then(|| seams.clone()),
            visit,
            asked: false,
            sent: Sent::default(),
            waiting: Vec::new(),
            closing: false,
        }
    }

    /// Writes what a fault has put in place of the bytes that it was shown.
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let written = ready!(Pin::new(&mut self.socket).poll_write(cx, &self.waiting))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.waiting.drain(..written);
        }
        if self.closing {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what comes before the refusal; when that has gone, what is said in its place.
    fn poll_refuse(
        &mut self,
        cx: &mut Context<'_>,
        refusal: &Refusal,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (before, head) = buf.split_at(refusal.at);
        if !before.is_empty() {
            return Pin::new(&mut self.socket).poll_write(cx, before);
        }
        self.waiting = refusal.complete(head, &self.visit);
        // Pending is no answer once bytes have been taken; the rest goes with the flush.
        match self.poll_waiting(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(buf.len())),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut self.socket).poll_read(cx, buf));
        let more = read.is_ok() && buf.filled().len() > before;
        if !more && self.asked && self.sent.answers == 0 {
            self.asked = false;
            if let Some(seams) = &self.tamper {
                seams.abandoned(Left::Request);
            }
        }
        self.asked |= more;
        Poll::Ready(read)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_waiting(cx))?;
        if let Some(refusal) = Refusal::in_the_end_of(buf) {
            return self.poll_refuse(cx, &refusal, buf);
        }
        let Some(seams) = self.tamper.clone() else {
            return Pin::new(&mut self.socket).poll_write(cx, buf);
        };
        if buf.starts_with(b"HTTP/1.") {
            self.sent.answers += 1;
        }
        match seams.wire(&mut self.sent, buf) {
            Wired::AsIs => self.waiting.extend_from_slice(buf),
            Wired::Instead(bytes) => self.waiting = bytes,
            Wired::ThenClose(bytes) => (self.waiting, self.closing) = (bytes, true),
        }
        self.sent.bytes += self.waiting.len();
        // Pending is no answer once bytes have been taken; the rest goes with the next call.
        match self.poll_waiting(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(buf.len())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_waiting(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.tamper.is_none() && self.socket.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A refusal is the last that is written; most heads have a body behind them.
        let last = bufs.iter().rfind(|buf| !buf.is_empty());
        let is_refusal = last.is_some_and(|buf| Refusal::in_the_end_of(buf).is_some());
        if !is_refusal && self.tamper.is_none() && self.waiting.is_empty() {
            return Pin::new(&mut self.socket).poll_write_vectored(cx, bufs);
        }
        let first = bufs
            .iter()
            .find(|buf| !buf.is_empty())
            .map_or(&[][..], |buf| buf);
        self.poll_write(cx, first)
    }
}
