//! The error envelope: the one shape of every answer that is not a success.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::{documents, validation::Violation};

/// Why a request is not answered with a success.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
    fields: Vec<Violation>,
}

impl Failure {
    fn plain(status: StatusCode, code: &'static str, message: &str) -> Self {
        let (message, fields) = (message.to_owned(), Vec::new());
        Self {
            status,
            code,
            message,
            fields,
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

    fn envelope(&self) -> Value {
        let details = match self.fields.as_slice() {
            [] => json!({}),
            fields => json!({ "fields": fields }),
        };
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
        documents::json_response(self.status, &self.envelope())
    }
}
