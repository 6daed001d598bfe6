//! The routes, and what every request goes through before and after its handler.

#[cfg(test)]
mod tests;

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::FutureExt;
use hyper::{body::Incoming, service::Service};
use hyper_util::service::TowerToHyperService;
use tokio::time::{Instant, timeout_at};

use crate::{
    admin,
    agent::Agent,
    auth::Identity,
    body,
    call::{self, Call},
    endpoints::{Door, ENDPOINTS},
    exchange::Asked,
    failure::Failure,
    gate, invoke,
    observe::Noted,
    server::Seat,
};

/// The agent as a service.
#[derive(Debug, Clone)]
pub(crate) struct App {
    agent: Arc<Agent>,
    routes: TowerToHyperService<Router>,
    is_main: bool,
}

/// The handlers by path and method, for one connection.
struct Next {
    routes: TowerToHyperService<Router>,
    is_main: bool,
    seat: Seat,
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

    /// What every request goes through, whatever its path: noted, let in or not, and answered.
    ///
    /// Around the router, not a layer of it: that would cost more than all that it does.
    pub(crate) async fn answer(
        self,
        (peer, seat): (SocketAddr, Seat),
        request: Request<Incoming>,
    ) -> Response {
        let next = Next {
            routes: self.routes,
            is_main: self.is_main,
            seat,
        };
        edge(self.agent, peer, request.map(Body::new), next).await
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
async fn edge(agent: Arc<Agent>, peer: SocketAddr, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if !agent.seams.are_none() {
        parts.extensions.insert(ConnectInfo(peer));
    }
    let noted = Noted::of(&agent, &parts, peer.ip());
    let call = noted.call().clone();
    let attended = attend(agent, noted.call(), parts, body, next);
    let response = call::within(call, attended).await;
    noted.answer(response)
}

/// Takes the body in, lets the request in or not, and answers it.
async fn attend(agent: Arc<Agent>, call: &Call, parts: Parts, body: Body, next: Next) -> Response {
    // One time for all of it: the body's arrival, and what is done with it.
    let deadline = Instant::now() + agent.settings.request_timeout;
    // The body is taken in whatever comes of the request: so every handler has it whole, and
    // the connection can be used again even after a refusal.
    let taken = body::take_in_time(&agent.settings, deadline, &parts, body).await;
    let entry = gate::admit(&agent, call, &parts).await;
    let asked = is_bent(&agent, call).then(|| Asked::of(&parts, taken.as_ref().ok()));
    let is_late = matches!(&taken, Err(late) if late.status() == StatusCode::REQUEST_TIMEOUT);
    let mut response = match (&entry.refused, taken) {
        (Some(failure), _) => failure.clone().into_response(),
        (None, Err(failure)) => failure.into_response(),
        (None, Ok(bytes)) => {
            let request = Request::from_parts(parts, bytes);
            answer(
                &agent,
                call,
                deadline,
                entry.identity.clone(),
                request,
                next,
            )
            .await
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
    identity: Option<Identity>,
    request: Request<Bytes>,
    next: Next,
) -> Response {
    let request = match is_bent(agent, call) {
        false => request,
        true => match agent.seams.request(request).await {
            Ok(request) => request,
            Err(early) => return early.into_response(),
        },
    };
    let handled = handle(agent, call, identity, request, next);
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
    agent: &Arc<Agent>,
    call: &Call,
    identity: Option<Identity>,
    request: Request<Bytes>,
    next: Next,
) -> Response {
    let is_invoke = next.is_main && call.endpoint.template == invoke::PATH;
    if is_invoke && request.method() == Method::POST {
        let (head, body) = request.into_parts();
        let answer = invoke::answer(State(agent.clone()), head.headers, body);
        return answer.await.into_response();
    }
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(call.clone());
    request.extensions_mut().insert(next.seat);
    if let Some(identity) = identity {
        request.extensions_mut().insert(identity);
    }
    match next.routes.call(request).await {
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
