//! The orchestrator on a socket: wiremock, and before it a relay that bounds what wiremock
//! takes in whole, and that can be down. The one file that knows either.

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::{Notify, Semaphore, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};
use wiremock::{Match, Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

use crate::{
    journal::Journal,
    mischief::Mischief,
    registry::{Call, Registry, Reply},
};

/// How many connections are open at once; more are reset. An agent needs one or two.
const MOST_CONNECTIONS: usize = 32;

/// How many bytes a connection may bring in all: some thousand heartbeats. Wiremock holds whole
/// bodies, so that all connections together may take 16 MiB.
const MOST_BYTES: u64 = 512 << 10;

/// How many bytes of requests wiremock may keep: its mocks remember each that they matched, for
/// as long as they are mounted.
const MOST_KEPT: usize = 8 << 20;

/// What a request takes there besides its body and path, about.
const REQUEST: usize = 2 << 10;

/// How long a connection may say nothing: a few heartbeats of any agent.
const MOST_SILENCE: Duration = Duration::from_secs(600);

/// Why an orchestrator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// An orchestrator that is being served; dropping it ends it.
#[derive(Debug)]
pub struct Orchestrator {
    addr: SocketAddr,
    state: Arc<State>,
    _running: DropGuard,
}

struct State {
    began: Instant,
    registry: Mutex<Registry>,
    /// The answer to the request that wiremock is looking at: it holds one lock for all.
    next: Mutex<Option<Reply>>,
    calls: watch::Sender<u64>,
    /// The bytes of requests that wiremock keeps, and the word that they are too many.
    kept: AtomicUsize,
    is_full: Notify,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Serves an orchestrator that misbehaves in these ways.
///
/// When this returns, it answers (unless it is to be down).
///
/// # Errors
/// If the address cannot be listened on.
pub async fn start(addr: SocketAddr, mischief: Vec<Mischief>) -> Result<Orchestrator, Error> {
    let refused = |source| Error::Bind { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refused)?;
    let addr = listener.local_addr().map_err(refused)?;
    let state = Arc::new(State {
        began: Instant::now(),
        registry: Mutex::new(Registry::with(mischief)),
        next: Mutex::default(),
        calls: watch::Sender::new(0),
        kept: AtomicUsize::new(0),
        is_full: Notify::new(),
    });
    let server = MockServer::builder()
        .disable_request_recording()
        .start()
        .await;
    mount(&server, &state).await;
    let ended = CancellationToken::new();
    let serving = {
        let state = state.clone();
        async move {
            let relayed = relay(listener, *server.address(), state.clone());
            tokio::join!(relayed, forget(&server, &state));
        }
    };
    tokio::spawn(ended.clone().run_until_cancelled_owned(serving));
    Ok(Orchestrator {
        addr,
        state,
        _running: ended.drop_guard(),
    })
}

/// Tells wiremock how to answer.
async fn mount(server: &MockServer, state: &Arc<State>) {
    let cut = Mock::given(Arrives(state.clone())).and(IsCut(state.clone()));
    let reset = |_: &Request| io::Error::from(io::ErrorKind::ConnectionReset);
    cut.respond_with_err(reset)
        .with_priority(1)
        .mount(server)
        .await;
    let answer = Mock::given(any()).respond_with(Answers(state.clone()));
    answer.mount(server).await;
}

/// Lets wiremock forget what it keeps, each time that it is too much. Who asks between the two
/// steps is answered 404, some thousands of requests after the start.
async fn forget(server: &MockServer, state: &Arc<State>) {
    loop {
        state.is_full.notified().await;
        state.kept.store(0, Ordering::Relaxed);
        server.reset().await;
        mount(server, state).await;
    }
}

impl Orchestrator {
    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The time since the start, by which the journal counts.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.state.began.elapsed()
    }

    /// All that came in so far.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.state.registry().journal().clone()
    }

    /// Who is registered: the registration's id, and the agent's own.
    #[must_use]
    pub fn registered(&self) -> Vec<(String, String)> {
        let registry = self.state.registry();
        let all = registry.registered();
        all.map(|(id, agent)| (id.to_owned(), agent.to_owned()))
            .collect()
    }

    /// Misbehaves otherwise from now on. Times count from the start of the orchestrator.
    pub fn misbehave(&self, mischief: Vec<Mischief>) {
        self.state.registry().misbehave(mischief);
    }

    /// Forgets all registrations.
    pub fn forget(&self) {
        self.state.registry().forget();
    }

    /// Waits until the journal is as it should be; `false` if that takes longer than `most`.
    pub async fn wait_until(&self, most: Duration, is_so: impl Fn(&Journal) -> bool) -> bool {
        let mut calls = self.state.calls.subscribe();
        let waiting = async {
            while !is_so(self.state.registry().journal()) {
                // The sender lives as long as `self`.
                let _ = calls.changed().await;
            }
        };
        timeout(most, waiting).await.is_ok()
    }
}

