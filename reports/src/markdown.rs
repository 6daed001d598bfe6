//! The Markdown face: what GitHub shows of a run as a step summary or as a comment.
//!
//! An agent's text stands in code, or with every character that Markdown, HTML or GitHub acts
//! on replaced: it forms no link, mentions nobody and loads no picture.

use std::io;

use crate::{Finding, ProfileLevel, Report, Status, details, text, words};

/// How long the whole may be, in characters: GitHub takes 65,536 in a comment.
const WHOLE: usize = 60_000;
/// What is kept free of that for the lines that say what was left out.
const RESERVE: usize = 500;

/// The blocks after the table, in order, with their headings.
const SECTIONS: [(Status, &str); 4] = [
    (Status::Fail, "Failures"),
    (Status::Error, "Checks that failed themselves"),
    (Status::Warn, "Warnings: SHOULDs that do not hold"),
    (Status::Expected, "Expected failures, excused"),
];

/// Writes a report as Markdown.
pub(crate) fn write(report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = header(report);
    if !words::is_void(report) {
        page.push_str(&areas(report));
        let mut room = WHOLE.saturating_sub(page.chars().count() + RESERVE);
        for (status, title) in SECTIONS {
            page.push_str(&section(report, status, title, &mut room));
        }
        page.push_str(&stale(report, &mut room));
        page.push_str(&unscored(report, &mut room));
        for (status, title) in [
            (Status::Inconclusive, "Inconclusive: evidence is missing"),
            (Status::Skip, "Skipped"),
        ] {
            page.push_str(&reasons(report, status, title, &mut room));
        }
    }
    out.write_all(page.as_bytes())
}

fn header(report: &Report) -> String {
    let target = &report.target;
    let agent = match (&target.agent_id, &target.agent_version) {
        (Some(id), Some(version)) => format!("{} at ", code(&format!("{id} {version}"), 160)),
        (Some(id), None) => format!("{} at ", code(id, 160)),
        _ => String::new(),
    };
    let level = match report.level {
        ProfileLevel::Production => "production",
        ProfileLevel::Core => "core",
        ProfileLevel::None => "none reached",
    };
    let strict = if report.strict { ", strict" } else { "" };
    format!(
        "## ACP: {}\n\n{agent}{} · level: **{level}** · profile {}\n\n{} in {}, seed {}, {} a rule{strict} · {} {} · {}\n",
        inline(&words::verdict(report), 1_000),
        code(&target.url, text::SENTENCE),
        inline(&report.profile, 60),
        words::count(report.results.len(), "rule", "rules"),
        words::duration(report.duration_ms),
        report.seed,
        words::count(report.cases, "case", "cases"),
        inline(&report.tool.name, 60),
        inline(&report.tool.version, 60),
        inline(&report.started_at, 60),
    )
}

/// The columns of the table: statuses, and what they are called together.
const COLUMNS: [(&str, &[Status]); 5] = [
    ("passed", &[Status::Pass]),
    ("failed", &[Status::Fail, Status::Error]),
    ("warnings", &[Status::Warn]),
    ("excused", &[Status::Expected]),
    ("not covered", &[Status::Inconclusive, Status::Skip]),
];

/// Areas are few; a report that says otherwise gets no more rows than this.
const AREAS: usize = 60;

fn areas(report: &Report) -> String {
    let mut table = String::from("\n| area |");
    let used: Vec<_> = COLUMNS
        .iter()
        .filter(|(_, statuses)| number(&report.results.iter().collect::<Vec<_>>(), statuses) > 0)
        .collect();
    for (name, _) in &used {
        table.push_str(&format!(" {name} |"));
    }
    table.push_str(&format!("\n|:--|{}\n", "--:|".repeat(used.len())));
    for (area, members) in words::by_area(&report.results).into_iter().take(AREAS) {
        table.push_str(&format!("| {} |", inline(area, 40)));
        for (name, statuses) in &used {
            let cell = match number(&members, statuses) {
                0 => String::new(),
                number if *name == "failed" => format!("**{number}**"),
                number => number.to_string(),
            };
            table.push_str(&format!(" {cell} |"));
        }
        table.push('\n');
    }
    table
}

