//! What one request after the other cannot show of a limit: a stream past it, and many at the same
//! moment.

use std::time::Instant;

use acp_conformance::limits::{Client, Outcome, Seen};
use acp_reports::load::Algorithm;
use tokio_util::sync::CancellationToken;

use super::Trial;
use crate::hot::Prepared;
use crate::limits::wire::Wire;
use crate::traffic::Traffic;

/// So many requests at the same moment at most, above the limit.
const AT_ONCE: u64 = 200;
/// So often a stream is asked for after the allowance was used up.
const TRIES: usize = 3;
/// What a refusal inside a stream says, in small letters.
const REFUSALS: [&str; 4] = ["rate_limit", "rate limit", "too many requests", "429"];

impl Trial<'_> {
    /// Asks for a stream while the client is refused: a refusal must be an answer, not an event of a
    /// stream.
    pub(super) async fn inside_a_stream(&mut self, traffic: &Traffic) {
        let (Some((path, is_flagged)), Some(input)) = (&traffic.stream, traffic.inputs.first())
        else {
            return;
        };
        let body = Traffic::body(input, None, *is_flagged);
        let first = self.wire.first();
        let question = first.and_then(|target| Prepared::post(target, path, body));
        let client = Client::default();
        let line = self.wire.line(client);
        let (Some(question), Some(mut line)) = (question, line) else {
            return;
        };
        for _ in 0..TRIES {
            // A window may end in between: then it is tried again.
            for _ in 0..=2 * self.limit {
                let usual = self.wire.question();
                let (seen, _) = self.wire.ask_on(&mut line, usual, client).await;
                self.tally.add(&seen);
                if seen.outcome != Outcome::Admitted {
                    break;
                }
            }
            let (seen, answer) = self.wire.ask_on(&mut line, &question, client).await;
            self.tally.add(&seen);
            let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
            if answer.status == 200 && REFUSALS.iter().any(|word| text.contains(word)) {
                let message = format!(
                    "POST {path} answers 200 and tells of the limit in the stream: a client that goes by the status never backs off"
                );
                return self.defect("refusal-inside-stream", 1, message);
            }
            if seen.outcome != Outcome::Admitted {
                return;
            }
        }
    }

    /// Many at the same moment, from a full allowance: who counts after looking admits too many.
    pub(super) async fn at_once(&mut self, stop: &CancellationToken) {
        let (limit, window) = (self.limit, self.window);
        // Of a window by the clock, two may be touched; an estimate looks back at one more.
        let silence = tokio::time::sleep(window.mul_f64(2.1));
        if stop.run_until_cancelled(silence).await.is_none() {
            return;
        }
        let number = (limit + limit.div_ceil(2) + 2).min(AT_ONCE.max(limit + 2));
        let began = Instant::now();
        // One comes first: the agent's count of the time before is then over for all the others.
        let first = futures_util::future::join_all(asks(self.wire, 1)).await;
        let rest = futures_util::future::join_all(asks(self.wire, number - 1)).await;
        let took = began.elapsed().as_secs_f64();
        let mut admitted = 0;
        for seen in first.into_iter().chain(rest) {
            self.tally.add(&seen);
            admitted += u64::from(seen.outcome == Outcome::Admitted);
        }
        let refilled = match self.found.algorithm {
            Algorithm::FixedWindow if self.found.begins_with_a_request == Some(false) => limit,
            Algorithm::FixedWindow => 0,
            _ => (took / window.as_secs_f64() * limit as f64).ceil() as u64,
        };
        let over = admitted.saturating_sub(limit + refilled);
        if over > 0 {
            self.section.over_admitted = self.section.over_admitted.max(over);
            let message = format!(
                "{admitted} of {number} requests at the same moment are admitted where the limit is {limit}: it is looked at before it is counted"
            );
            self.defect("over-admits-at-once", over, message);
        }
    }
}

/// So many questions of the first client, each on a line of its own.
fn asks(wire: &Wire, number: u64) -> impl Iterator<Item = impl Future<Output = Seen>> {
    (0..number).filter_map(move |_| {
        let client = Client::default();
        let mut line = wire.line(client)?;
        Some(async move { wire.ask_on(&mut line, wire.question(), client).await.0 })
    })
}
