//! Faults that show with tokens.

use axum::http::header;
use serde_json::Value;

use super::request::{ENFORCED, HEADER_ONLY, from_query, is_invoke};
use crate::{faults::Fault, seams::Seam};

pub(crate) static FAULTS: &[Fault] = &[
    Fault {
        name: "overlooks-the-signature",
        summary: "a token is read, and its signature is not looked at",
        trips: ENFORCED,
        seams: &[Seam::Found(|_, parts, found| {
            let shown = parts.headers.get(header::AUTHORIZATION);
            let token = shown.and_then(|shown| shown.to_str().ok()?.strip_prefix("Bearer "));
            let read = token.map(jsonwebtoken::dangerous::insecure_decode_claims::<Value>);
            if is_invoke(parts) && found.is_err() && matches!(read, Some(Ok(_))) {
                *found = Ok(None);
            }
        })],
    },
    Fault {
        name: "overlooks-the-expiry",
        summary: "a token that has expired is let in",
        trips: ENFORCED,
        seams: &[Seam::Checks(|_, checks| checks.validate_exp = false)],
    },
    Fault {
        name: "overlooks-the-audience",
        summary: "a token that is meant for somebody else is let in",
        trips: ENFORCED,
        seams: &[Seam::Checks(|_, checks| {
            checks.validate_aud = false;
            checks.required_spec_claims.remove("aud");
        })],
    },
    Fault {
        name: "takes-a-token-from-the-query",
        summary: "the token may stand in the query string (`?access_token=`)",
        trips: HEADER_ONLY,
        seams: &[Seam::Shown(|_, parts| {
            let is_meant = |name: &str| name == "access_token";
            from_query(parts, is_meant, header::AUTHORIZATION, "Bearer ");
        })],
    },
];