fn number(findings: &[&Finding], statuses: &[Status]) -> usize {
    let matching = findings.iter().filter(|it| statuses.contains(&it.status));
    matching.count()
}

/// Blocks to open, as many as there is room for; the rest is counted.
fn section(report: &Report, status: Status, title: &str, room: &mut usize) -> String {
    let members = report.results.iter().filter(|it| it.status == status);
    let blocks: Vec<String> = members.map(block).collect();
    listed(title, blocks, room)
}

/// A heading with how many are below it, and their blocks.
fn listed(title: &str, blocks: Vec<String>, room: &mut usize) -> String {
    let ones = blocks.into_iter().map(|block| (1, block));
    counted(title, ones.collect(), room)
}

/// The same of blocks that tell of several each.
fn counted(title: &str, blocks: Vec<(usize, String)>, room: &mut usize) -> String {
    if blocks.is_empty() {
        return String::new();
    }
    let whole: usize = blocks.iter().map(|(number, _)| number).sum();
    let mut section = format!("\n### {title} ({whole})\n\n");
    let mut left_out = 0;
    for (number, block) in blocks {
        let length = block.chars().count();
        if left_out > 0 || length > *room {
            left_out += number;
            continue;
        }
        *room -= length;
        section.push_str(&block);
    }
    if left_out > 0 {
        section.push_str(&format!("\n{left_out} more, in the whole report\n"));
    }
    section
}

fn block(finding: &Finding) -> String {
    let level = words::level(finding.level);
    let unsteady = if finding.unsteady { ", unsteady" } else { "" };
    let mut block = format!(
        "<details><summary><b><code>{}</code></b> {level}, {}{unsteady}: {}</summary>\n\n",
        inline(&finding.rule, 80),
        inline(&finding.feature, 60),
        inline(&finding.message, text::SENTENCE),
    );
    for row in details::whole(finding) {
        let text = row.lines.concat();
        let entry = match row.label {
            "curl" if !text.starts_with('(') => format!("\n{}\n", fenced("sh", &row.lines)),
            "body" | "answer" if row.lines.len() > 1 => {
                format!("\n{}:\n\n{}\n", row.label, fenced("text", &row.lines))
            }
            "body" | "answer" | "got" | "request" => format!("- {}: {}\n", row.label, span(&text)),
            label => format!("- {label}: {}\n", marked(&text)),
        };
        block.push_str(&entry);
    }
    block.push_str("\n</details>\n");
    block
}

/// What rules say that are later than the profile's revision.
fn unscored(report: &Report, room: &mut usize) -> String {
    let title = format!("Not scored: later than {}", inline(&report.profile, 60));
    let blocks = report.unscored.iter().map(|finding| {
        let status = words::status(finding.status);
        block(finding).replacen(
            "</summary>",
            &format!(" ({status}, not scored)</summary>"),
            1,
        )
    });
    listed(&title, blocks.collect(), room)
}

fn stale(report: &Report, room: &mut usize) -> String {
    let entries = report.stale_expectations.iter();
    let entries = entries.map(|entry| {
        format!(
            "- {}: {}\n",
            code(&entry.rule, 80),
            inline(&entry.problem, text::SENTENCE)
        )
    });
    listed("Stale expectations: mend the file", entries.collect(), room)
}

fn reasons(report: &Report, status: Status, title: &str, room: &mut usize) -> String {
    let members = report.results.iter().filter(|it| it.status == status);
    let reasons = words::group(members, |finding| &finding.message);
    let reasons = reasons.into_iter().map(|(reason, members)| {
        let rules = members.iter().map(|finding| code(&finding.rule, 80));
        let rules = rules.collect::<Vec<_>>().join(", ");
        let line = format!("- {}: {rules}\n", inline(reason, text::SENTENCE));
        (members.len(), line)
    });
    counted(title, reasons.collect(), room)
}

/// Text of anyone's as text, in Markdown as well as in HTML, at most `limit` characters.
pub(crate) fn inline(text: &str, limit: usize) -> String {
    marked(&text::clip(text, limit))
}

