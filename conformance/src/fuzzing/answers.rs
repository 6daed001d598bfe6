//! What agents answer: what is right for a path, a little wrong, or anything at all.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::lives::time;
use super::pick::Pick;
use super::schemas;
use crate::wire::{Answer, End, Read};

/// A secret of the user's, which agents echo.
pub(super) const SECRET: &str = "sK-fuzz-0123456789";

const STATUSES: &[u16] = &[
    200, 201, 204, 301, 400, 401, 403, 404, 405, 413, 415, 422, 429, 500, 501, 502, 503, 504, 100,
    0, 999,
];
/// Header fields, with values that mean something and values that do not.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "content-type",
        &[
            "text/event-stream",
            "text/plain; version=0.0.4",
            "text/html",
            "application/problem+json",
            "application/openmetrics-text; version=1.0.0",
            "",
            ";",
        ],
    ),
    (
        "retry-after",
        &[
            "0",
            "1",
            "18446744073709551615",
            "soon",
            "Sun, 06 Nov 1994 08:49:37 GMT",
        ],
    ),
    (
        "ratelimit",
        &[
            "\"a\";r=9;t=60",
            "limit=10, remaining=0, reset=18446744073709551615",
            ";;=",
        ],
    ),
    (
        "ratelimit-policy",
        &[
            "\"a\";q=10;w=1",
            "10;w=18446744073709551615",
            "q=0;w=0",
            "\"a\";q=4294967295;w=15",
        ],
    ),
    ("x-ratelimit-limit", &["10", "-1", "99999999999999999999"]),
    ("x-ratelimit-remaining", &["9", "0", "18446744073709551615"]),
    (
        "x-ratelimit-reset",
        &["1", "1767225660", "18446744073709551615"],
    ),
    (
        "date",
        &[
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Thu, 31 Dec 9999 23:59:59 GMT",
            "now",
        ],
    ),
    ("allow", &["GET, HEAD", "", ","]),
    ("www-authenticate", &["Bearer", ""]),
    (
        "cache-control",
        &["no-cache", "no-store, max-age=99999999999999999999"],
    ),
    ("x-accel-buffering", &["no", "yes"]),
    ("age", &["1", "-1", "99999999999999999999"]),
    ("x-cache", &["HIT", "MISS", "hit from é"]),
    ("content-length", &["0", "99999999999999999999"]),
    ("connection", &["close", "keep-alive"]),
    (
        "access-control-allow-origin",
        &["*", "https://evil.example"],
    ),
    ("access-control-allow-credentials", &["true"]),
    ("transfer-encoding", &["chunked"]),
    ("server", &["\u{1b}[2J\0", SECRET]),
];
/// Bodies that are right nowhere.
const TEXTS: &[&str] = &[
    "",
    "{",
    "null",
    "[]",
    "{}",
    "\"é\u{1b}[2J\"",
    "1e999",
    "[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]",
    "{\"a\": 1, \"a\": 2}",
    "{\"error\": {\"code\": \"NOT_FOUND\"}} trailing",
    "{\"detail\": [{\"loc\": [\"body\", \"input\"], \"msg\": \"sK-fuzz-0123456789\"}]}",
    "Traceback (most recent call last):\n  File \"/srv/agent.py\", line 1, in <module>",
    "{\"error\": \"Rate limit exceeded: 10 per 1 minute\"}",
    "{\"output\": {\"n\": 99999999999999999999999999999999999999}}",
];
/// Pieces of streams.
const PIECES: &[&str] = &[
    "data: {\"status\": \"started\"}\n\n",
    "data: {\"status\": \"processing\", \"progress\": 50, \"message\": \"m\"}\n\n",
    "data: {\"status\": \"complete\", \"result\": {\"city\": \"London\", \"days\": 1}}\n\n",
    "data: {\"event\": \"start\"}\n\n",
    "data: {\"event\": \"processing\", \"step\": 1, \"total\": 2, \"progress\": 1e308}\n\n",
    "data: {\"event\": \"complete\", \"result\": {\"output\": {\"city\": \"Paris\"}}}\n\n",
    "data: {\"event\": \"error\", \"error\": {\"code\": \"INVALID_INPUT\", \"message\": \"m\"}}\n\n",
    "data: {\"event\": \"cancelled\"}\n\n",
    "data: [DONE]\n\n",
    ": ping\n\n",
    "retry: 10\n",
    "id: 1\0\n",
    "data: {\n\n",
    "{\"status\": \"complete\"}\n",
    "\u{feff}",
    "data: sK-fuzz-0123456789",
];
/// Lines of metrics.
const LINES: &[&str] = &[
    "# TYPE acp_agent_requests_total counter\n",
    "acp_agent_requests_total{endpoint=\"/invoke\",status=\"200\"} 3\n",
    "acp_agent_requests_total{endpoint=\"/health\",status=\"200\"} 1e308\n",
    "acp_agent_requests_total{endpoint=\"/acp-tck-1\",status=\"404\"} 1\n",
    "# TYPE acp_agent_request_duration_seconds histogram\n",
    "acp_agent_request_duration_seconds_bucket{endpoint=\"/invoke\",le=\"0.1\"} 2\n",
    "acp_agent_request_duration_seconds_bucket{endpoint=\"/invoke\",le=\"+Inf\"} 3\n",
    "acp_agent_request_duration_seconds_count{endpoint=\"/invoke\"} 3\n",
    "acp_agent_request_duration_seconds_sum{endpoint=\"/invoke\"} NaN\n",
    "acp_agent_active_configs 1\n",
    "# EOF\n",
    "x{",
];

