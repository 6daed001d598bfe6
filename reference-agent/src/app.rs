//! The routes, and what every request goes through before and after its handler.

#[cfg(test)]
mod tests;

use std::{
    mem,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use hyper::{body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;
use tokio::time::{Instant, timeout_at};

use crate::{
    admin,
    agent::Agent,
    auth::Identity,
    body::{self, Arriving},
    call::{self, Call},
    endpoints::{Door, ENDPOINTS},
    exchange::Asked,
    failure::Failure,
    gate::{self, Entry},
    invoke,
    observe::Noted,
    visit::Visit,
};

/// The agent as a service.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) agent: Arc<Agent>,
    routes: TowerToHyperService<Router>,
    is_main: bool,
}

impl App {
    /// All that the agent serves; the admin API too, if it has no port of its own.
    pub(crate) fn main(agent: Arc<Agent>) -> Self {
        let has_admin = agent.settings.admin_port.is_none();
        let routes = routes(&agent, |door| door != Door::Admin || has_admin);
        Self {
            routes: serving(routes, &agent),
            is_main: true,
            agent,
        }
    }

    /// The admin API as a service of its own.
    pub(crate) fn admin(agent: Arc<Agent>) -> Self {
        let routes = routes(&agent, |door| door == Door::Admin);
        Self {
            routes: serving(routes, &agent),
            is_main: false,
            agent,
        }
    }
}

/// What every request goes through, whatever its path: noted, let in or not, and answered.
///
/// Around the router, not a layer of it: that would cost more than all that it does.
pub(crate) fn answer(visit: Arc<Visit>, request: Request<Incoming>) -> Answering {
    Answering::Fresh(visit, request)
}

/// A request on its way to its answer.
///
/// Small until it has to wait for something: a connection keeps room for it for as long as it is
/// open, and what can be answered at once needs no room of its own.
#[expect(
    clippy::large_enum_variant,
    reason = "to do without a box is what it is for"
)]
pub(crate) enum Answering {
    Fresh(Arc<Visit>, Request<Incoming>),
    Waiting(BoxFuture<'static, Response>),
    Answered,
}

impl Future for Answering {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        let mut waiting = match mem::replace(&mut *self, Self::Answered) {
            Self::Fresh(visit, request) => match begin(visit, request, cx) {
                Ok(response) => return Poll::Ready(response),
                Err(waiting) => waiting,
            },
            Self::Waiting(waiting) => waiting,
            Self::Answered => return Poll::Pending,
        };
        let polled = waiting.poll_unpin(cx);
        if polled.is_pending() {
            *self = Self::Waiting(waiting);
        }
        polled
    }
}

/// The answer, if it can be given at once, or else the way to it.
fn begin(
    visit: Arc<Visit>,
    request: Request<Incoming>,
    cx: &mut Context<'_>,
) -> Result<Response, BoxFuture<'static, Response>> {
    let (parts, body) = request.into_parts();
    let noted = Noted::of(visit, &parts);
    let limit = noted.visit().app.agent.settings.body_limit;
    let body = Arriving::of(body, limit, cx);
    let entry = match body.whole() {
        Some(bytes) if bytes.len() <= limit => match recall(&noted, &parts, bytes) {
            Recalled::Answer(response) => return Ok(noted.answer(response)),
            Recalled::Nothing(entry) => entry,
        },
        _ => None,
    };
    Err(Box::pin(edge(noted, parts, body, entry)))
}

/// What comes of a look at what is remembered.
enum Recalled {
    Answer(Response),
    /// It may be that the request has been let in or refused already.
    Nothing(Option<Entry>),
}

/// The answer to a question that was answered before, which most are.
fn recall(noted: &Noted, parts: &Parts, bytes: &Bytes) -> Recalled {
    let App { agent, is_main, .. } = &noted.visit().app;
    let call = noted.call();
    if !is_main || call.endpoint.template != invoke::PATH || parts.method != Method::POST {
        return Recalled::Nothing(None);
    }
    let Some(entry) = gate::admit_now(agent, call, parts) else {
        return Recalled::Nothing(None);
    };
    if entry.refused.is_some() {
        return Recalled::Nothing(Some(entry));
    }
    match invoke::recalled(agent, call.began, &parts.headers, bytes) {
        Some(mut response) => {
            entry.tell(response.headers_mut());
            Recalled::Answer(response)
        }
        None => Recalled::Nothing(Some(entry)),
    }
}

/// The paths behind these doors that the settings switch on, each with what answers there.
fn routes(agent: &Arc<Agent>, is_served: impl Fn(Door) -> bool) -> Router<Arc<Agent>> {
    let served = ENDPOINTS
        .iter()
        .filter(|endpoint| is_served(endpoint.door) && (endpoint.is_on)(&agent.settings));
    served.fold(Router::new(), |routes, endpoint| {
        let handlers = (endpoint.handlers)(agent);
        let handlers = match endpoint.door {
            Door::Admin => admin::locked(agent, handlers),
            Door::Open | Door::Guarded | Door::Metrics => handlers,
        };
        routes.route(endpoint.template, handlers)
    })
}

