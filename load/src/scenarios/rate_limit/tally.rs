//! What came of all requests of the scenario, whatever they were for.

use std::collections::BTreeMap;
use std::time::Duration;

use acp_conformance::limits::{Outcome, Seen};
use acp_reports::load::{Admissions, Defect, Report, Scope};
use hdrhistogram::Histogram;

use crate::limits::course::{Moment, course};
use crate::recorder::{histogram, micros, record};
use crate::summary;

/// What came of all requests.
pub(super) struct Tally {
    by_status: BTreeMap<String, u64>,
    admitted: u64,
    refused: u64,
    other: u64,
    pub(super) latency: Histogram<u64>,
    moments: Vec<Moment>,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            by_status: BTreeMap::new(),
            admitted: 0,
            refused: 0,
            other: 0,
            latency: histogram(),
            moments: Vec::new(),
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.admitted + self.refused + self.other
    }

    pub(super) fn add(&mut self, seen: &Seen) {
        self.moments.push(Moment::from(seen));
        let name = match seen.status {
            0 => "none".to_owned(),
            status => status.to_string(),
        };
        *self.by_status.entry(name).or_default() += 1;
        match seen.as_due() {
            Outcome::Admitted => {
                self.admitted += 1;
                record(&mut self.latency, micros(seen.took()));
            }
            Outcome::Refused => self.refused += 1,
            Outcome::Other => self.other += 1,
        }
    }

    /// Refusals that are told as a failure of the agent's: to whoever reads that, it is broken, and not to be asked
    /// less often.
    pub(super) fn unavailable(&self) -> Option<Defect> {
        let of = |status: &str| self.by_status.get(status).copied().unwrap_or_default();
        let (due, wrong) = (of("429"), of("503"));
        let (name, when) = match due {
            0 => ("refuses-with-503", ""),
            _ => ("says-503-when-pressed", ", for clients that go on"),
        };
        let all = due + wrong;
        (wrong > 0).then(|| Defect {
            name: name.to_owned(),
            message: format!(
                "{wrong} of {all} refusals are answered 503{when}: past the limit, 429 is due"
            ),
            count: wrong,
        })
    }

    /// What became of them over time.
    pub(super) fn course(&self, scope: Scope, window: Option<Duration>) -> Vec<Admissions> {
        course(&self.moments, scope, window)
    }

    /// A refusal is an answer as it should be; only admitted requests enter the latency.
    pub(super) fn fill(self, report: &mut Report, took: Duration) {
        report.requests.total = self.total();
        report.requests.ok = self.admitted + self.refused;
        report.requests.failed = self.other;
        report.duration_s = took.as_secs_f64();
        report.throughput_rps = self.admitted as f64 / took.as_secs_f64().max(1e-9);
        report.latency_ms = summary::latency(&self.latency);
        report.requests.by_status = self.by_status;
    }
}
