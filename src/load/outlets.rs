//! Where the results of a run go: found out before it, so that nothing fails after it.

use std::path::PathBuf;

use acp_load::hlog::Log;
use acp_load::metrics::{Collector, Span, exposition};
use acp_reports::load::{Format, Report};

use super::Arguments;
use crate::exit::Failure;
use crate::output::{self, Place, Sink};

/// The files, and a collector of metrics.
pub(super) struct Outlets {
    sinks: Vec<Sink<Format>>,
    log: Option<Place>,
    prometheus: Option<Place>,
}

impl Outlets {
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let place = |option, path: &Option<PathBuf>| {
            let path = path.as_deref();
            path.map(|path| Place::of(option, path)).transpose()
        };
        let outlets = Self {
            sinks: output::sinks(arguments.format.clone(), &arguments.output)?,
            log: place("--histogram", &arguments.histogram)?,
            prometheus: place("--prometheus", &arguments.prometheus)?,
        };
        output::all_differ(
            &outlets.sinks,
            outlets.log.iter().chain(&outlets.prometheus),
        )?;
        Ok(outlets)
    }

    /// Whether somebody reads a report on standard output.
    pub(super) fn tells_on_stdout(&self) -> bool {
        self.sinks.iter().any(Sink::is_stdout)
    }

    /// Writes all files.
    pub(super) fn write(&self, report: &Report) -> Result<(), Failure> {
        if let Some(place) = &self.log {
            let text = Log::of(report).write().map_err(Failure::other)?;
            place.write(text.as_bytes())?;
        }
        if let Some(place) = &self.prometheus {
            place.write(exposition(report).as_bytes())?;
        }
        for sink in &self.sinks {
            sink.write(report)?;
        }
        Ok(())
    }
}

/// The collector that `--otlp` names.
pub(super) async fn collector(arguments: &Arguments) -> Result<Option<Collector>, Failure> {
    let Some(url) = &arguments.otlp else {
        return Ok(None);
    };
    let found = Collector::find(url.clone()).await;
    found
        .map(Some)
        .map_err(|error| Failure::usage(format!("--otlp: {error}")))
}

/// The span of a run until now.
pub(super) fn span(began: jiff::Timestamp) -> Span {
    let nanos = |moment: jiff::Timestamp| u64::try_from(moment.as_nanosecond()).unwrap_or_default();
    Span {
        began: nanos(began),
        ended: nanos(jiff::Timestamp::now()),
    }
}
