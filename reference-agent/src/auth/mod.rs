//! Credentials: what is asked for, and who has shown it.

mod form;
pub(crate) mod issuer;
mod jwks;
mod keyring;
pub(crate) mod keys;
mod tokens;

use axum::http::{HeaderName, header, request::Parts};
use serde_json::{Value, json};

use self::{issuer::Issuer, keys::Named, tokens::Tokens};
use crate::{
    failure::{Challenge, Failure},
    seams::Seams,
    settings::{Auth, Error, Settings},
};

/// The header field of an API key.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Somebody whose credentials hold: the name of a key, or the subject of a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity(pub(crate) String);

/// Who is asking, `None` if nobody needs to say; or why nobody is let in.
pub(crate) type Found = Result<Option<Identity>, Failure>;

/// What the settings say of credentials, ready to judge.
#[derive(Debug)]
pub(crate) struct Guard {
    asks: Asks,
    document: Value,
}

/// What a client must show.
#[derive(Debug)]
enum Asks {
    Nothing,
    Key(Named),
    Token(Tokens),
    OwnToken(Tokens, Box<Issuer>),
}

impl Guard {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        let asks = match settings.auth {
            Auth::None => Asks::Nothing,
            Auth::ApiKey => {
                let keys = Named::of("ACP_API_KEYS", "api_key", &settings.api_keys)?;
                Asks::Key(keys.each_its_own("ACP_API_KEYS")?)
            }
            Auth::Bearer => Asks::Token(Tokens::of(settings)?),
            Auth::OAuth2 => {
                let issuer = Issuer::of(settings)?;
                Asks::OwnToken(Tokens::of_issuer(&issuer), Box::new(issuer))
            }
        };
        let document = document(settings);
        Ok(Self { asks, document })
    }

    /// What `/auth` says.
    pub(crate) fn document(&self) -> Value {
        self.document.clone()
    }

    /// The token endpoint, if there is one.
    pub(crate) fn issuer(&self) -> Option<&Issuer> {
        match &self.asks {
            Asks::OwnToken(_, issuer) => Some(issuer),
            Asks::Nothing | Asks::Key(_) | Asks::Token(_) => None,
        }
    }

    /// Who is asking. Header fields are all that is looked at: a query string is written into
    /// logs and histories.
    pub(crate) async fn identify(&self, parts: &Parts, seams: &Seams) -> Found {
        match &self.asks {
            Asks::Nothing => Ok(None),
            Asks::Key(keys) => holder(keys, parts).map(Some),
            Asks::Token(tokens) | Asks::OwnToken(tokens, _) => {
                tokens.identify(parts, seams).await.map(Some)
            }
        }
    }

    /// The same, where it takes no waiting: the keys of a token may have to be fetched.
    pub(crate) fn identify_now(&self, parts: &Parts) -> Option<Found> {
        match &self.asks {
            Asks::Nothing => Some(Ok(None)),
            Asks::Key(keys) => Some(holder(keys, parts).map(Some)),
            Asks::Token(_) | Asks::OwnToken(..) => None,
        }
    }
}

/// The settings without what the guard has taken over: a secret is kept in one place.
pub(crate) fn without_secrets(settings: &Settings) -> Settings {
    Settings {
        api_keys: Vec::new(),
        jwt_secret: None,
        oauth_clients: Vec::new(),
        ..settings.clone()
    }
}

/// Whose key the request shows.
fn holder(keys: &Named, parts: &Parts) -> Result<Identity, Failure> {
    let refused = |message| Failure::unauthorized(message).challenge(Challenge::ApiKey);
    let Some(shown) = only(parts, &API_KEY).map_err(refused)? else {
        return Err(refused("an API key is needed, in the header X-API-Key"));
    };
    let name = keys.holder(shown);
    name.map(|name| Identity(name.to_owned()))
        .ok_or_else(|| refused("the API key is not one that opens this agent"))
}

/// The value of a header field that may be there once: of two, a proxy may read the one and
/// the agent the other.
fn only<'a>(parts: &'a Parts, name: &HeaderName) -> Result<Option<&'a [u8]>, &'static str> {
    let mut values = parts.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(header::HeaderValue::as_bytes)),
        (_, Some(_)) => Err("credentials are shown more than once"),
    }
}

