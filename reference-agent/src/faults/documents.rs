//! Faults of the documents: /auth, /schema, /capabilities, and what they claim.

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};

use super::{Fault, failure};
use crate::{
    exchange::{Asked, Reply},
    seams::{Place, Seam},
    validation::Violation,
};

/// Changes one document on its way out.
fn rewrite(path: &str, asked: &Asked, reply: &mut Reply, change: impl FnOnce(&mut Value)) {
    if asked.path == path && asked.method == Method::GET {
        reply.edit(change);
    }
}

/// The same for one of its members.
fn set(path: &str, asked: &Asked, reply: &mut Reply, pointer: &str, value: Value) {
    rewrite(path, asked, reply, |body| {
        if let Some(member) = body.pointer_mut(pointer) {
            *member = value;
        }
    });
}

fn remove(body: &mut Value, parent: &str, name: &str) {
    if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
        parent.remove(name);
    }
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "locks-the-door-to-auth",
        summary: "/auth, which says how to authenticate, is answered 401",
        trips: &["auth.responds"],
        seams: &[Seam::Early(|_, asked| {
            let mut reply = failure(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
            reply
                .headers
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            (asked.path == "/auth" && asked.method == Method::GET).then_some(reply)
        })],
    },
    Fault {
        name: "invents-an-auth-type",
        summary: "/auth names a type that the protocol does not know",
        trips: &["auth.type-known"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/auth", asked, reply, "/type", json!("public"));
        })],
    },
    Fault {
        name: "capitalises-the-auth-type",
        summary: "/auth says `None` for `none`",
        trips: &["auth.type-known"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/auth", asked, reply, "/type", json!("None"));
        })],
    },
    Fault {
        name: "describes-auth-blankly",
        summary: "the description of /auth is the empty string",
        trips: &["auth.description"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/auth", asked, reply, "/description", json!(""));
        })],
    },
    Fault {
        name: "requires-nothing-at-all",
        summary: "/auth requires credentials of the type `none`",
        trips: &["auth.required-agrees"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/auth", asked, reply, "/required", json!(true));
        })],
    },
    Fault {
        name: "says-required-in-words",
        summary: "`required` of /auth is the text \"false\"",
        trips: &["auth.required-agrees"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/auth", asked, reply, "/required", json!("false"));
        })],
    },
    Fault {
        name: "gives-true-for-a-schema",
        summary: "the output schema of /schema is `true`, not an object",
        trips: &["schema.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/schema", asked, reply, "/output", json!(true));
        })],
    },
    Fault {
        name: "requires-in-the-old-way",
        summary: "a member of the output schema has `required: true`, which is draft 3",
        trips: &["schema.is-json-schema"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite("/schema", asked, reply, |body| {
                body["output"]["properties"]["city"]["required"] = json!(true);
            });
        })],
    },
    Fault {
        name: "points-out-of-the-document",
        summary: "the output schema refers to a schema on another host",
        trips: &["schema.self-contained"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite("/schema", asked, reply, |body| {
                body["output"]["$defs"] =
                    json!({"place": {"$ref": "https://schemas.invalid/place.json"}});
            });
        })],
    },
    Fault {
        name: "asks-for-the-impossible",
        summary: "no configuration can hold to the published schema, and none is taken",
        trips: &["schema.satisfiable"],
        seams: &[
            Seam::Reply(|_, asked, reply| {
                rewrite("/schema", asked, reply, |body| {
                    body["config"] = json!({
                        "type": "object",
                        "properties": {"retries": {"type": "integer", "minimum": 5, "maximum": 1}},
                        "required": ["retries"],
                    });
                });
            }),
            Seam::Verdict(|_, place, _, found| {
                if place == Place::Config && found.is_empty() {
                    found.push(Violation::at("/config/retries", "required", "is required"));
                }
            }),
        ],
    },
    Fault {
        name: "defaults-out-of-bounds",
        summary: "a default of the input schema is over its own maximum",
        trips: &["schema.defaults-agree"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set(
                "/schema",
                asked,
                reply,
                "/input/properties/days/default",
                json!(14),
            );
        })],
    },
    Fault {
        name: "examples-of-the-wrong-type",
        summary: "an example in the config schema is not valid under it",
        trips: &["schema.defaults-agree"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set(
                "/schema",
                asked,
                reply,
                "/config/examples/1",
                json!({"units": "kelvin"}),
            );
        })],
    },
    Fault {
        name: "forgets-the-time-zone",
        summary: "timestamps of outputs have no zone, where the schema says date-time",
        trips: &["schema.formats-hold"],
        seams: &[Seam::Output(|_, _, output| {
            let local = output["timestamp"]
                .as_str()
                .map(|time| time.trim_end_matches('Z').to_owned());
            output["timestamp"] = local.into();
        })],
    },
    Fault {
        name: "writes-the-time-in-its-own-way",
        summary: "timestamps of outputs read 22.11.2026 10:00, where the schema says date-time",
        trips: &["schema.formats-hold"],
        seams: &[Seam::Output(|_, _, output| {
            output["timestamp"] = json!("22.11.2026 10:00")
        })],
    },
    Fault {
        name: "rewrites-its-schema",
        summary: "a description in the schema changes from read to read",
        trips: &["schema.stable"],
        seams: &[Seam::Reply(|memory, asked, reply| {
            rewrite("/schema", asked, reply, |body| {
                let title = format!("Weather question {}", memory.count());
                body["input"]["title"] = title.into();
            });
        })],
    },
    Fault {
        name: "shuffles-an-enum",
        summary: "after the first read the values of an enum come in another order",
        trips: &["schema.stable"],
        seams: &[Seam::Reply(|memory, asked, reply| {
            rewrite("/schema", asked, reply, |body| {
                let values = body.pointer_mut("/input/properties/activity_type/enum");
                if let Some(Value::Array(values)) = values {
                    values.rotate_left(usize::from(memory.count() > 0));
                }
            });
        })],
    },
    Fault {
        name: "lists-no-capabilities",
        summary: "the list of capabilities is empty",
        trips: &["capabilities.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/capabilities", asked, reply, "/capabilities", json!([]));
        })],
    },
    Fault {
        name: "maps-capabilities-by-name",
        summary: "the capabilities are an object, not an array",
        trips: &["capabilities.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let map = json!({"weather_advice": {"description": "What to wear."}});
            set("/capabilities", asked, reply, "/capabilities", map);
        })],
    },
    Fault {
        name: "repeats-a-capability",
        summary: "two capabilities have the same name",
        trips: &["capabilities.named"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let name = json!("weather_advice");
            set("/capabilities", asked, reply, "/capabilities/1/name", name);
        })],
    },
    Fault {
        name: "leaves-a-capability-unnamed",
        summary: "one capability has no name",
        trips: &["capabilities.named"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite("/capabilities", asked, reply, |body| {
                remove(body, "/capabilities/1", "name")
            });
        })],
    },
    Fault {
        name: "leaves-a-capability-undescribed",
        summary: "one capability has no description",
        trips: &["capabilities.described"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite("/capabilities", asked, reply, |body| {
                remove(body, "/capabilities/1", "description");
            });
        })],
    },
    Fault {
        name: "versions-by-number",
        summary: "the agent's version is a JSON number",
        trips: &["capabilities.version"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/capabilities", asked, reply, "/version", json!(1.0));
        })],
    },
    Fault {
        name: "versions-with-two-parts",
        summary: "the agent's version is 1.0, which is not semantic versioning",
        trips: &["capabilities.version-semver"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set("/capabilities", asked, reply, "/version", json!("1.0"));
        })],
    },
    Fault {
        name: "speaks-another-protocol",
        summary: "/capabilities names another version of the protocol",
        trips: &["capabilities.protocol-version"],
        seams: &[Seam::Reply(|_, asked, reply| {
            set(
                "/capabilities",
                asked,
                reply,
                "/protocol_version",
                json!("acp/v1"),
            );
        })],
    },
    Fault {
        name: "forgets-the-protocol-version",
        summary: "/capabilities has no protocol_version",
        trips: &["capabilities.protocol-version"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite("/capabilities", asked, reply, |body| {
                remove(body, "", "protocol_version")
            });
        })],
    },
    Fault {
        name: "misspells-a-type",
        summary: "a capability's input schema has a type that JSON Schema does not know",
        trips: &["capabilities.schemas-valid"],
        seams: &[Seam::Reply(|_, asked, reply| {
            let pointer = "/capabilities/1/input_schema/type";
            set("/capabilities", asked, reply, pointer, json!("dict"));
        })],
    },
    Fault {
        name: "capabilities-come-and-go",
        summary: "after the first read /capabilities has them in another order",
        trips: &["capabilities.stable"],
        seams: &[Seam::Reply(|memory, asked, reply| {
            rewrite("/capabilities", asked, reply, |body| {
                if let Value::Array(list) = &mut body["capabilities"] {
                    list.rotate_left(usize::from(memory.count() > 0));
                }
            });
        })],
    },
    Fault {
        name: "claims-streams-that-are-not-there",
        summary: "/capabilities says that the agent streams, and the paths are not found",
        trips: &["features.claims-are-true"],
        seams: &[Seam::Early(|_, asked| {
            let streams = asked.path.starts_with("/invoke/");
            streams.then(|| failure(StatusCode::NOT_FOUND, "NOT_FOUND"))
        })],
    },
];
