//! Runs over time: what broke when, and where figures go. Check and load runs, each with its like.

mod checks;
mod html;
mod loads;

use std::io;

use crate::words::when;
use crate::{LoadReport, Report, text};

/// No more runs than this are kept; what is left out is counted.
const RUNS: usize = 10_000;
/// Of names, as many characters.
const NAME: usize = 60;

/// Runs, in any order.
#[derive(Debug, Default)]
pub struct History {
    checks: Vec<Report>,
    loads: Vec<LoadReport>,
    left_out: usize,
}

impl History {
    /// Adds a check run. Of its evidence nothing is kept.
    pub fn add_check(&mut self, mut report: Report) {
        if self.is_full() {
            return;
        }
        for finding in report.results.iter_mut().chain(&mut report.unscored) {
            finding.evidence = Vec::new();
        }
        self.checks.push(report);
    }

    /// Adds a load run. Of its course nothing is kept.
    pub fn add_load(&mut self, mut report: LoadReport) {
        if self.is_full() {
            return;
        }
        report.slices = Vec::new();
        report.histograms.clear();
        report.curve = Vec::new();
        report.curves.clear();
        self.loads.push(report);
    }

    fn is_full(&mut self) -> bool {
        let is_full = self.checks.len() + self.loads.len() == RUNS;
        self.left_out += usize::from(is_full);
        is_full
    }

    /// How many runs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.checks.len() + self.loads.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes it as a page.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_html(&self, out: &mut dyn io::Write) -> io::Result<()> {
        html::write(self, out)
    }
}

/// Runs of one kind, under their name, in the order of time.
struct Group<'h, R> {
    name: String,
    runs: Vec<&'h R>,
}

/// Puts runs of the same kind together; both in the order of time.
fn groups<'h, R>(
    runs: &'h [R],
    name: impl Fn(&R) -> String,
    began: impl Fn(&R) -> &str,
) -> Vec<Group<'h, R>> {
    let mut sorted: Vec<&R> = runs.iter().collect();
    // What says no time comes first: it is not known to be later than anything.
    sorted.sort_by_key(|run| began(run).parse::<jiff::Timestamp>().ok());
    let mut groups: Vec<Group<'h, R>> = Vec::new();
    for run in sorted {
        let name = name(run);
        match groups.iter_mut().find(|group| group.name == name) {
            Some(group) => group.runs.push(run),
            None => groups.push(Group {
                name,
                runs: vec![run],
            }),
        }
    }
    groups
}

fn agent(id: Option<&str>, url: &str) -> String {
    text::clip(id.unwrap_or(url), NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_sorted_by_the_moment_and_not_by_its_writing() {
        let runs = [
            "2026-11-22T11:30:00+02:00",
            "2026-11-22T10:00:00.5Z",
            "2026-11-22T10:00:00Z",
            "soon",
        ];
        let groups = groups(&runs, |_| String::new(), |it| it);
        assert_eq!(groups[0].runs, [&runs[3], &runs[0], &runs[2], &runs[1]]);
    }
}
