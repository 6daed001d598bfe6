//! Log lines: one JSON object each, or text for people.
//!
//! A line says what happened and to which request. Headers, bodies, keys and query strings
//! are in none: nobody hands them to a log macro.

use std::fmt;

use serde_json::{Map, Value, json};
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    filter::Targets,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    layer::SubscriberExt,
    registry::LookupSpan,
};

use crate::{
    call,
    documents::now,
    settings::{LogFormat, Settings},
};

/// What writes the agent's log lines; the program makes it the global default.
///
/// Requests are told if they failed or were refused; the others only if [`Settings::debug`]
/// says so.
pub fn subscriber<W>(settings: &Settings, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = match settings.debug {
        true => Level::DEBUG,
        false => Level::INFO,
    };
    let lines = Lines {
        format: settings.log_format,
        agent_id: settings.agent_id.clone(),
        version: settings.version.clone(),
    };
    let layer = tracing_subscriber::fmt::layer()
        .event_format(lines)
        .with_writer(writer);
    // Libraries are not heard: what they would say of requests is not ours to vouch for.
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), level);
    tracing_subscriber::registry().with(ours).with(layer)
}

/// Tells of panics in log lines: where, but not with what, as that may be a caller's own data.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place = place.unwrap_or_default(), "panicked");
    }));
}

/// An error with all that led to it, in one line.
#[must_use]
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        told.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    told
}

/// How a line is made.
struct Lines {
    format: LogFormat,
    agent_id: String,
    version: String,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut told = Told(Map::new());
        event.record(&mut told);
        told.request();
        let Told(mut fields) = told;
        let message = fields.shift_remove("message").unwrap_or_default();
        let level = event.metadata().level().as_str();
        match self.format {
            LogFormat::Json | LogFormat::Auto => {
                let mut line = json!({
                    "timestamp": now(),
                    "level": level,
                    "message": message,
                    "agent_id": self.agent_id,
                    "version": self.version,
                });
                if let Some(line) = line.as_object_mut() {
                    line.append(&mut fields);
                }
                writeln!(writer, "{line}")
            }
            LogFormat::Text => {
                let message = message.as_str().unwrap_or_default();
                write!(writer, "{} {level:5} {message}", now())?;
                // Values as JSON has them: no text of a caller can begin a line of its own.
                for (name, value) in &fields {
                    write!(writer, " {name}={value}")?;
                }
                writeln!(writer)
            }
        }
    }
}

/// The fields of an event.
struct Told(Map<String, Value>);

impl Told {
    /// Adds the request that is being worked on, where the event does not name one.
    fn request(&mut self) {
        call::current(|call| {
            let trace = call.trace.as_ref().map(|trace| trace.id().into());
            let known = [
                ("request_id", Some(call.id().into())),
                ("endpoint", Some(call.endpoint.template.into())),
                ("trace_id", trace),
            ];
            for (name, value) in known {
                if let Some(value) = value {
                    self.0.entry(name).or_insert(value);
                }
            }
        });
    }

    fn keep(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Told {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::File, io::Read, sync::Arc};

    use super::*;
    use crate::{call::Head, telemetry::Trace};

    /// The one line that is written of what is told.
    fn line(log_format: LogFormat, tell: impl FnOnce()) -> String {
        let settings = Settings {
            log_format,
            ..Settings::default()
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        let file = Arc::new(File::create(&path).expect("a file"));
        tracing::subscriber::with_default(subscriber(&settings, file), tell);
        let mut text = String::new();
        let read = File::open(&path).and_then(|mut file| file.read_to_string(&mut text));
        read.expect("the file is there");
        assert_eq!(text.lines().count(), 1, "{text}");
        text
    }

    #[test]
    fn text_is_one_line_whatever_it_tells() {
        let text = line(LogFormat::Text, || {
            tracing::info!(told = "a\nb", number = 7, "something happened");
            tracing::debug!("not told");
        });
        let expected = " INFO  something happened told=\"a\\nb\" number=7\n";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn what_is_told_while_a_request_is_worked_on_names_it() {
        let trace = Trace {
            trace_id: 10,
            span_id: 1,
            is_sampled: true,
            state: None,
        };
        let text = line(LogFormat::Json, || {
            call::within_now(Head::some(Some(trace)).into(), || {
                tracing::warn!("deep down")
            });
        });
        let line: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["request_id"], "req-1");
        assert_eq!(line["endpoint"], "unknown");
        assert_eq!(line["trace_id"], "0000000000000000000000000000000a");
    }
}
