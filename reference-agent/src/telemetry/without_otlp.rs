//! In place of spans, in a build that has none: a caller's trace is still carried on.

use axum::http::{HeaderMap, StatusCode};

use crate::{
    call::{self, Head},
    settings::{Error, Settings},
};

/// Makes no spans.
#[derive(Debug)]
pub(crate) struct Tracer {}

impl Tracer {
    pub(crate) fn of(settings: &Settings) -> Result<Self, Error> {
        match settings.otlp_endpoint {
            None => Ok(Self {}),
            Some(_) => Err(Error::Setting {
                place: "otlp-endpoint".to_owned(),
                reason: "this build has no OpenTelemetry (feature `otlp`)".to_owned(),
            }),
        }
    }

    pub(crate) fn receive(&self, _call: &mut Head) -> Option<ServerSpan> {
        None
    }

    pub(crate) fn send(&self, _method: &'static str, _host: &str) -> ClientSpan {
        ClientSpan {}
    }

    pub(crate) async fn shutdown(&self) {}
}

/// No span.
#[derive(Debug)]
pub(crate) struct ServerSpan {}

impl ServerSpan {
    pub(crate) fn end(self, _status: Option<StatusCode>) {}
}

/// No span.
#[derive(Debug)]
pub(crate) struct ClientSpan {}

impl ClientSpan {
    pub(crate) fn inject(&self, headers: &mut HeaderMap) {
        call::current(|call| {
            if let Some(trace) = &call.trace {
                trace.inject(headers);
            }
        });
    }

    pub(crate) fn end(self, _status: Option<StatusCode>) {}
}
