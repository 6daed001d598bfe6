//! Faults of HTTP itself: content types, paths, methods, bodies, connections.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{Fault, failure};
use crate::{
    exchange::{Asked, Reply},
    seams::{Left, Seam, Wired},
};

/// Marks an answer for the seam of the same fault at the socket, which takes it out again.
const MARK: &str = "x-fault-mark";

fn is_broken(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err()
}

fn crash() -> Reply {
    failure(StatusCode::INTERNAL_SERVER_ERROR, "EXECUTION_ERROR")
}

fn holds(asked: &Asked, needle: &[u8]) -> bool {
    asked
        .body
        .windows(needle.len())
        .any(|window| window == needle)
}

fn depth(body: &[u8]) -> usize {
    body.iter()
        .filter(|byte| matches!(byte, b'[' | b'{'))
        .count()
}

/// Where the head of an answer is marked, and the answer without the mark.
fn unmark(bytes: &[u8]) -> Option<Vec<u8>> {
    let line = format!("{MARK}: 1\r\n");
    let at = bytes
        .windows(line.len())
        .position(|window| window == line.as_bytes())?;
    Some([&bytes[..at], &bytes[at + line.len()..]].concat())
}

fn mark(reply: &mut Reply) {
    reply.headers.insert(MARK, HeaderValue::from_static("1"));
}

