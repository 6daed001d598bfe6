//! What a load run as a whole says.

use super::Report;
use crate::Verdict;

impl Report {
    /// What the figures of a run mean for it.
    ///
    /// An error of the run itself outweighs all, and a run in which nothing was asked has no verdict.
    /// A threshold that does not hold, a regression, or a defect fails the run. An untrusted generator
    /// alone does not: whoever wants that asks for it (`--require-trusted`).
    #[must_use]
    pub fn judge(&self) -> Verdict {
        let regressed = |it: &super::Baseline| it.metrics.iter().any(|metric| metric.regressed);
        if self.error.is_some() || self.requests.total == 0 {
            return Verdict::Error;
        }
        let missed = self.thresholds.iter().any(|threshold| !threshold.holds);
        if missed || !self.defects.is_empty() || self.baseline.as_ref().is_some_and(regressed) {
            return Verdict::Fail;
        }
        Verdict::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Baseline, Defect, Metric, Threshold};
    use super::*;

    fn run() -> Report {
        let mut report = Report::new("mixed", "http://127.0.0.1:8000");
        report.requests.total = 10;
        report
    }

    #[test]
    fn a_run_without_requests_or_with_an_error_has_no_verdict() {
        let mut report = run();
        assert_eq!(report.judge(), Verdict::Pass);
        report.defects.push(Defect::default());
        report.error = Some("the agent was gone".to_owned());
        assert_eq!(report.judge(), Verdict::Error);
        assert_eq!(Report::new("mixed", "").judge(), Verdict::Error);
    }

    #[test]
    fn a_missed_threshold_a_regression_and_a_defect_each_fail_a_run() {
        let mut missed = run();
        missed.thresholds.push(Threshold::default());
        let mut regressed = run();
        regressed.baseline = Some(Baseline {
            metrics: vec![Metric {
                regressed: true,
                ..Metric::default()
            }],
            ..Baseline::default()
        });
        let mut defective = run();
        defective.defects.push(Defect::default());
        for report in [missed, regressed, defective] {
            assert_eq!(report.judge(), Verdict::Fail);
        }
    }

    #[test]
    fn an_untrusted_generator_alone_does_not_fail_a_run() {
        let mut report = run();
        report.generator.trusted = false;
        assert_eq!(report.judge(), Verdict::Pass);
    }
}
