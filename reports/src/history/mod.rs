//! Runs over time: what broke when, and where figures go. Check and load runs, each with its like.

mod checks;
mod html;
mod loads;

use std::collections::HashMap;
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

/// What tells with which others a run belongs.
trait Member {
    fn agent_id(&self) -> Option<&str>;
    fn url(&self) -> &str;
    fn began(&self) -> &str;
    /// What of the agent it is about, after the agent's name.
    fn about(&self) -> String;
}

impl Member for Report {
    fn agent_id(&self) -> Option<&str> {
        self.target.agent_id.as_deref()
    }

    fn url(&self) -> &str {
        &self.target.url
    }

    fn began(&self) -> &str {
        &self.started_at
    }

    fn about(&self) -> String {
        format!("by {}", text::clip(&self.profile, NAME))
    }
}

impl Member for LoadReport {
    fn agent_id(&self) -> Option<&str> {
        self.target.agent_id.as_deref()
    }

    fn url(&self) -> &str {
        &self.target.url
    }

    fn began(&self) -> &str {
        &self.started_at
    }

    fn about(&self) -> String {
        format!("under {}", text::clip(&self.scenario, NAME))
    }
}

/// Runs of one kind, under their name, in the order of time.
struct Group<'h, R> {
    name: String,
    runs: Vec<&'h R>,
}

/// Puts runs of the same kind together; both in the order of time.
///
/// A run that nobody answered has no name to go by: it is of the agent that was last known at its
/// URL, or, before any was, of the first that came to be.
fn groups<R: Member>(runs: &[R]) -> Vec<Group<'_, R>> {
    let mut sorted: Vec<&R> = runs.iter().collect();
    // What says no time comes first: it is not known to be later than anything.
    sorted.sort_by_key(|run| run.began().parse::<jiff::Timestamp>().ok());
    let latest_first = sorted.iter().rev();
    let mut at: HashMap<&str, &str> = latest_first
        .filter_map(|run| Some((run.url(), run.agent_id()?)))
        .collect();
    let mut groups: Vec<Group<'_, R>> = Vec::new();
    for run in sorted {
        let agent = match run.agent_id() {
            Some(id) => {
                at.insert(run.url(), id);
                id
            }
            None => at.get(run.url()).copied().unwrap_or(run.url()),
        };
        let name = format!("{} {}", text::clip(agent, NAME), run.about());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn runs_are_sorted_by_the_moment_and_not_by_its_writing() {
        let times = [
            "2026-11-22T11:30:00+02:00",
            "2026-11-22T10:00:00.5Z",
            "2026-11-22T10:00:00Z",
            "soon",
        ];
        let runs = times.map(|time| run(time, Some("alpha")));
        let groups = groups(&runs);
        let sorted: Vec<&str> = groups[0].runs.iter().map(|it| it.began()).collect();
        assert_eq!(sorted, [times[3], times[0], times[2], times[1]]);
    }

    fn run(began: &str, agent: Option<&str>) -> Report {
        let mut report = sample::clean();
        report.started_at = began.to_owned();
        report.target.agent_id = agent.map(str::to_owned);
        report
    }

    #[test]
    fn an_outage_belongs_to_the_agent_that_was_last_known_at_its_url() {
        let day = |day: u32| format!("2026-11-{day:02}T10:00:00Z");
        let mut elsewhere = run(&day(6), None);
        elsewhere.target.url = "http://127.0.0.1:9".to_owned();
        let runs = [
            run(&day(1), None),
            run(&day(2), Some("alpha")),
            run(&day(3), None),
            run(&day(4), Some("beta")),
            run(&day(5), None),
            elsewhere,
        ];
        let groups = groups(&runs);
        let told: Vec<_> = groups
            .iter()
            .map(|it| (it.name.split(' ').next().unwrap_or_default(), it.runs.len()))
            .collect();
        assert_eq!(told, [("alpha", 3), ("beta", 2), ("http://127.0.0.1:9", 1)]);
    }
}
