//! Faults of /health and /metrics.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::{Fault, failure};
use crate::{
    exchange::{Asked, Content, Reply},
    metrics::Observation,
    seams::{Memory, Seam},
};

/// Puts another exposition in place of the right one.
fn rewrite(asked: &Asked, reply: &mut Reply, change: impl FnOnce(&str) -> String) {
    let Content::Whole(bytes) = &reply.content else {
        return;
    };
    if asked.path == "/metrics" && reply.status == StatusCode::OK && !bytes.is_empty() {
        let changed = change(&String::from_utf8_lossy(bytes));
        reply.write(changed);
    }
}

/// Another exposition, line by line; `None` leaves one out.
fn edit_lines(text: &str, mut change: impl FnMut(&str) -> Option<String>) -> String {
    let lines = text.lines().filter_map(&mut change);
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}

/// Another exposition, sample by sample: the series, and its value.
fn edit_values(text: &str, mut change: impl FnMut(&str, f64) -> f64) -> String {
    edit_lines(text, |line| {
        let sample = line.rsplit_once(' ').filter(|_| !line.starts_with('#'));
        let changed = sample.and_then(|(series, value)| {
            Some(format!("{series} {}", change(series, value.parse().ok()?)))
        });
        Some(changed.unwrap_or_else(|| line.to_owned()))
    })
}

fn is_cumulative(series: &str) -> bool {
    let name = series.split('{').next().unwrap_or_default();
    ["_total", "_count", "_bucket", "_sum"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
}

/// Calls the endpoint by the path that was asked for.
fn label_with_path(observed: &mut Observation) {
    if let Some(path) = &observed.call.path {
        observed.endpoint = path.to_string().into();
    }
}

/// Counts neither, nor times.
fn overlook(observed: &mut Observation) {
    (observed.counted, observed.timed) = (0, 0);
}

fn millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}

/// How many invocations within a second are a full queue.
const MANY: usize = 5;

/// Remembers when the latest invocations came in.
fn remember_invocation(memory: &Memory) {
    memory.with(|latest| {
        if !latest.is_array() {
            *latest = json!([]);
        }
        if let Some(latest) = latest.as_array_mut() {
            latest.push(millis().into());
            if latest.len() > MANY {
                latest.remove(0);
            }
        }
    });
}

fn is_saturated(memory: &Memory) -> bool {
    memory.with(|latest| {
        let latest = latest.as_array().filter(|latest| latest.len() == MANY);
        let oldest = latest.and_then(|latest| latest[0].as_u64());
        oldest.is_some_and(|oldest| millis().saturating_sub(oldest) < 1000)
    })
}

