//! What the fuzzers begin with, made from the fixtures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Schemas of an agent.
const SCHEMAS: &[&str] = &[
    include_str!("../../../fixtures/weather/input.json"),
    include_str!("../../../fixtures/weather/output.json"),
    include_str!("../../../fixtures/weather/config.json"),
];
const EXPOSITIONS: &[&str] = &[
    "",
    "# EOF\n",
    "# HELP a_total Some \\n help\n# TYPE a_total counter\na_total{endpoint=\"/x\",status=\"200\"} 3 1790000000000\n",
    "a_total{endpoint=\"/\\\"\\\\\\n\", status=\"404\",} 1\n\n# just a comment\n",
    "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5e0\nh_count 2\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_count 1\n",
    "# TYPE a counter\na_total 1 # {trace_id=\"x\"} 1\n# EOF\n",
    "# TYPE s summary\ns{quantile=\"0.5\"} NaN\ns_sum +Inf\ns_count -Inf\n",
    "# TYPE g gauge\n# UNIT g seconds\ng 0x10\ng{a=\"é\"} -1e-300 12\n",
    "1a 1\na{b=c} 1\na{b=\"c} 1\na 1\na 2\n# TYPE a clock\n# TYPE\na",
];

/// The standard's streams.
#[must_use]
pub fn sse() -> Vec<Vec<u8>> {
    let text = include_str!("../../../fixtures/sse/cases.json");
    let cases: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
    let encoded = cases
        .iter()
        .filter_map(|case| case["bytes_base64"].as_str());
    let streams = encoded.filter_map(|encoded| STANDARD.decode(encoded).ok());
    streams.filter(|stream| stream.len() < 4_096).collect()
}

/// Expositions of either format, good and bad.
#[must_use]
pub fn exposition() -> Vec<Vec<u8>> {
    let texts = EXPOSITIONS.iter();
    texts.map(|text| text.as_bytes().to_vec()).collect()
}

/// Schemas of agents, and of the test suite of JSON Schema.
#[must_use]
pub fn cases() -> Vec<Vec<u8>> {
    let text = include_str!("../../../fixtures/json-schema-test-suite/schemas.json");
    let suite: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let own = SCHEMAS.iter().map(|schema| schema.as_bytes().to_vec());
    let suite = suite.values().map(|schema| schema.to_string().into_bytes());
    own.chain(suite).collect()
}

/// Choices, as a generator of no quality makes them: evidence has no form in bytes that anybody
/// would write.
#[must_use]
pub fn judge() -> Vec<Vec<u8>> {
    let bytes = |seed: u64| {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        (0..256 << (seed % 5)).map(|_| next()).collect()
    };
    (1..=40).map(bytes).collect()
}
