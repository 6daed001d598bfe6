//! /invoke-external: advice on weather that a service of others knows.

mod answer;
mod breaker;
mod service;
mod trouble;

pub(crate) use answer::answer;
pub(crate) use service::Service;
