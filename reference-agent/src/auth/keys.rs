//! Secrets that are known by their hashes alone, and are compared in constant time.

use std::fmt;

use aws_lc_rs::{constant_time, digest};

use super::unusable;
use crate::settings::{Error, Secret};

/// The SHA-256 of a secret. No salt and no slow hash: what is kept so are long random keys,
/// which nobody can guess, and the kept form never leaves the memory.
#[derive(Clone, Copy)]
pub(crate) struct Hashed([u8; 32]);

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<hashed>")
    }
}

impl Hashed {
    pub(crate) fn of(secret: &Secret) -> Self {
        Self::of_bytes(secret.reveal().as_bytes())
    }

    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    /// Whether this is the secret; how long that takes says nothing of it.
    pub(crate) fn matches(&self, shown: &[u8]) -> bool {
        self.equals(&Self::of_bytes(shown))
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// Secrets by the names of those who have them.
#[derive(Debug)]
pub(crate) struct Named(Vec<(String, Hashed)>);

impl Named {
    /// The secrets of a setting, which needs some if `auth` is this.
    pub(super) fn of(
        name: &'static str,
        auth: &'static str,
        secrets: &[(String, Secret)],
    ) -> Result<Self, Error> {
        if secrets.is_empty() {
            let advice = "write name=secret,name=secret";
            return Err(Error::Missing { name, auth, advice });
        }
        let hashed = |(name, secret): &(String, Secret)| (name.clone(), Hashed::of(secret));
        Ok(Self(secrets.iter().map(hashed).collect()))
    }

    /// Says whether two names have one secret: then nobody could tell who is asking.
    pub(super) fn each_its_own(self, place: &str) -> Result<Self, Error> {
        for (at, (name, secret)) in self.0.iter().enumerate() {
            let same = |(_, other): &&(String, Hashed)| other.equals(secret);
            if let Some((other, _)) = self.0[..at].iter().find(same) {
                let reason = format!("`{other}` and `{name}` have the same secret");
                return Err(unusable(place, &reason));
            }
        }
        Ok(self)
    }

    /// Whose secret this is. All of them are compared, whichever it is.
    pub(super) fn holder(&self, shown: &[u8]) -> Option<&str> {
        let shown = Hashed::of_bytes(shown);
        self.0.iter().fold(None, |found, (name, secret)| {
            match (secret.equals(&shown), found) {
                (true, _) => Some(name.as_str()),
                (false, found) => found,
            }
        })
    }

    /// Whether this is the secret of that name. All of them are compared, whether or not there is such a name.
    pub(super) fn is(&self, name: &str, shown: &[u8]) -> bool {
        let shown = Hashed::of_bytes(shown);
        self.0.iter().fold(false, |found, (known, secret)| {
            found | (secret.equals(&shown) & (known == name))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> Named {
        let secrets = [("one", "sk_test_One"), ("two", "sk_test_Two")];
        let secrets = secrets.map(|(name, secret)| (name.to_owned(), Secret::of(secret)));
        Named::of("ACP_API_KEYS", "api_key", &secrets).expect("keys")
    }

    #[test]
    fn a_secret_is_known_whole_and_as_it_is() {
        let named = named();
        assert_eq!(named.holder(b"sk_test_One"), Some("one"));
        assert_eq!(named.holder(b"sk_test_Two"), Some("two"));
        for wrong in [
            &b""[..],
            b"sk_test_On",
            b"sk_test_Onee",
            b"sk_test_one",
            b" sk_test_One",
            b"sk_test_One\0",
        ] {
            assert_eq!(named.holder(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_secret_is_good_for_its_own_name() {
        let named = named();
        assert!(named.is("one", b"sk_test_One"));
        assert!(!named.is("two", b"sk_test_One"));
        assert!(!named.is("three", b"sk_test_One"));
        assert!(!named.is("", b""));
    }
}
