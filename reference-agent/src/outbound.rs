//! The agent as a client of others: which way its requests go, and how much of an answer it
//! takes.

use reqwest::{Client, ClientBuilder, Response, redirect::Policy};
use url::{Host, Url};

/// A client for what is at this URL: through the proxy of the environment if there is one,
/// but not to this very machine.
pub(crate) fn client(url: &Url) -> ClientBuilder {
    match is_loopback(url) {
        true => direct(),
        false => unredirected(),
    }
}

/// A client that goes past any proxy.
pub(crate) fn direct() -> ClientBuilder {
    unredirected().no_proxy()
}

/// Whom the agent asks is for the settings to say: whoever could redirect it could have it ask
/// its neighbours.
fn unredirected() -> ClientBuilder {
    Client::builder().redirect(Policy::none())
}

/// Whether it is on this machine, where no proxy is of any use.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The body of an answer; `None` if it is longer than this.
pub(crate) async fn read(
    mut response: Response,
    longest: usize,
) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > longest {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