/// Lets /health wait while there is much to do.
async fn queue(memory: Arc<Memory>, asked: Asked) -> Asked {
    match asked.path.as_str() {
        "/invoke" => remember_invocation(&memory),
        "/health" => {
            for _ in 0..200 {
                if !is_saturated(&memory) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        _ => {}
    }
    asked
}

/// Shows what has come since the last look, and no more.
fn show_growth(memory: &Memory, text: &str) -> String {
    memory.with(|before| {
        if !before.is_object() {
            *before = json!({});
        }
        edit_values(text, |series, value| {
            if !is_cumulative(series) {
                return value;
            }
            let shown = before[series].as_f64().unwrap_or_default();
            before[series] = Value::from(value);
            value - shown
        })
    })
}

/// Each bucket for itself, but the last, which still holds all.
fn take_buckets_apart(text: &str) -> String {
    let mut below = 0.0;
    edit_values(text, |series, value| {
        if !series.contains("_bucket{") {
            below = 0.0;
            return value;
        }
        let own = value - below;
        below = value;
        if series.contains("le=\"+Inf\"") {
            below = 0.0;
            return value;
        }
        own
    })
}

pub(super) static FAULTS: &[Fault] = &[
    Fault {
        name: "says-ok-for-healthy",
        summary: "/health says `ok`, which is none of the three words",
        trips: &["health.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/health" {
                reply.edit(|body| body["status"] = json!("ok"));
            }
        })],
    },
    Fault {
        name: "answers-health-503",
        summary: "/health is answered 503 by an agent that serves",
        trips: &["health.responds"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/health" {
                *reply = failure(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE");
            }
        })],
    },
    Fault {
        name: "feels-unhealthy-while-it-serves",
        summary: "/health says `unhealthy`, under 200, while everything works",
        trips: &["health.healthy"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/health" {
                reply.edit(|body| body["status"] = json!("unhealthy"));
            }
        })],
    },
    Fault {
        name: "queues-health-behind-invocations",
        summary: "/health waits until there is less to do: a probe would have the agent killed when it is busiest",
        trips: &["health.fast-under-load"],
        seams: &[Seam::Request(|memory, asked| {
            Box::pin(queue(memory, asked))
        })],
    },
    Fault {
        name: "wraps-metrics-in-json",
        summary: "/metrics is one JSON string, as frameworks do with text that is returned",
        trips: &["metrics.exposition"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/metrics" && reply.status == StatusCode::OK {
                let json = HeaderValue::from_static("application/json");
                reply.headers.insert(header::CONTENT_TYPE, json);
                rewrite(asked, reply, |text| json!(text).to_string());
            }
        })],
    },
    Fault {
        name: "labels-metrics-as-html",
        summary: "/metrics is what it should be under the content type text/html",
        trips: &["metrics.exposition"],
        seams: &[Seam::Reply(|_, asked, reply| {
            if asked.path == "/metrics" && reply.status == StatusCode::OK {
                let html = HeaderValue::from_static("text/html; charset=utf-8");
                reply.headers.insert(header::CONTENT_TYPE, html);
            }
        })],
    },
    Fault {
        name: "leaves-quotes-in-labels",
        summary: "a quotation mark in a label of the metrics is not escaped",
        trips: &["metrics.exposition"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| {
                text.replace("_info{agent_id=\"", "_info{agent_id=\"the \"best\" ")
            });
        })],
    },
    Fault {
        name: "leaves-a-sample-without-a-value",
        summary: "a line of the metrics ends behind the name",
        trips: &["metrics.exposition"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| {
                edit_lines(text, |line| match line.split_once(' ') {
                    Some((name @ "acp_agent_open_streams", _)) => Some(format!("{name} ")),
                    _ => Some(line.to_owned()),
                })
            });
        })],
    },
    Fault {
        name: "ends-metrics-without-a-newline",
        summary: "the last line of the metrics does not end",
        trips: &["metrics.exposition"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| text.trim_end().to_owned());
        })],
    },
    Fault {
        name: "has-no-infinite-bucket",
        summary: "the histogram ends at its last finite bound",
        trips: &["metrics.exposition"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| {
                edit_lines(text, |line| {
                    (!line.contains("le=\"+Inf\"")).then(|| line.to_owned())
                })
            });
        })],
    },
    Fault {
        name: "renames-the-request-counter",
        summary: "the counter of requests is called acp_requests_total",
        trips: &["metrics.names"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| {
                text.replace("acp_agent_requests", "acp_requests")
            });
        })],
    },
    Fault {
        name: "calls-endpoints-paths",
        summary: "the label `endpoint` is called `path`",
        trips: &["metrics.names"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| text.replace("endpoint=\"", "path=\""));
        })],
    },
    Fault {
        name: "measures-no-configs",
        summary: "there is no gauge of active configurations",
        trips: &["metrics.names"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, |text| {
                edit_lines(text, |line| {
                    (!line.contains("acp_agent_active_configs")).then(|| line.to_owned())
                })
            });
        })],
    },
    Fault {
        name: "counts-requests-twice",
        summary: "a request is counted and timed by two layers",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Count(|_, observed| {
            (observed.counted, observed.timed) = (2, 2);
        })],
    },
    Fault {
        name: "counts-only-successes",
        summary: "a request that is refused is neither counted nor timed",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Count(|_, observed| {
            if observed.status >= 400 {
                overlook(observed);
            }
        })],
    },
    Fault {
        name: "counts-refusals-as-successes",
        summary: "the label `status` is 200 whatever was answered",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Count(|_, observed| observed.status = 200)],
    },
    Fault {
        name: "counts-no-streams",
        summary: "requests are counted, but not those that are answered by a stream",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Count(|_, observed| {
            if observed.call.endpoint.template.ends_with("stream") {
                overlook(observed);
            }
        })],
    },
    Fault {
        name: "times-no-refusals",
        summary: "a request that is refused is counted but not timed, so that counter and histogram part",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Count(|_, observed| {
            if observed.status >= 400 {
                observed.timed = 0;
            }
        })],
    },
    Fault {
        name: "times-streams-to-their-head",
        summary: "the time of a stream ends where its first byte leaves",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Count(|_, observed| {
            observed.time = observed.head_time
        })],
    },
    Fault {
        name: "takes-buckets-apart",
        summary: "each bucket of the histogram counts what is in it alone, so that they fall",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Reply(|_, asked, reply| {
            rewrite(asked, reply, take_buckets_apart);
        })],
    },
    Fault {
        name: "starts-over-at-each-scrape",
        summary: "each scrape sets the counters back to zero",
        trips: &["metrics.counts-true"],
        seams: &[Seam::Reply(|memory, asked, reply| {
            rewrite(asked, reply, |text| show_growth(memory, text));
        })],
    },
    Fault {
        name: "makes-a-series-of-each-path",
        summary: "each unknown path that is asked for makes a time series of its own",
        trips: &["metrics.bounded-labels"],
        seams: &[Seam::Count(|_, observed| {
            if observed.endpoint == "unknown" {
                label_with_path(observed);
            }
        })],
    },
    Fault {
        name: "puts-config-ids-into-labels",
        summary: "each configuration that is asked for by its id makes a time series of its own",
        trips: &["metrics.bounded-labels"],
        seams: &[Seam::Count(|_, observed| {
            if observed.endpoint.contains('{') {
                label_with_path(observed);
            }
        })],
    },
];
