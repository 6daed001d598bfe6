//! What each fault is shown by.

use futures_util::FutureExt;
use serde_json::json;

use super::{
    JWT_SECRET, KEY, QUESTION, Running, ask, by_key, by_token, invoke,
    mint::{Signer, claims, now},
    must, refusal, with_token,
};
use crate::shown::{Question, Shown, holds_and_fails};

/// Refuses these header fields at /invoke, once the right ones have been shown.
macro_rules! refuses {
    ($($header:expr),*) => {
        |agent| {
            async move {
                must_open(&agent).await?;
                refusal(&invoke(&agent, &[$($header),*]).await)
            }
            .boxed()
        }
    };
}

/// Refuses this request.
macro_rules! refuses_at {
    ($method:literal, $path:expr, $body:expr $(, $header:expr)*) => {
        |agent| {
            async move {
                let asked = ($method, &*$path, $body);
                refusal(&ask(&agent, asked, &[$($header),*]).await)
            }
            .boxed()
        }
    };
}

/// Answers this with 200.
macro_rules! answers {
    ($path:literal $(, $header:expr)*) => {
        |agent| {
            async move {
                let answer = ask(&agent, ("GET", $path, ""), &[$($header),*]).await;
                must(&answer, answer.status == 200)
            }
            .boxed()
        }
    };
}

/// Refuses a token of the right secret with these claims.
macro_rules! refuses_claims {
    ($claims:expr) => {
        |agent| {
            async move {
                let token = Signer::secret(JWT_SECRET).token(&json!({}), &claims(&$claims));
                refusal(&with_token(&agent, &token).await)
            }
            .boxed()
        }
    };
}

async fn must_open(agent: &Running) -> Result<(), String> {
    let answer = invoke(agent, &[&format!("X-API-Key: {KEY}")]).await;
    must(&answer, answer.status == 200)
}

fn right_token() -> String {
    Signer::secret(JWT_SECRET).token(&json!({}), &claims(&json!({})))
}

const WRONG: &str = "X-API-Key: sk_test_Wrong9";
const NOTHING: Question = refuses_at!("POST", "/invoke", QUESTION);

pub(crate) const SHOWN: &[Shown] = &[
    ("hides-from-strangers", NOTHING),
    ("challenges-nobody", NOTHING),
    ("challenges-only-the-empty-handed", refuses!(WRONG)),
    ("challenges-as-a-proxy", NOTHING),
    (
        "leaves-the-stream-open",
        refuses_at!("POST", "/invoke/stream", QUESTION),
    ),
    (
        "leaves-the-advanced-stream-open",
        refuses_at!("POST", "/invoke/advanced-stream", QUESTION),
    ),
    (
        "streams-for-any-credentials",
        refuses_at!("POST", "/invoke/stream", QUESTION, WRONG),
    ),
    (
        "stores-configs-of-anybody",
        refuses_at!("POST", "/config", r#"{"config":{}}"#),
    ),
    (
        "shows-configs-to-anybody",
        refuses_at!("GET", "/config/mine", ""),
    ),
    (
        "guards-invoke-alone",
        refuses_at!("POST", "/config", r#"{"config":{}}"#),
    ),
    ("guards-health", answers!("/health")),
    ("guards-auth", answers!("/auth")),
    ("closes-auth-to-wrong-credentials", answers!("/auth", WRONG)),
    ("admits-any-key", refuses!(WRONG)),
    ("admits-an-empty-key", refuses!("X-API-Key:")),
    (
        "admits-the-beginning-of-a-key",
        refuses!(&format!("X-API-Key: {}", &KEY[..KEY.len() - 1])),
    ),
    (
        "admits-what-begins-with-a-key",
        refuses!(&format!("X-API-Key: {KEY}0")),
    ),
    ("compares-half-a-key", refuses!("X-API-Key: sk_test_Xyz788")),
    (
        "ignores-the-case-of-keys",
        refuses!("X-API-Key: SK_test_xYZ789"),
    ),
    (
        "admits-any-key-of-the-right-length",
        refuses!("X-API-Key: aaaaaaaaaaaaaa"),
    ),
    ("admits-all-after-the-right-key", refuses!(WRONG)),
    ("forbids-a-wrong-key", refuses!(WRONG)),
    ("calls-a-wrong-key-invalid-input", refuses!(WRONG)),
    (
        "takes-the-key-from-the-query",
        refuses_at!("POST", format!("/invoke?api_key={KEY}"), QUESTION),
    ),
    (
        "takes-the-key-from-a-streams-query",
        refuses_at!("POST", format!("/invoke/stream?api_key={KEY}"), QUESTION),
    ),
];

pub(crate) const SHOWN_BY_TOKENS: &[Shown] = &[
    ("overlooks-the-signature", |agent| {
        async move {
            let token = right_token();
            refusal(&with_token(&agent, &token[..token.len() - 4]).await)
        }
        .boxed()
    }),
    (
        "overlooks-the-expiry",
        refuses_claims!(json!({"exp": now() - 3600})),
    ),
    (
        "overlooks-the-audience",
        refuses_claims!(json!({"aud": "others"})),
    ),
    (
        "takes-a-token-from-the-query",
        refuses_at!(
            "POST",
            format!("/invoke?access_token={}", right_token()),
            QUESTION
        ),
    ),
    // Those that need no key show with tokens too.
    ("hides-from-strangers", NOTHING),
    ("challenges-nobody", NOTHING),
    (
        "leaves-the-stream-open",
        refuses_at!("POST", "/invoke/stream", QUESTION),
    ),
    ("guards-health", answers!("/health")),
];

#[tokio::test]
async fn each_fault_of_keys_shows() {
    holds_and_fails(SHOWN, by_key).await;
}

#[tokio::test]
async fn each_fault_of_tokens_shows() {
    holds_and_fails(SHOWN_BY_TOKENS, by_token).await;
}

/// The subtle ones are no more than they say: elsewhere the agent is as guarded as ever.
#[tokio::test]
async fn a_fault_of_invoke_leaves_the_streams_guarded() {
    for name in [
        "admits-any-key",
        "forbids-a-wrong-key",
        "hides-from-strangers",
    ] {
        let fault = acp_reference_agent::faults::find(name).expect("a fault");
        let agent = super::agent(acp_reference_agent::Settings {
            faults: vec![fault],
            ..by_key()
        })
        .await;
        let answer = ask(&agent, ("POST", "/invoke/stream", QUESTION), &[WRONG]).await;
        refusal(&answer).expect("a refusal");
        must_open(&agent).await.expect("the right key opens");
    }
}
