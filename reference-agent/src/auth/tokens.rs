//! JSON Web Tokens: whether one holds, and whose it is.

use std::time::Instant;

use axum::http::{header, request::Parts};
use jsonwebtoken::{Validation, decode, decode_header, errors::ErrorKind};
use serde::Deserialize;

use super::{
    Identity,
    issuer::Issuer,
    jwks::{Jwks, Missing},
    keyring::{Keyring, PUBLIC},
    only, unusable,
};
use crate::{
    failure::{Challenge, Failure},
    seams::Seams,
    settings::{Error, Settings},
};

/// Nobody's token is longer; what is longer costs no work.
const LONGEST_TOKEN: usize = 8 * 1024;

/// Subjects are written into logs and kept as the names of clients.
const LONGEST_SUBJECT: usize = 256;

/// How far the clocks of issuer and agent may differ.
const LEEWAY_SECONDS: u64 = 30;

/// RFC 7518, section 3.2: a secret is to be no shorter than its hash.
const SHORTEST_SECRET: usize = 32;

/// What tokens are checked with, and for.
#[derive(Debug)]
pub(super) struct Tokens {
    own: Keyring,
    outside: Option<Jwks>,
    issuer: Option<String>,
    audience: Option<String>,
    leeway_seconds: u64,
}

/// What of a token's claims is read beyond those that are checked.
#[derive(Deserialize)]
struct Claims {
    sub: String,
}

impl Tokens {
    pub(super) fn of(settings: &Settings) -> Result<Self, Error> {
        let own = match &settings.jwt_secret {
            Some(secret) if secret.reveal().len() < SHORTEST_SECRET => {
                let reason = format!("is too short for HS256; it takes {SHORTEST_SECRET} bytes");
                return Err(unusable("ACP_JWT_SECRET", &reason));
            }
            Some(secret) => Keyring::of_secret(secret.reveal().as_bytes()),
            None if settings.jwks_url.is_none() => {
                return Err(Error::Missing {
                    name: "ACP_JWT_SECRET",
                    auth: "bearer",
                    advice: "set it, or ACP_JWKS_URL",
                });
            }
            None => Keyring::default(),
        };
        Ok(Self {
            own,
            outside: settings.jwks_url.as_ref().map(Jwks::at).transpose()?,
            issuer: settings.jwt_issuer.clone(),
            audience: settings.jwt_audience.clone(),
            leeway_seconds: LEEWAY_SECONDS,
        })
    }

    /// The tokens of the agent's own endpoint: its clock is the one that they are judged by.
    pub(super) fn of_issuer(issuer: &Issuer) -> Self {
        Self {
            own: issuer.keyring(),
            outside: None,
            issuer: Some(issuer.name().to_owned()),
            audience: Some(issuer.audience().to_owned()),
            leeway_seconds: 0,
        }
    }

    /// Whose token the request shows.
    pub(super) async fn identify(&self, parts: &Parts, seams: &Seams) -> Result<Identity, Failure> {
        match only(parts, &header::AUTHORIZATION) {
            Ok(Some(shown)) => match bearer(shown) {
                Some(token) => self.verify(token, seams).await,
                None => Err(wrong("what is shown is not a bearer token")),
            },
            // Nothing was shown, so nothing was wrong with it (RFC 6750, section 3.1).
            Ok(None) => Err(Failure::unauthorized(
                "a token is needed, as `Authorization: Bearer TOKEN`",
            )
            .challenge(Challenge::Token)),
            Err(message) => Err(wrong(message)),
        }
    }

    async fn verify(&self, token: &str, seams: &Seams) -> Result<Identity, Failure> {
        if token.len() > LONGEST_TOKEN {
            return Err(wrong("the token is too long"));
        }
        let header = decode_header(token).map_err(|error| told(error.kind()))?;
        // Whoever marks something as critical wants it understood, and nothing of it is.
        if header.crit.is_some() {
            return Err(wrong("the token asks for what is not known here"));
        }
        let kid = header.kid.as_deref();
        let key = match (self.own.find(kid, header.alg), &self.outside) {
            (Some(key), _) => key,
            (None, Some(outside)) if PUBLIC.contains(&header.alg) => {
                let found = outside.find(kid, header.alg, Instant::now()).await;
                found.map_err(|missing| match missing {
                    Missing::Key => wrong("the token is signed with a key that is not known"),
                    Missing::Everything => {
                        Failure::unavailable("the keys of the token's issuer cannot be had")
                    }
                })?
            }
            (None, _) => return Err(wrong("the token is signed with a key that is not known")),
        };
        let mut checks = self.checks(key.algorithm);
        seams.checks(&mut checks);
        let token = decode::<Claims>(token, &key.key, &checks);
        let subject = token.map_err(|error| told(error.kind()))?.claims.sub;
        match (1..=LONGEST_SUBJECT).contains(&subject.len()) {
            true => Ok(Identity(subject)),
            false => Err(wrong("the token's subject is no usable name")),
        }
    }

    /// A token for somebody else is refused even if the settings name no audience (RFC 7519, section 4.1.3).
    fn checks(&self, algorithm: jsonwebtoken::Algorithm) -> Validation {
        let mut checks = Validation::new(algorithm);
        checks.leeway = self.leeway_seconds;
        checks.validate_nbf = true;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = &self.issuer {
            checks.set_issuer(&[issuer]);
            required.push("iss");
        }
        if let Some(audience) = &self.audience {
            checks.set_audience(&[audience]);
            required.push("aud");
        }
        checks.set_required_spec_claims(&required);
        checks
    }
}

/// The token in the value of `Authorization`; the name of the scheme may be written in any case.
fn bearer(shown: &[u8]) -> Option<&str> {
    let (scheme, token) = std::str::from_utf8(shown).ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

fn wrong(message: &str) -> Failure {
    Failure::unauthorized(message).challenge(Challenge::OtherToken)
}

fn told(kind: &ErrorKind) -> Failure {
    wrong(match kind {
        ErrorKind::ExpiredSignature => "the token has expired",
        ErrorKind::ImmatureSignature => "the token does not hold yet",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks a claim that is needed",
        _ => "the token does not hold",
    })
}
