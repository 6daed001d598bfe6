//! Who is let in: with API keys, with tokens of others, and with tokens of the agent's own.

mod keys;
mod mint;
mod oauth;
mod shown;
mod tokens;

use std::time::Duration;

use acp_reference_agent::{
    Running, Settings,
    settings::{Auth, Secret},
    start,
};
use serde_json::json;

use crate::wire::{Answer, raw, request};

pub(crate) use shown::{SHOWN, SHOWN_BY_TOKENS};

const KEY: &str = "sk_test_Xyz789";

/// Longer than the shortest that is taken.
const JWT_SECRET: &str = "a-secret-of-more-than-thirty-two-bytes";

/// What `/invoke` and its like take.
const QUESTION: &str = r#"{"input":{"city":"Oslo"}}"#;

/// What is guarded, and how it is asked.
const GUARDED: [(&str, &str, &str); 7] = [
    ("POST", "/invoke", QUESTION),
    ("POST", "/invoke/stream", QUESTION),
    ("POST", "/invoke/advanced-stream", QUESTION),
    ("POST", "/config", r#"{"config":{}}"#),
    ("GET", "/config/mine", ""),
    ("GET", "/config/mine/history", ""),
    ("POST", "/config/mine/rollback", r#"{"version":"1"}"#),
];

/// What a client must be able to read before it can show anything, and probes.
const OPEN: [&str; 6] = [
    "/auth",
    "/health",
    "/health/ready",
    "/schema",
    "/capabilities",
    "/",
];

fn secrets(all: &[(&str, &str)]) -> Vec<(String, Secret)> {
    let one = |(name, secret): &(&str, &str)| ((*name).to_owned(), Secret::of(secret));
    all.iter().map(one).collect()
}

fn quick(auth: Auth) -> Settings {
    Settings {
        auth,
        stream_step: Duration::from_millis(1),
        ..Settings::unlimited()
    }
}

fn by_key() -> Settings {
    Settings {
        api_keys: secrets(&[("production", "sk_live_Abc123"), ("development", KEY)]),
        ..quick(Auth::ApiKey)
    }
}

fn by_token() -> Settings {
    Settings {
        jwt_secret: Some(Secret::of(JWT_SECRET)),
        ..quick(Auth::Bearer)
    }
}

async fn agent(settings: Settings) -> Running {
    start(settings).await.expect("the agent starts")
}

/// Asks with these header fields beside those that belong to the body.
async fn ask(agent: &Running, asked: (&str, &str, &str), headers: &[&str]) -> Answer {
    let (method, path, body) = asked;
    let mut headers = headers.to_vec();
    if !body.is_empty() {
        headers.push("Content-Type: application/json");
    }
    Answer::parse(
        &raw(
            agent.addr(),
            &request(method, path, &headers, body.as_bytes()),
        )
        .await,
    )
}

async fn invoke(agent: &Running, headers: &[&str]) -> Answer {
    ask(agent, ("POST", "/invoke", QUESTION), headers).await
}

async fn with_token(agent: &Running, token: &str) -> Answer {
    invoke(agent, &[&format!("Authorization: Bearer {token}")]).await
}

/// Whether an answer is a refusal as it should be: the status, the challenge and the envelope.
fn refusal(answer: &Answer) -> Result<(), String> {
    let scheme = answer.header("www-authenticate").unwrap_or_default();
    let scheme = scheme.split(' ').next();
    let holds = answer.status == 401
        && matches!(scheme, Some("ApiKey" | "Bearer"))
        && answer.json()["error"]["code"] == json!("UNAUTHORIZED");
    holds.then_some(()).ok_or(format!("{answer:?}"))
}

fn must(answer: &Answer, is_right: bool) -> Result<(), String> {
    is_right.then_some(()).ok_or(format!("{answer:?}"))
}
