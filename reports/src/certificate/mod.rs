//! Certificates: what a run has shown, signed, to be checked without the agent and offline.
//!
//! An in-toto Statement (version 1) about the agent, in a DSSE envelope, signed with Ed25519:
//! <https://github.com/in-toto/attestation>, <https://github.com/secure-systems-lab/dsse>. The
//! caller brings keys, reports and the time; nothing here reads a file or a clock.

mod envelope;
mod key;
mod statement;
#[cfg(test)]
mod tests;
mod verify;

pub use key::{KeyError, SigningKey, VerifyingKey};
pub use statement::{
    Annotations, Digests, NotCertified, Predicate, ReportFile, Statement, Subject, Terms,
    Verdict as RuleVerdict, issue,
};
pub use verify::{Refusal, Unverified, verify};

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// SHA-256 in hexadecimal digits.
fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
