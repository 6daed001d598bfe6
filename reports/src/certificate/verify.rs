//! Whether a certificate holds: first who signed, then what, then for how long and for which
//! report. Each reason to refuse it is one of its own.

use jiff::{SignedDuration, Timestamp};
use serde_json::error::Category;

use super::envelope::{Envelope, PAYLOAD_TYPE, Signature, decoded, to_sign};
use super::statement::{PREDICATE, STATEMENT, Statement};
use super::{VerifyingKey, sha256};
use crate::{ProfileLevel, shorten};

/// How many signatures are tried: nobody needs more, and each costs time.
const SIGNATURES: usize = 16;
/// How far two honest clocks may be apart.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why a certificate could not be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// The file is no JSON.
    #[error("not JSON: {0}")]
    Unreadable(String),
    /// It can be read, and does not hold.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not the shape of an envelope, or a name twice.
    #[error("it is no DSSE envelope ({0})")]
    NoEnvelope(String),
    /// Signed for another purpose.
    #[error("its payload is of the type `{0}`, not `{PAYLOAD_TYPE}`")]
    PayloadType(String),
    /// No signature.
    #[error("nobody has signed it")]
    Unsigned,
    /// More signatures than are tried.
    #[error("it has more than {SIGNATURES} signatures")]
    TooManySignatures,
    /// A field is cut or garbled.
    #[error("its {0} is not base64: cut short, or altered")]
    NotBase64(&'static str),
    /// The right key is named.
    #[error(
        "it was altered after it was signed: it names this key, and the signature does not hold"
    )]
    Altered,
    /// Another key is named, or none.
    #[error("this key has not signed it ({0})")]
    OtherKey(String),
    /// Something else was signed.
    #[error("what was signed is no certificate of acp-tck ({0})")]
    Foreign(String),
    /// Its time is over.
    #[error("it expired at {0}")]
    Expired(Timestamp),
    /// Its time has not come.
    #[error("it was issued at {0}, which is still to come: is this clock right?")]
    Early(Timestamp),
    /// Another report.
    #[error(
        "the report is not the one that it was issued for ({name}, SHA-256 {wanted}): other bytes, or another run"
    )]
    Report {
        /// The report's name at that time.
        name: String,
        /// Its digest.
        wanted: String,
    },
}

/// Checks a certificate against the report that it is of, with a key, at a time; gives what it
/// says.
///
/// # Errors
/// If it does not hold, with the first reason.
pub fn verify(
    certificate: &[u8],
    report: &[u8],
    key: &VerifyingKey,
    now: Timestamp,
) -> Result<Statement, Unverified> {
    let envelope: Envelope =
        serde_json::from_slice(certificate).map_err(|error| match error.classify() {
            Category::Data => Refusal::NoEnvelope(told(&error)).into(),
            _ => Unverified::Unreadable(told(&error)),
        })?;
    let payload = signed(&envelope, key)?;
    let statement = statement(&payload)?;
    let said = &statement.predicate;
    if now >= said.expires_at {
        return Err(Refusal::Expired(said.expires_at).into());
    }
    if now
        .saturating_add(SKEW)
        .is_ok_and(|now| now < said.issued_at)
    {
        return Err(Refusal::Early(said.issued_at).into());
    }
    if sha256(report) != said.report.digest.sha256 {
        return Err(Refusal::Report {
            name: said.report.name.clone(),
            wanted: said.report.digest.sha256.clone(),
        }
        .into());
    }
    Ok(statement)
}

/// The payload, if this key has signed it. Nothing of it is read before.
fn signed(envelope: &Envelope, key: &VerifyingKey) -> Result<Vec<u8>, Refusal> {
    if envelope.payload_type != PAYLOAD_TYPE {
        let found = shorten(&envelope.payload_type, 80).into_owned();
        return Err(Refusal::PayloadType(found));
    }
    let signatures = &envelope.signatures;
    if signatures.is_empty() {
        return Err(Refusal::Unsigned);
    }
    if signatures.len() > SIGNATURES {
        return Err(Refusal::TooManySignatures);
    }
    let payload = decoded(&envelope.payload).ok_or(Refusal::NotBase64("payload"))?;
    let message = to_sign(PAYLOAD_TYPE, &payload);
    for Signature { sig, .. } in signatures {
        let signature = decoded(sig).ok_or(Refusal::NotBase64("signature"))?;
        if key.holds(&message, &signature) {
            return Ok(payload);
        }
    }
    let named: Vec<&str> = signatures.iter().map(|one| one.keyid.as_str()).collect();
    Err(match named.contains(&key.id()) {
        true => Refusal::Altered,
        false => Refusal::OtherKey(match named.iter().find(|id| !id.is_empty()) {
            Some(id) => format!("it names {}", shorten(id, 80)),
            None => "it names none".to_owned(),
        }),
    })
}

fn statement(payload: &[u8]) -> Result<Statement, Refusal> {
    let foreign = |what: String| Refusal::Foreign(what);
    let statement: Statement =
        serde_json::from_slice(payload).map_err(|error| foreign(told(&error)))?;
    if statement.kind != STATEMENT {
        return Err(foreign(format!("a `{}`", shorten(&statement.kind, 80))));
    }
    if statement.predicate_type != PREDICATE {
        let found = shorten(&statement.predicate_type, 80);
        return Err(foreign(format!("it states `{found}`")));
    }
    let [subject] = statement.subject.as_slice() else {
        return Err(foreign("it is not about one agent".to_owned()));
    };
    if subject.identity().ok().as_ref() != Some(&subject.digest.sha256) {
        return Err(foreign(
            "its subject's digest is of another name".to_owned(),
        ));
    }
    if statement.predicate.level == ProfileLevel::None {
        return Err(foreign("it certifies no level".to_owned()));
    }
    Ok(statement)
}

/// What serde says; it may quote what it found.
fn told(error: &serde_json::Error) -> String {
    shorten(&error.to_string(), 160).into_owned()
}
