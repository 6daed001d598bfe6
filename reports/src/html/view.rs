//! What stands in the page: the report in the words and the order of a reader.

use serde::Serialize;

use super::exchange::{Exchange, Room};
use super::prose::{Word, prose};
use crate::{Feature, Finding, ProfileLevel, Report, Status, Verdict, text, words};

/// Of exchanges, this many are shown of one finding.
const EXCHANGES: usize = 50;
/// Of findings that need attention, this many stand open at first.
const OPEN: usize = 3;

/// The sections, in order: the status, its heading, and what that means.
const SECTIONS: [(Status, &str, &str); 7] = [
    (
        Status::Fail,
        "Failures",
        "The rule does not hold, and this fails the run.",
    ),
    (
        Status::Error,
        "Errors",
        "The check itself failed; this says nothing of the agent.",
    ),
    (
        Status::Inconclusive,
        "Undecided",
        "The evidence is missing. For a MUST that is not a pass.",
    ),
    (Status::Warn, "Warnings", "A SHOULD does not hold."),
    (
        Status::Expected,
        "Excused",
        "A known failure, excused by the file of expected failures.",
    ),
    (
        Status::Pass,
        "Passed",
        "The rule holds for all that was looked at.",
    ),
    (
        Status::Skip,
        "Skipped",
        "The rule asks nothing of this agent, or could not be looked at; each says why.",
    ),
];

/// What stands for a status where a rule has no say.
const UNSCORED: &str = "unscored";

