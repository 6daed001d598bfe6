//! A sample of what a command prints, held against what it prints. Times, dates and the counts of what was
//! looked at are another matter each time; `…` stands for anything, and alone on a line for any lines.
//!
//! `ACP_TCK_BLESS=1` writes the sample anew.

use regex::Regex;

use crate::pages::{self, Block};

/// What differs from run to run, and how it is written in a sample's stead.
const VARYING: &[(&str, &str)] = &[
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "2026-11-23T10:00:00.000Z"),
    (r"\(\d+ checked\)", "(N checked)"),
    (r"\b[\d.]+ (ms|s|min)\b", "N s"),
    (r"127\.0\.0\.1:\d+", "localhost:8000"),
    (r" {2,}", "  "),
];

fn even(text: &str) -> String {
    let mut even = text.to_owned();
    for (pattern, instead) in VARYING {
        let pattern = Regex::new(pattern).expect("a pattern");
        even = pattern.replace_all(&even, *instead).into_owned();
    }
    even
}

/// What is wrong with a sample; nothing if it was blessed.
pub(crate) fn held(page: &str, sample: &Block, printed: &str) -> Option<String> {
    let lines = even(&sample.text);
    let parts = lines.lines().map(|line| match line.trim() {
        "…" => r"(?:.*\n)*?".to_owned(),
        _ => format!("{}\n", regex::escape(line).replace('…', ".*")),
    });
    let pattern = format!("(?m)^{}", parts.collect::<String>());
    let pattern = Regex::new(&pattern).expect("a pattern");
    if pattern.is_match(&even(printed)) {
        return None;
    }
    if std::env::var_os("ACP_TCK_BLESS").is_some() && sample.text.starts_with("acp-tck ") {
        let text = pages::text(page).replace(&sample.text, &shortened(printed));
        std::fs::write(pages::path(page), text).expect("the page");
        return None;
    }
    let line = sample.line;
    Some(format!(
        "{page}:{line}: the sample is not what is printed (ACP_TCK_BLESS=1 writes it anew):\n{printed}"
    ))
}

/// The report as a sample shows it: without the reasons for what was skipped.
fn shortened(printed: &str) -> String {
    let dates = Regex::new(VARYING[0].0).expect("a pattern");
    let printed = dates.replace_all(printed, VARYING[0].1);
    let mut text = String::new();
    let mut is_left_out = false;
    for line in printed.lines() {
        is_left_out &= line.starts_with(' ');
        if !is_left_out {
            text.push_str(line);
            text.push('\n');
        } else if !text.ends_with("…\n") {
            text.push_str("  …\n");
        }
        if line.starts_with("Skipped (") {
            is_left_out = true;
        } else if is_left_out && line.is_empty() {
            is_left_out = false;
        }
    }
    text
}
