//! Binding, serving and stopping.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::{Extension, Router, extract::ConnectInfo};
use futures_util::future::OptionFuture;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    agent::Agent,
    app,
    descriptor::Facts,
    faults,
    listener::{Connection, Listener},
    settings::{Error, Settings},
};

/// An agent that is being served.
///
/// Dropping it leaves the agent running for as long as the runtime does; [`Running::stop`]
/// ends it.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    admin_addr: Option<SocketAddr>,
    open_streams: watch::Receiver<usize>,
    stopping: CancellationToken,
    stopped: CancellationToken,
    agent: Arc<Agent>,
    task: JoinHandle<()>,
}

/// How long a client may take from one head of a request to the end of the next: no longer
/// than proxies keep a connection that is not used.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// Binds the address and serves an agent there, on the current tokio runtime.
///
/// When this returns, the agent answers.
///
/// # Errors
/// If the address cannot be resolved or listened on.
pub async fn start(settings: Settings) -> Result<Running, Error> {
    let settings = faults::effective(&settings)?;
    let agent = Agent::build(&settings)?;
    let (listener, addr) = bind(&settings.host, settings.port).await?;
    let admin = match (&settings.admin_key, settings.admin_port) {
        (Some(_), Some(port)) => Some(bind(&settings.host, port).await?),
        _ => None,
    };
    let admin_addr = admin.as_ref().map(|(_, addr)| *addr);
    let stopping = CancellationToken::new();
    let stopped = CancellationToken::new();
    let open_streams = agent.open_streams.subscribe();
    let serving = |listener, router| {
        let listener = Listener::over(listener, agent.seams.clone(), stopped.clone());
        serve(listener, router, agent.clone(), stopping.clone())
    };
    let main = serving(listener, app::router(agent.clone()));
    let admin = admin.map(|(listener, _)| serving(listener, app::admin_router(agent.clone())));
    let task = tokio::spawn(async {
        tokio::join!(main, OptionFuture::from(admin));
    });
    tracing::info!(address = %addr, "serving");
    Ok(Running {
        agent,
        addr,
        admin_addr,
        open_streams,
        stopping,
        stopped,
        task,
    })
}

/// Serves connections until `stopping`, and then those that are open until they end.
async fn serve(
    mut listener: Listener,
    router: Router,
    agent: Arc<Agent>,
    stopping: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(agent.settings.max_connections));
    let connections = TaskTracker::new();
    let accept = async {
        // The semaphore is never closed; were it, no more would be accepted.
        while let Ok(place) = places.clone().acquire_owned().await {
            let (socket, peer) = listener.accept().await;
            let place = Arc::new(place);
            // A web socket holds its place when the connection is no longer HTTP's.
            let seat = Seat {
                _place: place.clone(),
                stopped: listener.stopped(),
            };
            let told = (Extension(ConnectInfo(peer)), Extension(seat));
            let connection = attend(socket, router.clone().layer(told), stopping.clone());
            connections.spawn(async move {
                connection.await;
                drop(place);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = stopping.cancelled() => {}
    }
    drop(listener);
    connections.close();
    connections.wait().await;
    // Those that have become web sockets: all places are free when the last has gone.
    let all = u32::try_from(agent.settings.max_connections).unwrap_or(u32::MAX);
    let _ = places.acquire_many(all).await;
}

/// The place of a connection among those that may be open at once.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    _place: Arc<OwnedSemaphorePermit>,
    /// When the agent has waited long enough.
    pub(crate) stopped: CancellationToken,
}

/// Serves one connection to its end; when the agent stops, to the end of what is in flight.
async fn attend(socket: Connection, service: Router, stopping: CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIME);
    let connection = http
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = pin!(connection);
    // How a connection ends is its client's affair, and was noted request by request.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }
}

async fn bind(host: &str, port: u16) -> Result<(TcpListener, SocketAddr), Error> {
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
        let bound = async {
            let listener = TcpListener::bind(addr).await?;
            let addr = listener.local_addr()?;
            Ok((listener, addr))
        };
        match bound.await {
            Ok(bound) => return Ok(bound),
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

    /// The address of the admin API, if it has one of its own.
    #[must_use]
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_addr
    }

    /// The agent's descriptor (`acp-descriptor.json`), as it is now.
    #[must_use]
    pub fn descriptor(&self) -> Value {
        self.facts().descriptor(&self.agent.seams)
    }

    /// The agent's manifest (`agent-manifest.yaml`), as it is now.
    ///
    /// # Errors
    /// If the document cannot be written as YAML.
    pub fn manifest(&self) -> Result<String, Error> {
        self.facts().manifest(&self.agent.seams)
    }

    fn facts(&self) -> Facts<'_> {
        Facts::of_agent(&self.agent, self.url(), self.addr.port())
    }

    /// How many streams are open right now, and word of each change.
    #[must_use]
    pub fn open_streams(&self) -> watch::Receiver<usize> {
        self.open_streams.clone()
    }

    /// Takes no more connections, lets finish what is in flight for as long as
    /// [`Settings::shutdown_grace`] says, and then closes what is left.
    pub async fn stop(mut self) {
        tracing::info!("stopping");
        self.agent.drain();
        self.stopping.cancel();
        let grace = self.agent.settings.shutdown_grace;
        let graceful = timeout(grace, &mut self.task).await;
        self.stopped.cancel();
        if graceful.is_err() {
            // The connections have just been cut, so this takes no time worth a bound.
            let _ = (&mut self.task).await;
        }
        self.agent.tracer.shutdown().await;
        tracing::info!("stopped");
    }
}
