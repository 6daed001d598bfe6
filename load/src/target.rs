//! Whom the load is for: where the agent is, how to speak to it, and as whom.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::header::{HeaderName, HeaderValue};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use url::Url;

/// The version of HTTP to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2: agreed upon by TLS, or known beforehand without it.
    Http2,
}

/// What is asked of a target, in the user's own words.
#[derive(Clone, Debug)]
pub struct Wishes {
    /// The agent's base URL.
    pub url: Url,
    /// Header fields for every request.
    pub headers: Vec<(String, String)>,
    /// Keys for `X-API-Key`, which the users take in turn.
    pub keys: Vec<String>,
    /// Addresses of this machine's, which the users take in turn.
    pub sources: Vec<IpAddr>,
    /// The version of HTTP.
    pub protocol: Protocol,
    /// A connection for each request.
    pub reconnects: bool,
    /// How long an exchange may take; of a stream, how long it may be silent.
    pub timeout: Duration,
    /// Certificates, in PEM, to trust instead of the system's.
    pub authorities: Option<Vec<u8>>,
}

impl Wishes {
    /// An agent, asked in the plainest way.
    #[must_use]
    pub fn of(url: Url) -> Self {
        Self {
            url,
            headers: Vec::new(),
            keys: Vec::new(),
            sources: Vec::new(),
            protocol: Protocol::Http1,
            reconnects: false,
            timeout: Duration::from_secs(30),
            authorities: None,
        }
    }
}

/// Why there can be no target: the user's own input is at fault.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not a URL of an agent.
    #[error("`{0}` is not the base URL of an agent: give one like http://localhost:8000")]
    Url(String),
    /// A header field that cannot be sent.
    #[error("the header field `{0}` cannot be sent")]
    Header(String),
    /// TLS is not to be had.
    #[error("cannot speak TLS: {0}")]
    Tls(String),
    /// No address of this machine's.
    #[error("cannot ask from {0}: {1}; --source names addresses of this machine")]
    Source(IpAddr, std::io::Error),
    /// No address.
    #[error("no address is known for {host}: {error}")]
    Address {
        /// The name.
        host: String,
        /// What the resolver says.
        error: std::io::Error,
    },
}

/// An agent, found and ready to be spoken to.
pub struct Target {
    /// The base URL, without credentials.
    pub url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) keys: Vec<HeaderValue>,
    pub(crate) sources: Vec<IpAddr>,
    pub(crate) protocol: Protocol,
    pub(crate) reconnects: bool,
    pub(crate) timeout: Duration,
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) authority: String,
    pub(crate) base_path: String,
    pub(crate) tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Target {
    /// Finds the agent: reads the wishes, and resolves its name once, so that no request waits for that.
    ///
    /// # Errors
    /// Where the user's wishes cannot be met.
    pub async fn find(wishes: &Wishes) -> Result<Arc<Self>, TargetError> {
        let url = &wishes.url;
        let wrong = || TargetError::Url(url.to_string());
        let host = url.host_str().ok_or_else(wrong)?;
        let is_bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_bare || !matches!(url.scheme(), "http" | "https") {
            return Err(TargetError::Url(without_secrets(url)));
        }
        let authority = url
            .port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let host = host.trim_matches(['[', ']']);
        wishes.sources.iter().try_for_each(is_ours)?;
        let tls = match url.scheme() {
            "https" => Some(secure(host, wishes)?),
            _ => None,
        };
        Ok(Arc::new(Self {
            headers: wishes.headers.iter().map(field).collect::<Result<_, _>>()?,
            keys: wishes
                .keys
                .iter()
                .map(|it| key(it))
                .collect::<Result<_, _>>()?,
            sources: wishes.sources.clone(),
            protocol: wishes.protocol,
            reconnects: wishes.reconnects,
            timeout: wishes.timeout,
            addresses: resolve(host, url.port_or_known_default().unwrap_or(80)).await?,
            authority,
            base_path: url.path().trim_end_matches('/').to_owned(),
            tls,
            url: url.clone(),
        }))
    }

    /// The key of user `number`, if there are any.
    pub(crate) fn key(&self, number: usize) -> Option<&HeaderValue> {
        (!self.keys.is_empty()).then(|| &self.keys[number % self.keys.len()])
    }
}

/// To bind to an address costs nothing, and tells whether it is one of this machine's.
fn is_ours(source: &IpAddr) -> Result<(), TargetError> {
    let bound = std::net::UdpSocket::bind((*source, 0));
    bound
        .map(drop)
        .map_err(|error| TargetError::Source(*source, error))
}

fn without_secrets(url: &Url) -> String {
    let mut shown = url.clone();
    // These fail for URLs that can have no credentials.
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    shown.to_string()
}

fn field((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue), TargetError> {
    let wrong = || TargetError::Header(name.clone());
    let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
    value.set_sensitive(true);
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    Ok((name, value))
}

fn key(key: &str) -> Result<HeaderValue, TargetError> {
    Ok(field(&("X-API-Key".to_owned(), key.to_owned()))?.1)
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, TargetError> {
    let told = |error| TargetError::Address {
        host: host.to_owned(),
        error,
    };
    let found: Vec<_> = tokio::net::lookup_host((host, port))
        .await
        .map_err(told)?
        .collect();
    match found.is_empty() {
        true => Err(told(std::io::ErrorKind::NotFound.into())),
        false => Ok(found),
    }
}

fn secure(host: &str, wishes: &Wishes) -> Result<(TlsConnector, ServerName<'static>), TargetError> {
    let told = |error: &dyn std::fmt::Display| TargetError::Tls(error.to_string());
    let roots = roots(wishes.authorities.as_deref())?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| told(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = match wishes.protocol {
        Protocol::Http1 => vec![b"http/1.1".to_vec()],
        Protocol::Http2 => vec![b"h2".to_vec()],
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| told(&error))?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn roots(authorities: Option<&[u8]>) -> Result<RootCertStore, TargetError> {
    let mut roots = RootCertStore::empty();
    let Some(pem) = authorities else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            let why = "the system has no trusted certificates; name some with --ca";
            return Err(TargetError::Tls(why.to_owned()));
        }
        return Ok(roots);
    };
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| TargetError::Tls(error.to_string()))?;
        let added = roots.add(certificate);
        added.map_err(|error| TargetError::Tls(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(TargetError::Tls(
            "no certificate in the file of --ca".to_owned(),
        )),
        false => Ok(roots),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_an_agent_is_refused_without_telling_its_password() {
        for wrong in [
            "ftp://localhost/",
            "http://me:secret@localhost/",
            "http://localhost/?q",
        ] {
            let wishes = Wishes::of(wrong.parse().expect("it is there"));
            let error = Target::find(&wishes)
                .await
                .err()
                .expect("it is there")
                .to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_base_path_and_a_port_are_kept() {
        let wishes = Wishes::of(
            "http://127.0.0.1:81/agents/one/"
                .parse()
                .expect("it is there"),
        );
        let target = Target::find(&wishes).await.expect("it is there");
        assert_eq!(target.base_path, "/agents/one");
        assert_eq!(target.authority, "127.0.0.1:81");
        assert_eq!(
            target.addresses,
            ["127.0.0.1:81".parse().expect("it is there")]
        );
    }
}
