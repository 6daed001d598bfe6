//! Faults of the start, the end, and the time that a request may take.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::json;

use super::{Fault, failure};
use crate::{exchange::Reply, seams::Seam, server::Stopped, settings::Settings};

/// As good as for ever.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// Answers otherwise that a request took too long.
fn instead_of_timeout(reply: &mut Reply, status: StatusCode, code: &str) {
    if reply.status == StatusCode::GATEWAY_TIMEOUT && reply.body()["error"]["code"] == "TIMEOUT" {
        *reply = failure(status, code);
    }
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "ignores-its-agent-id",
        summary: "ACP_AGENT_ID is not read",
        trips: &["lifecycle.env"],
        seams: &[Seam::Settings(|settings| {
            settings.agent_id = Settings::default().agent_id;
        })],
    },
    Fault {
        name: "ignores-its-version",
        summary: "ACP_VERSION is not read",
        trips: &["lifecycle.env"],
        seams: &[Seam::Settings(|settings| {
            settings.version = Settings::default().version;
        })],
    },
    Fault {
        name: "takes-35-seconds-to-start",
        summary: "until 35 seconds after the first request everything is answered 503",
        trips: &["lifecycle.ready"],
        seams: &[Seam::Early(|memory, _| {
            let now = jiff::Timestamp::now().as_second();
            let first = memory.with(|first| {
                let known = first.as_i64().unwrap_or(now);
                *first = json!(known);
                known
            });
            let is_starting = now < first + 35;
            is_starting.then(|| failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"))
        })],
    },
    Fault {
        name: "drops-work-when-stopped",
        summary: "on SIGTERM what is in flight is cut",
        trips: &["lifecycle.graceful-stop"],
        seams: &[Seam::Settings(|settings| {
            settings.shutdown_grace = Duration::ZERO;
        })],
    },
    Fault {
        name: "takes-new-work-while-stopping",
        summary: "for five seconds after SIGTERM new requests are served as if nothing were",
        trips: &["lifecycle.graceful-stop"],
        seams: &[Seam::Stop(|_, stop| stop.before = Duration::from_secs(5))],
    },
    Fault {
        name: "never-exits",
        summary: "on SIGTERM it finishes what is in flight, and then does not exit",
        trips: &["lifecycle.graceful-stop"],
        seams: &[Seam::Stop(|_, stop| stop.after = FOR_EVER)],
    },
    Fault {
        name: "crashes-on-its-way-out",
        summary: "on SIGTERM it finishes what is in flight, and then fails with an exit code",
        trips: &["lifecycle.graceful-stop"],
        seams: &[Seam::Stop(|_, stop| stop.stopped = Stopped::Crashed)],
    },
    Fault {
        name: "never-times-out",
        summary: "a request may take for ever, whatever ACP_REQUEST_TIMEOUT says",
        trips: &["lifecycle.request-timeout"],
        seams: &[Seam::Settings(|settings| {
            settings.request_timeout = FOR_EVER;
        })],
    },
    Fault {
        name: "calls-a-timeout-an-execution-error",
        summary: "a request that takes too long is answered 500",
        trips: &["lifecycle.request-timeout"],
        seams: &[Seam::Reply(|_, _, reply| {
            instead_of_timeout(reply, StatusCode::INTERNAL_SERVER_ERROR, "EXECUTION_ERROR");
        })],
    },
    Fault {
        name: "calls-a-timeout-unavailable",
        summary: "a request that takes too long is answered 503",
        trips: &["lifecycle.request-timeout"],
        seams: &[Seam::Reply(|_, _, reply| {
            instead_of_timeout(reply, StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE");
        })],
    },
];
