//! Many agents beside each other: which features each is certified for, and which rules each
//! holds. The picture of an ecosystem, as a page and as Markdown.

mod html;
mod markdown;

use std::io;

use crate::{Finding, Level, ProfileLevel, Report, Status, Verdict, text, words};

/// No more agents and rules than this are shown; what is left out is counted.
const AGENTS: usize = 200;
const RULES: usize = 2_000;
/// Of features and names, as many characters.
const NAME: usize = 60;

/// Agents × features, and agents × rules.
#[derive(Debug, Default)]
pub struct Matrix {
    agents: Vec<Agent>,
    features: Vec<String>,
    rules: Vec<Row>,
    agents_left_out: usize,
    rules_left_out: usize,
}

/// An agent, as one report has it.
#[derive(Debug)]
struct Agent {
    name: String,
    version: String,
    url: String,
    profile: String,
    started_at: String,
    verdict: Verdict,
    level: ProfileLevel,
    features: Vec<(String, Offer)>,
}

/// What an agent has of a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offer {
    Certified,
    Uncertified,
    Absent,
    /// Nobody answered, so that nothing is known of it.
    Unseen,
}

/// A rule, and what became of it with each agent.
#[derive(Debug)]
struct Row {
    rule: String,
    level: Level,
    feature: String,
    clause: String,
    cells: Vec<Option<Cell>>,
}

#[derive(Clone, Debug)]
struct Cell {
    status: Status,
    message: String,
}

impl Matrix {
    /// Adds what a report says of an agent, as a column of its own.
    pub fn add(&mut self, report: &Report) {
        if self.agents.len() == AGENTS {
            self.agents_left_out += 1;
            return;
        }
        let column = self.agents.len();
        self.agents.push(agent(report));
        for feature in &report.features {
            let name = text::clip(&feature.name, NAME);
            if !self.features.contains(&name) && self.features.len() < RULES {
                self.features.push(name);
            }
        }
        // Where the next rule goes that is not known yet: after the one before it.
        let mut after = self.rules.len();
        for finding in &report.results {
            let rule = text::clip(&finding.rule, 80);
            let place = match self.rules.iter().position(|row| row.rule == rule) {
                Some(place) => place,
                None if self.rules.len() == RULES => {
                    self.rules_left_out += 1;
                    continue;
                }
                None => {
                    self.rules.insert(after, row(rule, finding));
                    after
                }
            };
            after = place + 1;
            let cells = &mut self.rules[place].cells;
            cells.resize(column, None);
            cells.push(Some(Cell {
                status: finding.status,
                message: text::clip(&finding.message, 200),
            }));
        }
        for row in &mut self.rules {
            row.cells.resize(column + 1, None);
        }
    }

    /// Writes it as a page.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_html(&self, out: &mut dyn io::Write) -> io::Result<()> {
        html::write(self, out)
    }

    /// Writes it as Markdown, at most 60,000 characters.
    ///
    /// # Errors
    /// Only those of `out`.
    pub fn write_markdown(&self, out: &mut dyn io::Write) -> io::Result<()> {
        markdown::write(self, out)
    }

    /// The rules by area, areas in the order in which they were first met.
    fn areas(&self) -> Vec<(&str, Vec<&Row>)> {
        let mut areas: Vec<(&str, Vec<&Row>)> = Vec::new();
        for row in &self.rules {
            let area = words::area(&row.rule);
            match areas.iter_mut().find(|(known, _)| *known == area) {
                Some((_, members)) => members.push(row),
                None => areas.push((area, vec![row])),
            }
        }
        areas
    }

    /// The rules that most agents fall short of, those first.
    fn hardest(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rules.iter().filter(|row| row.missed() > 0).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.missed()));
        rows
    }
}

impl Agent {
    fn heading(&self) -> String {
        format!("{} {}", self.name, self.version).trim().to_owned()
    }

    fn offer(&self, feature: &str) -> Option<Offer> {
        let mut features = self.features.iter();
        features
            .find(|(name, _)| name == feature)
            .map(|(_, offer)| *offer)
    }

    fn certified(&self) -> usize {
        let offers = self.features.iter();
        offers
            .filter(|(_, offer)| *offer == Offer::Certified)
            .count()
    }
}

impl Row {
    /// With how many agents it does not hold.
    fn missed(&self) -> usize {
        self.number(&[Status::Fail, Status::Warn, Status::Expected])
    }

    /// With how many it was decided.
    fn decided(&self) -> usize {
        self.number(&words::DECIDED)
    }

    fn number(&self, statuses: &[Status]) -> usize {
        let known = self.cells.iter().flatten();
        known.filter(|cell| statuses.contains(&cell.status)).count()
    }

    /// Whether each agent has the same status.
    fn is_same(&self) -> bool {
        let status = |cell: &Option<Cell>| cell.as_ref().map(|cell| cell.status);
        self.cells
            .windows(2)
            .all(|pair| status(&pair[0]) == status(&pair[1]))
    }
}

