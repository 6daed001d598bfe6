//! The routes, and what every request goes through before and after its handler.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::FutureExt;

use crate::{
    agent::Agent, body, config, documents, exchange::Asked, failure::Failure, invoke, stream,
};

/// The agent as a service.
pub(crate) fn router(agent: Arc<Agent>) -> Router {
    let routes = Router::new()
        .route("/", get(documents::read_index))
        .route("/auth", get(documents::auth))
        .route("/schema", get(documents::read_schema))
        .route("/capabilities", get(documents::read_capabilities))
        .route("/health", get(documents::health))
        .route("/config", post(config::create))
        .route("/invoke", post(invoke::answer))
        .route("/invoke/stream", post(stream::by_status))
        .route("/invoke/advanced-stream", post(stream::by_step))
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

/// Takes the body in, whatever the path: so every handler has it whole, and a connection
/// can be used again even after a refusal. A panic becomes an answer like any other.
async fn edge(State(agent): State<Arc<Agent>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let taken = body::take(&parts, body, agent.settings.body_limit).await;
    let asked = Asked::of(&parts, taken.as_ref().ok());
    let response = match taken {
        Err(failure) => failure.into_response(),
        Ok(bytes) => match agent.seams.request(Request::from_parts(parts, bytes)).await {
            Err(early) => early.into_response(),
            Ok(request) => {
                let handled = next.run(request.map(Body::from));
                match AssertUnwindSafe(handled).catch_unwind().await {
                    Ok(response) => response,
                    Err(_) => Failure::execution().into_response(),
                }
            }
        },
    };
    agent.seams.reply(&asked, response).await
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
            port: 0,
            faults: vec![&PANICS],
            ..Settings::default()
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
