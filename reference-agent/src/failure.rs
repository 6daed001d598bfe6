//! The error envelope: the one shape of every answer that is not a success.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{documents, limits::Ruling, validation::Violation};

/// Which credentials are asked for: the values that `WWW-Authenticate` has here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// An API key.
    ApiKey,
    /// A token, and none was shown.
    Token,
    /// Another token than the one that was shown.
    OtherToken,
}

impl Challenge {
    fn value(self) -> &'static str {
        match self {
            Self::ApiKey => "ApiKey realm=\"acp\"",
            Self::Token => "Bearer realm=\"acp\"",
            Self::OtherToken => "Bearer realm=\"acp\", error=\"invalid_token\"",
        }
    }
}

/// Why a request is not answered with a success.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<Violation>,
    /// Boxed, so that a result is not mostly room for a failure.
    details: Box<Value>,
    challenge: Option<Challenge>,
    cause: Option<Box<str>>,
}

/// Why a request has failed or was refused: goes along with the answer as far as the log, and
/// is not sent.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) Box<str>);

impl Failure {
    fn plain(status: StatusCode, code: &'static str, message: &str) -> Self {
        Self {
            status,
            code,
            message: message.to_owned(),
            fields: Vec::new(),
            details: Box::new(json!({})),
            challenge: None,
            cause: None,
        }
    }

    /// The body is not one that the endpoint takes; `fields` says where and why.
    pub(crate) fn invalid_input(message: &str, fields: Vec<Violation>) -> Self {
        let plain = Self::plain(StatusCode::BAD_REQUEST, "INVALID_INPUT", message);
        Self { fields, ..plain }
    }

    /// No configuration is stored under the id that the request names.
    pub(crate) fn config_not_found() -> Self {
        let fields = vec![Violation::at(
            "/config_id",
            "exists",
            "names no stored configuration",
        )];
        let message = "there is no configuration of this id";
        Self {
            fields,
            ..Self::plain(StatusCode::NOT_FOUND, "CONFIG_NOT_FOUND", message)
        }
    }

    /// The configuration is there, but no version of it that has this name.
    pub(crate) fn version_not_found() -> Self {
        let what = "names no version of this configuration";
        let fields = vec![Violation::at("/version", "exists", what)];
        let message = "there is no version of this name";
        Self {
            fields,
            ..Self::plain(StatusCode::NOT_FOUND, "CONFIG_NOT_FOUND", message)
        }
    }

    pub(crate) fn not_found() -> Self {
        Self::plain(
            StatusCode::NOT_FOUND,
            "NOT_FOUND",
            "there is nothing at this path",
        )
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "this path does not take this method";
        Self::plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            message,
        )
    }

    pub(crate) fn payload_too_large(limit: usize) -> Self {
        let message = format!("the body is longer than {limit} bytes");
        Self::plain(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", &message)
    }

    pub(crate) fn unsupported_media_type() -> Self {
        let message = "the body must be sent as application/json";
        Self::plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UNSUPPORTED_MEDIA_TYPE",
            message,
        )
    }

    /// The agent itself has failed; why is nobody's business outside.
    pub(crate) fn execution() -> Self {
        let message = "the agent could not finish the request";
        Self::plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "EXECUTION_ERROR",
            message,
        )
    }

    /// Credentials are missing, or are not what they should be.
    pub(crate) fn unauthorized(message: &str) -> Self {
        Self::plain(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message)
    }

    /// Says in the answer's head which credentials are asked for (`WWW-Authenticate`).
    pub(crate) fn challenge(self, challenge: Challenge) -> Self {
        let challenge = Some(challenge);
        Self { challenge, ..self }
    }

    /// The client has had all that it is allowed for now.
    pub(crate) fn rate_limited(ruling: &Ruling) -> Self {
        let plain = Self::plain(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMIT_EXCEEDED",
            "too many requests; come back later",
        );
        let details = json!({
            "limit": ruling.limit,
            "window_seconds": ruling.window.as_secs_f64(),
            "retry_after_seconds": ruling.reset_seconds(),
        });
        Self {
            details: details.into(),
            ..plain
        }
    }

    /// The client has not sent the whole request in the time that one may take. It is not the
    /// agent that is slow: hence no 504.
    pub(crate) fn request_timeout(limit: Duration) -> Self {
        let message = "the request did not arrive in time";
        let plain = Self::plain(StatusCode::REQUEST_TIMEOUT, "INVALID_INPUT", message);
        Self {
            details: json!({"timeout_seconds": limit.as_secs_f64()}).into(),
            ..plain
        }
    }

    /// A refusal by the framework, which knows nothing of the envelope.
    pub(crate) fn by_framework(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(),
            status if status.is_server_error() => Self::execution(),
            status => {
                let message = "the request is not one that this path takes";
                Self::plain(status, "INVALID_INPUT", message)
            }
        }
    }

    /// A refusal of what is no request at all, or too long a one, worded by HTTP's status.
    pub(crate) fn by_http(status: StatusCode) -> Self {
        let message = match status {
            StatusCode::URI_TOO_LONG => "the request's target is too long",
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the request's head is too long",
            _ => "this is not a request of HTTP/1.1",
        };
        Self::plain(status, "INVALID_INPUT", message)
    }

    /// The work took longer than the settings allow, and was stopped.
    pub(crate) fn timeout(limit: Duration) -> Self {
        let plain = Self::plain(
            StatusCode::GATEWAY_TIMEOUT,
            "TIMEOUT",
            "the request took too long and was stopped",
        );
        Self {
            details: json!({"timeout_seconds": limit.as_secs_f64()}).into(),
            ..plain
        }
    }

    /// A service that the agent asks has failed it.
    pub(crate) fn external_service(message: &str) -> Self {
        Self::plain(StatusCode::BAD_GATEWAY, "EXTERNAL_SERVICE_ERROR", message)
    }

    /// The agent takes no more work: it is on its way out, or full.
    pub(crate) fn unavailable(message: &str) -> Self {
        Self::plain(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }

    /// Says more, for programs.
    pub(crate) fn with_details(self, details: Value) -> Self {
        let details = Box::new(details);
        Self { details, ..self }
    }

    /// What is told of it in the log alone: more than is anybody's business outside.
    pub(crate) fn because(self, cause: &str) -> Self {
        let cause = Some(cause.into());
        Self { cause, ..self }
    }

    /// What the log tells of it: the message, if there is no more to tell.
    fn cause(self) -> Option<Cause> {
        let is_told = match self.status.as_u16() {
            401 | 403 | 429 => true,
            status => status >= 500,
        };
        let cause = self.cause.unwrap_or_else(|| self.message.into());
        is_told.then_some(Cause(cause))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// What the envelope says under `error`: for events and other protocols too.
    pub(crate) fn error(&self) -> Value {
        self.envelope()["error"].take()
    }

    pub(crate) fn envelope(&self) -> Value {
        let mut details = (*self.details).clone();
        if !self.fields.is_empty() {
            details["fields"] = json!(self.fields);
        }
        json!({"error": {
            "code": self.code,
            "message": self.message,
            "details": details,
            "timestamp": documents::now(),
        }})
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = documents::json_response(self.status, &self.envelope());
        if let Some(challenge) = self.challenge {
            let challenge = HeaderValue::from_static(challenge.value());
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(cause) = self.cause() {
            response.extensions_mut().insert(cause);
        }
        response
    }
}