/// The whole page.
#[derive(Serialize)]
pub(super) struct View {
    title: String,
    verdict: &'static str,
    headline: String,
    detail: String,
    level: &'static str,
    is_void: bool,
    facts: Vec<(&'static str, String)>,
    tool: String,
    bar: Vec<Slice>,
    features: Vec<Card>,
    feature_names: Vec<String>,
    /// How many rules stand in the sections.
    listed: usize,
    stale: Vec<(String, String)>,
    sections: Vec<Section>,
    total: usize,
}

/// A part of a bar: how much of it a status takes, in percent.
#[derive(Serialize)]
struct Slice {
    status: &'static str,
    title: &'static str,
    number: usize,
    from: String,
    width: String,
}

#[derive(Serialize)]
struct Card {
    name: String,
    state: &'static str,
    word: &'static str,
    said: &'static str,
    rules: usize,
    bar: Vec<Slice>,
    counts: String,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Section {
    status: &'static str,
    title: &'static str,
    meaning: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
struct Rule {
    anchor: String,
    id: String,
    status: &'static str,
    /// The section that it stands in, for the filters.
    section: &'static str,
    level: &'static str,
    feature: String,
    message: Vec<Word>,
    unsteady: Option<String>,
    is_open: bool,
    texts: Vec<(&'static str, Vec<Word>)>,
    facts: String,
    exchanges: Vec<Exchange>,
    left_out: usize,
}

impl View {
    pub(super) fn of(report: &Report) -> Self {
        let said = words::verdict(report);
        let (headline, detail) = said.split_once(": ").unwrap_or((&said, ""));
        let agent = text::clip(report.target.agent_id.as_deref().unwrap_or("an agent"), 160);
        let mut feature_names: Vec<String> = Vec::new();
        for finding in report.results.iter().chain(&report.unscored) {
            let name = text::clip(&finding.feature, 60);
            if !feature_names.contains(&name) {
                feature_names.push(name);
            }
        }
        Self {
            title: format!("{headline}: {agent}"),
            verdict: match report.verdict {
                Verdict::Pass => "pass",
                Verdict::Fail => "fail",
                Verdict::Error => "error",
            },
            headline: headline.to_owned(),
            detail: detail.to_owned(),
            level: match report.level {
                ProfileLevel::Production => "production",
                ProfileLevel::Core => "core",
                ProfileLevel::None => "none reached",
            },
            is_void: words::is_void(report),
            facts: facts(report),
            tool: text::clip(
                &format!("{} {}", report.tool.name, report.tool.version),
                160,
            ),
            bar: bar(&report.results.iter().collect::<Vec<_>>()),
            features: report.features.iter().map(|it| card(report, it)).collect(),
            feature_names,
            listed: report.results.len() + report.unscored.len(),
            stale: stale(report),
            sections: sections(report),
            total: report.results.len(),
        }
    }
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let target = &report.target;
    let version = target.agent_version.as_deref();
    let agent = target.agent_id.as_deref().map(|id| {
        let version = version.unwrap_or("(gives no version)");
        text::clip(&format!("{id} {version}"), 160)
    });
    let strict = if report.strict { "yes" } else { "no" };
    let facts = [
        ("Agent", agent),
        ("At", Some(text::clip(&target.url, text::SENTENCE))),
        ("Profile", Some(text::clip(&report.profile, 60))),
        ("Run", Some(text::clip(&report.started_at, 60))),
        ("Took", Some(words::duration(report.duration_ms))),
        ("Seed", Some(report.seed.to_string())),
        ("Cases a rule", Some(report.cases.to_string())),
        ("Strict", Some(strict.to_owned())),
    ];
    let known = facts.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn bar(findings: &[&Finding]) -> Vec<Slice> {
    let mut from = 0;
    let mut slices = Vec::new();
    for (status, title, _) in SECTIONS {
        let number = findings.iter().filter(|it| it.status == status).count();
        if number > 0 {
            slices.push(Slice {
                status: words::status(status),
                title,
                number,
                from: percent(from, findings.len()),
                width: percent(number, findings.len()),
            });
            from += number;
        }
    }
    slices
}

fn percent(part: usize, whole: usize) -> String {
    let whole = whole.max(1) as f64;
    format!("{:.2}%", part as f64 * 100.0 / whole)
}

fn card(report: &Report, feature: &Feature) -> Card {
    let members: Vec<&Finding> = report
        .results
        .iter()
        .filter(|finding| finding.feature == feature.name)
        .collect();
    let is_void = words::is_void(report);
    let (state, word) = match (feature.certified, feature.found || feature.claimed) {
        _ if is_void => ("absent", "not seen"),
        (true, _) => ("certified", "certified"),
        (false, true) => ("uncertified", "not certified"),
        (false, false) => ("absent", "not offered"),
    };
    let bar = bar(&members);
    let counts: Vec<String> = bar
        .iter()
        .map(|slice| format!("{} {}", slice.number, slice.title.to_lowercase()))
        .collect();
    Card {
        name: text::clip(&feature.name, 60),
        state,
        word,
        said: match (feature.claimed, feature.found) {
            // What nobody answered for was not looked for, either.
            (true, _) if is_void => "claimed",
            (false, _) if is_void => "not claimed",
            (true, true) => "claimed, found",
            (true, false) => "claimed, not found",
            (false, true) => "not claimed, found",
            (false, false) => "not claimed, not found",
        },
        rules: members.len(),
        bar,
        counts: counts.join(", "),
        reason: feature
            .reason
            .as_ref()
            .map(|reason| text::clip(reason, text::SENTENCE)),
    }
}

fn stale(report: &Report) -> Vec<(String, String)> {
    let entries = report.stale_expectations.iter();
    entries
        .map(|entry| {
            let problem = text::clip(&entry.problem, text::SENTENCE);
            (text::clip(&entry.rule, 80), problem)
        })
        .collect()
}

fn sections(report: &Report) -> Vec<Section> {
    let mut room = Room::of(report);
    let mut open = OPEN;
    let sections = SECTIONS.into_iter().map(|(status, title, meaning)| {
        let members = report.results.iter().enumerate();
        let members = members.filter(|(_, finding)| finding.status == status);
        let rules = members.map(|(index, finding)| {
            let is_open = status == Status::Fail && open > 0;
            open -= usize::from(is_open);
            rule(index, finding, is_open, &mut room)
        });
        Section {
            status: words::status(status),
            title,
            meaning,
            rules: rules.collect(),
        }
    });
    let scored: Vec<Section> = sections
        .filter(|section| !section.rules.is_empty())
        .collect();
    scored.into_iter().chain(unscored(report)).collect()
}

/// What rules say that are later than the profile's revision.
fn unscored(report: &Report) -> Option<Section> {
    // Of these, exchanges are shown as if there were no others: they are few.
    let mut room = Room::of(report);
    let members = report.unscored.iter().enumerate();
    let rules: Vec<Rule> = members
        .map(|(index, finding)| Rule {
            section: UNSCORED,
            ..rule(report.results.len() + index, finding, false, &mut room)
        })
        .collect();
    (!rules.is_empty()).then_some(Section {
        status: UNSCORED,
        title: "Not scored",
        meaning: "These rules are later than the profile: they are reported, and decide nothing.",
        rules,
    })
}

fn rule(index: usize, finding: &Finding, is_open: bool, room: &mut Room) -> Rule {
    let texts = [
        ("Clause", Some(&finding.clause)),
        ("Why", Some(&finding.why)),
        ("Mend", Some(&finding.mend)),
        ("Source", Some(&finding.source)),
        ("Excused", finding.excuse.as_ref()),
    ];
    let texts = texts.into_iter().filter_map(|(name, text)| {
        let text = text.filter(|text| !text.is_empty())?;
        Some((name, prose(text)))
    });
    let notes = finding.notes.iter().take(10);
    let notes = notes.map(|note| ("Note", prose(note)));
    let shown = finding.evidence.iter().take(EXCHANGES).enumerate();
    let total = finding.evidence.len();
    Rule {
        anchor: anchor(index, &finding.rule),
        id: text::clip(&finding.rule, 80),
        status: words::status(finding.status),
        section: words::status(finding.status),
        level: words::level(finding.level),
        feature: text::clip(&finding.feature, 60),
        message: prose(&finding.message),
        unsteady: words::unsteady(finding),
        is_open,
        texts: texts.chain(notes).collect(),
        facts: looked_at(finding),
        exchanges: shown
            .map(|(index, evidence)| Exchange::of(evidence, index, total, room))
            .collect(),
        left_out: total.saturating_sub(EXCHANGES),
    }
}

/// Where a link to the rule leads. Only a plain id is part of it.
fn anchor(index: usize, rule: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if !rule.is_empty() && rule.len() <= 80 && rule.chars().all(is_plain) {
        return format!("rule-{rule}");
    }
    format!("rule-{index}")
}

fn looked_at(finding: &Finding) -> String {
    if finding.checked == 0 {
        return "nothing was looked at".to_owned();
    }
    let checked = words::count(finding.checked, "exchange or case", "exchanges or cases");
    let attempts = words::count(finding.attempts as usize, "attempt", "attempts");
    let time = words::duration(finding.duration_ms);
    format!("{checked} looked at, {attempts}, {time} of exchanges")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_finding_stands_in_one_section() {
        let report = sample::report();
        let view = View::of(&report);
        let shown: usize = view
            .sections
            .iter()
            .map(|section| section.rules.len())
            .sum();
        assert_eq!(shown, report.results.len());
        let first = view.sections.first().map(|section| section.status);
        assert_eq!(first, Some("fail"));
    }

    #[test]
    fn a_later_rule_stands_apart_and_in_no_count() {
        let view = View::of(&sample::with_a_later_rule());
        let last = view.sections.last().expect("there are sections");
        assert_eq!((last.status, last.rules.len()), ("unscored", 1));
        assert_eq!(
            (last.rules[0].status, last.rules[0].section),
            ("fail", "unscored")
        );
        assert_eq!((view.total, view.listed), (4, 5));
        assert!(view.bar.iter().all(|slice| slice.status != "unscored"));
    }

    #[test]
    fn a_bar_is_full() {
        let report = sample::report();
        let slices = bar(&report.results.iter().collect::<Vec<_>>());
        let width = |slice: &Slice| slice.width.trim_end_matches('%').parse::<f64>();
        let whole: f64 = slices.iter().filter_map(|slice| width(slice).ok()).sum();
        assert!((whole - 100.0).abs() < 0.1, "{whole}");
    }

    #[test]
    fn only_a_plain_id_is_an_anchor() {
        assert_eq!(anchor(3, "sse.data-is-json"), "rule-sse.data-is-json");
        assert_eq!(anchor(3, "a\" onclick=\"b"), "rule-3");
        assert_eq!(anchor(3, ""), "rule-3");
    }
}
