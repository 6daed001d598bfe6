//! The client: sends requests, politely or not, and records what comes of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use url::Url;

use super::exchange::{Answer, End, Exchange, Manner, Request};
use super::receive::{Incoming, Limits, Reading, describe, while_sending};
use super::tls;

/// Up to this size, a request leaves in one write, as a polite client's does.
const ONE_WRITE: usize = 16 * 1024;

/// How much is read to see whether there is something to read.
const READ_AHEAD: u64 = 1024;

/// Why a client cannot be made.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The URL's scheme is neither `http` nor `https`.
    #[error("`{0}` is not a URL of an agent: it should begin with http:// or https://")]
    Scheme(String),
    /// The URL has a user name or password.
    #[error("the URL holds credentials; give them with --header or --api-key-env instead")]
    Credentials,
    /// The URL has a query or a fragment.
    #[error("`{0}` is not the base URL of an agent: it has a query or a fragment")]
    Query(String),
    /// No TLS.
    #[error("cannot speak TLS: {0}")]
    Tls(String),
}

/// Speaks HTTP/1.1 to one agent.
pub struct Client {
    base: Url,
    host: String,
    port: u16,
    authority: String,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    headers: Vec<(String, String)>,
    limits: Limits,
    epoch: Instant,
    kept: AtomicUsize,
}

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// A connection, and what was read off it beyond the last answer.
struct Connection {
    io: Box<dyn Io>,
    buffer: Vec<u8>,
}

impl Connection {
    /// What it means if bytes wait that nobody has asked for: an answer to the next question they
    /// are not.
    async fn spoken_unasked(&mut self) -> Option<End> {
        if self.buffer.is_empty() {
            let mut reader = (&mut self.io).take(READ_AHEAD);
            // Polled once; an end, or nothing, is for the exchange to see.
            let _ = timeout(Duration::ZERO, reader.read_buf(&mut self.buffer)).await;
        }
        let length = self.buffer.len();
        (length > 0).then(|| {
            End::NotHttp(format!(
                "it sends {length} bytes on a shared connection before it is asked"
            ))
        })
    }
}

/// A URL without what may be a secret in it.
fn plain(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Of a URL that can have neither there is nothing to take away.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.to_string()
}

impl Client {
    /// A client of the agent at `base`, which adds `headers` to every request. Times in its
    /// exchanges count from now.
    ///
    /// # Errors
    /// If the URL cannot be an agent's, or TLS is needed and not to be had.
    pub fn new(
        base: &Url,
        headers: Vec<(String, String)>,
        limits: Limits,
    ) -> Result<Self, ClientError> {
        let secure = match base.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(ClientError::Scheme(plain(base))),
        };
        if !base.username().is_empty() || base.password().is_some() {
            return Err(ClientError::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(ClientError::Query(plain(base)));
        }
        let host = base
            .host_str()
            .ok_or_else(|| ClientError::Scheme(plain(base)))?;
        let authority = base
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let tls = secure.then(|| Self::secure(&host)).transpose()?;
        Ok(Self {
            base: base.clone(),
            port: base.port_or_known_default().unwrap_or(80),
            host,
            authority,
            tls,
            headers,
            limits,
            epoch: Instant::now(),
            kept: AtomicUsize::new(0),
        })
    }