impl State {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> MutexGuard<'_, Option<Reply>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn receive(&self, request: &Request) {
        let weight = REQUEST + request.body.len() + request.url.as_str().len();
        if self.kept.fetch_add(weight, Ordering::Relaxed) + weight > MOST_KEPT {
            self.is_full.notify_one();
        }
        let path = match request.url.query() {
            Some(query) => format!("{}?{query}", request.url.path()),
            None => request.url.path().to_owned(),
        };
        let reply = self.registry().receive(Call {
            at: self.began.elapsed(),
            method: request.method.as_str(),
            path: &path,
            body: &request.body,
        });
        *self.next() = Some(reply);
        self.calls.send_modify(|calls| *calls += 1);
    }
}

/// Takes the request in, as the first thing that wiremock asks of it.
struct Arrives(Arc<State>);

impl Match for Arrives {
    fn matches(&self, request: &Request) -> bool {
        self.0.receive(request);
        true
    }
}

struct IsCut(Arc<State>);

impl Match for IsCut {
    fn matches(&self, _: &Request) -> bool {
        self.0
            .next()
            .as_ref()
            .is_some_and(|reply| reply.status.is_none())
    }
}

struct Answers(Arc<State>);

impl Respond for Answers {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let Some(reply) = self.0.next().take() else {
            return ResponseTemplate::new(500);
        };
        ResponseTemplate::new(reply.status.unwrap_or(500))
            .set_body_raw(reply.body, "application/json")
            .set_delay(reply.delay)
    }
}

