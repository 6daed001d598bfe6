//! A comparison for people.

use std::io;

use super::{Change, Comparison, Difference, Run};
use crate::layout::{BOLD, DIM, heading, labelled, paint, paragraph};
use crate::{Status, Verdict, text, words};

pub(super) fn write(comparison: &Comparison, out: &mut dyn io::Write) -> io::Result<()> {
    labelled(out, "before", line(&comparison.before))?;
    labelled(out, "after", line(&comparison.after))?;
    for (change, title) in [
        (Change::Broke, "Broke"),
        (Change::Mended, "Mended"),
        (Change::New, "New in the catalogue"),
        (Change::Gone, "Gone from the catalogue"),
        (Change::Other, "Otherwise changed"),
        (Change::Undecided, "Not decided, as a run has no verdict"),
    ] {
        let members = comparison.differences.iter();
        let members: Vec<&Difference> = members.filter(|it| it.change == change).collect();
        if members.is_empty() {
            continue;
        }
        heading(out, &format!("{title} ({})", members.len()))?;
        match change {
            // All for the same reason, which stands above.
            Change::Undecided => {
                let rules = members.iter().map(|it| text::clip(&it.rule, 80));
                paragraph(out, 4, &rules.collect::<Vec<_>>().join(", "))?;
            }
            _ => members.iter().try_for_each(|it| rule(it, out))?,
        }
    }
    let same = words::count(comparison.unchanged, "rule is", "rules are");
    writeln!(out, "\n{same} as before")
}

fn line(run: &Run) -> String {
    let url = text::clip(&run.url, 200);
    let agent = match (&run.agent_id, &run.agent_version) {
        (Some(id), Some(version)) => {
            format!("{} at {url}", text::clip(&format!("{id} {version}"), 160))
        }
        (Some(id), None) => format!("{} at {url}", text::clip(id, 160)),
        (None, _) => url,
    };
    let when = words::when(&run.started_at);
    let came_to = match (run.verdict, &run.error) {
        (Verdict::Pass, _) => "pass".to_owned(),
        (Verdict::Fail, _) => "fail".to_owned(),
        (Verdict::Error, None) => "no verdict".to_owned(),
        (Verdict::Error, Some(error)) => {
            format!("no verdict: {}", text::clip(error, text::SENTENCE))
        }
    };
    format!("{agent}, {when}: {came_to}")
}

fn rule(it: &Difference, out: &mut dyn io::Write) -> io::Result<()> {
    let word = |status: Option<Status>| status.map_or("-", words::status);
    let became = format!("{} → {}", word(it.before), word(it.after));
    let rule = paint(BOLD, &text::clip(&it.rule, 80));
    writeln!(out, "  {rule}  {}", paint(DIM, &became))?;
    paragraph(out, 4, &text::clip(&it.message, text::SENTENCE))?;
    paragraph(out, 4, &format!("cause: {}", it.because))
}
