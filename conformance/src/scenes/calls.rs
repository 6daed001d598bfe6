//! The orchestrator's journal as exchanges: what the agent sent is the request, what the
//! orchestrator answered the answer.

use std::time::Duration;

use acp_mock_orchestrator::{Act, Entry, Journal};
use serde_json::json;

use crate::evidence::{About, Ask, Step, Topic};
use crate::wire::{Answer, End, Exchange, Read, Request};

/// The calls in the order of arrival; times count from when the orchestrator's clock showed
/// `ahead`.
pub(crate) fn asks(topic: Topic, to: &str, journal: &Journal, ahead: Duration) -> Vec<Ask> {
    let numbered = journal.entries.iter().enumerate();
    numbered
        .map(|(key, entry)| {
            let about = About::new(Step::Call, key, note(&entry.act));
            Ask::new(topic, about, exchange(to, entry, ahead))
        })
        .collect()
}

fn note(act: &Act) -> &'static str {
    match act {
        Act::Register => "the agent registers",
        Act::Heartbeat(_) => "the agent sends a heartbeat",
        Act::Capabilities(_) => "the agent sends its capabilities",
        Act::Goodbye(_) => "the agent takes its leave",
        Act::Stray => "the agent calls the orchestrator",
    }
}

fn exchange(to: &str, entry: &Entry, ahead: Duration) -> Exchange {
    let host = to.trim_start_matches("http://");
    let mut request = Request::bare(&entry.method, &entry.path).with_header("Host", host);
    if let Some(body) = &entry.body {
        request = request
            .with_header("Content-Type", "application/json")
            .with_body(body.to_string());
    }
    request.body.truncate(Request::KEPT);
    let answer = entry.status.map(|status| {
        // What it says at length matters to nobody but the agent.
        let body = match &entry.registration_id {
            Some(id) => json!({"registration_id": id}).to_string().into_bytes(),
            None => Vec::new(),
        };
        Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            reads: vec![Read {
                until: body.len(),
                at: Duration::ZERO,
            }],
            body,
            surplus: 0,
        }
    });
    let end = match answer {
        Some(_) => End::Complete,
        None => End::Cut("the orchestrator cut the connection".to_owned()),
    };
    Exchange {
        request,
        began: entry.at.saturating_sub(ahead),
        elapsed: Duration::ZERO,
        answer,
        end,
    }
}
