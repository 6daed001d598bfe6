//! The keys of an outside issuer of tokens: fetched when they are first needed, and again when
//! a token names one that is not known.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use reqwest::{Client, StatusCode};
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use super::{
    keyring::{Key, Keyring},
    unusable,
};
use crate::{outbound, settings::Error};

/// How long the issuer may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// More than any issuer's keys take.
const LONGEST: usize = 256 * 1024;

/// After this, keys are asked for again, so that one that was withdrawn ceases to hold.
const STALE: Duration = Duration::from_secs(600);

/// The least time between two fetches: who makes up names of keys cannot make the agent
/// trouble the issuer.
const PAUSE: Duration = Duration::from_secs(30);

/// The same, after one that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Why there is no key for a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The issuer has none of this name.
    Key,
    /// The issuer's keys were never had, so that nothing can be said of the token.
    Everything,
}

/// The keys of one issuer.
#[derive(Debug, Clone)]
pub(super) struct Jwks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    url: Url,
    client: Client,
    known: ArcSwapOption<Known>,
    /// When keys may be fetched again; whoever holds this is fetching.
    turn: Arc<Mutex<Option<Instant>>>,
}

#[derive(Debug)]
struct Known {
    keys: Keyring,
    since: Instant,
}

impl Jwks {
    pub(super) fn at(url: &Url) -> Result<Self, Error> {
        let client = outbound::client(url)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| unusable("ACP_JWKS_URL", &format!("cannot be asked: {error}")))?;
        Ok(Self(Arc::new(Shared {
            url: url.clone(),
            client,
            known: ArcSwapOption::empty(),
            turn: Arc::default(),
        })))
    }

    /// The key that a token names, fetched if need be.
    pub(super) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
        now: Instant,
    ) -> Result<Arc<Key>, Missing> {
        let shared = &self.0;
        let known = shared.known.load_full();
        let found = known
            .as_ref()
            .and_then(|known| known.keys.find(id, algorithm));
        let is_stale = known.is_none_or(|known| now.saturating_duration_since(known.since) > STALE);
        let turn = match found {
            Some(key) if !is_stale => return Ok(key),
            // One asks whether the keys still stand; the others go on with what is known.
            Some(_) => shared.turn.clone().try_lock_owned().ok(),
            None => Some(shared.turn.clone().lock_owned().await),
        };
        if let Some(turn) = turn {
            self.refresh(turn, now).await;
        }
        let known = shared.known.load_full().ok_or(Missing::Everything)?;
        known.keys.find(id, algorithm).ok_or(Missing::Key)
    }

    /// Fetches the keys, if it is time; keeps the old ones if that fails.
    async fn refresh(&self, mut turn: OwnedMutexGuard<Option<Instant>>, now: Instant) {
        if turn.is_some_and(|next| now < next) {
            return;
        }
        let shared = self.0.clone();
        // A task of its own: else whoever hangs up in time would spoil every fetch.
        let fetching = tokio::spawn(async move {
            let pause = match shared.fetch().await {
                Ok(keys) => {
                    let known = Known { keys, since: now };
                    shared.known.store(Some(Arc::new(known)));
                    PAUSE
                }
                Err(reason) => {
                    tracing::warn!(reason, "the keys of the token issuer cannot be had");
                    PAUSE_AFTER_FAILURE
                }
            };
            *turn = Some(now + pause);
        });
        // It ends in any case, as the client's time is bounded; what it has found is in `known`.
        let _ = fetching.await;
    }
}

