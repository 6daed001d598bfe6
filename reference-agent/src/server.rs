//! Binding, serving and stopping.

use std::net::SocketAddr;

use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    agent::Agent,
    app,
    listener::Listener,
    settings::{Error, Settings},
};

/// An agent that is being served.
///
/// Dropping it leaves the agent running for as long as the runtime does; [`Running::stop`]
/// ends it.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    open_streams: watch::Receiver<usize>,
    stopping: CancellationToken,
    stopped: CancellationToken,
    settings: Settings,
    task: JoinHandle<()>,
}

/// Binds the address and serves an agent there, on the current tokio runtime.
///
/// When this returns, the agent answers.
///
/// # Errors
/// If the address cannot be resolved or listened on.
pub async fn start(mut settings: Settings) -> Result<Running, Error> {
    for fault in settings.faults.clone() {
        fault.adjust(&mut settings);
    }
    let agent = Agent::build(&settings)?;
    let listener = bind(&settings.host, settings.port).await?;
    let addr = listener.local_addr().map_err(|source| Error::Bind {
        addr: SocketAddr::from(([0, 0, 0, 0], settings.port)),
        source,
    })?;
    let stopping = CancellationToken::new();
    let stopped = CancellationToken::new();
    let open_streams = agent.open_streams.subscribe();
    let listener = Listener::over(listener, agent.seams.clone(), stopped.clone());
    let serving = axum::serve(listener, app::router(agent))
        .with_graceful_shutdown(stopping.clone().cancelled_owned());
    let task = tokio::spawn(async move {
        // The future is infallible by axum's own account; the result is there for symmetry.
        let _ = serving.await;
    });
    Ok(Running {
        addr,
        open_streams,
        stopping,
        stopped,
        settings,
        task,
    })
}

async fn bind(host: &str, port: u16) -> Result<TcpListener, Error> {
    let resolve = |source| Error::Resolve {
        host: host.to_owned(),
        source,
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let mut refused = None;
    for addr in tokio::net::lookup_host((bare, port))
        .await
        .map_err(resolve)?
    {
        match TcpListener::bind(addr).await {
            Ok(listener) => return Ok(listener),
            Err(source) => refused = Some(Error::Bind { addr, source }),
        }
    }
    Err(refused.unwrap_or_else(|| resolve(std::io::ErrorKind::NotFound.into())))
}

impl Running {
    /// The base URL, without a slash at its end; loopback where the agent listens everywhere.
    #[must_use]
    pub fn url(&self) -> String {
        let mut addr = self.addr;
        if addr.ip().is_unspecified() {
            addr.set_ip(match addr {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{addr}")
    }

    /// The address that is listened on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many streams are open right now, and word of each change.
    #[must_use]
    pub fn open_streams(&self) -> watch::Receiver<usize> {
        self.open_streams.clone()
    }

    /// Takes no more connections, lets finish what is in flight for as long as
    /// [`Settings::stop_timeout`] says, and then closes what is left.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        let graceful = timeout(self.settings.stop_timeout, &mut self.task).await;
        self.stopped.cancel();
        if graceful.is_err() {
            // The connections have just been cut, so this takes no time worth a bound.
            let _ = (&mut self.task).await;
        }
    }
}
