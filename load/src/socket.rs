//! A connection of either kind: in the clear, or under TLS.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::hot::Trouble;
use crate::target::Target;

/// A connection to an agent.
pub(crate) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects user `number`, from the address that is that user's, if any were given.
pub(crate) async fn open(target: &Target, number: usize) -> Result<Socket, Trouble> {
    let sources = &target.sources;
    let source = (!sources.is_empty()).then(|| sources[number % sources.len()]);
    let tcp = tcp(&target.addresses, source).await;
    let tcp = tcp.map_err(|error| trouble(&error))?;
    // Without it a second small write would wait for the first one's acknowledgement.
    tcp.set_nodelay(true).map_err(|error| trouble(&error))?;
    match &target.tls {
        None => Ok(Socket::Plain(tcp)),
        Some((connector, name)) => {
            let tls = connector.connect(name.clone(), tcp).await;
            let tls = tls.map_err(|_| Trouble::Tls)?;
            Ok(Socket::Tls(Box::new(tls)))
        }
    }
}

async fn tcp(addresses: &[SocketAddr], source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source else {
        return TcpStream::connect(addresses).await;
    };
    let fits = |address: &&SocketAddr| address.is_ipv4() == source.is_ipv4();
    let Some(address) = addresses.iter().find(fits) else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(*address).await
}

/// What is lacking here is not the agent's fault, and must not be told as if it were.
fn trouble(error: &io::Error) -> Trouble {
    /// EMFILE and ENFILE, the same on all Unixes.
    const TOO_MANY_FILES: [i32; 2] = [24, 23];
    let number = error.raw_os_error();
    let is_full = number.is_some_and(|number| TOO_MANY_FILES.contains(&number));
    match error.kind() {
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Trouble::Exhausted,
        _ if is_full => Trouble::Exhausted,
        _ => Trouble::Unreachable,
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buffer),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Self::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(io) => Pin::new(io).poll_write_vectored(cx, slices),
            Self::Tls(io) => Pin::new(io).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(io) => io.is_write_vectored(),
            Self::Tls(io) => io.is_write_vectored(),
        }
    }
}
