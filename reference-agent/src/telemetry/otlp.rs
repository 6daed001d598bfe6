//! Spans, for an OpenTelemetry collector: one for each request, and one for each call to
//! another service.
//!
//! Each agent has a tracer of its own; nothing is global. Spans go to a bounded queue, and
//! a task sends them in batches: a collector that is slow or gone costs spans, not requests.

use std::{
    borrow::Cow,
    fmt,
    str::FromStr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use opentelemetry::{
    Context, KeyValue,
    trace::{
        Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags,
        TraceId, TraceState, Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use super::Trace;
use crate::{
    call::{self, Call},
    endpoints,
    settings::{Error, Settings},
};

/// How many spans wait to be sent; more are dropped.
const QUEUE: usize = 4096;

/// How many go at once, and how long the first of them waits for the others.
const BATCH: usize = 512;
const GATHER: Duration = Duration::from_secs(1);

/// How long a collector may take.
const SEND_TIME: Duration = Duration::from_secs(5);

/// How long the last spans may take to leave when the agent stops.
const LAST_SEND_TIME: Duration = Duration::from_secs(2);

/// Makes spans, if the settings name a collector.
#[derive(Debug)]
pub(crate) struct Tracer(Option<Active>);

#[derive(Debug)]
struct Active {
    tracer: SdkTracer,
    stopping: CancellationToken,
    sending: Mutex<Option<JoinHandle<()>>>,
}

impl Tracer {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        let Some(endpoint) = &settings.otlp_endpoint else {
            return Ok(Self(None));
        };
        let wrong = |reason: String| Error::Setting {
            place: "otlp-endpoint".to_owned(),
            reason,
        };
        let client = reqwest::Client::builder()
            .timeout(SEND_TIME)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(url)
            .with_timeout(SEND_TIME)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(settings.agent_id.clone())
            .with_attribute(KeyValue::new("service.version", settings.version.clone()))
            .build();
        exporter.set_resource(&resource);
        let (queue, spans) = mpsc::channel(QUEUE);
        let stopping = CancellationToken::new();
        let sending = tokio::spawn(send(exporter, spans, stopping.clone()));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(Queue(queue))
            .build();
        Ok(Self(Some(Active {
            tracer: provider.tracer("acp-reference-agent"),
            stopping,
            sending: Mutex::new(Some(sending)),
        })))
    }

    /// Begins the span of a request, which continues its caller's trace if there is one.
    pub(crate) fn receive(&self, call: &mut Call) -> Option<ServerSpan> {
        let Active { tracer, .. } = self.0.as_ref()?;
        let method = call.method();
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", "http"),
        ];
        // The route alone: the path holds ids of callers, and as many values as they like.
        let route = call.endpoint.template;
        let is_known = !std::ptr::eq(call.endpoint, &raw const endpoints::UNKNOWN);
        let name = match (method, is_known) {
            ("_OTHER", true) => Cow::from(format!("HTTP {route}")),
            ("_OTHER", false) => Cow::from("HTTP"),
            (_, true) => Cow::from(format!("{method} {route}")),
            (_, false) => Cow::from(method),
        };
        if is_known {
            attributes.push(KeyValue::new("http.route", route));
        }
        let builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_attributes(attributes);
        let parent = context(call.trace.as_deref(), Origin::Elsewhere);
        let span = tracer.build_with_context(builder, &parent);
        call.trace = place(&span).map(Into::into);
        Some(ServerSpan(span))
    }

    /// Begins the span of a call to another service, as part of the request that needs it.
    pub(crate) fn send(&self, method: &'static str, host: &str) -> ClientSpan {
        let trace = call::current(|call| call.trace.clone()).flatten();
        let Some(Active { tracer, .. }) = &self.0 else {
            return ClientSpan { trace, span: None };
        };
        let builder = SpanBuilder::from_name(method)
            .with_kind(SpanKind::Client)
            .with_attributes([
                KeyValue::new("http.request.method", method),
                KeyValue::new("server.address", host.to_owned()),
            ]);
        let span = tracer.build_with_context(builder, &context(trace.as_deref(), Origin::Here));
        ClientSpan {
            trace: place(&span).map(Into::into),
            span: Some(span),
        }
    }

    /// Sends what is left, as far as that takes no more than a moment.
    pub(crate) async fn shutdown(&self) {
        let Some(active) = &self.0 else { return };
        active.stopping.cancel();
        let sending = active
            .sending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut sending) = sending
            && timeout(LAST_SEND_TIME, &mut sending).await.is_err()
        {
            sending.abort();
        }
    }
}

