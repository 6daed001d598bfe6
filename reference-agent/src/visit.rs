//! One client's connection, from its first byte to its last.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, sync::OwnedSemaphorePermit, time::timeout};
use tokio_util::{sync::CancellationToken, task::task_tracker::TaskTrackerToken};

use crate::{
    app::{self, App},
    listener::Connection,
};

/// How long a client may take from one head of a request to the end of the next: no longer
/// than proxies keep a connection that is not used.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(75);

/// How soon connections without work have gone when the agent stops: the others are waited for.
pub(crate) const MOMENT: Duration = Duration::from_millis(100);

/// What the requests of one connection have in common.
#[derive(Debug)]
pub(crate) struct Visit {
    pub(crate) app: App,
    pub(crate) peer: SocketAddr,
    pub(crate) seat: Seat,
    requests: AtomicUsize,
}

/// The place of a connection among those that may be open at once. A web socket holds it when the
/// connection is no longer HTTP's.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    _place: Arc<(OwnedSemaphorePermit, TaskTrackerToken)>,
    /// When the agent has waited long enough.
    pub(crate) stopped: CancellationToken,
}

impl Seat {
    pub(crate) fn of(
        place: (OwnedSemaphorePermit, TaskTrackerToken),
        stopped: CancellationToken,
    ) -> Self {
        Self {
            _place: Arc::new(place),
            stopped,
        }
    }
}

impl Visit {
    pub(crate) fn of(app: App, peer: SocketAddr, seat: Seat) -> Arc<Self> {
        Arc::new(Self {
            app,
            peer,
            seat,
            requests: AtomicUsize::new(0),
        })
    }

    /// A request has come in…
    pub(crate) fn begin(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// …and has been answered to its end, or given up.
    pub(crate) fn end(&self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    fn is_at_work(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > 0
    }
}

/// Serves one connection to its end; when the agent stops, to the end of what is in flight.
pub(crate) async fn attend(
    socket: TcpStream,
    visit: Arc<Visit>,
    stopping: CancellationToken,
    head_time: Duration,
) {
    let socket = Connection::over(socket, visit.clone());
    let asked = visit.clone();
    let service =
        service_fn(move |request| app::answer(asked.clone(), request).map(Ok::<_, Infallible>));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_time);
    let connection = http
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // How a connection ends is its client's affair, and was noted request by request.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // A part of a head is no request: nobody waits for the rest of it.
            let is_over = timeout(MOMENT, connection.as_mut()).await.is_ok();
            if !is_over && visit.is_at_work() {
                let _ = connection.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        sync::Semaphore,
    };
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::{agent::Agent, settings::Settings};

    /// Longer than anything takes, on any machine.
    const LONG: Duration = Duration::from_secs(60);

    fn visit() -> Arc<Visit> {
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned();
        let place = (place.expect("a place"), TaskTracker::new().token());
        let agent = Agent::build(&Settings::unlimited()).expect("an agent");
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let seat = Seat::of(place, CancellationToken::new());
        Visit::of(App::main(agent), peer, seat)
    }

    #[tokio::test]
    async fn who_does_not_finish_a_head_is_let_go() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        for half in [&b""[..], b"GET /health HTTP/1.1\r\nHo"] {
            let mut client = TcpStream::connect(addr).await.expect("a connection");
            let (socket, _) = listener.accept().await.expect("a connection");
            let head_time = Duration::from_millis(20);
            let serving = attend(socket, visit(), CancellationToken::new(), head_time);
            let serving = tokio::spawn(serving);
            client.write_all(half).await.expect("taken");
            let mut told = Vec::new();
            let end = timeout(LONG, client.read_to_end(&mut told)).await;
            end.expect("an end").expect("no reset");
            assert_eq!(told, b"");
            serving.await.expect("no panic");
        }
    }

    /// A connection keeps room for one, however long it is idle.
    #[test]
    fn a_request_on_its_way_is_small() {
        assert!(size_of::<app::Answering>() < 512);
    }
}