/// These paths, and what is answered on any other.
fn serving(routes: Router<Arc<Agent>>, agent: &Arc<Agent>) -> TowerToHyperService<Router> {
    let routes = routes
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        // `edge` bounds the body, as the settings say; the framework's own bound would go first.
        .layer(DefaultBodyLimit::disable())
        .with_state(agent.clone());
    TowerToHyperService::new(routes)
}

/// What every request goes through, whatever its path: noted, from its head to its end.
async fn edge(noted: Noted, mut parts: Parts, body: Arriving, entry: Option<Entry>) -> Response {
    let visit = noted.visit();
    if !visit.app.agent.seams.are_none() {
        parts.extensions.insert(ConnectInfo(visit.peer));
    }
    let call = noted.call().clone();
    let attended = attend(visit, noted.call(), parts, body, entry);
    let response = call::within(call, attended).await;
    noted.answer(response)
}

/// Takes the body in, lets the request in or not, and answers it.
async fn attend(
    visit: &Visit,
    call: &Call,
    parts: Parts,
    body: Arriving,
    entry: Option<Entry>,
) -> Response {
    let agent = &visit.app.agent;
    // One time for all of it: the body's arrival, and what is done with it.
    let deadline = Instant::now() + agent.settings.request_timeout;
    // The body is taken in whatever comes of the request: so every handler has it whole, and
    // the connection can be used again even after a refusal.
    let taken = body::take_in_time(&agent.settings, deadline, &parts, body).await;
    let entry = match entry {
        Some(entry) => entry,
        None => gate::admit(agent, call, &parts).await,
    };
    let asked = is_bent(agent, call).then(|| Asked::of(&parts, taken.as_ref().ok()));
    let is_late = matches!(&taken, Err(late) if late.status() == StatusCode::REQUEST_TIMEOUT);
    let mut response = match (&entry.refused, taken) {
        (Some(failure), _) => failure.clone().into_response(),
        (None, Err(failure)) => failure.into_response(),
        (None, Ok(bytes)) => {
            let request = Request::from_parts(parts, bytes);
            work(visit, call, deadline, entry.identity.clone(), request).await
        }
    };
    if is_late {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    entry.tell(response.headers_mut());
    if let Some(asked) = asked {
        response = agent.seams.reply(&asked, response).await;
    }
    response
}

/// Runs the handler for as long as it may take; a panic becomes an answer like any other.
async fn work(
    visit: &Visit,
    call: &Call,
    deadline: Instant,
    identity: Option<Identity>,
    request: Request<Bytes>,
) -> Response {
    let agent = &visit.app.agent;
    let request = match is_bent(agent, call) {
        false => request,
        true => match agent.seams.request(request).await {
            Ok(request) => request,
            Err(early) => return early.into_response(),
        },
    };
    let handled = handle(visit, call, identity, request);
    let handled = AssertUnwindSafe(handled).catch_unwind();
    match timeout_at(deadline, handled).await {
        Ok(Ok(response)) => enveloped(response),
        Ok(Err(_)) => Failure::execution().into_response(),
        // The handler has been dropped, and with it the work.
        Err(_) => Failure::timeout(agent.settings.request_timeout).into_response(),
    }
}

/// What the handler answers. The busiest one is called past the router, which takes longer to
/// come to it than it takes itself.
async fn handle(
    visit: &Visit,
    call: &Call,
    identity: Option<Identity>,
    request: Request<Bytes>,
) -> Response {
    let App {
        agent,
        routes,
        is_main,
    } = &visit.app;
    let is_invoke = *is_main && call.endpoint.template == invoke::PATH;
    if is_invoke && request.method() == Method::POST {
        let (head, body) = request.into_parts();
        let answer = invoke::answer(State(agent.clone()), head.headers, body);
        return answer.await.into_response();
    }
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(call.clone());
    request.extensions_mut().insert(visit.seat.clone());
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Whether a fault may step in. None does in the admin API, which is where they are switched off.
fn is_bent(agent: &Agent, call: &Call) -> bool {
    call.endpoint.door != Door::Admin && !agent.seams.are_none()
}

/// Puts the envelope in the place of a refusal that the framework has worded by itself: of a
/// path that is no UTF-8, for one.
fn enveloped(response: Response) -> Response {
    let status = response.status();
    let is_worded = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    if is_worded || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (ours, body) = Failure::by_framework(status).into_response().into_parts();
    let mut response = response.map(|_| body);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().extend(ours.headers);
    response
}
