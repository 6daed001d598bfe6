//! Judging and reporting, on any evidence.

use acp_reports::{Format, Report};
use url::Url;

use super::answers::SECRET;
use super::evidence;
use super::pick::Pick;
use crate::deadline::Deadline;
use crate::evidence::{Evidence, Topic};
use crate::judge::Outcome;
use crate::recording::{Ended, Recording};
use crate::rules;
use crate::settings::Settings;
use crate::verdict::Verdict;

/// More is more of the same.
const LONGEST: usize = 16 << 10;

/// Every rule comes to an outcome that its evidence bears, and the report on them is written in
/// each format and tells no secret.
pub fn judge(bytes: &[u8]) {
    let evidence = evidence::evidence(&mut Pick::new(&bytes[..bytes.len().min(LONGEST)]));
    let verdicts: Vec<_> = rules::catalogue()
        .map(|rule| Verdict::first(rule, &evidence))
        .collect();
    for verdict in &verdicts {
        bears(
            verdict.rule.id,
            verdict.rule.reads,
            &verdict.outcome,
            &evidence,
        );
    }
    let Ok(url) = Url::parse("http://127.0.0.1:8001") else {
        return;
    };
    let mut settings = Settings::for_agent(url, evidence.facts.started_at);
    settings.headers = vec![("X-API-Key".to_owned(), SECRET.to_owned())];
    let ended = Ended {
        stop: None,
        took: std::time::Duration::ZERO,
    };
    // Writing takes longer than all the judging.
    let formats = match bytes.first() {
        Some(byte) if byte % 4 > 0 => &[],
        _ => Format::ALL,
    };
    let recording = Recording::new(
        &settings,
        evidence,
        (Vec::new(), verdicts),
        ended,
        &Deadline::default(),
    );
    is_told(formats, &recording.report(&settings.judging()));
}

fn bears(id: &str, reads: &[Topic], outcome: &Outcome, evidence: &Evidence) {
    match outcome {
        Outcome::Error(why) => panic!("{id}: {why}"),
        Outcome::Pass(judged) => {
            assert!(judged.checked > 0 && judged.failures.is_empty(), "{id}");
        }
        Outcome::Fail(judged) => {
            assert!(judged.failures.len() <= judged.checked, "{id}");
            for failure in &judged.failures {
                // One in a document that the user handed over shows none.
                let Some(ask) = failure.ask else { continue };
                let topic = evidence
                    .asks
                    .get(ask)
                    .expect("a failure shows an ask")
                    .topic;
                assert!(reads.contains(&topic), "{id} does not read {topic}");
            }
        }
        Outcome::Skip(reason) | Outcome::Unseen(reason) | Outcome::Inconclusive(reason) => {
            assert!(!reason.is_empty(), "{id}");
        }
    }
}

fn is_told(formats: &[Format], report: &Report) {
    for format in formats {
        let mut out = Vec::new();
        format
            .write(report, &mut out)
            .expect("a vector takes everything");
        let text = String::from_utf8(out).expect("a report is text");
        assert!(!text.contains(SECRET), "{} tells a secret", format.name);
        if format.name == "json" {
            let read: Report = serde_json::from_str(&text).expect("a report can be read");
            assert_eq!(read.results.len(), report.results.len());
        }
    }
}