fn row(rule: String, finding: &Finding) -> Row {
    Row {
        rule,
        level: finding.level,
        feature: text::clip(&finding.feature, NAME),
        // In a cell and a tip, what is code needs no mark.
        clause: text::clip(&finding.clause, text::SENTENCE).replace('`', ""),
        cells: Vec::new(),
    }
}

fn agent(report: &Report) -> Agent {
    let target = &report.target;
    let url = text::clip(&target.url, 200);
    let name = target.agent_id.as_deref().map(|id| text::clip(id, NAME));
    let is_void = words::is_void(report);
    let features = report.features.iter().take(RULES).map(|feature| {
        let offer = match (feature.certified, feature.found || feature.claimed) {
            _ if is_void => Offer::Unseen,
            (true, _) => Offer::Certified,
            (false, true) => Offer::Uncertified,
            (false, false) => Offer::Absent,
        };
        (text::clip(&feature.name, NAME), offer)
    });
    Agent {
        name: name.unwrap_or_else(|| text::clip(&target.url, NAME)),
        version: text::clip(target.agent_version.as_deref().unwrap_or(""), 40),
        url,
        profile: text::clip(&report.profile, NAME),
        started_at: words::when(&report.started_at),
        verdict: report.verdict,
        level: report.level,
        features: features.collect(),
    }
}

/// The mark of a status, and the word for those who do not see it.
fn mark(status: Option<Status>) -> (&'static str, &'static str) {
    match status {
        Some(Status::Pass) => ("✓", "holds"),
        Some(Status::Fail) => ("✗", "fails"),
        Some(Status::Warn) => ("!", "does not hold, and is a SHOULD"),
        Some(Status::Inconclusive) => ("?", "could not be decided"),
        Some(Status::Error) => ("E", "the check failed itself"),
        Some(Status::Expected) => ("~", "fails, as is known"),
        Some(Status::Skip) => ("-", "does not apply"),
        None => ("", "not judged"),
    }
}

fn level(level: ProfileLevel) -> &'static str {
    match level {
        ProfileLevel::Production => "production",
        ProfileLevel::Core => "core",
        ProfileLevel::None => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    pub(super) fn run(agent: &str, statuses: &[(&str, Status)]) -> Report {
        let mut report = sample::clean();
        report.target.agent_id = Some(agent.to_owned());
        let findings = statuses.iter();
        report.results = findings
            .map(|(rule, status)| sample::finding(rule, Level::Must, *status))
            .collect();
        report
    }

    pub(super) fn matrix() -> Matrix {
        use Status::{Fail, Inconclusive, Pass, Skip};
        let mut matrix = Matrix::default();
        matrix.add(&run(
            "alpha",
            &[("a.x", Pass), ("a.y", Pass), ("b.x", Skip)],
        ));
        matrix.add(&run(
            "beta",
            &[("a.x", Pass), ("a.w", Inconclusive), ("a.y", Fail)],
        ));
        matrix.add(&run("beta", &[("a.x", Pass), ("b.x", Fail)]));
        matrix
    }

    #[test]
    fn each_rule_has_a_cell_for_each_agent_in_the_catalogues_order() {
        let matrix = matrix();
        let rules: Vec<_> = matrix.rules.iter().map(|row| row.rule.as_str()).collect();
        assert_eq!(rules, ["a.x", "a.w", "a.y", "b.x"]);
        let shown = |row: &Row| -> String {
            let marks = row
                .cells
                .iter()
                .map(|it| mark(it.as_ref().map(|it| it.status)).0);
            marks
                .map(|mark| if mark.is_empty() { "." } else { mark })
                .collect()
        };
        let shown: Vec<_> = matrix.rules.iter().map(shown).collect();
        assert_eq!(shown, ["✓✓✓", ".?.", "✓✗.", "-.✗"]);
        assert!(matrix.rules[0].is_same() && !matrix.rules[1].is_same());
    }

    #[test]
    fn the_rules_that_most_fall_short_of_come_first() {
        let matrix = matrix();
        let hardest: Vec<_> = matrix
            .hardest()
            .iter()
            .map(|row| row.rule.as_str())
            .collect();
        assert_eq!(hardest, ["a.y", "b.x"]);
        assert_eq!(matrix.rules[2].decided(), 2);
    }

    #[test]
    fn of_an_agent_that_nobody_reached_nothing_is_said() {
        let mut gone = crate::sample::undecided();
        gone.features = run("alpha", &[]).features;
        let mut matrix = matrix();
        matrix.add(&gone);
        let offers = matrix.agents[3].features.iter().map(|(_, offer)| *offer);
        assert_eq!(offers.collect::<Vec<_>>(), [Offer::Unseen; 2]);
    }

    #[test]
    fn more_than_can_be_shown_is_counted() {
        let mut matrix = Matrix::default();
        let report = run("a", &[("a.x", Status::Pass)]);
        for _ in 0..AGENTS + 3 {
            matrix.add(&report);
        }
        assert_eq!((matrix.agents.len(), matrix.agents_left_out), (AGENTS, 3));
    }
}
