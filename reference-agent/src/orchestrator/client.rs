//! Calls to a registry over HTTP: bounded in time and size, and told as plain outcomes.

use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use reqwest::Response;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::call::{Call, Errand, Outcome, Registration};
use crate::{outbound, telemetry};

/// More of an answer is not read.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A client of one registry.
#[derive(Debug)]
pub(super) struct Client {
    base: Url,
    http: reqwest::Client,
}

impl Client {
    /// Reading the machine's certificates takes a while, which must not keep requests waiting.
    pub(super) async fn of(base: Url) -> Option<Self> {
        // From one heartbeat to the next, many servers close a connection that is kept; one that
        // closes just as it is used again looks like a failure.
        let builder = outbound::client(&base).pool_max_idle_per_host(0);
        let building = tokio::task::spawn_blocking(move || builder.build());
        let http = building.await.ok()?.ok()?;
        Some(Self { base, http })
    }

    /// The registry by a name for logs: its URL may hold a password.
    pub(super) fn name(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// Makes a call, in no more than this time.
    pub(super) async fn send(&self, call: &Call, limit: Duration) -> Outcome {
        let answered = timeout(limit, self.try_to_send(call)).await;
        let cause = match answered {
            Ok(Ok(outcome)) => return outcome,
            Ok(Err(error)) => telemetry::causes(&error.without_url()),
            Err(_) => format!("no answer in {} s", limit.as_secs_f64()),
        };
        Outcome {
            cause: Some(cause),
            ..Outcome::silence(call.errand)
        }
    }

    async fn try_to_send(&self, call: &Call) -> Result<Outcome, reqwest::Error> {
        let request = self
            .http
            .request(call.method.clone(), self.address(&call.path));
        let response = request.json(&call.body).send().await?;
        let status = response.status();
        let retry_after = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                retry_after(&response)
            }
            _ => None,
        };
        let registration = match call.errand {
            Errand::Register if status.is_success() => {
                let body = outbound::read(response, LONGEST_ANSWER).await?;
                body.and_then(|body| self.registration(&body))
            }
            _ => None,
        };
        let is_registered = call.errand != Errand::Register || registration.is_some();
        let cause = match (status.is_success(), is_registered) {
            (true, true) => None,
            (true, false) => Some("the answer has no registration_id".to_owned()),
            (false, _) => Some(format!("it answered {status}")),
        };
        Ok(Outcome {
            errand: call.errand,
            status: Some(status),
            is_success: cause.is_none(),
            cause,
            registration,
            retry_after,
        })
    }

    /// What the registry asks to be told at the end; the answer is of no use to anybody.
    pub(super) async fn leave(&self, goodbye: &Url, limit: Duration) {
        let request = self.http.request(Method::DELETE, goodbye.clone());
        let _ = timeout(limit, request.send()).await;
    }

    fn address(&self, path: &[String]) -> Url {
        let mut address = self.base.clone();
        // HTTP URLs can all be a base.
        if let Ok(mut segments) = address.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        address
    }

    fn registration(&self, body: &[u8]) -> Option<Registration> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let id = body.get("registration_id")?.as_str()?;
        // These would be no segments of a path, but steps in it.
        if matches!(id, "" | "." | "..") {
            return None;
        }
        let offered = body.get("deregister").and_then(Value::as_str);
        let goodbye = offered.and_then(|text| self.base.join(text).ok());
        Some(Registration {
            id: id.to_owned(),
            // Nobody else is told anything, whatever a registry says.
            goodbye: goodbye.filter(|url| url.origin() == self.base.origin()),
        })
    }
}

/// How long a registry asks to be left alone.
fn retry_after(response: &Response) -> Option<Duration> {
    let told = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    time_until(told, jiff::Timestamp::now())
}

/// Seconds, or a date, as HTTP has it.
fn time_until(told: &str, now: jiff::Timestamp) -> Option<Duration> {
    if let Ok(seconds) = told.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(told).ok()?.timestamp();
    date.duration_since(now).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_stay_away_is_read_in_both_of_its_forms() {
        let now = "1994-11-06T08:49:30Z".parse().expect("a time");
        for (told, seconds) in [
            ("120", Some(120)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:20 GMT", None),
            ("-5", None),
            ("soon", None),
        ] {
            let read = time_until(told, now);
            assert_eq!(read, seconds.map(Duration::from_secs), "{told}");
        }
    }
}
