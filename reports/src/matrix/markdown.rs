//! The matrix as Markdown: for a wiki, a README, a job's summary.

use std::io;

use super::{Matrix, Offer, Row, level, mark};
use crate::markdown::{code, inline};
use crate::words;

/// How long the whole may be, in characters: GitHub takes 65,536.
const WHOLE: usize = 60_000;

pub(super) fn write(matrix: &Matrix, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = format!(
        "## {}\n\n",
        words::count(matrix.agents.len(), "ACP agent", "ACP agents")
    );
    let mut room = WHOLE;
    agents(matrix, &mut page, &mut room);
    rules(matrix, &mut page, &mut room);
    out.write_all(page.as_bytes())
}

/// Agents × features; agents are numbered, as the columns of the rules are.
fn agents(matrix: &Matrix, page: &mut String, room: &mut usize) {
    if matrix.agents.is_empty() {
        return;
    }
    let mut head = "| | agent | at | level |".to_owned();
    for feature in &matrix.features {
        head.push_str(&format!(" {} |", inline(feature, 40)));
    }
    let columns = "|:-:".repeat(matrix.features.len());
    head.push_str(&format!("\n|--:|:--|:--|:--{columns}|\n"));
    let lines = matrix.agents.iter().enumerate();
    let lines = lines.map(|(number, agent)| {
        let mut line = format!(
            "| {} | {} | {} | {} |",
            number + 1,
            inline(&agent.heading(), 120),
            code(&agent.url, 200),
            level(agent.level)
        );
        for feature in &matrix.features {
            let mark = match agent.offer(feature) {
                Some(Offer::Certified) => "✓",
                Some(Offer::Uncertified) => "✗",
                Some(Offer::Absent) => "-",
                Some(Offer::Unseen) => "?",
                None => "",
            };
            line.push_str(&format!(" {mark} |"));
        }
        line.push('\n');
        line
    });
    push(page, room, &head, lines.collect());
    page.push_str("\n✓ certified, ✗ offered and not certified, - not offered, ? not seen, as nobody answered\n");
    left_out(page, matrix.agents_left_out, "agent", "agents");
}

/// Rules × agents, without those that hold with everyone.
fn rules(matrix: &Matrix, page: &mut String, room: &mut usize) {
    let holds_for_all = |row: &&Row| row.decided() == row.cells.len() && row.missed() == 0;
    let quiet = matrix.rules.iter().filter(holds_for_all).count();
    let shown: Vec<&Row> = matrix
        .areas()
        .into_iter()
        .flat_map(|(_, rows)| rows)
        .filter(|row| !holds_for_all(row))
        .collect();
    page.push_str("\n### Rules\n\n");
    if quiet > 0 {
        let said = words::count(quiet, "rule holds", "rules hold");
        page.push_str(&format!(
            "{said} with every agent and {} not listed.\n\n",
            if quiet == 1 { "is" } else { "are" }
        ));
    }
    if shown.is_empty() {
        return;
    }
    let mut head = "| rule | level |".to_owned();
    for number in 1..=matrix.agents.len() {
        head.push_str(&format!(" {number} |"));
    }
    head.push_str(&format!(
        "\n|:--|:--{}|\n",
        "|:-:".repeat(matrix.agents.len())
    ));
    let lines = shown.into_iter().map(|row| {
        let mut line = format!("| {} | {} |", code(&row.rule, 80), words::level(row.level));
        for cell in &row.cells {
            let (mark, _) = mark(cell.as_ref().map(|cell| cell.status));
            // A tilde alone means nothing; two would strike out.
            line.push_str(&format!(" {mark} |"));
        }
        line.push('\n');
        line
    });
    push(page, room, &head, lines.collect());
    page.push_str("\n✓ holds, ✗ fails, ! a SHOULD that does not hold, ? could not be decided, - does not apply, ~ fails as is known, E the check failed itself, empty: not judged\n");
    left_out(page, matrix.rules_left_out, "rule", "rules");
}

/// A table, as far as there is room.
fn push(page: &mut String, room: &mut usize, head: &str, lines: Vec<String>) {
    let mut missing = 0;
    let mut table = head.to_owned();
    *room = room.saturating_sub(head.chars().count());
    for line in lines {
        let length = line.chars().count();
        if missing > 0 || length > *room {
            missing += 1;
            continue;
        }
        *room -= length;
        table.push_str(&line);
    }
    if head.chars().count() < WHOLE {
        page.push_str(&table);
    }
    left_out(page, missing, "row", "rows");
}

fn left_out(page: &mut String, number: usize, one: &str, many: &str) {
    if number > 0 {
        let said = words::count(number, one, many);
        page.push_str(&format!(
            "\n{said} more not shown; the page has room for more\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{matrix, run};
    use super::*;
    use crate::Status;

    fn written(matrix: &Matrix) -> String {
        let mut out = Vec::new();
        matrix
            .write_markdown(&mut out)
            .expect("a vector takes everything");
        String::from_utf8(out).expect("the text is UTF-8")
    }

    #[test]
    fn agents_stand_beside_each_other_in_markdown() {
        insta::assert_snapshot!(written(&matrix()));
    }

    #[test]
    fn names_make_no_markup_and_the_whole_fits_into_a_comment() {
        let nasty = "a|b`c <img src=x> [x](http://evil.example) @octocat";
        let rules: Vec<String> = (0..2_000).map(|it| format!("a.r{it}")).collect();
        let statuses: Vec<_> = rules.iter().map(|it| (it.as_str(), Status::Fail)).collect();
        let mut matrix = Matrix::default();
        for _ in 0..60 {
            matrix.add(&run(nasty, &statuses));
        }
        let text = written(&matrix);
        assert!(text.chars().count() < 65_536, "{}", text.chars().count());
        assert!(text.contains("more not shown"));
        for acting in ["<img", "](", "@octocat", "a|b"] {
            assert!(!text.contains(acting), "{acting}");
        }
    }
}
