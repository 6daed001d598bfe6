//! An issuer of tokens of any kind, right and wrong, by the bytes: not by the library that the
//! agent reads them with.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaPublicKeyComponents,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// What signs.
pub(super) enum Signer {
    Ed(Ed25519KeyPair),
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    Secret(Vec<u8>),
    Nobody,
}

impl Signer {
    pub(super) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().expect("a key"))
    }

    pub(super) fn ec() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
        Self::Ec(pair.expect("a key"))
    }

    pub(super) fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"))
    }

    pub(super) fn secret(secret: impl AsRef<[u8]>) -> Self {
        Self::Secret(secret.as_ref().to_vec())
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed(_) => "EdDSA",
            Self::Ec(_) => "ES256",
            Self::Rsa(_) => "RS256",
            Self::Secret(_) => "HS256",
            Self::Nobody => "none",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ed(pair) => pair.sign(text).as_ref().to_vec(),
            Self::Ec(pair) => pair.sign(&random, text).expect("signed").as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
                    .expect("signed");
                signature
            }
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, text).as_ref().to_vec()
            }
            Self::Nobody => Vec::new(),
        }
    }

    /// The public half, as a JWKS document has it.
    pub(super) fn jwk(&self, id: &str) -> Value {
        let mut jwk = match self {
            Self::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key())})
            }
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({"kty": "EC", "crv": "P-256", "x": text(x), "y": text(y)})
            }
            Self::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({"kty": "RSA", "n": text(public.n), "e": text(public.e)})
            }
            Self::Secret(_) | Self::Nobody => panic!("no public half"),
        };
        jwk["kid"] = json!(id);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm());
        jwk
    }

    /// The forms in which others have the public half: what a confused agent takes for a secret.
    pub(super) fn public_forms(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Rsa(pair) => {
                let der = pair.public_key().as_der().expect("a key");
                let der = der.as_ref().to_vec();
                let body = base64::engine::general_purpose::STANDARD.encode(&der);
                let lines: Vec<_> = body.as_bytes().chunks(64).collect();
                let lines = lines.join(&b'\n');
                let lines = String::from_utf8(lines).expect("Base64");
                let pem =
                    format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n");
                vec![pair.public_key().as_ref().to_vec(), der, pem.into_bytes()]
            }
            Self::Ed(pair) => vec![pair.public_key().as_ref().to_vec()],
            Self::Ec(pair) => vec![pair.public_key().as_ref().to_vec()],
            Self::Secret(_) | Self::Nobody => panic!("no public half"),
        }
    }

    /// A token with these members beside those of any header.
    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        let plain = json!({"alg": self.algorithm(), "typ": "JWT"});
        let header = with(plain, header);
        let signed = format!("{}.{}", text(header.to_string()), text(claims.to_string()));
        let signature = text(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

fn text(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a time after 1970").as_secs()
}

/// Claims that hold for an hour, with these changes; null takes one away.
pub(super) fn claims(changes: &Value) -> Value {
    with(json!({"sub": "me", "exp": now() + 3600}), changes)
}

fn with(mut plain: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("members") {
        plain[name] = value.clone();
    }
    let members = plain.as_object_mut().expect("members");
    members.retain(|_, value| !value.is_null());
    plain
}
