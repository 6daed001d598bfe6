//! Driving: asking the agent, and putting what comes of it on record. All the I/O there is.
//!
//! A drive belongs to a [`Topic`]; it decides what to ask, the [`Driver`] how: bounded in
//! number, in time, and in patience with an agent that does not answer. Drives judge nothing.

pub mod auth;
mod bad;
mod bank;
pub mod cache;
mod config;
pub mod described;
mod documents;
mod driver;
pub mod effect;
mod frames;
mod fresh;
mod halt;
mod invoke;
pub mod observability;
pub mod rate_limit;
mod repeat;
mod silences;
mod stream;
mod transport;
pub mod versions;

pub use bank::Bank;
pub(crate) use driver::RATE_LIMIT_WAIT;
pub use driver::{Driver, Observer, Progress, Question, Stop};
pub use halt::Halt;
pub use silences::Silences;
pub use stream::CONFIG_KEY;
pub use transport::FOREIGN_ORIGIN;

use crate::evidence::{Ask, Topic};

/// Asks everything that belongs to a topic.
pub async fn drive(topic: Topic, driver: &Driver<'_>) -> Vec<Ask> {
    match topic {
        Topic::Documents => documents::documents(driver).await,
        Topic::Discovery => documents::discovery(driver).await,
        Topic::Reread => documents::reread(driver).await,
        Topic::UnknownPath => transport::unknown_path(driver).await,
        Topic::WrongMethod => transport::wrong_method(driver).await,
        Topic::Head => transport::head(driver).await,
        Topic::Cors => transport::cors(driver).await,
        Topic::KeepAlive => transport::keep_alive(driver).await,
        Topic::Oversized => transport::oversized(driver).await,
        Topic::Abort => transport::abort(driver).await,
        Topic::ConfigValid => config::valid(driver).await,
        Topic::ConfigInvalid => config::invalid(driver).await,
        Topic::ConfigShapes => config::shapes(driver).await,
        Topic::ConfigConcurrent => config::concurrent(driver).await,
        Topic::ConfigUsable => config::usable(driver).await,
        Topic::ConfigUnknown => config::unknown(driver).await,
        Topic::ConfigEffect => effect::effect(driver).await,
        Topic::InvokeValid => invoke::valid(driver).await,
        Topic::InvokeInvalid => invoke::invalid(driver).await,
        Topic::InvokeShapes => invoke::shapes(driver).await,
        Topic::InvokeConcurrent => invoke::concurrent(driver).await,
        Topic::InvokeOrder => invoke::order(driver).await,
        Topic::StreamValid => stream::valid(driver).await,
        Topic::StreamInvalid => stream::invalid(driver).await,
        Topic::StreamLeave => stream::leave(driver).await,
        Topic::MalformedJson => bad::malformed(driver).await,
        Topic::WrongContentType => bad::wrong_content_type(driver).await,
        Topic::BadRequests => bad::odd(driver).await,
        // DRIVES: config-versions
        Topic::ConfigVersions => versions::versions(driver).await,
        // DRIVES: cache
        Topic::Cache => cache::repeats(driver).await,
        Topic::CacheTime => cache::time_to_live(driver).await,
        // DRIVES: auth
        Topic::Auth => auth::auth(driver).await,
        // DRIVES: rate-limit
        Topic::RateLimit => rate_limit::rate_limit(driver).await,
        // DRIVES: observability
        Topic::Metrics => observability::metrics(driver).await,
        Topic::HealthUnderLoad => observability::health(driver).await,
        // DRIVES: orchestrator
        // DRIVES: lifecycle
        // Played, not driven: see `scenes`.
        Topic::Lifetime
        | Topic::RequestTimeout
        | Topic::Registration
        | Topic::Forgotten
        | Topic::Created
        | Topic::Outage
        | Topic::CapabilitiesChange => Vec::new(),
        // DRIVES: descriptor
        Topic::Described => described::described(driver).await,
    }
}
