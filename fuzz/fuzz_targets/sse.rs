//! The event-stream parser, on any bytes.

#![no_main]

use acp_conformance::fuzzing;

libfuzzer_sys::fuzz_target!(
    init: acp_fuzz::begin("sse"),
    |bytes: &[u8]| fuzzing::sse(bytes)
);
