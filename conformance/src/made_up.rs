//! Evidence that was never gathered, for tests of what judges it: one place for its shape.

use std::time::Duration;

use crate::evidence::{About, Ask, Step, Topic};
use crate::wire::{Answer, End, Exchange, Request};

/// An answer whose body came whole.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let headers = headers.iter();
    Answer {
        status,
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.into(),
        reads: Vec::new(),
        surplus: 0,
    }
}

/// An answer of JSON.
pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    answer(status, &[("Content-Type", "application/json")], body)
}

/// An exchange that took no time, and ended in this way.
pub(crate) fn exchange(request: Request, end: Result<Answer, End>) -> Exchange {
    let (answer, end) = match end {
        Ok(answer) => (Some(answer), End::Complete),
        Err(end) => (None, end),
    };
    Exchange {
        request,
        began: Duration::ZERO,
        elapsed: Duration::ZERO,
        answer,
        end,
    }
}

/// An exchange at its place.
pub(crate) fn ask(topic: Topic, step: Step, key: usize, exchange: Exchange) -> Ask {
    Ask::new(topic, About::new(step, key, ""), exchange)
}
