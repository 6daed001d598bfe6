//! What goes over the wire, as a server sees it: versions of HTTP, TLS, keys, addresses, connections.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acp_load::attack::Think;
use acp_load::target::{Protocol, Target, Wishes};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::common::{Agent, job, run};

/// A request to `/invoke`, as it came.
#[derive(Clone, Debug)]
struct Seen {
    version: Version,
    connection: SocketAddr,
    key: Option<String>,
    tenant: Option<String>,
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// An agent that knows a schema and nothing else.
struct Server {
    address: SocketAddr,
    seen: Log,
    /// In PEM.
    authority: Option<String>,
}

impl Server {
    /// That speaks this version alone.
    async fn in_the_clear(protocol: Protocol) -> Self {
        Self::start(protocol, None).await
    }

    /// With a certificate of an authority of its own, and these protocols to choose from.
    async fn under_tls(protocols: &[&str]) -> Self {
        let (authority, config) = certified(protocols);
        let mut server =
            Self::start(Protocol::Http1, Some(TlsAcceptor::from(Arc::new(config)))).await;
        server.authority = Some(authority);
        server
    }

    async fn start(protocol: Protocol, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Log::default();
        let log = seen.clone();
        tokio::spawn(async move {
            while let Ok((tcp, peer)) = listener.accept().await {
                let (tls, log) = (tls.clone(), log.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(tcp, protocol, peer, log).await,
                        Some(tls) => {
                            if let Ok(tls) = tls.accept(tcp).await {
                                let agreed = tls.get_ref().1.alpn_protocol();
                                let protocol = match agreed {
                                    Some(b"h2") => Protocol::Http2,
                                    _ => protocol,
                                };
                                serve(tls, protocol, peer, log).await;
                            }
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            authority: None,
        }
    }

    fn wishes(&self) -> Wishes {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        let url = format!("{scheme}://{}", self.address);
        let mut wishes = Wishes::of(url.parse().expect("a URL"));
        wishes.authorities = self.authority.clone().map(String::into_bytes);
        wishes
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panicked").clone()
    }

    /// Lets four users ask for a third of a second, and gives what was seen of it.
    async fn asked(&self, wishes: &Wishes) -> Vec<Seen> {
        let stand_in = Agent::start(&[]).await;
        let mut job = job(&stand_in).await;
        stand_in.stop().await;
        job.target = Target::find(wishes).await.expect("a target");
        job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
        let before = self.seen().len();
        let report = run(&job, "mixed").await;
        assert_eq!(report.error, None);
        assert_eq!(report.requests.failed, 0, "{:?}", report.requests);
        assert!(report.requests.ok > 0);
        let seen = self.seen().split_off(before);
        // What looks for a stream at /invoke comes first, on a connection of its own.
        let seen = seen.into_iter().skip(1).collect::<Vec<_>>();
        assert_eq!(seen.len() as u64, report.requests.total);
        seen
    }
}

async fn serve(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    protocol: Protocol,
    peer: SocketAddr,
    log: Log,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(&request, peer, &log);
        async move { Ok::<_, Infallible>(answer) }
    });
    let io = TokioIo::new(io);
    // A client that leaves is no concern here.
    let _ = match protocol {
        Protocol::Http1 => http1::Builder::new().serve_connection(io, service).await,
        Protocol::Http2 => {
            let builder = http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(io, service).await
        }
    };
}

fn answer(request: &Request<Incoming>, peer: SocketAddr, log: &Log) -> Response<Full<Bytes>> {
    let field = |name: &str| {
        let value = request.headers().get(name)?;
        Some(value.to_str().expect("text").to_owned())
    };
    let (status, body) = match request.uri().path() {
        "/schema" => (
            StatusCode::OK,
            r#"{"input": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}}"#,
        ),
        "/invoke" => {
            log.lock().expect("nobody panicked").push(Seen {
                version: request.version(),
                connection: peer,
                key: field("x-api-key"),
                tenant: field("x-tenant"),
            });
            (StatusCode::OK, r#"{"output": {}}"#)
        }
        _ => (StatusCode::NOT_FOUND, "{}"),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
}

/// An authority, in PEM, and a server with a certificate of it.
fn certified(protocols: &[&str]) -> (String, ServerConfig) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).expect("an authority").pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    (authority, config)
}

fn versions(seen: &[Seen]) -> Vec<Version> {
    let mut versions: Vec<_> = seen.iter().map(|it| it.version).collect();
    versions.dedup();
    versions
}

/// How many requests each had.
fn counts<K: Ord>(seen: &[Seen], key: impl Fn(&Seen) -> K) -> BTreeMap<K, usize> {
    let mut counts = BTreeMap::new();
    for it in seen {
        *counts.entry(key(it)).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn users_share_out_keys_and_addresses_and_all_send_the_header_fields() {
    let server = Server::in_the_clear(Protocol::Http1).await;
    let mut wishes = server.wishes();
    wishes.keys = vec!["one".to_owned(), "two".to_owned()];
    wishes.headers = vec![("X-Tenant".to_owned(), "t".to_owned())];
    let addresses: [IpAddr; 2] = [[127, 0, 0, 2].into(), [127, 0, 0, 3].into()];
    wishes.sources = addresses.to_vec();
    let seen = server.asked(&wishes).await;
    assert_eq!(versions(&seen), [Version::HTTP_11]);
    assert!(seen.iter().all(|it| it.tenant.as_deref() == Some("t")));
    let keys = counts(&seen, |it| it.key.clone());
    assert!(
        keys.into_keys()
            .eq([Some("one".to_owned()), Some("two".to_owned())])
    );
    // Users of even numbers have the first key and the first address.
    let pairs = counts(&seen, |it| (it.key.clone(), it.connection.ip()));
    assert_eq!(pairs.len(), 2, "{pairs:?}");
    assert!(
        counts(&seen, |it| it.connection.ip())
            .into_keys()
            .eq(addresses)
    );
    assert_eq!(
        counts(&seen, |it| it.connection).len(),
        4,
        "a connection a user"
    );
}

#[tokio::test]
async fn a_connection_for_each_request_is_one_also_by_the_servers_count() {
    let server = Server::in_the_clear(Protocol::Http1).await;
    let mut wishes = server.wishes();
    wishes.reconnects = true;
    let seen = server.asked(&wishes).await;
    let connections = counts(&seen, |it| it.connection);
    // A port may come round again, but not often in so short a time.
    assert!(
        connections.len() * 10 > seen.len() * 9,
        "{}",
        connections.len()
    );
}

#[tokio::test]
async fn http_2_is_spoken_where_it_is_known_beforehand() {
    let server = Server::in_the_clear(Protocol::Http2).await;
    let mut wishes = server.wishes();
    wishes.protocol = Protocol::Http2;
    let seen = server.asked(&wishes).await;
    assert_eq!(versions(&seen), [Version::HTTP_2]);
    assert_eq!(counts(&seen, |it| it.connection).len(), 4);
}

#[tokio::test]
async fn under_tls_the_protocol_is_agreed_upon() {
    for (protocol, version) in [
        (Protocol::Http1, Version::HTTP_11),
        (Protocol::Http2, Version::HTTP_2),
    ] {
        let server = Server::under_tls(&["h2", "http/1.1"]).await;
        let mut wishes = server.wishes();
        wishes.protocol = protocol;
        let seen = server.asked(&wishes).await;
        assert_eq!(versions(&seen), [version]);
    }
}

#[tokio::test]
async fn tls_that_cannot_be_had_is_named() {
    let stand_in = Agent::start(&[]).await;
    let mut job = job(&stand_in).await;
    let stranger = Server::under_tls(&["http/1.1"]).await;
    let server = Server::under_tls(&["http/1.1"]).await;
    let mut distrustful = server.wishes();
    distrustful.authorities = stranger.wishes().authorities;
    let mut demanding = server.wishes();
    demanding.protocol = Protocol::Http2;
    for wishes in [distrustful, demanding] {
        job.target = Target::find(&wishes).await.expect("a target");
        let report = run(&job, "mixed").await;
        let error = report.error.expect("there is no TLS");
        assert!(error.contains("tls-failed"), "{error}");
        assert!(server.seen().is_empty());
    }
}

#[tokio::test]
async fn who_thinks_for_long_asks_once() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    let hour = Duration::from_secs(3600);
    job.load.think = Think {
        least: hour,
        most: hour * 2,
    };
    let report = run(&job, "mixed").await;
    assert_eq!(report.requests.ok, job.load.users as u64);
    assert_eq!(report.requests.failed, 0);
}
