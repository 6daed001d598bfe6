//! What a limit says of one request, and how an answer's head tells it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The two fields of the IETF's draft (draft-ietf-httpapi-ratelimit-headers).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");

/// The three that everybody else has.
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What a limit says of one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ruling {
    pub(crate) admits: bool,
    /// The limit's name.
    pub(crate) policy: &'static str,
    /// So many requests…
    pub(crate) limit: u32,
    /// …in so much time.
    pub(crate) window: Duration,
    /// How many more would be admitted right now.
    pub(crate) remaining: u32,
    /// The time until it is at least one more than that.
    pub(crate) more_in: Duration,
}

impl Ruling {
    /// Says in the head of an answer how much is left, and when there is more.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Self {
            policy,
            limit,
            remaining,
            ..
        } = *self;
        let reset = self.reset_seconds();
        // The draft counts windows in whole seconds; one that is none is better left out.
        let is_whole = self.window.subsec_nanos() == 0;
        let window = is_whole.then_some(("w", self.window.as_secs()));
        headers.reserve(6);
        put(headers, POLICY, policy, [Some(("q", limit.into())), window]);
        let state = [Some(("r", remaining.into())), Some(("t", reset))];
        put(headers, STATE, policy, state);
        headers.insert(LIMIT, limit.into());
        headers.insert(REMAINING, remaining.into());
        headers.insert(RESET, reset.into());
        if !self.admits {
            headers.insert(header::RETRY_AFTER, reset.into());
        }
    }

    /// The whole seconds after which there is more: rounded up, so that they are enough.
    pub(crate) fn reset_seconds(&self) -> u64 {
        self.more_in.as_secs() + u64::from(self.more_in.subsec_nanos() > 0)
    }
}

/// A limit's name and what is said of it, as a structured field (RFC 9651). Written without the
/// formatting machinery, as every answer has two of them.
fn put(
    headers: &mut HeaderMap,
    name: HeaderName,
    policy: &str,
    parameters: [Option<(&str, u64)>; 2],
) {
    let mut value = String::with_capacity(48);
    value.push('"');
    value.push_str(policy);
    value.push('"');
    for (key, number) in parameters.into_iter().flatten() {
        value.push(';');
        value.push_str(key);
        value.push('=');
        value.push_str(itoa::Buffer::new().format(number));
    }
    // Digits and fixed names: what a header field can always hold.
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(name, value);
    }
}