/// Text that is clipped and escaped already. What stands between backquotes becomes code.
fn marked(text: &str) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    // An odd quote has no partner: then none of them means anything.
    if pieces.len().is_multiple_of(2) {
        return plain(text);
    }
    let pieces = pieces.into_iter().map(plain).enumerate();
    let marked = pieces.map(|(index, piece)| match index % 2 {
        1 => format!("<code>{piece}</code>"),
        _ => piece,
    });
    marked.collect()
}

fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            // An invisible character keeps GitHub from seeing a mention or an issue in it.
            '@' | '#' => safe.push_str(&format!("&#{};&#8203;", u32::from(character))),
            '&' | '<' | '>' | '*' | '_' | '[' | ']' | '`' | '~' | '|' | '\\' | '$' => {
                safe.push_str(&format!("&#{};", u32::from(character)));
            }
            _ => safe.push(character),
        }
    }
    safe.replace("://", "&#58;//").replace("www.", "www&#46;")
}

/// A code span.
pub(crate) fn code(text: &str, limit: usize) -> String {
    span(&text::clip(text, limit))
}

/// HTML rather than backquotes, which a `|` or a backquote would end.
fn span(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// A fence that is longer than any that stands in the text.
fn fenced(language: &str, lines: &[String]) -> String {
    let text = lines.join("\n");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(report, &mut out).expect("a vector takes everything");
        String::from_utf8(out).expect("the text is UTF-8")
    }

    #[test]
    fn the_sample_is_written_as_markdown() {
        insta::assert_snapshot!(written(&sample::report()));
    }

    #[test]
    fn a_clean_run_is_a_table() {
        insta::assert_snapshot!(written(&sample::clean()));
    }

    #[test]
    fn a_later_rule_is_shown_as_not_scored() {
        let text = written(&sample::with_a_later_rule());
        assert!(
            text.contains("### Not scored: later than five-endpoint/1 (1)"),
            "{text}"
        );
        assert!(text.contains("config.rejects-unknown") && text.contains("(fail, not scored)"));
        assert!(text.starts_with("## ACP: CERTIFIED"));
    }

    #[test]
    fn a_run_without_an_agent_says_so() {
        let text = written(&sample::unreachable());
        assert!(
            text.starts_with("## ACP: NO VERDICT: the agent at"),
            "{text}"
        );
    }

    #[test]
    fn it_fits_into_a_comment_and_says_what_it_left_out() {
        let mut report = sample::flooding();
        let long = "<|_@".repeat(30_000);
        for number in 0..300 {
            let mut finding = sample::report().results[10].clone();
            finding.rule = format!("sse.rule-{number}");
            finding.evidence = vec![sample::hostile_evidence(&long)];
            finding.message.clone_from(&long);
            report.results.push(finding);
        }
        let text = written(&report);
        assert!(text.chars().count() < 65_536, "{}", text.chars().count());
        assert!(text.contains(" more, in the whole report"));
    }

    #[test]
    fn an_agent_mentions_nobody_and_links_nowhere() {
        let nasty = "@octocat #1 [a](http://evil.example) ![b](//evil.example/x.png) <img src=x> www.evil.example | `c` </details>\n\n# Forged";
        let mut report = sample::report();
        report.target.agent_id = Some(nasty.to_owned());
        for finding in &mut report.results {
            nasty.clone_into(&mut finding.message);
            finding.notes = vec![nasty.to_owned()];
            finding.evidence = vec![sample::hostile_evidence(nasty)];
        }
        let mut fence: Option<String> = None;
        for line in written(&report).lines() {
            if line.starts_with("```") {
                fence = match fence.take() {
                    Some(open) if line == open => None,
                    Some(open) => Some(open),
                    None => Some(line.trim_end_matches(|c| c != '`').to_owned()),
                };
            }
            if fence.is_none() {
                for acting in ["@", "](", "![", "<img", "www.", "://", "# Forged"] {
                    let ours = line.replace("&#64;", "");
                    assert!(!ours.contains(acting), "{acting} in {line}");
                }
            }
        }
        assert_eq!(fence, None);
    }

    #[test]
    fn a_fence_is_longer_than_those_within() {
        assert!(fenced("text", &["a```b````".to_owned()]).starts_with("`````text\n"));
    }
}