/// Numbers that are far from what is meant.
static FAR: LazyLock<[Value; 5]> = LazyLock::new(|| {
    [
        json!(u64::MAX),
        json!(1e308),
        json!(i64::MIN),
        json!(0),
        json!(1e-300),
    ]
});

/// What came of a request, and how it ended.
pub(super) fn answer(pick: &mut Pick<'_>, path: &str, is_stream: bool) -> (Option<Answer>, End) {
    if pick.once_in(24) {
        let end = match pick.below(4) {
            0 => End::TimedOut,
            1 => End::Cut("reset".to_owned()),
            2 => End::NotHttp("no head".to_owned()),
            _ => End::Unreachable("refused".to_owned()),
        };
        return (None, end);
    }
    let status = match pick.below(3) {
        0 | 1 => 200,
        _ => pick.of(STATUSES),
    };
    let body = body(pick, path, status, is_stream);
    let kind = match path {
        _ if is_stream && status == 200 => "text/event-stream",
        "/metrics" => "text/plain; version=0.0.4",
        _ => "application/json",
    };
    let mut headers = vec![("content-type".to_owned(), kind.to_owned())];
    for _ in 0..pick.below(4) {
        let (name, values) = pick.of(FIELDS);
        let value = pick.of(values).to_owned();
        headers.insert(pick.below(headers.len() + 1), (name.to_owned(), value));
    }
    let end = match pick.below(16) {
        12 => End::TimedOut,
        13 => End::TooLarge,
        14 => End::Left,
        15 => End::Cut("closed".to_owned()),
        _ => End::Complete,
    };
    let answer = Answer {
        status,
        headers,
        reads: reads(pick, body.len()),
        body,
        surplus: if pick.once_in(16) { 3 } else { 0 },
    };
    (Some(answer), end)
}

/// Arrivals of a body's pieces, in order.
fn reads(pick: &mut Pick<'_>, length: usize) -> Vec<Read> {
    let mut reads = Vec::new();
    let (mut until, mut at) = (0, std::time::Duration::ZERO);
    while until < length {
        let most = length - until;
        until += if reads.len() < 8 {
            pick.below(most) + 1
        } else {
            most
        };
        at += time(pick);
        reads.push(Read { until, at });
    }
    reads
}

