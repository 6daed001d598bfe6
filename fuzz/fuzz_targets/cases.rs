//! The case generator, on any schema.

#![no_main]

use acp_conformance::fuzzing;

libfuzzer_sys::fuzz_target!(
    init: acp_fuzz::begin("cases"),
    |bytes: &[u8]| fuzzing::cases(bytes)
);
