//! Faults of form: what is right is said as another kind of agent says it; and what real agents get
//! wrong beside.

use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use serde_json::{Value, json};

use super::{Fault, failure, stream::rewrite_last};
use crate::{
    exchange::{Asked, Content, Reply},
    seams::Seam,
    stream::head,
};

/// Renames a member, where it is.
fn rename(object: &mut Value, name: &str, other: &str) {
    let Some(members) = object.as_object_mut() else {
        return;
    };
    if let Some(member) = members.remove(name) {
        members.insert(other.to_owned(), member);
    }
}

fn is_read(asked: &Asked, path: &str) -> bool {
    asked.method == Method::GET && asked.path == path
}

fn is_stored(asked: &Asked, reply: &Reply) -> bool {
    asked.path == "/config" && reply.status == StatusCode::CREATED
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "suffixes-the-keys-of-schemas",
        summary: "/schema has input_schema, output_schema and config_schema alone, as an orchestrator reads it",
        trips: &["dialects.canonical-forms"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/schema") {
                reply.edit(|body| {
                    let kept = ["input", "output", "config"]
                        .map(|name| (format!("{name}_schema"), body[name].take()));
                    *body = kept.into_iter().collect();
                });
            }
        })],
    },
    Fault {
        name: "writes-schemas-of-capabilities-in-camel-case",
        summary: "the capabilities have inputSchema and outputSchema, as the manifest has",
        trips: &["dialects.canonical-forms"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/capabilities") {
                reply.edit(|body| {
                    for entry in body["capabilities"].as_array_mut().into_iter().flatten() {
                        rename(entry, "input_schema", "inputSchema");
                        rename(entry, "output_schema", "outputSchema");
                    }
                });
            }
        })],
    },
    Fault {
        name: "breaks-a-schema-in-camel-case",
        summary: "the capabilities have inputSchema, and one is no JSON Schema",
        trips: &["capabilities.schemas-valid", "dialects.canonical-forms"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/capabilities") {
                reply.edit(|body| {
                    for entry in body["capabilities"].as_array_mut().into_iter().flatten() {
                        rename(entry, "input_schema", "inputSchema");
                        entry["inputSchema"]["type"] = json!("objekt");
                    }
                });
            }
        })],
    },
    Fault {
        name: "says-when-and-not-created-at",
        summary: "a new configuration has a `timestamp` in seconds and no created_at",
        trips: &["dialects.canonical-forms"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_stored(asked, reply) {
                reply.edit(|body| {
                    rename(body, "created_at", "timestamp");
                    body["timestamp"] = json!(1_769_860_800.25);
                });
            }
        })],
    },
    Fault {
        name: "echoes-configs",
        summary: "a new configuration is answered with itself, and without `status`",
        trips: &["config.status"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_stored(asked, reply) {
                let config = asked.json()["config"].take();
                reply.edit(|body| {
                    body["config"] = config;
                    if let Some(members) = body.as_object_mut() {
                        members.remove("status");
                    }
                });
            }
        })],
    },
    Fault {
        name: "names-its-protocol-otherwise",
        summary: "/capabilities has acp_version and no protocol_version",
        trips: &["capabilities.protocol-version"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/capabilities") {
                reply.edit(|body| {
                    rename(body, "protocol_version", "acp_version");
                    body["acp_version"] = json!("0.1");
                });
            }
        })],
    },
    Fault {
        name: "lists-capabilities-as-texts",
        summary: "the capabilities are a list of names",
        trips: &["capabilities.named"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/capabilities") {
                reply.edit(|body| {
                    for entry in body["capabilities"].as_array_mut().into_iter().flatten() {
                        *entry = entry["name"].take();
                    }
                });
            }
        })],
    },
    Fault {
        name: "has-no-config-schema",
        summary: "/schema has no `config`",
        trips: &["schema.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/schema") {
                reply.edit(|body| {
                    if let Some(members) = body.as_object_mut() {
                        members.remove("config");
                        members.remove("config_schema");
                    }
                });
            }
        })],
    },
    Fault {
        name: "dates-its-health-without-zone",
        summary: "the timestamp of /health has no zone",
        trips: &["dialects.canonical-forms"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if is_read(asked, "/health") {
                reply.edit(|body| body["timestamp"] = json!("2026-01-31T12:00:00.123456"));
            }
        })],
    },
    Fault {
        name: "marks-hits-beside-the-output",
        summary: "what comes from the cache is marked at the top of the answer, not in the output",
        trips: &["cache.mark-canonical"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/invoke" {
                reply.edit(|body| {
                    let output = body["output"].as_object_mut();
                    if let Some(mark) = output.and_then(|output| output.remove("_from_cache")) {
                        body["_from_cache"] = mark;
                    }
                });
            }
        })],
    },
    Fault {
        name: "says-completed-for-complete",
        summary: "a stream ends in `completed`",
        trips: &["stream.known-vocabulary"],
        seams: &[Seam::Plan(|_, _, plan| {
            rewrite_last(plan, |event| {
                for name in ["status", "event"] {
                    if event[name] == "complete" {
                        event[name] = json!("completed");
                    }
                }
            });
        })],
    },
    Fault {
        name: "says-output-for-result",
        summary: "the last event of a stream has its result in `output`",
        trips: &["stream.known-vocabulary"],
        seams: &[Seam::Plan(|_, _, plan| {
            rewrite_last(plan, |event| rename(event, "result", "output"));
        })],
    },
    Fault {
        name: "ends-streams-in-the-whole-response",
        summary: "the result of a stream is what /invoke answers, `output` and all",
        trips: &["stream.canonical-forms"],
        seams: &[Seam::Plan(|_, _, plan| {
            rewrite_last(plan, |event| {
                if let Some(result) = event.get_mut("result") {
                    *result = json!({"output": result.take(), "metadata": {}});
                }
            });
        })],
    },
    Fault {
        name: "refuses-barely-in-the-stream",
        summary: "invalid input is refused in the stream, by {\"error\": …} without a status",
        trips: &["stream.canonical-forms"],
        seams: &[Seam::Reply(|_, asked, reply| {
            refuse_in_the_stream(asked, reply, true)
        })],
    },
    Fault {
        name: "progresses-and-falls-silent",
        summary: "invalid input for a stream is 200, with progress to 100 and then nothing",
        trips: &["stream.rejects-invalid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            refuse_in_the_stream(asked, reply, false)
        })],
    },
    Fault {
        name: "crashes-on-invalid-configs",
        summary: "an invalid configuration is an unhandled 500",
        trips: &["config.rejects-invalid", "transport.no-5xx-on-bad-input"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let is_config = asked.path == "/config" && asked.json()["config"].is_object();
            if is_config && reply.status == StatusCode::BAD_REQUEST {
                *reply = failure(StatusCode::INTERNAL_SERVER_ERROR, "EXECUTION_ERROR");
            }
        })],
    },
    Fault {
        name: "configures-nothing",
        summary: "configurations are stored, and change nothing",
        trips: &["config.has-effect"],
        seams: &[Seam::Lookup(|_, _, _, found| {
            if let Some(found) = found {
                *found = Default::default();
            }
        })],
    },
];

/// Answers the refusal of an invalid input by a stream: with the error barely told, or not at all.
fn refuse_in_the_stream(asked: &Asked, reply: &mut Reply, tells_it: bool) {
    let keyword = reply
        .body()
        .pointer("/error/details/fields/0/keyword")
        .cloned();
    let is_judged = keyword.is_some_and(|keyword| keyword != "json" && keyword != "exists");
    if !asked.path.starts_with("/invoke/") || !is_judged {
        return;
    }
    let (key, start) = match asked.path.as_str() {
        "/invoke/stream" => ("status", "started"),
        _ => ("event", "start"),
    };
    let last = match tells_it {
        true => json!({"error": "Invalid input"}),
        false => json!({key: "processing", "progress": 100}),
    };
    let text = format!("data: {}\n\ndata: {last}\n\n", json!({key: start}));
    let body = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(text)]);
    *reply = Reply {
        status: StatusCode::OK,
        headers: head(),
        content: Content::Stream(Body::from_stream(body)),
    };
}
