//! The agent's own token endpoint.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    Auth, Running, Settings, agent, invoke,
    mint::{Signer, claims, now},
    quick, refusal, secrets, with_token,
};
use crate::wire::{Answer, get, raw, request};

const SECRET: &str = "s3cr+t%/&=";

fn by_client() -> Settings {
    Settings {
        oauth_clients: secrets(&[("demo", SECRET), ("other", "another-secret")]),
        ..quick(Auth::OAuth2)
    }
}

async fn ask(agent: &Running, path: &str, headers: &[&str], form: &str) -> Answer {
    let mut headers = headers.to_vec();
    headers.push("Content-Type: application/x-www-form-urlencoded");
    Answer::parse(
        &raw(
            agent.addr(),
            &request("POST", path, &headers, form.as_bytes()),
        )
        .await,
    )
}

fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).finish()
}

fn basic(id: &str, secret: &str) -> String {
    format!(
        "Authorization: Basic {}",
        STANDARD.encode(format!("{id}:{secret}"))
    )
}

/// The form that gets a token.
fn right() -> String {
    form(&[
        ("grant_type", "client_credentials"),
        ("client_id", "demo"),
        ("client_secret", SECRET),
    ])
}

async fn token(agent: &Running) -> Value {
    let answer = ask(agent, "/oauth/token", &[], &right()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_token_of_the_token_endpoint_opens_the_agent() {
    let agent = agent(by_client()).await;
    refusal(&invoke(&agent, &[]).await).expect("a refusal");
    let auth = get(&agent, "/auth").await.json();
    assert_eq!(auth["type"], json!("oauth2"));
    assert_eq!(auth["token_url"], json!("/oauth/token"));

    let answer = ask(&agent, "/oauth/token", &[], &right()).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let told = answer.json();
    assert_eq!(told["token_type"], json!("Bearer"));
    assert_eq!(told["expires_in"], json!(3600));
    let token = told["access_token"].as_str().expect("a token");
    assert_eq!(with_token(&agent, token).await.status, 200);
    refusal(&with_token(&agent, &token[..token.len() - 4]).await).expect("a refusal");
    assert!(!format!("{agent:?}").contains("s3cr"));
}

#[tokio::test]
async fn a_client_is_known_by_basic_as_well_as_in_the_body() {
    let agent = agent(by_client()).await;
    let grant = "grant_type=client_credentials";
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let header = basic("demo", &encoded);
    for form in [
        grant,
        &format!("{grant}&client_id=demo"),
        &format!("{grant}&scope="),
    ] {
        let answer = ask(&agent, "/oauth/token", &[&header], form).await;
        assert_eq!(answer.status, 200, "{form} {answer:?}");
    }
    let answer = ask(
        &agent,
        "/oauth/token",
        &[&basic("other", "another-secret")],
        grant,
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn a_client_that_is_not_known_gets_no_token() {
    let agent = agent(by_client()).await;
    let grant = "grant_type=client_credentials";
    let pair = |id: &str, secret: &str| {
        let client = form(&[("client_id", id), ("client_secret", secret)]);
        format!("{grant}&{client}")
    };
    for (headers, form) in [
        (vec![], grant.to_owned()),
        (vec![], pair("demo", "wrong")),
        (vec![], pair("demo", "")),
        (vec![], pair("demo", &SECRET[..SECRET.len() - 1])),
        (vec![], pair("demo", &SECRET.to_ascii_uppercase())),
        (vec![], pair("Demo", SECRET)),
        (vec![], pair("other", SECRET)),
        (vec![], pair("", SECRET)),
        (vec![basic("demo", "wrong")], grant.to_owned()),
        (vec!["Authorization: Basic !".to_owned()], grant.to_owned()),
        (vec!["Authorization: Bearer x".to_owned()], grant.to_owned()),
    ] {
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        let answer = ask(&agent, "/oauth/token", &headers, &form).await;
        assert_eq!(answer.status, 401, "{headers:?} {form} {answer:?}");
        assert_eq!(answer.json()["error"], json!("invalid_client"));
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Basic realm=\"acp\"")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let query = format!("/oauth/token?{}", right());
    let answer = ask(&agent, &query, &[], grant).await;
    assert_eq!(answer.status, 401, "{answer:?}");
}

#[tokio::test]
async fn a_request_that_is_none_gets_no_token() {
    let agent = agent(by_client()).await;
    let client = form(&[("client_id", "demo"), ("client_secret", SECRET)]);
    for (form, error) in [
        (client.clone(), "invalid_request"),
        (
            format!("{}&grant_type=client_credentials", right()),
            "invalid_request",
        ),
        (
            format!("{client}&grant_type=password"),
            "unsupported_grant_type",
        ),
        (format!("{}&scope=admin", right()), "invalid_scope"),
    ] {
        let answer = ask(&agent, "/oauth/token", &[], &form).await;
        assert_eq!(answer.status, 400, "{form} {answer:?}");
        assert_eq!(answer.json()["error"], json!(error), "{form}");
    }
    let answer = ask(&agent, "/oauth/token", &[&basic("demo", "x")], &right()).await;
    assert_eq!(
        answer.json()["error"],
        json!("invalid_request"),
        "two ways at once"
    );
    let json = ["Content-Type: application/json"];
    let bytes = request("POST", "/oauth/token", &json, right().as_bytes());
    let answer = Answer::parse(&raw(agent.addr(), &bytes).await);
    assert_eq!(
        answer.json()["error"],
        json!("invalid_request"),
        "not a form"
    );
}

#[tokio::test]
async fn anybody_can_check_a_token_with_the_keys_that_are_told() {
    let agent = agent(by_client()).await;
    let token = token(&agent).await;
    let token = token["access_token"].as_str().expect("a token");
    let keys = get(&agent, "/.well-known/jwks.json").await;
    assert_eq!(keys.status, 200);
    assert!(
        keys.json()["keys"][0].get("d").is_none(),
        "the private half"
    );
    let keys: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.json()).expect("keys");
    let kid = jsonwebtoken::decode_header(token).expect("a header").kid;
    let key = keys.find(&kid.expect("a name")).expect("the key");
    let key = jsonwebtoken::DecodingKey::from_jwk(key).expect("a key");
    let mut checks = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    checks.set_audience(&["acp-reference-agent"]);
    checks.set_issuer(&["acp-reference-agent"]);
    let read = jsonwebtoken::decode::<Value>(token, &key, &checks).expect("a token");
    assert_eq!(read.claims["sub"], json!("demo"));
}

#[tokio::test]
async fn tokens_of_others_are_refused() {
    let ours = agent(by_client()).await;
    let theirs = agent(by_client()).await;
    let token = token(&theirs).await;
    let token = token["access_token"].as_str().expect("a token");
    refusal(&with_token(&ours, token).await).expect("a refusal");
    let kid = jsonwebtoken::decode_header(token).expect("a header").kid;
    let named = json!({"kid": kid});
    let whole = json!({
        "iss": "acp-reference-agent", "aud": "acp-reference-agent", "exp": now() + 60,
    });
    for signer in [Signer::ed(), Signer::Nobody, Signer::secret(SECRET)] {
        let forged = signer.token(&named, &claims(&whole));
        refusal(&with_token(&theirs, &forged).await).expect("a refusal");
    }
}
