//! Ed25519 keys, as OpenSSL writes them: PEM of PKCS#8 (RFC 8410) and of SubjectPublicKeyInfo.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

use super::sha256;

/// Why a text is not the key that is wanted. No message holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A private key is wanted.
    #[error("a public key; the certificate is signed with the private one")]
    Public,
    /// A public key is wanted.
    #[error(
        "a private key; give the public one (`openssl pkey -in KEY -pubout`), and keep this one to yourself"
    )]
    Private,
    /// It has a passphrase.
    #[error(
        "an encrypted key; take the passphrase off where nobody else reads it (`openssl pkey -in KEY`)"
    )]
    Encrypted,
    /// No PEM.
    #[error("no key in PEM; make one with `openssl genpkey -algorithm ed25519`")]
    NotPem,
    /// Another algorithm's, or broken.
    #[error("no Ed25519 key; make one with `openssl genpkey -algorithm ed25519`")]
    NotEd25519,
}

/// What signs certificates.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
    id: String,
}

impl SigningKey {
    /// Reads a private key.
    ///
    /// # Errors
    /// If this is no Ed25519 key in PEM of PKCS#8, or it is encrypted.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let Ok(key) = PrivatePkcs8KeyDer::from_pem_slice(text) else {
            return Err(match holds(text) {
                Held::Public => KeyError::Public,
                Held::Encrypted => KeyError::Encrypted,
                Held::Private => KeyError::NotEd25519,
                Held::Nothing => KeyError::NotPem,
            });
        };
        let pair =
            Ed25519KeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| KeyError::NotEd25519)?;
        let public = pair.public_key().as_der();
        let id = sha256(public.map_err(|_| KeyError::NotEd25519)?.as_ref());
        Ok(Self { pair, id })
    }

    /// SHA-256 of the public key (SubjectPublicKeyInfo, DER), in hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

/// What checks certificates.
#[derive(Debug)]
pub struct VerifyingKey {
    key: ParsedPublicKey,
    id: String,
}

impl VerifyingKey {
    /// Reads a public key.
    ///
    /// # Errors
    /// If this is no Ed25519 key in PEM of SubjectPublicKeyInfo.
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        let Ok(key) = SubjectPublicKeyInfoDer::from_pem_slice(text) else {
            return Err(match holds(text) {
                Held::Private | Held::Encrypted => KeyError::Private,
                Held::Public => KeyError::NotEd25519,
                Held::Nothing => KeyError::NotPem,
            });
        };
        let id = sha256(&key);
        let key = ParsedPublicKey::new(&ED25519, &key[..]).map_err(|_| KeyError::NotEd25519)?;
        Ok(Self { key, id })
    }

    /// As [`SigningKey::id`] of the other half.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

/// What a text holds by its own word.
enum Held {
    Public,
    Private,
    Encrypted,
    Nothing,
}

fn holds(text: &[u8]) -> Held {
    let text = String::from_utf8_lossy(text);
    let begins = |what: &str| text.contains(what);
    match () {
        () if begins("-----BEGIN ENCRYPTED PRIVATE KEY-----") => Held::Encrypted,
        () if begins("PRIVATE KEY-----") => Held::Private,
        () if begins("PUBLIC KEY-----") => Held::Public,
        () => Held::Nothing,
    }
}
