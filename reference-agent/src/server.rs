//! Binding, serving and stopping.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::OptionFuture;
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    agent::Agent,
    app::App,
    descriptor::Facts,
    faults::{self, Fault},
    listener::accept,
    orchestrator,
    settings::{Error, Settings, idle},
    visit::{HEAD_TIME, MOMENT, Seat, Visit, attend},
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
    seats: TaskTracker,
    task: JoinHandle<()>,
    registries: TaskTracker,
}

/// How an agent has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// As it should.
    Cleanly,
    /// It crashed on its way out. (Only faults do this.)
    Crashed,
}

/// How an agent goes about stopping. (Only faults change this.)
#[derive(Debug)]
pub(crate) struct Stop {
    /// How long it goes on as if it had not been told.
    pub(crate) before: Duration,
    /// How long it stays when all is done.
    pub(crate) after: Duration,
    pub(crate) stopped: Stopped,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            before: Duration::ZERO,
            after: Duration::ZERO,
            stopped: Stopped::Cleanly,
        }
    }
}

/// Binds the address and serves an agent there, on the current tokio runtime.
///
/// When this returns, the agent answers.
///
/// # Errors
/// If the address cannot be resolved or listened on.
pub async fn start(settings: Settings) -> Result<Running, Error> {
    for (setting, because) in idle(&settings) {
        tracing::warn!("{setting} has no effect because {because}");
    }
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
    let seats = TaskTracker::new();
    let serving = |listener, app| {
        let tokens = (stopping.clone(), stopped.clone());
        let places = (agent.settings.max_connections, seats.clone());
        serve(listener, app, places, tokens)
    };
    let main = serving(listener, App::main(agent.clone()));
    let admin = admin.map(|(listener, _)| serving(listener, App::admin(agent.clone())));
    let task = tokio::spawn(async {
        tokio::join!(main, OptionFuture::from(admin));
    });
    announce(addr, admin_addr, &settings.faults);
    let is_asked_for = settings.orchestrator_url.is_some() || settings.discovery_url.is_some();
    if is_asked_for && addr.ip().is_unspecified() && settings.public_url.is_none() {
        tracing::warn!("registered under a loopback address, as ACP_PUBLIC_URL is not set");
    }
    let registries = orchestrator::spawn(&agent, &url_of(addr));
    Ok(Running {
        registries,
        agent,
        seats,
        addr,
        admin_addr,
        open_streams,
        stopping,
        stopped,
        task,
    })
}

/// Logs where the agent is found; a warning if it is wrong on purpose.
fn announce(addr: SocketAddr, admin_addr: Option<SocketAddr>, faults: &[&'static Fault]) {
    let url = url_of(addr);
    let admin_url = admin_addr.map(url_of);
    match faults::names(faults) {
        None => tracing::info!(url, admin_url, "serving"),
        Some(faults) => tracing::warn!(url, admin_url, faults, "serving"),
    }
}

/// Serves connections until `stopping`, and then those that are open until they end, or until
/// `stopped`.
async fn serve(
    listener: TcpListener,
    app: App,
    (max_connections, seats): (usize, TaskTracker),
    (stopping, stopped): (CancellationToken, CancellationToken),
) {
    let places = Arc::new(Semaphore::new(max_connections));
    let accept = async {
        // The semaphore is never closed; were it, no more would be accepted.
        while let Ok(place) = places.clone().acquire_owned().await {
            let (socket, peer) = accept(&listener).await;
            let seat = Seat::of((place, seats.token()), stopped.clone());
            let visit = Visit::of(app.clone(), peer, seat.clone());
            let connection = attend(socket, visit, stopping.clone(), HEAD_TIME);
            let stopped = stopped.clone();
            tokio::spawn(async move {
                // With the connection goes all the work that is done for it.
                let _ = stopped.run_until_cancelled(connection).await;
                drop(seat);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        () = stopping.cancelled() => {}
    }
    drop(listener);
    // Those that have become web sockets too.
    seats.close();
    seats.wait().await;
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
        url_of(self.addr)
    }

    /// The base URL of the admin API, if it has a port of its own.
    #[must_use]
    pub fn admin_url(&self) -> Option<String> {
        self.admin_addr.map(url_of)
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

    /// Changes the list of capabilities that the agent tells of, as loading an extension would.
    pub fn change_capabilities(&self, change: impl FnOnce(&mut Vec<Value>)) {
        self.agent.documents.change_capabilities(change);
    }

    /// Takes no more connections, lets finish what is in flight for as long as
    /// [`Settings::shutdown_grace`] says, and then closes what is left.
    pub async fn stop(mut self) -> Stopped {
        tracing::info!("stopping");
        let stop = self.agent.seams.stop();
        pause(stop.before).await;
        self.agent.drain();
        self.stopping.cancel();
        let grace = self.agent.settings.shutdown_grace;
        let graceful = timeout(grace, self.finish()).await;
        let connections = self.seats.len();
        self.stopped.cancel();
        if graceful.is_err() {
            tracing::warn!(connections, "cut what was still under way");
            // The connections have just been cut, so this takes no time worth a bound.
            let _ = (&mut self.task).await;
        }
        // Their goodbyes are bounded, and began when the rest did.
        self.registries.wait().await;
        self.agent.tracer.shutdown().await;
        tracing::info!("stopped");
        pause(stop.after).await;
        stop.stopped
    }
}

impl Running {
    /// Waits until nothing is under way any more, and tells of it if that takes a while.
    async fn finish(&mut self) {
        if timeout(MOMENT, &mut self.task).await.is_ok() {
            return;
        }
        tracing::info!(
            connections = self.seats.len(),
            open_streams = *self.open_streams.borrow(),
            grace_seconds = self.agent.settings.shutdown_grace.as_secs_f64(),
            "waiting for what is under way"
        );
        let _ = (&mut self.task).await;
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// The base URL of an agent that listens here.
fn url_of(mut addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{addr}")
}