/// The span of a request.
pub(crate) struct ServerSpan(Span);

impl ServerSpan {
    /// Ends the span with what was answered; `None` if the client left before that.
    pub(crate) fn end(mut self, status: Option<StatusCode>) {
        if let Some(status) = status {
            tell_status(&mut self.0, status, status.is_server_error());
        }
        self.0.end();
    }
}

/// The span of a call to another service.
pub(crate) struct ClientSpan {
    trace: Option<std::sync::Arc<Trace>>,
    span: Option<Span>,
}

impl ClientSpan {
    /// Lets the other service continue the trace.
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        if let Some(trace) = &self.trace {
            trace.inject(headers);
        }
    }

    /// Ends the span with what was answered; `None` if nothing was.
    pub(crate) fn end(mut self, status: Option<StatusCode>) {
        let Some(mut span) = self.span.take() else {
            return;
        };
        match status {
            Some(status) => {
                let is_error = status.is_client_error() || status.is_server_error();
                tell_status(&mut span, status, is_error);
            }
            None => {
                span.set_attribute(KeyValue::new("error.type", "no_answer"));
                span.set_status(Status::error(""));
            }
        }
        span.end();
    }
}

fn tell_status(span: &mut Span, status: StatusCode, is_error: bool) {
    let code = i64::from(status.as_u16());
    span.set_attribute(KeyValue::new("http.response.status_code", code));
    if is_error {
        span.set_attribute(KeyValue::new("error.type", status.as_u16().to_string()));
        span.set_status(Status::error(""));
    }
}

/// Where a span stands.
fn place(span: &Span) -> Option<Trace> {
    let context = span.span_context();
    let state = context.trace_state().header();
    context.is_valid().then(|| Trace {
        trace_id: u128::from_be_bytes(context.trace_id().to_bytes()),
        span_id: u64::from_be_bytes(context.span_id().to_bytes()),
        is_sampled: context.is_sampled(),
        state: (!state.is_empty())
            .then(|| HeaderValue::try_from(state).ok())
            .flatten(),
    })
}

/// Whose span a parent is: a caller's, or our own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Elsewhere,
    Here,
}

/// A place in a trace, as the library has it.
fn context(trace: Option<&Trace>, origin: Origin) -> Context {
    let Some(trace) = trace else {
        return Context::new();
    };
    let state = trace.state.as_ref().and_then(|state| state.to_str().ok());
    let parent = SpanContext::new(
        TraceId::from(trace.trace_id),
        SpanId::from(trace.span_id),
        TraceFlags::default().with_sampled(trace.is_sampled),
        origin == Origin::Elsewhere,
        state
            .and_then(|state| TraceState::from_str(state).ok())
            .unwrap_or_default(),
    );
    Context::new().with_remote_span_context(parent)
}

/// Spans that have ended, on their way to be sent.
struct Queue(mpsc::Sender<SpanData>);

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
    exporter: SpanExporter,
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
        let is_sent = exporter.export(std::mem::take(&mut batch)).await.is_ok();
        // Told once for each outage: a collector's absence is no reason to fill a disk.
        match (was_sent, is_sent) {
            (true, false) => tracing::warn!("traces cannot be sent to the collector"),
            (false, true) => tracing::info!("traces reach the collector again"),
            _ => {}
        }
        was_sent = is_sent;
    }
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
