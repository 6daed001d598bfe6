//! The matrix as a page.

use std::io;

use serde::Serialize;

use super::{Agent, Matrix, Offer, Row, level, mark};
use crate::{Verdict, html, words};

const TEMPLATE: &str = concat!(
    include_str!("../html/parts.html"),
    include_str!("matrix.html")
);
/// Of the rules that most agents fall short of, so many are named.
const HARDEST: usize = 10;

#[derive(Serialize)]
struct View<'m> {
    title: String,
    agents: Vec<Head<'m>>,
    features: &'m [String],
    hardest: Vec<Line<'m>>,
    areas: Vec<Area<'m>>,
    rules: usize,
    same: usize,
    agents_left_out: usize,
    rules_left_out: usize,
}

#[derive(Serialize)]
struct Head<'m> {
    /// It comes first: of a long heading the end is not shown.
    number: usize,
    heading: String,
    url: &'m str,
    profile: &'m str,
    started_at: &'m str,
    verdict: &'static str,
    level: &'static str,
    certified: usize,
    offers: Vec<Cell<'m>>,
}

#[derive(Serialize)]
struct Area<'m> {
    name: &'m str,
    same: bool,
    lines: Vec<Line<'m>>,
}

#[derive(Serialize)]
struct Line<'m> {
    rule: &'m str,
    level: &'static str,
    feature: &'m str,
    clause: &'m str,
    same: bool,
    missed: usize,
    decided: usize,
    cells: Vec<Cell<'m>>,
}

#[derive(Serialize)]
struct Cell<'m> {
    class: &'static str,
    mark: &'static str,
    said: &'static str,
    message: &'m str,
}

pub(super) fn write(matrix: &Matrix, out: &mut dyn io::Write) -> io::Result<()> {
    let page = html::render(TEMPLATE, view(matrix))?;
    out.write_all(page.as_bytes())
}

fn view(matrix: &Matrix) -> View<'_> {
    let agents = matrix.agents.iter().zip(1..);
    let areas = matrix.areas().into_iter().map(|(name, rows)| Area {
        name,
        same: rows.iter().all(|row| row.is_same()),
        lines: rows.into_iter().map(line).collect(),
    });
    View {
        title: words::count(matrix.agents.len(), "ACP agent", "ACP agents"),
        agents: agents
            .map(|(agent, number)| head(matrix, agent, number))
            .collect(),
        features: &matrix.features,
        hardest: matrix
            .hardest()
            .into_iter()
            .take(HARDEST)
            .map(line)
            .collect(),
        areas: areas.collect(),
        rules: matrix.rules.len(),
        same: matrix.rules.iter().filter(|row| row.is_same()).count(),
        agents_left_out: matrix.agents_left_out,
        rules_left_out: matrix.rules_left_out,
    }
}

fn head<'m>(matrix: &'m Matrix, agent: &'m Agent, number: usize) -> Head<'m> {
    let offers = matrix.features.iter().map(|feature| {
        let (class, mark, said) = match agent.offer(feature) {
            Some(Offer::Certified) => ("pass", "✓", "certified"),
            Some(Offer::Uncertified) => ("fail", "✗", "offered, not certified"),
            Some(Offer::Absent) => ("skip", "-", "not offered"),
            Some(Offer::Unseen) => ("inconclusive", "?", "not seen"),
            None => ("none", "", "not judged"),
        };
        let message = "";
        Cell {
            class,
            mark,
            said,
            message,
        }
    });
    Head {
        number,
        heading: agent.heading(),
        url: &agent.url,
        profile: &agent.profile,
        started_at: &agent.started_at,
        verdict: match agent.verdict {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Error => "error",
        },
        level: level(agent.level),
        certified: agent.certified(),
        offers: offers.collect(),
    }
}

fn line(row: &Row) -> Line<'_> {
    let cells = row.cells.iter().map(|cell| {
        let status = cell.as_ref().map(|cell| cell.status);
        let (mark, said) = mark(status);
        Cell {
            class: status.map_or("none", words::status),
            mark,
            said,
            message: match cell {
                Some(cell) if mark != "✓" => &cell.message,
                _ => "",
            },
        }
    });
    Line {
        rule: &row.rule,
        level: words::level(row.level),
        feature: &row.feature,
        clause: &row.clause,
        same: row.is_same(),
        missed: row.missed(),
        decided: row.decided(),
        cells: cells.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{matrix, run};
    use super::*;
    use crate::{Report, Status};

    fn written(matrix: &Matrix) -> String {
        let mut out = Vec::new();
        matrix
            .write_html(&mut out)
            .expect("a vector takes everything");
        String::from_utf8(out).expect("the page is UTF-8")
    }

    #[test]
    fn agents_stand_beside_each_other_in_a_page() {
        insta::assert_snapshot!(html::without_style(&written(&matrix())));
    }

    #[test]
    fn what_an_agent_says_is_text_and_no_markup() {
        let nasty = "</script><script>owned()</script><img src=x onerror=owned()>\"'>\u{1b}[2J";
        let mut report: Report = run(nasty, &[("a.x", Status::Fail)]);
        report.target.agent_version = Some(nasty.to_owned());
        report.features[0].name = nasty.to_owned();
        report.results[0].message = nasty.to_owned();
        report.results[0].rule = nasty.to_owned();
        let mut matrix = Matrix::default();
        matrix.add(&report);
        let page = written(&matrix);
        assert!(!page.contains("<img") && !page.contains("<script>o") && !page.contains('\u{1b}'));
        assert_eq!(page.matches("</script>").count(), 1);
    }

    #[test]
    fn no_reports_make_a_page_that_says_so() {
        assert!(written(&Matrix::default()).contains("0 ACP agents"));
    }
}
