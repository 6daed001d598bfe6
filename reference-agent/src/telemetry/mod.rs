//! What others see of the agent's work while it goes on: log lines, and traces.

mod context;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
#[cfg(not(feature = "otlp"))]
mod without_otlp;

pub(crate) use context::Trace;
pub use log::{causes, log_panics, subscriber};
#[cfg(feature = "otlp")]
pub(crate) use otlp::{ServerSpan, Tracer};
#[cfg(not(feature = "otlp"))]
pub(crate) use without_otlp::{ServerSpan, Tracer};