/// Hands connections on to wiremock, within bounds; resets them while the orchestrator is down.
async fn relay(listener: TcpListener, server: SocketAddr, state: Arc<State>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let ended = CancellationToken::new();
    let _ended_with_this = ended.clone().drop_guard();
    loop {
        let Ok((agent, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: it passes, and spinning does not help.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let is_down = state.registry().is_down(state.began.elapsed());
        match places.clone().try_acquire_owned() {
            Ok(place) if !is_down => {
                let handed = hand_on(agent, server);
                let handed = ended.clone().run_until_cancelled_owned(handed);
                tokio::spawn(async move {
                    handed.await;
                    drop(place);
                });
            }
            // Closed with a reset, as nothing is lost by it.
            _ => drop(agent.set_zero_linger()),
        }
    }
}

/// Both directions of a connection, until either ends.
async fn hand_on(mut agent: TcpStream, server: SocketAddr) {
    let Ok(mut inner) = TcpStream::connect(server).await else {
        return;
    };
    let (from_agent, mut to_agent) = agent.split();
    let (mut from_server, mut to_server) = inner.split();
    let asks = async {
        let mut from_agent = from_agent.take(MOST_BYTES);
        let mut buffer = vec![0; 16 * 1024];
        // How a connection ends is the agent's affair.
        while let Ok(Ok(read @ 1..)) = timeout(MOST_SILENCE, from_agent.read(&mut buffer)).await {
            if to_server.write_all(&buffer[..read]).await.is_err() {
                return;
            }
        }
        let _ = to_server.shutdown().await;
        // The answers to what was asked may still be on their way.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = asks => {}
        _ = copy(&mut from_server, &mut to_agent) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    async fn served(mischief: &[&str]) -> Orchestrator {
        let mischief = mischief.iter().map(|one| one.parse().expect(one)).collect();
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        start(addr, mischief).await.expect("an orchestrator")
    }

    async fn register(at: &Orchestrator) -> Result<reqwest::Response, reqwest::Error> {
        let body = json!({"agent_id": "a"});
        let request = reqwest::Client::new().post(format!("{}/agents/register", at.url()));
        request.json(&body).send().await
    }

    #[tokio::test]
    async fn a_registration_is_answered_and_noted() {
        let orchestrator = served(&[]).await;
        let answer = register(&orchestrator).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(body["registration_id"], "reg-1");
        assert_eq!(
            orchestrator.registered(),
            [("reg-1".to_owned(), "a".to_owned())]
        );
        let entry = &orchestrator.journal().entries[0];
        assert_eq!(entry.body, Some(json!({"agent_id": "a"})));
    }

    #[tokio::test]
    async fn connections_are_cut_and_the_call_is_noted() {
        let orchestrator = served(&["cuts"]).await;
        assert!(register(&orchestrator).await.is_err());
        let journal = orchestrator.journal();
        assert!(journal.entries.iter().all(|entry| entry.status.is_none()));
        assert!(!journal.entries.is_empty());
    }

    #[tokio::test]
    async fn while_it_is_down_nothing_comes_in() {
        let orchestrator = served(&["down"]).await;
        assert!(register(&orchestrator).await.is_err());
        assert!(orchestrator.journal().entries.is_empty());
        orchestrator.misbehave(vec![]);
        assert!(register(&orchestrator).await.is_ok());
    }

    #[tokio::test]
    async fn what_comes_in_can_be_waited_for() {
        let orchestrator = served(&[]).await;
        let (known, answer) = tokio::join!(
            orchestrator.wait_until(Duration::from_secs(60), |journal| {
                journal.registrations().count() == 1
            }),
            register(&orchestrator),
        );
        assert!(known && answer.is_ok());
    }

    #[tokio::test]
    async fn what_wiremock_remembers_stays_small() {
        let orchestrator = served(&[]).await;
        // A connection may bring in only so much.
        let client = reqwest::Client::builder().pool_max_idle_per_host(0);
        let client = client.build().expect("a client");
        let body = json!({"agent_id": "a", "padding": "x".repeat(64 << 10)}).to_string();
        let mut most = 0;
        // What was sent by then is four times as much.
        for _ in 0..4 * MOST_KEPT / body.len() {
            let request = client.post(format!("{}/agents/register", orchestrator.url()));
            let answer = request.body(body.clone()).send().await.expect("an answer");
            assert!(matches!(answer.status().as_u16(), 200..=499));
            most = orchestrator.state.kept.load(Ordering::Relaxed).max(most);
        }
        assert!(most <= 2 * MOST_KEPT, "{most}");
        let registered = register(&orchestrator).await.expect("an answer");
        assert!(registered.status().is_success());
    }

    #[tokio::test]
    async fn a_body_without_end_is_cut_off() {
        let orchestrator = served(&[]).await;
        let addr = orchestrator.addr;
        let mut socket = TcpStream::connect(addr).await.expect("a connection");
        let head =
            b"POST /agents/register HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n";
        socket.write_all(head).await.expect("taken");
        let chunk = vec![b'x'; 1 << 20];
        let mut sent = 0_u64;
        // The kernel's buffers take up to some ten MiB of it; there is an end all the same.
        let far_more = 128 * MOST_BYTES;
        while sent < far_more && socket.write_all(&chunk).await.is_ok() {
            sent += chunk.len() as u64;
        }
        assert!(sent < far_more);
    }
}