/// Whether these bytes are an answer of known length with its body, which is all here.
fn is_whole_answer(bytes: &[u8]) -> bool {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    head.starts_with("http/1.") && head.contains("content-length:") && bytes.len() > end + 4
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "labels-auth-as-text",
        summary: "/auth is JSON under the content type text/plain",
        trips: &["transport.json-content-type"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/auth" {
                let text = HeaderValue::from_static("text/plain; charset=utf-8");
                reply.headers.insert(header::CONTENT_TYPE, text);
            }
        })],
    },
    Fault {
        name: "labels-errors-as-html",
        summary: "refusals are JSON under the content type text/html",
        trips: &["transport.json-content-type"],
        seams: &[Seam::Reply(|_, _, reply| {
            if reply.status.is_client_error() {
                let html = HeaderValue::from_static("text/html");
                reply.headers.insert(header::CONTENT_TYPE, html);
            }
        })],
    },
    Fault {
        name: "repeats-a-key",
        summary: "the object of /auth has one of its keys twice",
        trips: &["transport.json-is-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/auth" && reply.body().is_object() {
                let once = reply.body().to_string();
                reply.write(once.replacen('{', "{\"type\":\"none\",", 1));
            }
        })],
    },
    Fault {
        name: "serves-unknown-paths",
        summary: "GET of an unknown path is answered 200, as single-page applications do",
        trips: &["transport.unknown-path-404"],
        seams: &[Seam::Reply(|_, asked, reply| {
            // What the profile names but this agent does not have stays not found.
            let optional = ["/metrics", "/config"]
                .iter()
                .any(|path| asked.path.starts_with(path));
            let read = asked.method == Method::GET;
            if reply.body()["error"]["code"] == "NOT_FOUND" && read && !optional {
                *reply = Reply::json(StatusCode::OK, json!({"name": "Weather Advisor"}));
            }
        })],
    },
    Fault {
        name: "redirects-unknown-paths",
        summary: "an unknown path is redirected to the index",
        trips: &["transport.unknown-path-404"],
        seams: &[Seam::Reply(|_, _, reply| {
            if reply.body()["error"]["code"] == "NOT_FOUND" {
                reply.status = StatusCode::FOUND;
                reply.headers.remove(header::CONTENT_TYPE);
                reply
                    .headers
                    .insert(header::LOCATION, HeaderValue::from_static("/"));
                reply.write("");
            }
        })],
    },
    Fault {
        name: "hides-wrong-methods",
        summary: "a known path with another method is answered 404",
        trips: &["transport.wrong-method-405"],
        seams: &[Seam::Reply(|_, _, reply| {
            if reply.status == StatusCode::METHOD_NOT_ALLOWED {
                *reply = failure(StatusCode::NOT_FOUND, "NOT_FOUND");
            }
        })],
    },
    Fault {
        name: "forgets-allow",
        summary: "405 comes without the Allow header that HTTP demands",
        trips: &["transport.wrong-method-405"],
        seams: &[Seam::Reply(|_, _, reply| {
            reply.headers.remove(header::ALLOW);
        })],
    },
    Fault {
        name: "takes-broken-json",
        summary: "/invoke makes something up where an object's text is not JSON",
        trips: &["transport.malformed-json-4xx"],
        seams: &[Seam::Request(|_, mut asked| {
            if asked.path == "/invoke" && asked.body.starts_with(b"{") && is_broken(&asked.body) {
                asked.body = json!({"input": {"city": "London"}}).to_string().into();
            }
            Box::pin(std::future::ready(asked))
        })],
    },
    Fault {
        name: "crashes-on-empty-bodies",
        summary: "/invoke answers 500 to an empty body",
        trips: &[
            "transport.malformed-json-4xx",
            "transport.no-5xx-on-bad-input",
        ],
        seams: &[Seam::Early(|_, asked| {
            let posted = asked.path == "/invoke" && asked.method == Method::POST;
            (posted && asked.body.is_empty()).then(crash)
        })],
    },
    Fault {
        name: "crashes-on-invalid-utf8",
        summary: "a body that is not UTF-8 is answered 500",
        trips: &[
            "transport.malformed-json-4xx",
            "transport.no-5xx-on-bad-input",
        ],
        seams: &[Seam::Early(|_, asked| {
            std::str::from_utf8(&asked.body).is_err().then(crash)
        })],
    },
    Fault {
        name: "crashes-on-lone-surrogates",
        summary: "an escaped surrogate without its other half is answered 500",
        trips: &["transport.no-5xx-on-bad-input"],
        seams: &[Seam::Early(|_, asked| {
            let escaped = holds(asked, b"\\ud800") || holds(asked, b"\\uD800");
            let is_refused = serde_json::from_slice::<Value>(&asked.body).is_err();
            (escaped && is_refused).then(crash)
        })],
    },
    Fault {
        name: "crashes-on-nan",
        summary: "NaN in a body, which is not JSON, is answered 500",
        trips: &[
            "transport.malformed-json-4xx",
            "transport.no-5xx-on-bad-input",
        ],
        seams: &[Seam::Early(|_, asked| holds(asked, b": NaN").then(crash))],
    },
    Fault {
        name: "crashes-on-huge-numbers",
        summary: "a number beyond a double's range is answered 500",
        trips: &["transport.no-5xx-on-bad-input"],
        seams: &[Seam::Early(|_, asked| {
            let error = serde_json::from_slice::<Value>(&asked.body).err();
            error
                .is_some_and(|error| error.to_string().contains("out of range"))
                .then(crash)
        })],
    },
    Fault {
        name: "dies-of-deep-nesting",
        summary: "a body that is nested a thousand deep makes the agent drop the connection",
        trips: &["transport.no-5xx-on-bad-input"],
        seams: &[
            Seam::Reply(|_, asked, reply| {
                if depth(&asked.body) > 1000 {
                    mark(reply);
                }
            }),
            Seam::Wire(|_, bytes| match unmark(bytes) {
                Some(_) => Wired::ThenClose(Vec::new()),
                None => Wired::AsIs,
            }),
        ],
    },
    Fault {
        name: "ignores-content-types",
        summary: "/invoke takes a body that says it is plain text",
        trips: &["transport.wrong-content-type-4xx"],
        seams: &[Seam::Request(|_, mut asked| {
            if asked.path == "/invoke" {
                let json = HeaderValue::from_static("application/json");
                asked.headers.insert(header::CONTENT_TYPE, json);
            }
            Box::pin(std::future::ready(asked))
        })],
    },
    Fault {
        name: "swallows-large-bodies",
        summary: "there is no bound to a request's body",
        trips: &["transport.oversized-body-4xx"],
        seams: &[Seam::Settings(|settings| settings.body_limit = usize::MAX)],
    },
    Fault {
        name: "shows-stack-traces",
        summary: "a refusal for a wrong type comes with a stack trace",
        trips: &["transport.no-internals-leak"],
        seams: &[Seam::Reply(|_, _, reply| {
            if reply.body().pointer("/error/details/fields/0/keyword") == Some(&json!("type")) {
                reply.edit(|body| {
                    body["error"]["details"]["trace"] = json!(
                        "Traceback (most recent call last):\n  File \"/srv/agent/app.py\", line 42, in invoke\nTypeError: unsupported operand"
                    );
                });
            }
        })],
    },
    Fault {
        name: "names-its-files-in-errors",
        summary: "the message for an unknown configuration names a file of the agent's machine",
        trips: &["transport.no-internals-leak"],
        seams: &[Seam::Reply(|_, _, reply| {
            if reply.body()["error"]["code"] == "CONFIG_NOT_FOUND" {
                reply.edit(|body| {
                    body["error"]["message"] =
                        json!("cannot open /var/lib/agent/configs/store.json: not found");
                });
            }
        })],
    },
    Fault {
        name: "refuses-head",
        summary: "HEAD is answered 405 everywhere",
        trips: &["transport.head"],
        seams: &[Seam::Early(|_, asked| {
            let mut reply = failure(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED");
            reply
                .headers
                .insert(header::ALLOW, HeaderValue::from_static("GET"));
            (asked.method == Method::HEAD).then_some(reply)
        })],
    },
    Fault {
        name: "has-no-head-for-the-schema",
        summary: "HEAD works, save on /schema, where it is answered 404",
        trips: &["transport.head"],
        seams: &[Seam::Early(|_, asked| {
            let missing = asked.method == Method::HEAD && asked.path == "/schema";
            missing.then(|| failure(StatusCode::NOT_FOUND, "NOT_FOUND"))
        })],
    },
    Fault {
        name: "answers-head-with-a-body",
        summary: "the answer to HEAD has a body",
        trips: &["transport.head"],
        seams: &[
            Seam::Reply(|_, asked, reply| {
                if asked.method == Method::HEAD {
                    mark(reply);
                }
            }),
            Seam::Wire(|_, bytes| match unmark(bytes) {
                Some(head) => Wired::ThenClose([&head[..], b"{\"type\":\"none\"}"].concat()),
                None => Wired::AsIs,
            }),
        ],
    },
    Fault {
        name: "trusts-any-origin",
        summary: "any Origin is echoed, and credentials are allowed",
        trips: &["transport.cors-not-reflected"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if let Some(origin) = asked.headers.get(header::ORIGIN) {
                reply
                    .headers
                    .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                let yes = HeaderValue::from_static("true");
                reply
                    .headers
                    .insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            }
        })],
    },
    Fault {
        name: "hangs-up-after-each-answer",
        summary: "the connection is closed after each answer, and no header says so",
        trips: &["transport.keep-alive"],
        seams: &[Seam::Wire(|_, bytes| match is_whole_answer(bytes) {
            true => Wired::ThenClose(bytes.to_vec()),
            false => Wired::AsIs,
        })],
    },
    Fault {
        name: "sends-bytes-after-the-body",
        summary: "a few bytes follow the body and garble the next answer on the connection",
        trips: &["transport.keep-alive"],
        seams: &[Seam::Wire(|_, bytes| match is_whole_answer(bytes) {
            true => Wired::Instead([bytes, b"null"].concat()),
            false => Wired::AsIs,
        })],
    },
    Fault {
        name: "sulks-after-an-aborted-request",
        summary: "once a client has dropped a half-sent request, everything is answered 503",
        trips: &["transport.survives-abort"],
        seams: &[
            Seam::Abandoned(|memory, left| {
                if left == Left::Request {
                    memory.count();
                }
            }),
            Seam::Early(|memory, _| {
                let sulks = memory.counted() > 0;
                sulks.then(|| failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"))
            }),
        ],
    },
];
