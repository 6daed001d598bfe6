//! Faults that show with API keys.

use std::net::SocketAddr;

use aws_lc_rs::digest;
use axum::{
    extract::ConnectInfo,
    http::{HeaderValue, StatusCode, header, request::Parts},
};
use serde_json::{Value, json};

use super::request::{ENFORCED, HEADER_ONLY, from_query, is_invoke, is_stream, refusal};
use crate::{
    auth::{API_KEY, Found},
    failure::Failure,
    faults::Fault,
    seams::{Memory, Seam},
    settings::Settings,
};

/// The key that a request shows, right or wrong.
fn key(parts: &Parts) -> Option<&[u8]> {
    parts.headers.get(API_KEY).map(HeaderValue::as_bytes)
}

/// Lets in at /invoke whoever shows a key of which this holds.
fn admit(parts: &Parts, found: &mut Found, holds: impl FnOnce(&[u8]) -> bool) {
    if is_invoke(parts) && found.is_err() && key(parts).is_some_and(holds) {
        *found = Ok(None);
    }
}

fn hash(bytes: &[u8]) -> Value {
    json!(format!("{:?}", digest::digest(&digest::SHA256, bytes)))
}

/// Keeps the hashes of what is made of each key.
fn keep<T: AsRef<[u8]>>(memory: &Memory, settings: &Settings, forms: impl Fn(&str) -> Vec<T>) {
    let keys = settings.api_keys.iter();
    let forms = keys.flat_map(|(_, key)| forms(key.reveal()));
    memory.swap(forms.map(|form| hash(form.as_ref())).collect());
}

/// Whether what was kept holds this.
fn kept(memory: &Memory, form: &[u8]) -> bool {
    let hash = hash(form);
    memory.with(|kept| kept.as_array().is_some_and(|kept| kept.contains(&hash)))
}

/// Whether what was kept holds the beginning of this.
fn kept_beginning(memory: &Memory, shown: &[u8]) -> bool {
    // Longer than any key that is in use, and still little work.
    let most = shown.len().min(256);
    (1..=most).any(|length| kept(memory, &shown[..length]))
}

fn is_key_name(name: &str) -> bool {
    name.contains("key")
}

pub(crate) static FAULTS: &[Fault] = &[
    Fault {
        name: "admits-any-key",
        summary: "any key is let in, as long as there is one",
        trips: ENFORCED,
        seams: &[Seam::Found(|_, parts, found| {
            admit(parts, found, |key| !key.is_empty());
        })],
    },
    Fault {
        name: "admits-an-empty-key",
        summary: "a key without a character is let in",
        trips: ENFORCED,
        seams: &[Seam::Found(|_, parts, found| {
            admit(parts, found, <[u8]>::is_empty);
        })],
    },
    Fault {
        name: "admits-the-beginning-of-a-key",
        summary: "a key is let in that the right one begins with",
        trips: ENFORCED,
        seams: &[
            Seam::Start(|memory, settings| {
                keep(memory, settings, |key| {
                    (1..key.len())
                        .map(|length| key[..length].to_owned())
                        .collect()
                });
            }),
            Seam::Found(|memory, parts, found| admit(parts, found, |key| kept(memory, key))),
        ],
    },
    Fault {
        name: "admits-what-begins-with-a-key",
        summary: "a key is let in that goes on after the right one",
        trips: ENFORCED,
        seams: &[
            Seam::Start(|memory, settings| keep(memory, settings, |key| vec![key.to_owned()])),
            Seam::Found(|memory, parts, found| {
                admit(parts, found, |key| kept_beginning(memory, key));
            }),
        ],
    },
    Fault {
        name: "compares-half-a-key",
        summary: "of a key only the first half is compared",
        trips: ENFORCED,
        seams: &[
            Seam::Start(|memory, settings| {
                keep(memory, settings, |key| {
                    vec![key[..key.len().div_ceil(2)].to_owned()]
                });
            }),
            Seam::Found(|memory, parts, found| {
                admit(parts, found, |key| kept_beginning(memory, key));
            }),
        ],
    },
    Fault {
        name: "ignores-the-case-of-keys",
        summary: "keys are compared without regard to case",
        trips: ENFORCED,
        seams: &[
            Seam::Start(|memory, settings| {
                keep(memory, settings, |key| vec![key.to_ascii_lowercase()]);
            }),
            Seam::Found(|memory, parts, found| {
                admit(parts, found, |key| kept(memory, &key.to_ascii_lowercase()));
            }),
        ],
    },
    Fault {
        name: "admits-any-key-of-the-right-length",
        summary: "a key is let in if it is as long as the right one",
        trips: ENFORCED,
        seams: &[
            Seam::Start(|memory, settings| {
                keep(memory, settings, |key| vec![key.len().to_be_bytes()]);
            }),
            Seam::Found(|memory, parts, found| {
                admit(parts, found, |key| kept(memory, &key.len().to_be_bytes()));
            }),
        ],
    },
    Fault {
        name: "admits-all-after-the-right-key",
        summary: "once the right key has come from an address, any other is let in from there",
        trips: ENFORCED,
        seams: &[Seam::Found(|memory, parts, found| {
            let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
            let peer = json!(peer.map(|ConnectInfo(peer)| peer.ip()));
            match found {
                Ok(Some(_)) => drop(memory.swap(peer)),
                _ => admit(parts, found, |_| memory.with(|known| *known == peer)),
            }
        })],
    },
    Fault {
        name: "forbids-a-wrong-key",
        summary: "a wrong key is answered 403",
        trips: &["auth.enforced", "errors.code-matches-status"],
        seams: &[Seam::Reply(|_, asked, reply| {
            refusal(asked, reply, |asked, reply| {
                if asked.path == "/invoke" && asked.headers.contains_key(API_KEY) {
                    reply.status = StatusCode::FORBIDDEN;
                    reply.headers.remove(header::WWW_AUTHENTICATE);
                }
            });
        })],
    },
    Fault {
        name: "calls-a-wrong-key-invalid-input",
        summary: "a wrong key is answered 400 INVALID_INPUT",
        trips: ENFORCED,
        seams: &[Seam::Found(|_, parts, found| {
            if is_invoke(parts) && found.is_err() && key(parts).is_some() {
                *found = Err(Failure::invalid_input("the API key is not valid", vec![]));
            }
        })],
    },
    Fault {
        name: "takes-the-key-from-the-query",
        summary: "the key may stand in the query string (`?api_key=`)",
        trips: HEADER_ONLY,
        seams: &[Seam::Shown(|_, parts| {
            from_query(parts, is_key_name, API_KEY, "");
        })],
    },
    Fault {
        name: "takes-the-key-from-a-streams-query",
        summary: "on the streams the key may stand in the query string, for the sake of browsers",
        trips: HEADER_ONLY,
        seams: &[Seam::Shown(|_, parts| {
            if is_stream(parts) {
                from_query(parts, is_key_name, API_KEY, "");
            }
        })],
    },
];
