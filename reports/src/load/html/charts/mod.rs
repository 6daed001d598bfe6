//! The charts of a load report, each where the run has something for it.

mod courses;
mod curves;
mod limits;
mod time;

pub(super) use courses::Courses;
pub(super) use curves::{hit_curves, latency_curve, stream_curves};
pub(super) use limits::{admissions, capacity, fullness};
pub(super) use time::{
    gap_course, hit_rate, hits, latency_course, limited, memory, throughput, users,
};
