//! One question before or after the load, and its answer in full.

use std::sync::Arc;
use std::time::Duration;

use hyper::header::HeaderMap;
use serde_json::Value;

use crate::hot::{Line, Prepared, Trouble};
use crate::inlet::{Heard, Inlet, Reading};
use crate::recorder::Recorder;

/// The longest id of a configuration that questions are asked under, in bytes. It goes into each
/// prepared body: far above what agents give out, and little even in thousands of bodies.
pub(crate) const LONGEST_ID: usize = 1000;

/// What came back.
pub(crate) struct Answer {
    /// 0 for none.
    pub(crate) status: u16,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) heard: Option<Box<Heard>>,
}

impl Answer {
    pub(crate) fn is_well(&self) -> bool {
        (200..300).contains(&self.status) && self.trouble.is_none()
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The id under which a configuration was stored, if it was, and can be used.
    pub(crate) fn config_id(&self) -> Option<String> {
        let body = self.json().filter(|_| self.is_well())?;
        let id = body.get("config_id").or_else(|| body.get("id"))?.as_str()?;
        (id.len() <= LONGEST_ID).then(|| id.to_owned())
    }
}

/// A stream may go on for so many timeouts, and is left then.
const MOST_TIMES: u32 = 5;

/// Asks once on this line.
pub(crate) async fn say(line: &mut Line, prepared: &Prepared, reading: Reading) -> Answer {
    // Nothing of it is measured.
    let recorder = Arc::new(Recorder::new(0, false, Duration::from_secs(1)));
    let mut inlet = Inlet::new(recorder);
    inlet.expect(reading);
    let most = line.timeout() * MOST_TIMES;
    let exchange = tokio::time::timeout(most, line.exchange(prepared, &mut inlet)).await;
    let (status, trouble) = match exchange {
        Ok(exchange) => (exchange.status, exchange.trouble),
        Err(_) => (0, Some(Trouble::TimedOut)),
    };
    inlet.end();
    Answer {
        status,
        trouble,
        headers: std::mem::take(&mut inlet.headers),
        body: std::mem::take(&mut inlet.body),
        heard: inlet.heard.take(),
    }
}
