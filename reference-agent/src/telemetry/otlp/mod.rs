//! Spans, for an OpenTelemetry collector: one for each request, and one for each call to
//! another service.
//!
//! Each agent has a tracer of its own; nothing is global.

mod queue;

use std::{borrow::Cow, str::FromStr, sync::Arc, time::Duration};

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
    trace::{SdkTracer, SdkTracerProvider, Span, SpanExporter as _},
};
use url::Url;

use self::queue::Sending;
use super::Trace;
use crate::{
    call::{self, Head},
    endpoints, outbound,
    settings::{Error, Settings},
};

/// How long a collector may take.
const SEND_TIME: Duration = Duration::from_secs(5);

/// Makes spans, if the settings name a collector.
#[derive(Debug)]
pub(crate) struct Tracer(Option<Active>);

#[derive(Debug)]
struct Active {
    tracer: SdkTracer,
    sending: Sending,
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
        let client = outbound::client(endpoint)
            .timeout(SEND_TIME)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_endpoint(&url)
            .with_timeout(SEND_TIME)
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name(settings.agent_id.clone())
            .with_attribute(KeyValue::new("service.version", settings.version.clone()))
            .build();
        exporter.set_resource(&resource);
        let (queue, sending) = queue::start(exporter, told(&url));
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_span_processor(queue)
            .build();
        Ok(Self(Some(Active {
            tracer: provider.tracer("acp-reference-agent"),
            sending,
        })))
    }

    /// Begins the span of a request, which continues its caller's trace if there is one.
    pub(crate) fn receive(&self, call: &mut Head) -> Option<ServerSpan> {
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
        if let Some(active) = &self.0 {
            active.sending.stop().await;
        }
    }
}

/// A URL as the log may have it: without a password, and without a query.
fn told(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else {
        return String::new();
    };
    // HTTP URLs can all have these.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
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
    trace: Option<Arc<Trace>>,
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a call to another service says of its trace.
    fn sent(tracer: &Tracer, call: call::Call) -> Option<Trace> {
        call::within_now(call, || {
            let span = tracer.send("GET", "weather.invalid");
            let mut headers = HeaderMap::new();
            span.inject(&mut headers);
            span.end(None);
            Trace::of(&headers)
        })
    }

    #[test]
    fn the_log_has_the_collectors_address_and_no_secret() {
        let told = told("http://me:hush@collector.test:4318/v1/traces?key=hush#hush");
        assert_eq!(told, "http://collector.test:4318/v1/traces");
    }

    const CALLER: Trace = Trace {
        trace_id: 7,
        span_id: 8,
        is_sampled: true,
        state: None,
    };

    fn active() -> Tracer {
        let endpoint = "http://127.0.0.1:9".parse().expect("a URL");
        let settings = Settings {
            otlp_endpoint: Some(endpoint),
            ..Settings::unlimited()
        };
        Tracer::of(&settings).expect("a tracer")
    }

    #[test]
    fn without_a_collector_the_callers_trace_is_handed_on_as_it_came() {
        let tracer = Tracer(None);
        assert_eq!(sent(&tracer, Head::some(Some(CALLER)).into()), Some(CALLER));
        assert_eq!(sent(&tracer, Head::some(None).into()), None);
    }

    #[tokio::test]
    async fn a_call_to_another_service_is_a_span_of_the_same_trace() {
        let tracer = active();
        let mut call = Head::some(Some(CALLER));
        let server = tracer.receive(&mut call).expect("a span");
        let own = call.trace.clone().expect("a place of its own");
        let sent = sent(&tracer, call.into()).expect("a trace");
        assert_eq!((own.trace_id, sent.trace_id), (7, 7));
        assert!(own.span_id != 8 && sent.span_id != 8 && sent.span_id != own.span_id);
        server.end(Some(StatusCode::OK));
    }

    #[tokio::test]
    async fn a_request_without_a_trace_begins_one() {
        let mut call = Head::some(None);
        assert!(active().receive(&mut call).is_some());
        assert!(call.trace.is_some_and(|trace| trace.is_sampled));
    }
}
