//! The routes, and what every request goes through before and after its handler.

use std::{net::SocketAddr, panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, Request, State},
    http::request::Parts,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::FutureExt;
use tokio::time::timeout;

#[cfg(feature = "graphql")]
use crate::graphql;
use crate::{
    admin, agent::Agent, body, call::Call, config, documents, endpoints::Door, exchange::Asked,
    external, failure::Failure, gate, health, invoke, metrics, observe, stream, websocket,
};

/// The agent as a service.
pub(crate) fn router(agent: Arc<Agent>) -> Router {
    let mut routes = Router::new()
        .route("/", get(documents::read_index))
        .route("/auth", get(documents::auth))
        .route("/schema", get(documents::read_schema))
        .route("/capabilities", get(documents::read_capabilities))
        .route("/health", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/config", post(config::create))
        .route("/invoke", post(invoke::answer))
        .route("/invoke-external", post(external::answer));
    if agent.settings.enable_streaming {
        routes = routes
            .route("/invoke/stream", post(stream::by_status))
            .route("/invoke/advanced-stream", post(stream::by_step));
    }
    if agent.settings.enable_streaming {
        routes = routes.route("/ws", get(websocket::open));
    }
    if agent.settings.enable_metrics {
        routes = routes.route("/metrics", get(metrics::read));
    }
    #[cfg(feature = "graphql")]
    {
        routes = routes.route("/graphql", graphql::route(&agent));
    }
    if agent.settings.admin_port.is_none() {
        routes = routes.merge(admin::routes(&agent));
    }
    serving(routes, agent)
}

/// The admin API as a service of its own.
pub(crate) fn admin_router(agent: Arc<Agent>) -> Router {
    serving(admin::routes(&agent), agent)
}

/// These paths, and what every request goes through.
fn serving(routes: Router<Arc<Agent>>, agent: Arc<Agent>) -> Router {
    let routes = routes
        .fallback(async || Failure::not_found())
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        // `edge` bounds the body, as the settings say; the framework's own bound would go first.
        .layer(DefaultBodyLimit::disable())
        .with_state(agent.clone());
    // A router of its own around the routes, as `Allow` is added outside their layers.
    Router::new()
        .fallback_service(routes)
        .layer(from_fn_with_state(agent, edge))
}

/// What every request goes through, whatever its path: noted, let in or not, and answered.
async fn edge(
    State(agent): State<Arc<Agent>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let call = Call::of(&agent, &parts, peer.ip());
    // The body is taken in whatever comes of the request: so every handler has it whole, and
    // the connection can be used again even after a refusal.
    let taken = body::take(&parts, body, agent.settings.body_limit).await;
    let entry = gate::admit(&agent, &call, &parts).await;
    if let Some(identity) = entry.identity.clone() {
        parts.extensions.insert(identity);
    }
    let asked = is_bent(&agent, &call).then(|| Asked::of(&parts, taken.as_ref().ok()));
    let mut response = match (&entry.refused, taken) {
        (Some(failure), _) => failure.clone().into_response(),
        (None, Err(failure)) => failure.into_response(),
        (None, Ok(bytes)) => answer(&agent, &call, parts, bytes, next).await,
    };
    entry.tell(response.headers_mut());
    if let Some(asked) = asked {
        response = agent.seams.reply(&asked, response).await;
    }
    observe::note(&agent, call, response)
}

/// Runs the handler for as long as it may take; a panic becomes an answer like any other.
async fn answer(agent: &Agent, call: &Call, parts: Parts, bytes: Bytes, next: Next) -> Response {
    let mut request = Request::from_parts(parts, bytes);
    if is_bent(agent, call) {
        request = match agent.seams.request(request).await {
            Ok(request) => request,
            Err(early) => return early.into_response(),
        };
    }
    let mut request = request.map(Body::from);
    request.extensions_mut().insert(call.clone());
    let limit = agent.settings.request_timeout;
    let handled = AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout(limit, handled).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Failure::execution().into_response(),
        Err(_) => Failure::timeout(limit).into_response(),
    }
}

/// Whether a fault may step in. None does in the admin API, which is where they are switched off.
fn is_bent(agent: &Agent, call: &Call) -> bool {
    call.endpoint.door != Door::Admin && !agent.seams.are_none()
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use crate::{Settings, faults::Fault, seams::Seam, start};

    /// Not in the catalogue: a real panic also speaks through the process's panic hook.
    static PANICS: Fault = Fault {
        name: "panics",
        summary: "a handler panics",
        trips: &[],
        seams: &[Seam::Output(|_, _, _| panic!("in src/secret.rs"))],
    };

    #[tokio::test]
    async fn a_panic_is_answered_like_any_other_failure() {
        let settings = Settings {
            faults: vec![&PANICS],
            ..Settings::unlimited()
        };
        let agent = start(settings).await.expect("the agent starts");
        let mut socket = TcpStream::connect(agent.addr())
            .await
            .expect("a connection");
        let body = r#"{"input":{"city":"x"}}"#;
        let request = format!(
            "POST /invoke HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len(),
        );
        socket.write_all(request.as_bytes()).await.expect("taken");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
        assert!(
            answer.contains("EXECUTION_ERROR") && !answer.contains("secret"),
            "{answer}"
        );
        agent.stop().await;
    }
}
