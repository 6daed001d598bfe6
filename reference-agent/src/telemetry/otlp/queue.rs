//! The way of spans to the collector: a bounded queue, and a task that sends them in batches.
//!
//! A collector that is slow or gone costs spans, not requests.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::telemetry::causes;

/// How many spans wait to be sent; more are dropped.
const QUEUE: usize = 4096;

/// How many go at once, and how long the first of them waits for the others.
const BATCH: usize = 512;
const GATHER: Duration = Duration::from_secs(1);

/// How long the last spans may take to leave when the agent stops: with the default grace, it
/// is still gone within the 10 seconds that the profile allows.
const LAST_SEND_TIME: Duration = Duration::from_secs(1);

/// The task that sends.
#[derive(Debug)]
pub(super) struct Sending {
    stopping: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Begins to send what comes into the queue.
pub(super) fn start(exporter: SpanExporter, collector: String) -> (Queue, Sending) {
    let (queue, spans) = mpsc::channel(QUEUE);
    let stopping = CancellationToken::new();
    let task = tokio::spawn(send((exporter, collector), spans, stopping.clone()));
    let task = Mutex::new(Some(task));
    (Queue(queue), Sending { stopping, task })
}

impl Sending {
    /// Sends what is left, as far as that takes no more than a moment.
    pub(super) async fn stop(&self) {
        self.stopping.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut task) = task
            && timeout(LAST_SEND_TIME, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

/// Spans that have ended, on their way to be sent.
pub(super) struct Queue(mpsc::Sender<SpanData>);

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Queue")
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if span.span_context.is_sampled() {
            // A full queue drops the span: better than a request that waits for a collector.
            let _ = self.0.try_send(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Sends spans in batches, until it is told to stop and has sent the last.
async fn send(
    (exporter, collector): (SpanExporter, String),
    mut spans: mpsc::Receiver<SpanData>,
    stopping: CancellationToken,
) {
    let mut was_sent = true;
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        tokio::select! {
            received = spans.recv_many(&mut batch, BATCH) => {
                if received == 0 {
                    return;
                }
            }
            () = stopping.cancelled(), if !spans.is_closed() => {
                spans.close();
                continue;
            }
        }
        gather(&mut batch, &mut spans, &stopping).await;
        let sent = exporter.export(std::mem::take(&mut batch)).await;
        // Told once for each outage: a collector's absence is no reason to fill a disk.
        match (was_sent, &sent) {
            (true, Err(error)) => {
                let cause = without_urls(&causes(error));
                tracing::warn!(collector, cause, "traces cannot be sent to the collector");
            }
            (false, Ok(())) => tracing::info!(collector, "traces reach the collector again"),
            _ => {}
        }
        was_sent = sent.is_ok();
    }
}

/// What the HTTP client says, without the URL that it adds: that may hold a secret.
fn without_urls(cause: &str) -> String {
    let mut kept = String::new();
    let mut rest = cause;
    while let Some((before, after)) = rest.split_once(" for url (") {
        kept.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    kept + rest
}

/// Lets a batch grow for a moment.
async fn gather(
    batch: &mut Vec<SpanData>,
    spans: &mut mpsc::Receiver<SpanData>,
    stopping: &CancellationToken,
) {
    let grow = async {
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            if spans.recv_many(batch, room).await == 0 {
                return;
            }
        }
    };
    tokio::select! {
        () = grow => {}
        () = tokio::time::sleep(GATHER) => {}
        () = stopping.cancelled() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::without_urls;

    #[test]
    fn a_cause_has_no_url() {
        let cause = "error sending request for url (http://c.test/v1?key=hush): refused";
        assert_eq!(without_urls(cause), "error sending request: refused");
        assert_eq!(without_urls("refused"), "refused");
        assert_eq!(without_urls("no end for url (http://hush"), "no end");
    }
}
