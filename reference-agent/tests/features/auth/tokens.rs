//! Bearer tokens of others: signed with a shared secret, or with the keys of an issuer.

use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use super::{
    Auth, JWT_SECRET, QUESTION, Running, Settings, agent, ask, by_token, invoke,
    mint::{Signer, claims, now},
    quick, refusal, with_token,
};
use crate::wire::get;

fn refused(what: &str, answer: &crate::wire::Answer) {
    refusal(answer).unwrap_or_else(|wrong| panic!("{what}: {wrong}"));
    let challenge = "Bearer realm=\"acp\", error=\"invalid_token\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge), "{what}");
}

/// An issuer that answers so, and an agent that asks it.
async fn with_issuer(answer: ResponseTemplate) -> (MockServer, Running) {
    let issuer = MockServer::start().await;
    Mock::given(path("/keys"))
        .respond_with(answer)
        .mount(&issuer)
        .await;
    let settings = Settings {
        jwks_url: url::Url::parse(&format!("{}/keys", issuer.uri())).ok(),
        ..quick(Auth::Bearer)
    };
    (issuer, agent(settings).await)
}

fn document(keys: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({"keys": keys}))
}

#[tokio::test]
async fn a_token_of_the_shared_secret_is_let_in() {
    let agent = agent(by_token()).await;
    let token = Signer::secret(JWT_SECRET).token(&json!({}), &claims(&json!({})));
    assert_eq!(with_token(&agent, &token).await.status, 200);
    // The scheme's name is written in any case (RFC 9110, section 11.1).
    let answer = invoke(&agent, &[&format!("authorization: bEARER {token}")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let auth = get(&agent, "/auth").await;
    assert_eq!(auth.json()["type"], json!("bearer"));
    assert!(!auth.text().contains(JWT_SECRET) && !format!("{agent:?}").contains(JWT_SECRET));
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused() {
    let agent = agent(by_token()).await;
    let ours = Signer::secret(JWT_SECRET);
    for (what, changes) in [
        ("expired", json!({"exp": now() - 3600})),
        ("without an end", json!({"exp": null})),
        ("with an end that is no number", json!({"exp": "never"})),
        ("not yet", json!({"nbf": now() + 3600})),
        ("for another audience", json!({"aud": "others"})),
        ("without a subject", json!({"sub": null})),
        ("with an empty subject", json!({"sub": ""})),
        ("with a long subject", json!({"sub": "x".repeat(257)})),
        ("too long", json!({"more": "x".repeat(8 * 1024)})),
    ] {
        let token = ours.token(&json!({}), &claims(&changes));
        refused(what, &with_token(&agent, &token).await);
    }
    let crit = ours.token(&json!({"crit": ["b64"], "b64": true}), &claims(&json!({})));
    refused("with something critical", &with_token(&agent, &crit).await);
    let other = Signer::secret("another-secret-of-more-than-32-bytes");
    let other = other.token(&json!({}), &claims(&json!({})));
    refused("of another secret", &with_token(&agent, &other).await);
}

#[tokio::test]
async fn a_token_that_was_tampered_with_is_refused() {
    let agent = agent(by_token()).await;
    let token = Signer::secret(JWT_SECRET).token(&json!({}), &claims(&json!({})));
    let unsigned = Signer::Nobody.token(&json!({}), &claims(&json!({})));
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let other = Signer::secret(JWT_SECRET).token(&json!({}), &claims(&json!({"sub": "you"})));
    let (_, strange) = other.rsplit_once('.').expect("three parts");
    for wrong in [
        "",
        "x",
        "a.b.c",
        "....",
        signed,
        &format!("{signed}."),
        &format!("{signed}.{strange}"),
        &token[..token.len() - 1],
        &format!("{token}A"),
        &format!("{token}.{signature}"),
        &token.to_ascii_uppercase(),
        &unsigned,
        &unsigned.replace("none", "NONE"),
        // The public Base64 alphabet of none, with a signature of something.
        &format!("{unsigned}{signature}"),
    ] {
        refused(wrong, &with_token(&agent, wrong).await);
    }
}

#[tokio::test]
async fn a_token_is_shown_once_and_in_its_header() {
    let agent = agent(by_token()).await;
    let token = Signer::secret(JWT_SECRET).token(&json!({}), &claims(&json!({})));
    let shown = format!("Authorization: Bearer {token}");
    for headers in [
        &[shown.as_str(), shown.as_str()][..],
        &[&format!("Authorization: {token}")],
        &[&format!("Authorization: Basic {token}")],
        &[&format!("Authorization: Bearer{token}")],
    ] {
        refused("shown amiss", &invoke(&agent, headers).await);
    }
    // Nothing was shown where it is looked for: no error is named (RFC 6750, section 3.1).
    for (path, header) in [
        ("/invoke", "Accept: */*".to_owned()),
        ("/invoke", format!("X-API-Key: {token}")),
        (
            &*format!("/invoke?access_token={token}"),
            "Accept: */*".to_owned(),
        ),
    ] {
        let answer = ask(&agent, ("POST", path, QUESTION), &[&header]).await;
        refusal(&answer).expect("a refusal");
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Bearer realm=\"acp\"")
        );
    }
}

#[tokio::test]
async fn issuer_and_audience_must_be_those_of_the_settings() {
    let agent = agent(Settings {
        jwt_issuer: Some("https://issuer.example".to_owned()),
        jwt_audience: Some("weather".to_owned()),
        ..by_token()
    })
    .await;
    let ours = Signer::secret(JWT_SECRET);
    let right = json!({"iss": "https://issuer.example", "aud": ["others", "weather"]});
    let token = ours.token(&json!({}), &claims(&right));
    assert_eq!(with_token(&agent, &token).await.status, 200);
    for (name, value) in [
        ("iss", json!("https://issuer.example/")),
        ("iss", Value::Null),
        ("aud", json!("others")),
        ("aud", json!(["others"])),
        ("aud", Value::Null),
    ] {
        let mut wrong = right.clone();
        wrong[name] = value;
        let token = ours.token(&json!({}), &claims(&wrong));
        refused(&wrong.to_string(), &with_token(&agent, &token).await);
    }
    let auth = get(&agent, "/auth").await.json();
    assert_eq!(auth["issuer"], json!("https://issuer.example"));
    assert_eq!(auth["audience"], json!("weather"));
}

#[tokio::test]
async fn tokens_of_an_issuer_are_let_in_by_the_keys_that_it_tells() {
    let signers = [Signer::ed(), Signer::ec(), Signer::rsa()];
    let keys: Vec<_> = signers
        .iter()
        .map(|signer| signer.jwk(signer.algorithm()))
        .collect();
    let (_issuer, agent) = with_issuer(document(&keys)).await;
    for signer in &signers {
        let named = json!({"kid": signer.algorithm()});
        let token = signer.token(&named, &claims(&json!({})));
        let answer = with_token(&agent, &token).await;
        assert_eq!(answer.status, 200, "{named} {answer:?}");
        // There is one key of each kind, so that it need not be named.
        let token = signer.token(&json!({}), &claims(&json!({})));
        assert_eq!(with_token(&agent, &token).await.status, 200);
        let expired = signer.token(&named, &claims(&json!({"exp": now() - 3600})));
        refused("expired", &with_token(&agent, &expired).await);
    }
}

#[tokio::test]
async fn a_token_cannot_choose_what_it_is_checked_with() {
    let signers = [Signer::rsa(), Signer::ec(), Signer::ed()];
    let keys: Vec<_> = signers
        .iter()
        .map(|signer| signer.jwk(signer.algorithm()))
        .collect();
    let (_issuer, agent) = with_issuer(document(&keys)).await;
    for signer in &signers {
        let named = json!({"kid": signer.algorithm()});
        // The public key, taken for a secret.
        for public in signer.public_forms() {
            let token = Signer::secret(public).token(&named, &claims(&json!({})));
            refused(
                "a public key as a secret",
                &with_token(&agent, &token).await,
            );
        }
        // A key that comes with the token itself.
        for stranger in [Signer::rsa(), Signer::ec(), Signer::ed()] {
            let own = json!({"kid": signer.algorithm(), "jwk": stranger.jwk("x"), "jku": "https://x.invalid"});
            let token = stranger.token(&own, &claims(&json!({})));
            refused("a key of its own", &with_token(&agent, &token).await);
        }
        let token = Signer::Nobody.token(&named, &claims(&json!({})));
        refused("unsigned", &with_token(&agent, &token).await);
        let unknown = signer.token(&json!({"kid": "made-up"}), &claims(&json!({})));
        refused("of an unknown key", &with_token(&agent, &unknown).await);
    }
}

#[tokio::test]
async fn while_the_issuer_is_down_nothing_can_be_said_of_its_tokens() {
    let signer = Signer::ed();
    let token = signer.token(&json!({"kid": "a"}), &claims(&json!({})));
    let keys = [signer.jwk("a")];
    let (other, _) = with_issuer(document(&keys)).await;
    let elsewhere = format!("{}/keys", other.uri());
    let long = json!({"keys": keys, "more": "x".repeat(300 * 1024)});
    for answer in [
        ResponseTemplate::new(500).set_body_json(json!({"keys": keys})),
        ResponseTemplate::new(302).insert_header("Location", elsewhere),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_json(long),
    ] {
        let (_issuer, agent) = with_issuer(answer).await;
        let answer = with_token(&agent, &token).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.json()["error"]["code"], json!("UNAVAILABLE"));
        // What no issuer could make good is refused as ever.
        refused("no token", &with_token(&agent, "x").await);
        assert_eq!(invoke(&agent, &[]).await.status, 401);
    }
}

#[tokio::test]
async fn keys_that_are_known_outlast_their_issuer() {
    let signer = Signer::ed();
    let (issuer, agent) = with_issuer(document(&[signer.jwk("a")])).await;
    let token = signer.token(&json!({"kid": "a"}), &claims(&json!({})));
    assert_eq!(with_token(&agent, &token).await.status, 200);
    drop(issuer);
    assert_eq!(with_token(&agent, &token).await.status, 200);
    let unknown = signer.token(&json!({"kid": "b"}), &claims(&json!({})));
    refused("of an unknown key", &with_token(&agent, &unknown).await);
}
