//! W3C trace context: where a request stands in its caller's trace.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that is carried on: as much as the standard asks for at least.
const LONGEST_STATE: usize = 512;

/// A place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) trace_id: u128,
    pub(crate) span_id: u64,
    pub(crate) is_sampled: bool,
    /// What the tracing systems on the way have noted, for each other.
    pub(crate) state: Option<HeaderValue>,
}

impl Trace {
    /// What the caller says of its trace; nothing if it says anything that is not to the letter.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let (Some(parent), None) = (given.next(), given.next()) else {
            return None;
        };
        let parsed = Self::parse(parent.to_str().ok()?)?;
        Some(Self {
            state: state(headers),
            ..parsed
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut hex = |length: usize| {
            let part = parts.next()?;
            let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            (part.len() == length && part.bytes().all(is_hex)).then_some(part)
        };
        let [version, trace, span, flags] = [hex(2)?, hex(32)?, hex(16)?, hex(2)?];
        // Later versions may say more behind this; `ff` is none.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return None;
        }
        let parsed = Self {
            trace_id: u128::from_str_radix(trace, 16).ok()?,
            span_id: u64::from_str_radix(span, 16).ok()?,
            is_sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
            state: None,
        };
        (parsed.trace_id != 0 && parsed.span_id != 0).then_some(parsed)
    }

    /// The trace's id as everybody writes it.
    pub(crate) fn id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Lets a request to another service continue the trace.
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        let (id, span) = (self.trace_id, self.span_id);
        let flags = u8::from(self.is_sampled);
        let parent = format!("00-{id:032x}-{span:016x}-{flags:02x}");
        let Ok(parent) = HeaderValue::try_from(parent) else {
            return;
        };
        headers.insert(TRACEPARENT, parent);
        if let Some(state) = &self.state {
            headers.insert(TRACESTATE, state.clone());
        }
    }
}

fn state(headers: &HeaderMap) -> Option<HeaderValue> {
    let all: Result<Vec<_>, _> = headers
        .get_all(TRACESTATE)
        .iter()
        .map(HeaderValue::to_str)
        .collect();
    let joined = all.ok()?.join(",");
    let is_usable = (1..=LONGEST_STATE).contains(&joined.len());
    is_usable.then(|| HeaderValue::try_from(joined).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_comes_in_goes_out() {
        let parent = HeaderValue::from_static(PARENT);
        let state = HeaderValue::from_static("congo=t61rcWkgMzE");
        let headers = HeaderMap::from_iter([(TRACEPARENT, parent), (TRACESTATE, state)]);
        let trace = Trace::of(&headers).expect("a trace");
        assert_eq!(trace.id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        let mut out = HeaderMap::new();
        trace.inject(&mut out);
        assert_eq!(out, headers);
    }

    #[test]
    fn a_trace_that_is_not_sampled_stays_so() {
        let trace = Trace::parse(&PARENT.replace("-01", "-00")).expect("a trace");
        assert!(!trace.is_sampled);
    }

    #[test]
    fn what_is_not_to_the_letter_is_no_trace() {
        for wrong in [
            "",
            "00",
            &PARENT.to_uppercase(),
            &PARENT.replace("00-", "ff-"),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &format!("{PARENT}-00"),
            &PARENT.replace("4bf9", "+bf9"),
            &PARENT.replace("-01", "-1"),
        ] {
            assert_eq!(Trace::parse(wrong), None, "{wrong}");
        }
        let later = format!("{}-more", PARENT.replacen("00", "01", 1));
        assert!(Trace::parse(&later).is_some());
    }

    #[test]
    fn two_parents_are_none_and_a_long_state_is_left_behind() {
        let mut headers = HeaderMap::new();
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        let long = HeaderValue::try_from("a".repeat(LONGEST_STATE + 1)).expect("a value");
        headers.append(TRACESTATE, long);
        assert_eq!(Trace::of(&headers).expect("a trace").state, None);
        headers.append(TRACEPARENT, HeaderValue::from_static(PARENT));
        assert_eq!(Trace::of(&headers), None);
    }
}
