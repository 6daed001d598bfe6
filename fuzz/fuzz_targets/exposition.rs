//! The exposition parser, on any text.

#![no_main]

use acp_conformance::fuzzing;

libfuzzer_sys::fuzz_target!(
    init: acp_fuzz::begin("exposition"),
    |bytes: &[u8]| fuzzing::exposition(bytes)
);