/// What `/auth` says: all that a client needs to know, and no secret.
fn document(settings: &Settings) -> Value {
    let mut document = match settings.auth {
        Auth::None => {
            return json!({
                "type": "none",
                "description": "No credentials are needed.",
                "required": false,
            });
        }
        Auth::ApiKey => json!({
            "type": "api_key",
            "description": "Send your API key in the header X-API-Key.",
            "required": true,
            "header": "X-API-Key",
        }),
        Auth::Bearer => json!({
            "type": "bearer",
            "description": "Send a JSON Web Token as `Authorization: Bearer TOKEN`.",
            "required": true,
            "header": "Authorization",
        }),
        Auth::OAuth2 => json!({
            "type": "oauth2",
            "description": "Get a token with your client id and secret at token_url (grant type client_credentials), and send it as `Authorization: Bearer TOKEN`.",
            "required": true,
            "header": "Authorization",
            "grant_types": ["client_credentials"],
            "token_url": public(settings, issuer::TOKEN_PATH),
            "jwks_uri": public(settings, issuer::JWKS_PATH),
        }),
    };
    if settings.auth == Auth::Bearer {
        let told = [
            ("issuer", &settings.jwt_issuer),
            ("audience", &settings.jwt_audience),
        ];
        for (name, value) in told {
            if let Some(value) = value {
                document[name] = json!(value);
            }
        }
    }
    document
}

/// A path as others reach it; as it is, if the settings do not say how they do.
fn public(settings: &Settings, path: &str) -> String {
    match &settings.public_url {
        Some(url) => format!("{}{path}", url.as_str().trim_end_matches('/')),
        None => path.to_owned(),
    }
}

/// A setting that is missing or cannot be used, in one line.
fn unusable(place: &str, reason: &str) -> Error {
    Error::Setting {
        place: place.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Secret;

    fn told(settings: &Settings) -> String {
        let told = Guard::of(settings).expect_err("no guard").to_string();
        assert!(!told.contains('\n') && !told.contains("hush"), "{told}");
        told
    }

    #[test]
    fn what_is_missing_is_told_at_the_start() {
        let with = |auth| Settings {
            auth,
            ..Settings::default()
        };
        for (auth, place, hint) in [
            (Auth::ApiKey, "ACP_API_KEYS is not set, ", "name=secret"),
            (Auth::Bearer, "ACP_JWT_SECRET is not set, ", "ACP_JWKS_URL"),
            (
                Auth::OAuth2,
                "ACP_OAUTH_CLIENTS is not set, ",
                "name=secret",
            ),
        ] {
            let told = told(&with(auth));
            assert!(told.starts_with(place) && told.contains(hint), "{told}");
        }
        assert!(Guard::of(&with(Auth::None)).is_ok());
    }

    #[test]
    fn a_key_of_two_names_is_refused() {
        let key = |name: &str| (name.to_owned(), Secret::of("hush-hush"));
        let told = told(&Settings {
            auth: Auth::ApiKey,
            api_keys: vec![key("one"), key("two")],
            ..Settings::default()
        });
        assert!(told.contains("`one` and `two`"), "{told}");
    }

    #[test]
    fn a_short_secret_is_refused() {
        let told = told(&Settings {
            auth: Auth::Bearer,
            jwt_secret: Some(Secret::of("hush-hush")),
            ..Settings::default()
        });
        assert!(told.contains("32 bytes"), "{told}");
    }

    #[test]
    fn no_debug_output_shows_a_secret() {
        let secret = "hush-hush-hush-hush-hush-hush-hush-hush";
        let named = vec![("me".to_owned(), Secret::of(secret))];
        for auth in [Auth::ApiKey, Auth::Bearer, Auth::OAuth2] {
            let settings = Settings {
                auth,
                api_keys: named.clone(),
                jwt_secret: Some(Secret::of(secret)),
                oauth_clients: named.clone(),
                ..Settings::default()
            };
            let guard = Guard::of(&settings).expect("a guard");
            let left = without_secrets(&settings);
            let shown = format!("{guard:?} {settings:?} {} {left:?}", guard.document());
            let bytes = format!("{:?}", secret.as_bytes());
            assert!(
                !shown.contains("hush") && !shown.contains(&bytes),
                "{shown}"
            );
            assert!(left.api_keys.is_empty() && left.oauth_clients.is_empty());
            assert!(left.jwt_secret.is_none());
        }
    }

    #[test]
    fn the_document_names_the_addresses_that_others_use() {
        let settings = Settings {
            auth: Auth::OAuth2,
            public_url: url::Url::parse("https://weather.example/acp/").ok(),
            ..Settings::default()
        };
        let document = document(&settings);
        assert_eq!(
            document["token_url"],
            "https://weather.example/acp/oauth/token"
        );
    }
}
