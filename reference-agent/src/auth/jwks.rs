//! The keys of an outside issuer of tokens: fetched when they are first needed, and again when
//! a token names one that is not known.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;
use jsonwebtoken::Algorithm;
use reqwest::{Client, StatusCode, redirect};
use tokio::sync::{Mutex, OwnedMutexGuard};
use url::Url;

use super::{
    keyring::{Key, Keyring},
    unusable,
};
use crate::settings::Error;

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
        let client = Client::builder()
            .timeout(TIMEOUT)
            // Where the keys come from is for the settings to say, and for nobody else.
            .redirect(redirect::Policy::none())
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
        let mut response = request.send().await.map_err(told)?;
        if response.status() != StatusCode::OK {
            return Err(format!("the issuer answered {}", response.status()));
        }
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if document.len() + chunk.len() > LONGEST {
                return Err(format!("the document is longer than {LONGEST} bytes"));
            }
            document.extend_from_slice(&chunk);
        }
        Keyring::parse(&document).map_err(|_| "the document is not a JWK set".to_owned())
    }
}
