//! The load report: what users of an agent would feel, and whether the figures can be believed.
//!
//! The model is filled in by `acp-load`, which owns the histograms and the statistics; its faces
//! are here, one file a format, listed in [`Format`].

mod blocks;
mod cache_block;
mod curve;
mod format;
mod gates;
mod html;
mod human;
mod junit;
mod limit_block;
mod markdown;
mod model;
#[cfg(test)]
pub(crate) mod sample;
mod sections;
mod verdict;
pub(crate) mod words;

pub(crate) use blocks::share_of;
pub use format::{Format, UnknownFormat};
pub use gates::{Baseline, Earlier, Metric, Threshold, Unit};
pub use model::{
    Arrivals, Curve, Defect, Endpoint, Figures, Generator, Invalid, Latency, Model, Report,
    Requests, Slice, Target,
};
pub use sections::{
    Admissions, Algorithm, Cache, Capacity, CapacityRun, Confidence, Cost, Fairness, Pressure,
    RateLimit, Recovery, RetryAfter, Scope, Soak, Stream, Told, Trend, Violation,
};