    fn secure(host: &str) -> Result<(TlsConnector, ServerName<'static>), ClientError> {
        let connector = tls::connector().map_err(ClientError::Tls)?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| ClientError::Tls(error.to_string()))?;
        Ok((connector, name))
    }

    /// The bounds that this client keeps.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether the agent's answers have come to more than is kept of them.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.kept.load(Ordering::Relaxed) > self.limits.total
    }

    /// Takes note that an exchange is kept no longer.
    pub fn forget(&self, exchange: &Exchange) {
        let weight = exchange.answer.as_ref().map_or(0, Answer::weight);
        let less = |kept: usize| Some(kept.saturating_sub(weight));
        let _ = self
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Sends one request on a connection of its own, and reads the answer whole.
    pub async fn exchange(&self, request: Request) -> Exchange {
        self.exchange_reading(request, Reading::Whole).await
    }

    /// The record of a request that is better not sent.
    #[must_use]
    pub fn not_asked(&self, request: Request) -> Exchange {
        self.record(self.complete(request), Instant::now(), None, End::Left)
    }

    /// Sends one request on a connection of its own, and reads the answer as told.
    pub async fn exchange_reading(&self, request: Request, reading: Reading<'_>) -> Exchange {
        let began = Instant::now();
        match self.connect(began + self.limits.timeout).await {
            Ok(mut connection) => self.exchange_on(&mut connection, request, reading).await.0,
            Err(end) => self.record(self.complete(request), began, None, end),
        }
    }

    /// Sends requests one after the other on one connection, as long as it lasts.
    pub async fn converse(&self, requests: Vec<Request>) -> Vec<Exchange> {
        self.converse_while(requests, |_| true).await
    }

    /// The same, as long as the last exchange says that it should go on.
    pub async fn converse_while(
        &self,
        requests: impl IntoIterator<Item = Request>,
        mut goes_on: impl FnMut(&Exchange) -> bool,
    ) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        let mut connection = None;
        for request in requests {
            let began = Instant::now();
            let open = match &mut connection {
                Some(open) => open,
                None => match self.connect(began + self.limits.timeout).await {
                    Ok(fresh) => connection.insert(fresh),
                    Err(end) => {
                        exchanges.push(self.record(self.complete(request), began, None, end));
                        break;
                    }
                },
            };
            if let Some(end) = open.spoken_unasked().await {
                exchanges.push(self.record(self.complete(request), began, None, end));
                break;
            }
            let (exchange, keeps_alive) = self.exchange_on(open, request, Reading::Whole).await;
            let goes_on = goes_on(&exchange);
            exchanges.push(exchange);
            if !keeps_alive || !goes_on {
                break;
            }
        }
        exchanges
    }

    async fn connect(&self, deadline: Instant) -> Result<Connection, End> {
        let connecting = async {
            let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
            tcp.set_nodelay(true)?;
            let io: Box<dyn Io> = match &self.tls {
                None => Box::new(tcp),
                Some((connector, name)) => Box::new(connector.connect(name.clone(), tcp).await?),
            };
            Ok::<_, std::io::Error>(Connection {
                io,
                buffer: Vec::new(),
            })
        };
        match timeout_at(deadline, connecting).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) => Err(End::Unreachable(describe(&error))),
            Err(_) => Err(End::Unreachable(
                "no connection within the timeout".to_owned(),
            )),
        }
    }

    async fn exchange_on(
        &self,
        connection: &mut Connection,
        request: Request,
        reading: Reading<'_>,
    ) -> (Exchange, bool) {
        let began = Instant::now();
        let request = self.complete(request);
        let mut incoming = Incoming {
            began,
            deadline: began + self.limits.timeout,
            method: request.method.clone(),
            limits: self.limits,
            kept: &self.kept,
            answer: None,
            keeps_alive: false,
        };
        let head = head_of(&request, &self.base);
        let (mut reader, mut writer) = tokio::io::split(&mut connection.io);
        let sending = send(&mut writer, &head, &request);
        let end = if let Manner::Drops(_) = request.manner {
            match timeout_at(began + self.limits.timeout, sending).await {
                Ok(_) => End::Left,
                Err(_) => End::TimedOut,
            }
        } else {
            let receiving = incoming.receive(&mut reader, &mut connection.buffer, reading);
            while_sending(sending, receiving).await
        };
        let (answer, keeps_alive) = (incoming.answer, incoming.keeps_alive);
        // What came unasked would be taken for the answer to the next question.
        let keeps_alive = keeps_alive && connection.buffer.is_empty();
        let keeps_alive = keeps_alive && end == End::Complete;
        (self.record(request, began, answer, end), keeps_alive)
    }

    /// The request with all the header fields that it will be sent with.
    fn complete(&self, mut request: Request) -> Request {
        let mut headers = vec![
            ("Host".to_owned(), self.authority.clone()),
            (
                "User-Agent".to_owned(),
                concat!("acp-tck/", env!("CARGO_PKG_VERSION")).to_owned(),
            ),
        ];
        headers.append(&mut request.headers);
        let own = |name: &str| {
            headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let (takes, codings) = (own("accept"), own("accept-encoding"));
        if !takes {
            headers.push(("Accept".to_owned(), "*/*".to_owned()));
        }
        if !codings {
            // Else any coding would be a right answer (RFC 9110, section 12.5.3), and nobody here
            // unpacks what may be a bomb.
            headers.push(("Accept-Encoding".to_owned(), "identity".to_owned()));
        }
        let declared = match request.manner {
            Manner::Declares(length) => length,
            Manner::Polite | Manner::Drops(_) => request.body_length,
        };
        if declared > 0 || matches!(request.method.as_str(), "POST" | "PUT" | "PATCH") {
            headers.push(("Content-Length".to_owned(), declared.to_string()));
        }
        if !request.is_anonymous {
            headers.extend(self.headers.iter().cloned());
        }
        request.headers = headers;
        request
    }

    fn record(
        &self,
        mut request: Request,
        began: Instant,
        answer: Option<Answer>,
        end: End,
    ) -> Exchange {
        request.body.truncate(Request::KEPT);
        request.body.shrink_to_fit();
        Exchange {
            request,
            began: began.duration_since(self.epoch),
            elapsed: began.elapsed(),
            answer,
            end,
        }
    }
}

fn head_of(request: &Request, base: &Url) -> Vec<u8> {
    let mut head = format!(
        "{} {} HTTP/1.1\r\n",
        request.method,
        target(base, &request.path)
    );
    for (name, value) in &request.headers {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn target(base: &Url, path: &str) -> String {
    format!("{}{path}", base.path().trim_end_matches('/'))
}

async fn send(
    writer: &mut (dyn AsyncWrite + Unpin + Send),
    head: &[u8],
    request: &Request,
) -> std::io::Result<()> {
    let body = match request.manner {
        Manner::Drops(kept) => &request.body[..kept.min(request.body.len())],
        Manner::Polite | Manner::Declares(_) => &request.body,
    };
    if body.len() <= ONE_WRITE {
        writer.write_all(&[head, body].concat()).await?;
    } else {
        writer.write_all(head).await?;
        writer.write_all(body).await?;
    }
    writer.flush().await?;
    if matches!(request.manner, Manner::Declares(length) if length > request.body.len()) {
        writer.shutdown().await?;
    }
    Ok(())
}
