//! API keys.

use serde_json::json;

use super::{
    Auth, GUARDED, KEY, OPEN, QUESTION, Settings, agent, ask, by_key, invoke, quick, refusal,
};
use crate::wire::get;

#[tokio::test]
async fn the_right_key_opens_what_is_guarded() {
    let agent = agent(by_key()).await;
    for asked in GUARDED {
        for key in [KEY, "sk_live_Abc123"] {
            let answer = ask(&agent, asked, &[&format!("x-api-key: {key}")]).await;
            assert_ne!(answer.status, 401, "{asked:?} {answer:?}");
        }
        let answer = ask(&agent, asked, &[]).await;
        refusal(&answer).expect("a refusal");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("ApiKey realm=\"acp\"")
        );
    }
    assert_eq!(
        invoke(&agent, &[&format!("X-API-Key: {KEY}")]).await.status,
        200
    );
}

#[tokio::test]
async fn every_other_key_is_refused() {
    let agent = agent(by_key()).await;
    for headers in [
        &[][..],
        &["X-API-Key:"],
        &["X-API-Key: "],
        &["X-API-Key: sk_test_Wrong9"],
        &["X-API-Key: sk_test_Xyz78"],
        &["X-API-Key: s"],
        &["X-API-Key: sk_test_Xyz7890"],
        &["X-API-Key: sk_test_Xyz789,sk_test_Xyz789"],
        &["X-API-Key: sk_test_xyz789"],
        &["X-API-Key: SK_TEST_XYZ789"],
        &["X-API-Key: \"sk_test_Xyz789\""],
        &["X-API-Key: Bearer sk_test_Xyz789"],
        &["X-API-Key: development"],
        &["X-API-Key: development=sk_test_Xyz789"],
        &["Authorization: Bearer sk_test_Xyz789"],
        &["Authorization: sk_test_Xyz789"],
        &["Cookie: X-API-Key=sk_test_Xyz789"],
        // Twice, even if both are right.
        &["X-API-Key: sk_test_Xyz789", "X-API-Key: sk_test_Xyz789"],
        &["X-API-Key: sk_test_Wrong9", "X-API-Key: sk_test_Xyz789"],
    ] {
        let answer = invoke(&agent, headers).await;
        refusal(&answer).unwrap_or_else(|wrong| panic!("{headers:?} {wrong}"));
    }
}

#[tokio::test]
async fn a_key_in_the_query_string_is_not_looked_at() {
    let agent = agent(by_key()).await;
    for name in ["api_key", "apikey", "key", "X-API-Key", "access_token"] {
        let path = format!("/invoke?{name}={KEY}");
        let answer = ask(&agent, ("POST", &path, QUESTION), &[]).await;
        refusal(&answer).expect("a refusal");
    }
}

#[tokio::test]
async fn what_a_client_reads_first_is_open() {
    let agent = agent(by_key()).await;
    for path in OPEN {
        assert_eq!(get(&agent, path).await.status, 200, "{path}");
        let wrong = ask(&agent, ("GET", path, ""), &["X-API-Key: wrong"]).await;
        assert_eq!(wrong.status, 200, "{path} with a wrong key");
    }
    assert_eq!(get(&agent, "/nowhere").await.status, 404);
    assert_eq!(get(&agent, "/oauth/token").await.status, 404);
    assert_eq!(get(&agent, "/.well-known/jwks.json").await.status, 404);
}

#[tokio::test]
async fn metrics_are_guarded_if_the_settings_say_so() {
    let open = agent(by_key()).await;
    assert_ne!(get(&open, "/metrics").await.status, 401);
    let guarded = agent(Settings {
        guard_metrics: true,
        ..by_key()
    })
    .await;
    refusal(&get(&guarded, "/metrics").await).expect("a refusal");
    let key = format!("X-API-Key: {KEY}");
    let answer = ask(&guarded, ("GET", "/metrics", ""), &[&key]).await;
    assert_ne!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn the_agent_tells_what_it_asks_for_and_no_secret() {
    let keyed = agent(by_key()).await;
    let auth = get(&keyed, "/auth").await;
    assert_eq!(auth.json()["type"], json!("api_key"));
    assert_eq!(auth.json()["required"], json!(true));
    assert_eq!(auth.json()["header"], json!("X-API-Key"));
    for path in OPEN {
        assert!(!get(&keyed, path).await.text().contains("sk_"), "{path}");
    }
    let answer = invoke(&keyed, &["X-API-Key: sk_test_Wrong9"]).await;
    assert!(!answer.text().contains("sk_"), "{answer:?}");
    assert!(!format!("{keyed:?}").contains("sk_"));

    let free = agent(quick(Auth::None)).await;
    assert_eq!(get(&free, "/auth").await.json()["type"], json!("none"));
    assert_eq!(invoke(&free, &[]).await.status, 200);
}
