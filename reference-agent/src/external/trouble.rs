//! Why the weather service has not told the weather, and what follows from it.

use axum::http::StatusCode;
use serde_json::json;

use crate::{failure::Failure, telemetry};

/// Why one attempt has come to nothing.
#[derive(Debug, Clone)]
pub(super) enum Trouble {
    /// With what the log tells of it.
    Connection(String),
    Timeout,
    Status(StatusCode),
    Report,
}

impl Trouble {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::Report => "report",
        }
    }

    /// Whether it may be over when the service is asked again.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Connection(_) | Self::Timeout => true,
            Self::Status(status) => is_overload(*status),
            Self::Report => false,
        }
    }

    /// Whether the service is not up to its work; else it is only this question. A report that
    /// makes no sense was quick to come: to leave the service alone would spare nobody anything.
    pub(super) fn is_of_the_service(&self) -> bool {
        match self {
            Self::Status(status) => is_overload(*status),
            Self::Connection(_) | Self::Timeout => true,
            Self::Report => false,
        }
    }
}

fn is_overload(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// What exactly it said is for the log alone, and without the URL, which may hold a secret.
impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        match error.is_timeout() {
            true => Self::Timeout,
            false => Self::Connection(telemetry::causes(&error.without_url())),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Connection(cause) => {
                failure("the weather service cannot be reached").because(&cause)
            }
            Trouble::Timeout => failure("the weather service did not answer in time"),
            Trouble::Status(status) => failure("the weather service did not answer the question")
                .because(&format!("the weather service answered {status}"))
                .with_details(json!({"service_status": status.as_u16()})),
            Trouble::Report => failure("the weather service's answer makes no sense"),
        }
    }
}

pub(super) fn failure(message: &str) -> Failure {
    Failure::external_service(message)
}
