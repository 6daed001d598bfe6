//! The keys that tokens are checked with, each for one algorithm.

use std::sync::Arc;

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

/// The algorithms of keys that anybody may see.
pub(super) const PUBLIC: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];

/// A key, and the one algorithm that it is good for: so no token can have a public key read
/// as a secret, or pick a weaker algorithm.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// Some keys.
#[derive(Debug, Default)]
pub(super) struct Keyring(Vec<Arc<Key>>);

impl Keyring {
    /// The one secret that signs and checks.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        Self(vec![Arc::new(Key {
            id: None,
            algorithm: Algorithm::HS256,
            key: DecodingKey::from_secret(secret),
        })])
    }

    /// The keys of a JWK set. One that is for something else, or that is not understood, is
    /// left out (RFC 7517, section 5).
    pub(super) fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_slice(document)?;
        let keys = document.keys.into_iter().filter_map(key).map(Arc::new);
        Ok(Self(keys.collect()))
    }

    /// The key that a token names. A token need not name one where only one can be meant.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Arc<Key>> {
        let mut fitting = self.0.iter().filter(|key| {
            let same = match (key.id.as_deref(), id) {
                (Some(known), Some(named)) => known == named,
                _ => true,
            };
            same && key.algorithm == algorithm
        });
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Some(key.clone()),
            _ => None,
        }
    }
}

fn key(value: Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        // A secret in a document that anybody may read is none.
        _ => return None,
    };
    let told = &jwk.common;
    let agrees = told
        .key_algorithm
        .is_none_or(|told| told == KeyAlgorithm::from(algorithm));
    let signs = matches!(told.public_key_use, None | Some(PublicKeyUse::Signature));
    let operations = told.key_operations.as_ref();
    let verifies = operations.is_none_or(|known| known.contains(&KeyOperations::Verify));
    (agrees && signs && verifies).then_some(())?;
    Some(Key {
        key: DecodingKey::from_jwk(&jwk).ok()?,
        id: jwk.common.key_id,
        algorithm,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn ed(members: Value) -> Value {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
        for (name, value) in members.as_object().expect("members") {
            key[name] = value.clone();
        }
        key
    }

    fn ring(keys: Value) -> Keyring {
        Keyring::parse(json!({"keys": keys}).to_string().as_bytes()).expect("a key set")
    }

    #[test]
    fn keys_for_something_else_are_left_out() {
        let odd = [
            ed(json!({"use": "enc"})),
            ed(json!({"alg": "ES256"})),
            ed(json!({"key_ops": ["encrypt"]})),
            ed(json!({"crv": "X25519"})),
            json!({"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}),
            json!({"kty": "EC", "crv": "P-384", "x": X, "y": X}),
            json!({"kty": "quantum"}),
            json!(7),
        ];
        for key in odd {
            let ring = ring(json!([key, ed(json!({"kid": "good", "use": "sig"}))]));
            assert_eq!(ring.0.len(), 1, "{key}");
            assert_eq!(ring.0[0].id.as_deref(), Some("good"));
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_and_for_its_algorithm() {
        let ring = ring(json!([ed(json!({"kid": "a"})), ed(json!({"kid": "b"}))]));
        let found = ring.find(Some("b"), Algorithm::EdDSA).expect("a key");
        assert_eq!(found.id.as_deref(), Some("b"));
        assert!(ring.find(Some("c"), Algorithm::EdDSA).is_none());
        for other in [Algorithm::HS256, Algorithm::ES256, Algorithm::RS256] {
            assert!(ring.find(Some("b"), other).is_none());
        }
        assert!(ring.find(None, Algorithm::EdDSA).is_none(), "which one?");
    }

    #[test]
    fn an_only_key_need_not_be_named() {
        let only = ring(json!([ed(json!({"kid": "a"}))]));
        assert!(only.find(None, Algorithm::EdDSA).is_some());
        let secret = Keyring::of_secret(b"hush");
        assert!(secret.find(Some("any"), Algorithm::HS256).is_some());
        assert!(secret.find(None, Algorithm::EdDSA).is_none());
    }
}
