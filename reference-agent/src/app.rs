//! The routes, and what every request goes through before and after its handler.

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::FutureExt;
use hyper::{body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;
use tokio::time::{Instant, timeout_at};

use crate::{
    agent::Agent,
    auth::issuer,
    body,
    call::{self, Call},
    config, documents,
    exchange::Asked,
    failure::Failure,
    gate, health, invoke, metrics,
    observe::Noted,
    stream,
};

/// The agent as a service.
#[derive(Debug, Clone)]
pub(crate) struct App {
    agent: Arc<Agent>,
    routes: Routes,
}

/// The handlers by path and method.
type Routes = TowerToHyperService<Router>;

impl App {
    pub(crate) fn of(agent: Arc<Agent>) -> Self {
        Self {
            routes: TowerToHyperService::new(routes(&agent)),
            agent,
        }
    }

    /// What every request goes through, whatever its path: noted, let in or not, and answered.
    ///
    /// Around the router, not a layer of it: that would cost more than all that it does.
    pub(crate) async fn answer(self, peer: SocketAddr, request: Request<Incoming>) -> Response {
        edge(self.agent, peer, request.map(Body::new), self.routes).await
    }
}

fn routes(agent: &Arc<Agent>) -> Router {
    let mut routes = Router::new()
        .route("/", get(documents::read_index))
        .route("/auth", get(documents::auth))
        .route("/schema", get(documents::read_schema))
        .route("/capabilities", get(documents::read_capabilities))
        .route("/health", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/config", post(config::create))
        .route("/config/{id}", get(config::read))
        .route("/config/{id}/history", get(config::history))
        .route("/config/{id}/rollback", post(config::roll_back))
        .route(invoke::PATH, post(invoke::handle));
    if agent.settings.enable_streaming {
        routes = routes
            .route("/invoke/stream", post(stream::by_status))
            .route("/invoke/advanced-stream", post(stream::by_step));
    }
    if agent.settings.enable_metrics {
        routes = routes.route("/metrics", get(metrics::read));
    }
    if agent.guard.issuer().is_some() {
        routes = routes
            .route(issuer::TOKEN_PATH, post(issuer::token))
            .route(issuer::JWKS_PATH, get(issuer::jwks));
    }
    routes
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        // `edge` bounds the body, as the settings say; the framework's own bound would go first.
        .layer(DefaultBodyLimit::disable())
        .with_state(agent.clone())
}

/// What every request goes through, whatever its path: noted, from its head to its end.
async fn edge(agent: Arc<Agent>, peer: SocketAddr, request: Request, next: Routes) -> Response {
    let (parts, body) = request.into_parts();
    let noted = Noted::of(&agent, &parts, peer.ip());
    let call = noted.call().clone();
    let attended = attend(agent, noted.call(), parts, body, next);
    let response = call::within(call, attended).await;
    noted.answer(response)
}

/// Takes the body in, lets the request in or not, and answers it.
async fn attend(
    agent: Arc<Agent>,
    call: &Call,
    parts: Parts,
    body: Body,
    next: Routes,
) -> Response {
    // One time for all of it: the body's arrival, and what is done with it.
    let deadline = Instant::now() + agent.settings.request_timeout;
    // The body is taken in whatever comes of the request: so every handler has it whole, and
    // the connection can be used again even after a refusal.
    let taken = body::take_in_time(&agent.settings, deadline, &parts, body).await;
    let entry = gate::admit(&agent, call, &parts).await;
    let asked = (!agent.seams.are_none()).then(|| Asked::of(&parts, taken.as_ref().ok()));
    let is_late = matches!(&taken, Err(late) if late.status() == StatusCode::REQUEST_TIMEOUT);
    let mut response = match (&entry.refused, taken) {
        (Some(failure), _) => failure.clone().into_response(),
        (None, Err(failure)) => failure.into_response(),
        (None, Ok(bytes)) => {
            let request = Request::from_parts(parts, bytes);
            answer(&agent, call, deadline, request, next).await
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
async fn answer(
    agent: &Arc<Agent>,
    call: &Call,
    deadline: Instant,
    request: Request<Bytes>,
    next: Routes,
) -> Response {
    let request = match agent.seams.request(request).await {
        Ok(request) => request,
        Err(early) => return early.into_response(),
    };
    let handled = AssertUnwindSafe(handle(agent, call, request, next)).catch_unwind();
    match timeout_at(deadline, handled).await {
        Ok(Ok(response)) => enveloped(response),
        Ok(Err(_)) => Failure::execution().into_response(),
        // The handler has been dropped, and with it the work.
        Err(_) => Failure::timeout(agent.settings.request_timeout).into_response(),
    }
}

/// What the handler answers. The busiest one is found without the router, which takes longer
/// to come to it than it takes itself.
async fn handle(
    agent: &Arc<Agent>,
    call: &Call,
    request: Request<Bytes>,
    next: Routes,
) -> Response {
    if call.endpoint.template == invoke::PATH && request.method() == Method::POST {
        let answer = invoke::answer(agent, request.headers(), request.body());
        return answer.await.into_response();
    }
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(call.clone());
    match next.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
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
