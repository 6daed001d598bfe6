//! Faults that show with any kind of credentials.

use axum::http::{Method, header};

use super::request::{ENFORCED, is_invoke, is_stream, refusal, shows_something};
use crate::{endpoints::Door, failure::Failure, faults::Fault, seams::Seam};

const CHALLENGE: &[&str] = &["auth.challenge"];
const COVERS_STREAM: &[&str] = &["auth.covers-stream"];

pub(crate) static FAULTS: &[Fault] = &[
    Fault {
        name: "hides-from-strangers",
        summary: "without credentials that hold, /invoke is answered 404",
        trips: ENFORCED,
        seams: &[Seam::Found(|_, parts, found| {
            if is_invoke(parts) && found.is_err() {
                *found = Err(Failure::not_found());
            }
        })],
    },
    Fault {
        name: "challenges-nobody",
        summary: "a 401 has no WWW-Authenticate",
        trips: CHALLENGE,
        seams: &[Seam::Reply(|_, asked, reply| {
            refusal(asked, reply, |_, reply| {
                reply.headers.remove(header::WWW_AUTHENTICATE);
            });
        })],
    },
    Fault {
        name: "challenges-only-the-empty-handed",
        summary: "a 401 has no WWW-Authenticate if wrong credentials were shown",
        trips: CHALLENGE,
        seams: &[Seam::Reply(|_, asked, reply| {
            refusal(asked, reply, |asked, reply| {
                if shows_something(&asked.headers) {
                    reply.headers.remove(header::WWW_AUTHENTICATE);
                }
            });
        })],
    },
    Fault {
        name: "challenges-as-a-proxy",
        summary: "a 401 has Proxy-Authenticate in place of WWW-Authenticate",
        trips: CHALLENGE,
        seams: &[Seam::Reply(|_, asked, reply| {
            refusal(asked, reply, |_, reply| {
                if let Some(told) = reply.headers.remove(header::WWW_AUTHENTICATE) {
                    reply.headers.insert(header::PROXY_AUTHENTICATE, told);
                }
            });
        })],
    },
    Fault {
        name: "leaves-the-stream-open",
        summary: "/invoke/stream asks for no credentials",
        trips: COVERS_STREAM,
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path() == "/invoke/stream" {
                *door = Door::Open;
            }
        })],
    },
    Fault {
        name: "leaves-the-advanced-stream-open",
        summary: "/invoke/advanced-stream asks for no credentials",
        trips: COVERS_STREAM,
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path() == "/invoke/advanced-stream" {
                *door = Door::Open;
            }
        })],
    },
    Fault {
        name: "streams-for-any-credentials",
        summary: "the streams look whether credentials are there, and not whether they hold",
        trips: COVERS_STREAM,
        seams: &[Seam::Found(|_, parts, found| {
            if is_stream(parts) && found.is_err() && shows_something(&parts.headers) {
                *found = Ok(None);
            }
        })],
    },
    Fault {
        name: "stores-configs-of-anybody",
        summary: "POST /config asks for no credentials",
        trips: COVERS_STREAM,
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path() == "/config" && parts.method == Method::POST {
                *door = Door::Open;
            }
        })],
    },
    Fault {
        name: "shows-configs-to-anybody",
        summary: "what lies below /config/ asks for no credentials",
        trips: COVERS_STREAM,
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path().starts_with("/config/") {
                *door = Door::Open;
            }
        })],
    },
    Fault {
        name: "guards-invoke-alone",
        summary: "/invoke asks for credentials; the streams and all of /config do not",
        trips: COVERS_STREAM,
        seams: &[Seam::Door(|_, parts, door| {
            if is_stream(parts) || parts.uri.path().starts_with("/config") {
                *door = Door::Open;
            }
        })],
    },
    Fault {
        name: "guards-health",
        summary: "/health asks for credentials",
        trips: &["auth.discovery-open"],
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path() == "/health" {
                *door = Door::Guarded;
            }
        })],
    },
    Fault {
        name: "guards-auth",
        summary: "/auth asks for the credentials that it tells of",
        trips: &["auth.responds", "auth.discovery-open"],
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path() == "/auth" {
                *door = Door::Guarded;
            }
        })],
    },
    Fault {
        name: "closes-auth-to-wrong-credentials",
        summary: "/auth is answered 401 if wrong credentials are shown, as after a key was changed",
        trips: &["auth.discovery-open"],
        seams: &[Seam::Door(|_, parts, door| {
            if parts.uri.path() == "/auth" && shows_something(&parts.headers) {
                *door = Door::Guarded;
            }
        })],
    },
];
