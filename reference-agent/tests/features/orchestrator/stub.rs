//! An orchestrator that writes down what it is told, in the order of arrival, and answers as
//! a script says.

use std::{
    cell::RefCell,
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use acp_reference_agent::Settings;
use axum::{
    Json, Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};

/// The time from one heartbeat to the next.
pub(crate) const INTERVAL: Duration = Duration::from_millis(200);

/// What has not come by then does not come: many times what it takes.
const PATIENCE: Duration = Duration::from_secs(6);

/// A call, as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
    /// How many of its kind came before it.
    pub(crate) nth: usize,
    pub(crate) at: Instant,
}

impl Told {
    /// `register`, `heartbeat` and so on.
    pub(crate) fn kind(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn is(&self, kind: &str) -> bool {
        self.kind() == kind
    }
}

/// What is answered to a call.
pub(crate) type Script = fn(&Told) -> Response;

/// A stub, which answers nothing before it has a script.
#[derive(Clone)]
pub(crate) struct Stub {
    pub(crate) url: String,
    told: Arc<watch::Sender<Vec<Told>>>,
    script: Arc<watch::Sender<Option<Script>>>,
}

thread_local! {
    /// The stub of the agent that was started last in this test.
    static LATEST: RefCell<Option<Stub>> = const { RefCell::new(None) };
}

impl Stub {
    /// On any free port.
    pub(crate) fn start() -> Self {
        Self::over(TcpListener::bind("127.0.0.1:0").expect("a port"))
    }

    pub(crate) fn over(listener: TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stub = Self {
            url,
            told: Arc::default(),
            script: Arc::default(),
        };
        let router = Router::new().fallback(take).with_state(stub.clone());
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        tokio::spawn(async { axum::serve(listener, router).await });
        stub
    }

    /// The stub of the settings that this test has made last.
    pub(crate) fn latest() -> Self {
        LATEST.with_borrow(Clone::clone).expect("a stub")
    }

    /// Settings of an agent of this stub.
    pub(crate) fn settings(&self) -> Settings {
        LATEST.set(Some(self.clone()));
        Settings {
            agent_id: "agent-under-test".to_owned(),
            orchestrator_url: Some(self.url.parse().expect("a URL")),
            heartbeat_interval: INTERVAL,
            ..Settings::unlimited()
        }
    }

    /// Answers what has come and what comes.
    pub(crate) fn answer(&self, script: Script) {
        self.script.send_replace(Some(script));
    }

    /// How many calls have come.
    pub(crate) fn count(&self) -> usize {
        self.told.borrow().len()
    }

    /// The call in this place, once it has come.
    pub(crate) async fn call(&self, place: usize) -> Result<Told, String> {
        let mut told = self.told.subscribe();
        let come = timeout(PATIENCE, told.wait_for(|told| told.len() > place)).await;
        match come {
            Ok(Ok(told)) => Ok(told[place].clone()),
            _ => Err(format!("no call {place} has come")),
        }
    }

    /// The call of this kind and number, once it has come, and its place.
    pub(crate) async fn find(&self, kind: &str, nth: usize) -> Result<(usize, Told), String> {
        let is_it = |told: &Told| told.is(kind) && told.nth == nth;
        let mut told = self.told.subscribe();
        let come = timeout(PATIENCE, told.wait_for(|told| told.iter().any(is_it))).await;
        let told = come.map_err(|_| format!("no {kind} {nth} has come"));
        let told = told?.map_err(|error| error.to_string())?;
        let place = told.iter().position(is_it).unwrap_or_default();
        Ok((place, told[place].clone()))
    }
}

async fn take(State(stub): State<Stub>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap_or_default();
    let mut told = Told {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        nth: 0,
        at: Instant::now(),
    };
    stub.told.send_modify(|all| {
        told.nth = all.iter().filter(|one| one.is(told.kind())).count();
        all.push(told.clone());
    });
    let mut script = stub.script.subscribe();
    match script.wait_for(Option::is_some).await.map(|script| *script) {
        Ok(Some(answer)) => answer(&told),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Every registration is given an id of its own, and all is well.
pub(crate) fn well(told: &Told) -> Response {
    match told.is("register") {
        true => Json(json!({"registration_id": format!("reg-{}", told.nth)})).into_response(),
        false => Json(json!({"status": "ok"})).into_response(),
    }
}

/// An answer without a body.
pub(crate) fn status(code: u16) -> Response {
    let code = StatusCode::from_u16(code).expect("a status");
    code.into_response()
}

/// An answer that leads elsewhere on this stub.
pub(crate) fn redirect(to: &'static str) -> Response {
    let mut response = status(307);
    let to = HeaderValue::from_static(to);
    response.headers_mut().insert(header::LOCATION, to);
    response
}

/// A registration with an endless body.
pub(crate) fn flood() -> Response {
    let text = format!(
        r#"{{"registration_id":"reg-flood","pad":"{}"}}"#,
        "x".repeat(100_000)
    );
    Response::new(Body::from(Bytes::from(text)))
}
