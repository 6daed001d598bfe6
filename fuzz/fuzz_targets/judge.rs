//! Every rule and the report, on any evidence.

#![no_main]

use acp_conformance::fuzzing;

libfuzzer_sys::fuzz_target!(
    init: acp_fuzz::begin("judge"),
    |bytes: &[u8]| fuzzing::judge(bytes)
);
