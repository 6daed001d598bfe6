//! What was recorded and what is answered now.

use std::time::Duration;

use serde_json::{Map, Value};
use similar::{ChangeTag, TextDiff};

use super::answer;
use super::steady::VOLATILE;

/// How long a difference may be looked for; what is found after that is coarser.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many lines of one difference are shown.
const LINES: usize = 60;
/// How many lines stand around a change.
const AROUND: usize = 3;

/// A line of a difference, as it stands in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In both.
    Same(String),
    /// Recorded, and gone.
    Removed(String),
    /// New.
    Added(String),
    /// So many lines are left out here.
    LeftOut(usize),
}

/// The contents `fresh`, with `[volatile]` wherever that was recorded: what once was seen to
/// change may come out alike by chance, or be missing. If it equals `recorded`, nothing changed.
#[must_use]
pub fn settled(recorded: &str, fresh: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    match (read(recorded), read(fresh)) {
        (Some(recorded), Some(fresh)) => {
            answer::text(&answer::in_order(overlaid(&recorded, &fresh)))
        }
        _ => fresh.to_owned(),
    }
}

fn overlaid(recorded: &Value, fresh: &Value) -> Value {
    match (recorded, fresh) {
        (Value::String(mark), _) if mark == VOLATILE => VOLATILE.into(),
        (Value::Array(recorded), Value::Array(fresh)) => {
            let items = fresh.iter().enumerate();
            let items = items.map(|(index, item)| match recorded.get(index) {
                Some(before) => overlaid(before, item),
                None => item.clone(),
            });
            items.collect()
        }
        (Value::Object(recorded), Value::Object(fresh)) => members(recorded, fresh),
        _ => fresh.clone(),
    }
}

/// The members of both: what is missing now and was volatile is there again.
fn members(recorded: &Map<String, Value>, fresh: &Map<String, Value>) -> Value {
    let settled = fresh.iter().map(|(name, value)| {
        let value = match recorded.get(name) {
            Some(before) => overlaid(before, value),
            None => value.clone(),
        };
        (name.clone(), value)
    });
    let mut kept: Map<String, Value> = settled.collect();
    let missing = recorded
        .iter()
        .filter(|(name, value)| !fresh.contains_key(*name) && value.as_str() == Some(VOLATILE));
    kept.extend(missing.map(|(name, value)| (name.clone(), value.clone())));
    // As all members stand that an agent sends.
    kept.sort_keys();
    Value::Object(kept)
}

/// Where two contents differ, with a few lines around each change; bounded.
#[must_use]
pub fn difference(recorded: &str, fresh: &str) -> Vec<Line> {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(recorded.trim_end(), fresh.trim_end());
    let mut lines = Vec::new();
    let mut next = 0;
    for group in diff.grouped_ops(AROUND) {
        let begin = group.first().map_or(0, |op| op.old_range().start);
        if begin > next {
            lines.push(Line::LeftOut(begin - next));
        }
        next = group.last().map_or(next, |op| op.old_range().end);
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches('\n').to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Delete => Line::Removed(text),
                ChangeTag::Insert => Line::Added(text),
            });
        }
    }
    if lines.len() > LINES {
        let left_out = lines.len() - LINES;
        lines.truncate(LINES);
        lines.push(Line::LeftOut(left_out));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_to_change_may_be_anything_now() {
        let recorded =
            r#"{"a": "[volatile]", "b": {"c": "[volatile]", "d": 1}, "e": [1, "[volatile]"]}"#;
        let same = |fresh: &str| settled(recorded, fresh) == settled(recorded, recorded);
        assert!(same(r#"{"a": 1, "b": {"c": [1], "d": 1}, "e": [1, 2]}"#));
        assert!(same(r#"{"b": {"d": 1}, "e": [1, null]}"#));
        for changed in [
            r#"{"a": 1, "b": {"c": 1, "d": 2}, "e": [1, 2]}"#,
            r#"{"a": 1, "b": {"c": 1, "d": 1}, "e": [1]}"#,
            r#"{"a": 1, "b": {"c": 1, "d": 1}, "e": [1, 2], "f": 1}"#,
            r#"{"a": 1, "b": {"c": 1, "d": "[volatile]"}, "e": [1, 2]}"#,
        ] {
            assert!(!same(changed), "{changed}");
        }
    }

    #[test]
    fn what_is_missing_stands_where_it_was() {
        let recorded = r#"{"status":1,"body":{"a":"[volatile]","b":1,"c":"[volatile]","d":1}}"#;
        let told = settled(recorded, r#"{"status":1,"body":{"b":1,"bb":1,"d":1}}"#);
        let names = ["\"status\"", "\"a\"", "\"b\"", "\"bb\"", "\"c\"", "\"d\""];
        let places = names.map(|name| told.find(name).expect("it is there"));
        assert!(places.is_sorted(), "{told}");
    }

    #[test]
    fn a_difference_is_told_line_by_line_and_bounded() {
        let lines = |n: usize, of: &str| (0..n).map(|n| format!("{of}{n}\n")).collect::<String>();
        let before = lines(10, "a") + "x\n";
        let after = lines(10, "a") + "y\n";
        let same = |n: usize| Line::Same(format!("a{n}"));
        assert_eq!(
            difference(&before, &after),
            [
                Line::LeftOut(7),
                same(7),
                same(8),
                same(9),
                Line::Removed("x".to_owned()),
                Line::Added("y".to_owned())
            ]
        );
        let told = difference(&lines(500, "a"), &lines(500, "b"));
        assert_eq!(told.len(), LINES + 1);
        assert_eq!(told[LINES], Line::LeftOut(1_000 - LINES));
        assert_eq!(difference("a\n", "a"), []);
    }
}