fn body(pick: &mut Pick<'_>, path: &str, status: u16, is_stream: bool) -> Vec<u8> {
    match pick.below(12) {
        10 => return pick.of(TEXTS).as_bytes().to_vec(),
        11 => return pick.bytes(64),
        _ => {}
    }
    if path == "/metrics" {
        return pieces(pick, LINES);
    }
    if is_stream && status == 200 {
        return pieces(pick, PIECES);
    }
    let mut document = match status {
        200..300 => right(path),
        _ => error(pick),
    };
    for _ in 0..pick.below(3) {
        bend(pick, &mut document);
    }
    document.to_string().into_bytes()
}

fn pieces(pick: &mut Pick<'_>, from: &[&str]) -> Vec<u8> {
    // Mostly in order, as they make sense.
    let mut text = String::new();
    let mut next = pick.below(from.len());
    for _ in 0..pick.below(10) {
        text.push_str(from[next % from.len()]);
        next = match pick.below(4) {
            3 => pick.below(from.len()),
            _ => next + 1,
        };
    }
    text.into_bytes()
}

fn error(pick: &mut Pick<'_>) -> Value {
    let code = pick.of(&[
        "INVALID_INPUT",
        "CONFIG_NOT_FOUND",
        "RATE_LIMIT_EXCEEDED",
        "UNAUTHORIZED",
        "TIMEOUT",
        "MADE_UP",
    ]);
    let details = json!({"field": "city"});
    json!({"error": {"code": code, "message": "no", "details": details, "timestamp": "2026-09-21T13:33:20Z"}})
}

/// What is right for a path.
fn right(path: &str) -> Value {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": {"type": "string", "minLength": 1, "default": "London"},
            "days": {"type": "integer", "minimum": 1, "maximum": 7}
        },
        "required": ["city"],
        "examples": [{"city": "London"}]
    });
    match path {
        "/auth" => json!({"type": "api_key", "description": "a key", "required": true}),
        "/schema" => json!({"input": schema, "output": schema, "config": schema}),
        "/capabilities" => json!({
            "agent_id": "weather", "name": "Weather", "version": "1.2.3",
            "protocol_version": "acp/v0",
            "capabilities": [{
                "name": "advise", "description": "advises", "input_schema": schema,
                "output_schema": schema, "features": ["streaming", "cache"]
            }],
            "streaming": true, "cache": {"ttl_seconds": 5},
            "rate_limit": {"requests": 2, "window_seconds": 1},
            "config_versions": true, "observability": true, "auth": {"required": true}
        }),
        "/health" => json!({"status": "healthy", "timestamp": 1_790_000_000.5}),
        "/config" => json!({
            "config_id": "c1", "status": "created", "version": "v1",
            "created_at": "2026-09-21T13:33:20Z"
        }),
        "/config/c1/history" => json!({"versions": [
            {"version": "v1", "active": false}, {"version": "v2", "active": true}
        ]}),
        "/config/c1/rollback" | "/config/c1" => {
            json!({"config_id": "c1", "version": "v1", "status": "active"})
        }
        "/agents/register" => json!({"registration_id": "r1"}),
        "/invoke" => json!({
            "output": {"city": "London", "days": 1, "_from_cache": true},
            "metadata": {"request_id": "1"}
        }),
        _ => json!({"status": "ok"}),
    }
}

/// Changes one place of a document.
pub(super) fn bend(pick: &mut Pick<'_>, value: &mut Value) {
    let depth = pick.below(5);
    bend_within(pick, value, depth);
}

fn bend_within(pick: &mut Pick<'_>, value: &mut Value, depth: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let at = pick.below(items.len());
            if depth > 0 {
                return bend_within(pick, &mut items[at], depth - 1);
            }
            let item = items[at].clone();
            items.insert(0, item);
        }
        Value::Object(members) if !members.is_empty() => {
            let at = pick.below(members.len());
            let Some((name, member)) = members.iter_mut().nth(at) else {
                return;
            };
            if depth > 0 {
                return bend_within(pick, member, depth - 1);
            }
            let name = name.clone();
            let member = members.shift_remove(&name);
            if pick.once_in(2) {
                members.insert(format!("{name}_"), member.unwrap_or_default());
            }
        }
        Value::Number(_) if pick.once_in(2) => *value = FAR[pick.below(FAR.len())].clone(),
        other => *other = schemas::any(pick, 0),
    }
}
