//! What a certificate says: an in-toto statement, made of a report.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;
use super::{SigningKey, sha256};
use crate::{Level, ProfileLevel, Report, Status, Summary, Tool, Verdict as RunVerdict};

/// The statement's own type.
pub(super) const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// The type of what is stated.
pub(super) const PREDICATE: &str = "urn:acp-tck:certificate:v1";

/// A certificate's content. Members may be added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Always in-toto's statement, version 1.
    #[serde(rename = "_type")]
    pub kind: String,
    /// The agent: always one.
    pub subject: Vec<Subject>,
    /// Always `urn:acp-tck:certificate:v1`.
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What was found.
    pub predicate: Predicate,
}

/// Whom it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What the agent calls itself; its URL, if it does not say.
    pub name: String,
    /// Where it was asked.
    pub uri: String,
    /// Of the canonical JSON (RFC 8785) of `{"name", "uri", "version"}`: the digest of a name, as
    /// a running agent is no file.
    pub digest: Digests,
    /// What else is known.
    pub annotations: Annotations,
}

/// What else is known of the agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotations {
    /// The version that it declares, if it does.
    pub version: Option<String>,
}

/// Digests in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// SHA-256.
    pub sha256: String,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Predicate {
    /// The requirement set, for example `five-endpoint/1`.
    pub profile: String,
    /// The level that the agent has reached: never `none`.
    pub level: ProfileLevel,
    /// The features that are certified.
    pub features: Vec<String>,
    /// Findings by status.
    pub summary: Summary,
    /// What became of each rule.
    pub results: Vec<Verdict>,
    /// Whether a failed SHOULD would have failed the run.
    pub strict: bool,
    /// The seed that the generated cases came from.
    pub seed: u64,
    /// How many generated cases a rule was allowed.
    pub cases: usize,
    /// The JSON report of the same run.
    pub report: ReportFile,
    /// What judged.
    pub tool: Tool,
    /// When the run began, RFC 3339.
    pub checked_at: String,
    /// When this was signed.
    #[serde(with = "time")]
    pub issued_at: Timestamp,
    /// Until when it holds.
    #[serde(with = "time")]
    pub expires_at: Timestamp,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Its id.
    pub rule: String,
    /// How binding it is.
    pub level: Level,
    /// What became of it.
    pub status: Status,
}

/// The file of the JSON report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportFile {
    /// Its name, as it was written.
    pub name: String,
    /// Always `application/json`.
    pub media_type: String,
    /// Of its bytes, as they are.
    pub digest: Digests,
}

impl ReportFile {
    /// A file of these bytes.
    #[must_use]
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self {
            name: name.to_owned(),
            media_type: "application/json".to_owned(),
            digest: Digests {
                sha256: sha256(bytes),
            },
        }
    }
}

/// From when until when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Now.
    pub issued_at: Timestamp,
    /// The end.
    pub expires_at: Timestamp,
}

/// Why there is no certificate of a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCertified {
    /// Something fails, or could not be decided.
    #[error("the run does not pass")]
    Fails,
    /// All that was judged holds, but it is not enough for a level.
    #[error(
        "what was judged holds, but reaches no level of {0} (a level takes all rules of `core`)"
    )]
    NoLevel(String),
    /// It would never hold.
    #[error("it would expire before it is issued")]
    Expired,
    /// It cannot be written as JSON.
    #[error("{0}")]
    Unwritten(String),
}

/// The certificate of a run: a signed envelope, as JSON text.
///
/// # Errors
/// If the run certifies no level, or the terms are none.
pub fn issue(
    report: &Report,
    file: ReportFile,
    terms: Terms,
    key: &SigningKey,
) -> Result<String, NotCertified> {
    if report.verdict != RunVerdict::Pass {
        return Err(NotCertified::Fails);
    }
    if report.level == ProfileLevel::None {
        return Err(NotCertified::NoLevel(report.profile.clone()));
    }
    if terms.expires_at <= terms.issued_at {
        return Err(NotCertified::Expired);
    }
    let unwritten = |error: serde_json::Error| NotCertified::Unwritten(error.to_string());
    let statement = statement(report, file, terms).map_err(unwritten)?;
    let payload = serde_json::to_vec(&statement).map_err(unwritten)?;
    let envelope = Envelope::seal(&payload, key);
    let mut text = serde_json::to_string_pretty(&envelope).map_err(unwritten)?;
    text.push('\n');
    Ok(text)
}

fn statement(
    report: &Report,
    file: ReportFile,
    terms: Terms,
) -> Result<Statement, serde_json::Error> {
    let certified = report.features.iter().filter(|feature| feature.certified);
    let results = report.results.iter().map(|finding| Verdict {
        rule: finding.rule.clone(),
        level: finding.level,
        status: finding.status,
    });
    Ok(Statement {
        kind: STATEMENT.to_owned(),
        subject: vec![subject(report)?],
        predicate_type: PREDICATE.to_owned(),
        predicate: Predicate {
            profile: report.profile.clone(),
            level: report.level,
            features: certified.map(|feature| feature.name.clone()).collect(),
            summary: report.summary,
            results: results.collect(),
            strict: report.strict,
            seed: report.seed,
            cases: report.cases,
            report: file,
            tool: report.tool.clone(),
            checked_at: report.started_at.clone(),
            issued_at: terms.issued_at,
            expires_at: terms.expires_at,
        },
    })
}

fn subject(report: &Report) -> Result<Subject, serde_json::Error> {
    let target = &report.target;
    let mut subject = Subject {
        name: target.agent_id.as_ref().unwrap_or(&target.url).clone(),
        uri: target.url.clone(),
        digest: Digests {
            sha256: String::new(),
        },
        annotations: Annotations {
            version: target.agent_version.clone(),
        },
    };
    subject.digest.sha256 = subject.identity()?;
    Ok(subject)
}

impl Subject {
    /// What its digest should be.
    pub(super) fn identity(&self) -> Result<String, serde_json::Error> {
        /// Members in RFC 8785's order; of texts alone serde_json writes what the RFC asks for.
        #[derive(Serialize)]
        struct Identity<'a> {
            name: &'a str,
            uri: &'a str,
            version: Option<&'a str>,
        }
        let identity = Identity {
            name: &self.name,
            uri: &self.uri,
            version: self.annotations.version.as_deref(),
        };
        Ok(sha256(&serde_json::to_vec(&identity)?))
    }
}

/// Times as RFC 3339 has them.
mod time {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}
