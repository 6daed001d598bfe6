//! Requests for tokens and their answers, as RFC 6749 has them.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::documents::json_response;

/// A request for a token.
#[derive(Debug)]
pub(super) struct Asked {
    /// The client's id and what it shows as its secret.
    pub(super) client: Option<(String, String)>,
    /// Whether it asks for what there is: told only to a client that is known.
    pub(super) grant: Result<(), Refused>,
}

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Request(&'static str),
    Client,
    Grant,
    Scope,
    Server,
}

/// Takes a request apart. The query string is not looked at.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Asked, Refused> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Refused::Request("the body must be form-encoded"));
    }
    let [grant, id, secret, scope] =
        parameters(body, ["grant_type", "client_id", "client_secret", "scope"])?;
    let client = match (basic(headers)?, id, secret) {
        (Some(_), _, Some(_)) => return Err(Refused::Request("a secret is shown in two places")),
        (Some((client, _)), Some(id), None) if id != client => {
            return Err(Refused::Request("two clients are named"));
        }
        (Some(shown), _, None) => Some(shown),
        (None, Some(id), Some(secret)) => Some((id, secret)),
        (None, _, _) => None,
    };
    let grant = match (grant.as_deref(), scope) {
        (None, _) => Err(Refused::Request("grant_type is missing")),
        (Some("client_credentials"), None) => Ok(()),
        // There are none here, and a token of less than was asked for would have to say so.
        (Some("client_credentials"), Some(_)) => Err(Refused::Scope),
        (Some(_), _) => Err(Refused::Grant),
    };
    Ok(Asked { client, grant })
}

/// The values of these parameters; one without a value is one that is not there.
fn parameters<const N: usize>(
    body: &[u8],
    names: [&str; N],
) -> Result<[Option<String>; N], Refused> {
    let mut values = [const { None }; N];
    for (name, value) in form_urlencoded::parse(body) {
        let Some(at) = names.iter().position(|known| *known == name) else {
            continue;
        };
        if values[at].replace(value.into_owned()).is_some() {
            return Err(Refused::Request("a parameter comes twice"));
        }
    }
    Ok(values.map(|value| value.filter(|value| !value.is_empty())))
}

/// The client of HTTP Basic, if it is used.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Refused> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Refused::Request("credentials are shown twice")),
    };
    let shown = value.to_str().ok().and_then(|value| value.split_once(' '));
    let (_, shown) = shown
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .ok_or(Refused::Client)?;
    let pair = STANDARD.decode(shown.trim_start_matches(' '));
    let pair = String::from_utf8(pair.map_err(|_| Refused::Client)?);
    let pair = pair.map_err(|_| Refused::Client)?;
    let (id, secret) = pair.split_once(':').ok_or(Refused::Client)?;
    Ok(Some((decoded(id), decoded(secret))))
}

/// Id and secret are form-encoded before they are put together (RFC 6749, section 2.3.1).
fn decoded(part: &str) -> String {
    // As the value of a form; a `&` of a client that did not encode it stays one.
    let form = format!("={}", part.replace('&', "%26"));
    let value = form_urlencoded::parse(form.as_bytes()).next();
    value
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// An answer of the token endpoint, which nobody may keep.
pub(super) fn respond(status: StatusCode, body: &Value) -> Response {
    let mut response = json_response(status, body);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

impl IntoResponse for Refused {
    /// OAuth clients read `error` as a string, so the agent's own envelope has no place here.
    fn into_response(self) -> Response {
        let (status, code, description) = match self {
            Self::Request(reason) => (StatusCode::BAD_REQUEST, "invalid_request", reason),
            Self::Client => (
                StatusCode::UNAUTHORIZED,
                "invalid_client",
                "the client is not known, or shows another secret",
            ),
            Self::Grant => (
                StatusCode::BAD_REQUEST,
                "unsupported_grant_type",
                "the only grant type is client_credentials",
            ),
            Self::Scope => (
                StatusCode::BAD_REQUEST,
                "invalid_scope",
                "there are no scopes",
            ),
            Self::Server => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "server_error",
                "the token could not be made",
            ),
        };
        let body = json!({"error": code, "error_description": description});
        let mut response = respond(status, &body);
        if status == StatusCode::UNAUTHORIZED {
            let basic = HeaderValue::from_static("Basic realm=\"acp\"");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, basic);
        }
        response
    }
}
