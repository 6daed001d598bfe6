//! Faults of refusals: their envelope, code, status, details and time.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Fault;
use crate::{exchange::Reply, seams::Seam};

fn is(reply: &Reply, code: &str) -> bool {
    reply.body()["error"]["code"] == code
}

/// Changes the inner object of every refusal.
fn rewrite(reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if reply.status.is_client_error() {
        reply.edit(|body| change(&mut body["error"]));
    }
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "says-nothing-in-errors",
        summary: "the body of a 405 is an empty object",
        trips: &["errors.envelope"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "METHOD_NOT_ALLOWED") {
                reply.write("{}");
            }
        })],
    },
    Fault {
        name: "answers-unknown-paths-in-html",
        summary: "the body of a 404 is a web page",
        trips: &["errors.envelope"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "NOT_FOUND") {
                let html = axum::http::HeaderValue::from_static("text/html");
                reply.headers.insert(axum::http::header::CONTENT_TYPE, html);
                reply.write("<html><body><h1>404 Not Found</h1></body></html>");
            }
        })],
    },
    Fault {
        name: "says-detail-for-error",
        summary: "an unknown path is answered {\"detail\": …}, as FastAPI does by itself",
        trips: &["errors.envelope-canonical"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "NOT_FOUND") {
                reply.write(json!({"detail": "Not Found"}).to_string());
            }
        })],
    },
    Fault {
        name: "flattens-errors",
        summary: "a wrong method is answered {\"error\": \"…\", \"code\": \"…\"}",
        trips: &["errors.envelope-canonical"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "METHOD_NOT_ALLOWED") {
                let flat = json!({"error": "method not allowed", "code": "METHOD_NOT_ALLOWED"});
                reply.write(flat.to_string());
            }
        })],
    },
    Fault {
        name: "answers-as-fastapi-does",
        summary: "invalid input is answered 422 {\"detail\": [{\"loc\": …}]}",
        trips: &["errors.envelope-canonical", "errors.invalid-input-400"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "INVALID_INPUT") {
                let fields = reply.body()["error"]["details"]["fields"].take();
                let location = |field: &Value| {
                    let path = field["path"]
                        .as_str()
                        .unwrap_or_default()
                        .split('/')
                        .skip(1);
                    let loc: Vec<_> = ["body"].into_iter().chain(path).collect();
                    json!({"loc": loc, "msg": "invalid value", "type": "value_error"})
                };
                let detail: Vec<_> = fields
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(location)
                    .collect();
                reply.status = StatusCode::UNPROCESSABLE_ENTITY;
                reply.write(json!({"detail": detail}).to_string());
            }
        })],
    },
    Fault {
        name: "invents-error-codes",
        summary: "the code of a 405 is one that the protocol does not know",
        trips: &["errors.code-known"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "METHOD_NOT_ALLOWED") {
                rewrite(reply, |error| error["code"] = json!("WRONG_VERB"));
            }
        })],
    },
    Fault {
        name: "says-timeout-for-not-found",
        summary: "an unknown path has the code TIMEOUT",
        trips: &["errors.code-matches-status"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "NOT_FOUND") {
                rewrite(reply, |error| error["code"] = json!("TIMEOUT"));
            }
        })],
    },
    Fault {
        name: "takes-the-blame-for-bad-input",
        summary: "invalid input is 400, with the code EXECUTION_ERROR",
        trips: &["errors.code-matches-status", "errors.invalid-input-400"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "INVALID_INPUT") {
                rewrite(reply, |error| error["code"] = json!("EXECUTION_ERROR"));
            }
        })],
    },
    Fault {
        name: "answers-422",
        summary: "invalid input is answered 422, in the right envelope",
        trips: &["errors.invalid-input-400"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "INVALID_INPUT") {
                reply.status = StatusCode::UNPROCESSABLE_ENTITY;
            }
        })],
    },
    Fault {
        name: "names-no-field",
        summary: "the details of invalid input are empty, and the message says as little",
        trips: &["errors.invalid-input-400"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "INVALID_INPUT") {
                rewrite(reply, |error| {
                    error["details"] = json!({});
                    error["message"] = json!("bad request");
                });
            }
        })],
    },
    Fault {
        name: "names-no-field-of-a-wrong-type",
        summary: "the details are empty where a value is of the wrong type",
        trips: &["errors.invalid-input-400"],
        seams: &[Seam::Reply(|_, _, reply| {
            let keyword = reply
                .body()
                .pointer("/error/details/fields/0/keyword")
                .cloned();
            if keyword == Some(json!("type")) {
                rewrite(reply, |error| error["details"] = json!({}));
            }
        })],
    },
    Fault {
        name: "says-not-found-for-config-not-found",
        summary: "an unknown configuration has the code NOT_FOUND",
        trips: &["errors.config-not-found"],
        seams: &[Seam::Reply(|_, _, reply| {
            if is(reply, "CONFIG_NOT_FOUND") {
                rewrite(reply, |error| error["code"] = json!("NOT_FOUND"));
            }
        })],
    },
    Fault {
        name: "answers-400-to-unknown-configs",
        summary: "/invoke with an unknown configuration is answered 400 INVALID_INPUT",
        trips: &["errors.config-not-found", "config.unknown-id-404"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/invoke" && is(reply, "CONFIG_NOT_FOUND") {
                reply.status = StatusCode::BAD_REQUEST;
                rewrite(reply, |error| error["code"] = json!("INVALID_INPUT"));
            }
        })],
    },
    Fault {
        name: "stamps-errors-without-zone",
        summary: "the timestamp of an error has no zone",
        trips: &["errors.timestamp"],
        seams: &[Seam::Reply(|_, _, reply| {
            rewrite(reply, |error| {
                let time = error["timestamp"].as_str().unwrap_or_default();
                error["timestamp"] = json!(time.trim_end_matches('Z'));
            });
        })],
    },
    Fault {
        name: "stamps-errors-in-seconds",
        summary: "the timestamp of an error is a number",
        trips: &["errors.timestamp"],
        seams: &[Seam::Reply(|_, _, reply| {
            let seconds = jiff::Timestamp::now().as_second();
            rewrite(reply, |error| error["timestamp"] = json!(seconds));
        })],
    },
    Fault {
        name: "lives-an-hour-ahead",
        summary: "errors bear the local time of a zone one hour east, and call it UTC",
        trips: &["errors.timestamp"],
        seams: &[Seam::Reply(|_, _, reply| {
            let ahead = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
            rewrite(reply, |error| {
                error["timestamp"] = json!(format!("{ahead:.3}"))
            });
        })],
    },
];
