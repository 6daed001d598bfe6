//! What a limit says of one request, and how an answer's head tells it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use bytes::{BufMut, Bytes, BytesMut};

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
        let mut text = Text(BytesMut::with_capacity(128));
        headers.reserve(6);
        let mut tell = |name, value| {
            // Digits and fixed names: what a header field can always hold.
            if let Ok(value) = HeaderValue::from_maybe_shared::<Bytes>(value) {
                headers.insert(name, value);
            }
        };
        let quota = [Some(("q", limit.into())), window];
        tell(POLICY, text.item(policy, quota));
        let state = [Some(("r", remaining.into())), Some(("t", reset))];
        tell(STATE, text.item(policy, state));
        tell(LIMIT, text.number(limit.into()));
        tell(REMAINING, text.number(remaining.into()));
        tell(RESET, text.number(reset));
        if !self.admits {
            tell(header::RETRY_AFTER, text.number(reset));
        }
    }

    /// The whole seconds after which there is more: rounded up, so that they are enough.
    pub(crate) fn reset_seconds(&self) -> u64 {
        self.more_in.as_secs() + u64::from(self.more_in.subsec_nanos() > 0)
    }
}

/// Where values of header fields are written, one behind the other: every answer has five of
/// them, so they share their memory, and the formatting machinery is left out.
struct Text(BytesMut);

impl Text {
    /// A limit's name and what is said of it, as a structured field (RFC 9651).
    fn item(&mut self, policy: &str, parameters: [Option<(&str, u64)>; 2]) -> Bytes {
        self.0.put_u8(b'"');
        self.0.put_slice(policy.as_bytes());
        self.0.put_u8(b'"');
        for (key, number) in parameters.into_iter().flatten() {
            self.0.put_u8(b';');
            self.0.put_slice(key.as_bytes());
            self.0.put_u8(b'=');
            self.write(number);
        }
        self.0.split().freeze()
    }

    fn number(&mut self, number: u64) -> Bytes {
        self.write(number);
        self.0.split().freeze()
    }

    fn write(&mut self, number: u64) {
        let mut digits = itoa::Buffer::new();
        self.0.put_slice(digits.format(number).as_bytes());
    }
}