impl Shared {
    async fn fetch(&self) -> Result<Keyring, String> {
        let told = |error: reqwest::Error| error.without_url().to_string();
        let request = self.client.get(self.url.clone());
        let response = request.send().await.map_err(told)?;
        if response.status() != StatusCode::OK {
            return Err(format!("the issuer answered {}", response.status()));
        }
        let document = outbound::read(response, LONGEST).await.map_err(told)?;
        let too_long = || format!("the document is longer than {LONGEST} bytes");
        let document = document.ok_or_else(too_long)?;
        Keyring::parse(&document).map_err(|_| "the document is not a JWK set".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// An issuer that has these keys.
    async fn tell(issuer: &MockServer, ids: &[&str]) {
        let key = |id| {
            json!({
                "kty": "OKP", "crv": "Ed25519", "kid": id,
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            })
        };
        let keys: Vec<_> = ids.iter().map(key).collect();
        answer(
            issuer,
            ResponseTemplate::new(200).set_body_json(json!({"keys": keys})),
        )
        .await;
    }

    /// The issuer's only answer from now on.
    async fn answer(issuer: &MockServer, answer: ResponseTemplate) {
        issuer.reset().await;
        Mock::given(any()).respond_with(answer).mount(issuer).await;
    }

    /// How often the issuer was asked since it has told what it tells now.
    async fn asked(issuer: &MockServer) -> usize {
        issuer.received_requests().await.expect("requests").len()
    }

    async fn issuer() -> (MockServer, Jwks) {
        let issuer = MockServer::start().await;
        tell(&issuer, &["a"]).await;
        let url = Url::parse(&issuer.uri()).expect("a URL");
        (issuer, Jwks::at(&url).expect("a client"))
    }

    async fn find(jwks: &Jwks, id: &str, now: Instant) -> Result<(), Missing> {
        let found = jwks.find(Some(id), Algorithm::EdDSA, now).await;
        found.map(drop)
    }

    #[tokio::test]
    async fn keys_are_fetched_once() {
        let (issuer, jwks) = issuer().await;
        let now = Instant::now();
        assert_eq!(asked(&issuer).await, 0);
        let all = (0..20).map(|_| find(&jwks, "a", now));
        for found in futures_util::future::join_all(all).await {
            assert_eq!(found, Ok(()));
        }
        assert_eq!(asked(&issuer).await, 1);
    }

    #[tokio::test]
    async fn names_that_are_made_up_do_not_trouble_the_issuer() {
        let (issuer, jwks) = issuer().await;
        let now = Instant::now();
        for id in 0..20 {
            let found = find(&jwks, &id.to_string(), now + SECOND * id).await;
            assert_eq!(found, Err(Missing::Key));
        }
        assert_eq!(asked(&issuer).await, 1);
        let found = find(&jwks, "21", now + PAUSE).await;
        assert_eq!((found, asked(&issuer).await), (Err(Missing::Key), 2));
    }

    #[tokio::test]
    async fn a_new_key_is_found_and_an_old_one_ceases_to_hold() {
        let (issuer, jwks) = issuer().await;
        let now = Instant::now();
        assert_eq!(find(&jwks, "a", now).await, Ok(()));
        tell(&issuer, &["b"]).await;
        assert_eq!(find(&jwks, "b", now + SECOND).await, Err(Missing::Key));
        assert_eq!(find(&jwks, "b", now + PAUSE).await, Ok(()));
        assert_eq!(find(&jwks, "a", now + PAUSE).await, Err(Missing::Key));
        assert_eq!(asked(&issuer).await, 1);
    }

    #[tokio::test]
    async fn a_key_that_was_withdrawn_ceases_to_hold_even_if_nobody_names_a_new_one() {
        let (issuer, jwks) = issuer().await;
        let now = Instant::now();
        assert_eq!(find(&jwks, "a", now).await, Ok(()));
        tell(&issuer, &["b"]).await;
        assert_eq!(find(&jwks, "a", now + STALE).await, Ok(()));
        let later = now + STALE + SECOND;
        assert_eq!(find(&jwks, "a", later).await, Err(Missing::Key));
    }

    #[tokio::test]
    async fn keys_that_are_known_outlast_an_outage() {
        let (issuer, jwks) = issuer().await;
        let now = Instant::now();
        assert_eq!(find(&jwks, "a", now).await, Ok(()));
        answer(&issuer, ResponseTemplate::new(503)).await;
        let later = now + STALE + SECOND;
        assert_eq!(find(&jwks, "a", later).await, Ok(()));
        assert_eq!(find(&jwks, "b", later).await, Err(Missing::Key));
        assert_eq!(asked(&issuer).await, 1);
    }

    #[tokio::test]
    async fn an_issuer_that_is_down_is_asked_again_after_a_while() {
        let (issuer, jwks) = issuer().await;
        answer(&issuer, ResponseTemplate::new(503)).await;
        let now = Instant::now();
        for second in 0..5 {
            let found = find(&jwks, "a", now + SECOND * second).await;
            assert_eq!(found, Err(Missing::Everything));
        }
        assert_eq!(asked(&issuer).await, 1);
        tell(&issuer, &["a"]).await;
        let found = find(&jwks, "a", now + PAUSE_AFTER_FAILURE).await;
        assert_eq!(found, Ok(()));
    }

    #[tokio::test]
    async fn who_hangs_up_does_not_spoil_the_fetch() {
        let (issuer, jwks) = issuer().await;
        let now = Instant::now();
        tokio::select! {
            biased;
            _ = find(&jwks, "a", now) => panic!("answered without asking"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(find(&jwks, "a", now).await, Ok(()));
        assert_eq!(asked(&issuer).await, 1);
    }
}
