//! A request that is made once and sent any number of times.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT,
};
use hyper::{Method, Request, Uri};

use crate::target::Target;

/// Where a user's key goes.
const KEY: &str = "x-api-key";

/// A request, ready to be sent any number of times: as HTTP/1.1 writes it, and in the parts that
/// HTTP/2 sends.
#[derive(Clone, Debug)]
pub struct Prepared {
    method: Method,
    path: String,
    uri: Uri,
    headers: HeaderMap,
    /// The whole message of HTTP/1.1.
    message: Bytes,
    /// Where in the message the header fields end.
    fields_end: usize,
    /// Of the message.
    body: Bytes,
}

impl Prepared {
    /// A `GET`; `None` if `path` cannot be one.
    #[must_use]
    pub fn get(target: &Target, path: &str) -> Option<Self> {
        Self::new(target, Method::GET, path, HeaderMap::new(), &[])
    }

    /// A `POST` of JSON text.
    #[must_use]
    pub fn post(target: &Target, path: &str, body: impl AsRef<[u8]>) -> Option<Self> {
        let body = body.as_ref();
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Self::new(target, Method::POST, path, headers, body)
    }

    fn new(
        target: &Target,
        method: Method,
        path: &str,
        of_body: HeaderMap,
        body: &[u8],
    ) -> Option<Self> {
        let uri = format!(
            "{}://{}{}{path}",
            target.url.scheme(),
            target.authority,
            target.base_path
        );
        let uri: Uri = uri.parse().ok()?;
        let mut headers = HeaderMap::with_capacity(8);
        let agent = concat!("acp-tck/", env!("CARGO_PKG_VERSION"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        // The user's own words go before ours, and a user's own key before what all send.
        for (name, _) in &target.headers {
            headers.remove(name);
        }
        headers.extend(target.headers.iter().cloned());
        if !target.keys.is_empty() {
            headers.remove(KEY);
        }
        headers.extend(of_body);
        let mut message = format!("{method} {} HTTP/1.1\r\n", uri.path_and_query()?).into_bytes();
        if !headers.contains_key(HOST) {
            write_field(&mut message, HOST.as_str(), target.authority.as_bytes());
        }
        for (name, value) in &headers {
            write_field(&mut message, name.as_str(), value.as_bytes());
        }
        if target.reconnects {
            write_field(&mut message, CONNECTION.as_str(), b"close");
        }
        let fields_end = message.len();
        message.extend_from_slice(b"\r\n");
        let body_start = message.len();
        message.extend_from_slice(body);
        let message = Bytes::from(message);
        Some(Self {
            method,
            path: path.to_owned(),
            uri,
            headers,
            fields_end,
            body: message.slice(body_start..),
            message,
        })
    }

    /// The path, below the agent's base path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The message of HTTP/1.1, of a user with this key.
    pub(super) fn message(&self, key: Option<&HeaderValue>) -> Cow<'_, [u8]> {
        let Some(key) = key else {
            return Cow::Borrowed(&self.message);
        };
        let (fields, rest) = self.message.split_at(self.fields_end);
        let mut message = fields.to_vec();
        write_field(&mut message, KEY, key.as_bytes());
        message.extend_from_slice(rest);
        Cow::Owned(message)
    }

    /// The request of HTTP/2, of a user with this key.
    pub(super) fn request(&self, key: Option<&HeaderValue>) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(key) = key {
            request.headers_mut().insert(KEY, key.clone());
        }
        request
    }
}

fn write_field(message: &mut Vec<u8>, name: &str, value: &[u8]) {
    message.extend_from_slice(name.as_bytes());
    message.extend_from_slice(b": ");
    message.extend_from_slice(value);
    message.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Wishes;

    async fn target(headers: &[(&str, &str)], key: Option<&str>) -> std::sync::Arc<Target> {
        let mut wishes = Wishes::of("http://127.0.0.1:8000/base/".parse().expect("a URL"));
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        wishes.headers = headers.iter().map(owned).collect();
        wishes.keys = key.map(str::to_owned).into_iter().collect();
        Target::find(&wishes).await.expect("a target")
    }

    fn message(prepared: &Prepared, key: Option<&HeaderValue>) -> String {
        String::from_utf8(prepared.message(key).into_owned()).expect("ASCII")
    }

    #[tokio::test]
    async fn a_message_is_whole_and_goes_to_where_the_target_is() {
        let target = target(&[("X-Tenant", "a"), ("X-Tenant", "b")], None).await;
        let get = Prepared::get(&target, "/schema?full=1#part").expect("a request");
        let agent = concat!("user-agent: acp-tck/", env!("CARGO_PKG_VERSION"));
        let fields = format!("host: 127.0.0.1:8000\r\n{agent}\r\nx-tenant: a\r\nx-tenant: b\r\n");
        let line = "GET /base/schema?full=1 HTTP/1.1\r\n";
        assert_eq!(message(&get, None), format!("{line}{fields}\r\n"));
        let post = Prepared::post(&target, "/invoke", "{}").expect("a request");
        let line = "POST /base/invoke HTTP/1.1\r\n";
        let body = "content-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(message(&post, None), format!("{line}{fields}{body}"));
        assert!(Prepared::get(&target, "/a b\r\nx: y").is_none());
    }

    #[tokio::test]
    async fn a_users_key_and_host_stand_in_the_place_of_what_all_send() {
        let headers = [("X-API-Key", "everyone's"), ("Host", "agent.example")];
        let target = target(&headers, Some("mine")).await;
        let post = Prepared::post(&target, "/invoke", "{}").expect("a request");
        let sent = message(&post, target.key(7));
        assert_eq!(sent.matches("x-api-key: ").count(), 1, "{sent}");
        assert!(sent.contains("\r\nx-api-key: mine\r\n"), "{sent}");
        assert_eq!(sent.matches("host: ").count(), 1, "{sent}");
        assert!(sent.ends_with("\r\n\r\n{}"), "{sent}");
        let request = post.request(target.key(7));
        assert_eq!(request.headers().get_all(KEY).iter().count(), 1);
    }
}
