//! The agent's own token endpoint (OAuth 2.0, client credentials) and the key that it signs
//! with: made at the start, and gone with the agent.
//!
//! It is there so that the whole flow can be tried on one machine. For real use there is an
//! issuer outside, and `auth` is `bearer`.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::{error::Unspecified, signature::Ed25519KeyPair};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode, get_current_timestamp,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde_json::json;

use super::{
    form::{self, Refused},
    keyring::Keyring,
    keys::Named,
};
use crate::{
    agent::Agent,
    documents::json_bytes,
    failure::Failure,
    settings::{Error, Settings},
};

pub(crate) const TOKEN_PATH: &str = "/oauth/token";
pub(crate) const JWKS_PATH: &str = "/.well-known/jwks.json";

/// Makes tokens for the clients that it knows.
#[derive(Debug)]
pub(crate) struct Issuer {
    clients: Named,
    key: EncodingKey,
    key_id: String,
    /// The public half of the key, as others read it.
    document: Bytes,
    name: String,
    audience: String,
    ttl: Duration,
}

impl Issuer {
    pub(super) fn of(settings: &Settings) -> Result<Self, Error> {
        let clients = Named::of("ACP_OAUTH_CLIENTS", "oauth2", &settings.oauth_clients)?;
        let broken = |reason: String| Error::Data {
            name: "the signing key",
            reason,
        };
        let key = signing_key().map_err(|error| broken(error.to_string()))?;
        let (key_id, jwk) = public_half(&key).map_err(|error| broken(error.to_string()))?;
        let ours = |told: &Option<String>| told.clone().unwrap_or(settings.agent_id.clone());
        Ok(Self {
            clients,
            key,
            key_id,
            document: json!({"keys": [jwk]}).to_string().into(),
            name: ours(&settings.jwt_issuer),
            audience: ours(&settings.jwt_audience),
            ttl: settings.token_ttl,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn audience(&self) -> &str {
        &self.audience
    }

    /// What its tokens are checked with: the public half of its key, read as anybody would.
    pub(super) fn keyring(&self) -> Keyring {
        // The document was written above, from a key.
        Keyring::parse(&self.document).unwrap_or_default()
    }

    /// A token for a client that has shown its secret.
    fn grant(&self, headers: &HeaderMap, body: &[u8]) -> Result<(String, u64), Refused> {
        let request = form::read(headers, body)?;
        let is_known = |(id, secret): &(String, String)| self.clients.is(id, secret.as_bytes());
        let client = request.client.filter(is_known).ok_or(Refused::Client)?.0;
        request.grant?;
        // A whole second at least, and no fraction: tokens count in seconds.
        let lives = self.ttl.as_secs().max(1);
        let now = get_current_timestamp();
        let mut header = Header::new(Algorithm::EdDSA);
        // As RFC 9068 has access tokens.
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(self.key_id.clone());
        let claims = json!({
            "iss": self.name,
            "aud": self.audience,
            "sub": client,
            "client_id": client,
            "iat": now,
            "exp": now + lives,
            "jti": uuid::Uuid::new_v4().to_string(),
        });
        let token = encode(&header, &claims, &self.key).map_err(|_| Refused::Server)?;
        Ok((token, lives))
    }
}

fn signing_key() -> Result<EncodingKey, Unspecified> {
    let pair = Ed25519KeyPair::generate()?.to_pkcs8v1()?;
    Ok(EncodingKey::from_ed_der(pair.as_ref()))
}

/// The key's name, which is its own digest, and its public half.
fn public_half(key: &EncodingKey) -> Result<(String, Jwk), jsonwebtoken::errors::Error> {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::EdDSA)?;
    let id = jwk.thumbprint(ThumbprintHash::SHA256)?;
    jwk.common.key_id = Some(id.clone());
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok((id, jwk))
}

/// `POST /oauth/token`.
pub(crate) async fn token(
    State(agent): State<Arc<Agent>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Response {
    let Some(issuer) = agent.guard.issuer() else {
        return Failure::not_found().into_response();
    };
    match issuer.grant(&headers, &bytes) {
        Ok((token, lives)) => {
            let body = json!({"access_token": token, "token_type": "Bearer", "expires_in": lives});
            form::respond(StatusCode::OK, &body)
        }
        Err(refused) => refused.into_response(),
    }
}

/// `GET /.well-known/jwks.json`.
pub(crate) async fn jwks(State(agent): State<Arc<Agent>>) -> Response {
    match agent.guard.issuer() {
        Some(issuer) => json_bytes(StatusCode::OK, issuer.document.clone()),
        None => Failure::not_found().into_response(),
    }
}
