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
        let window = match self.window.subsec_nanos() {
            0 => format!(";w={}", self.window.as_secs()),
            _ => String::new(),
        };
        put(headers, POLICY, format!("\"{policy}\";q={limit}{window}"));
        put(
            headers,
            STATE,
            format!("\"{policy}\";r={remaining};t={reset}"),
        );
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

fn put(headers: &mut HeaderMap, name: HeaderName, value: String) {
    // Digits and fixed names: what a header field can always hold.
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}
