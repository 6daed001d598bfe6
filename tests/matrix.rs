//! The suite's own proof: every fault of the reference agent against every rule.
//!
//! A fault must trip exactly the rules that it names, a clean agent none, and no rule may be
//! without a fault. The table in `docs/matrix.md` is what was measured here.

use std::collections::{BTreeMap, BTreeSet};

use acp_conformance::rules;
use acp_conformance::run;
use acp_conformance::settings::Settings;
use acp_reference_agent as reference;
use acp_reports::{Report, Status, Verdict};
use futures_util::StreamExt;
use reference::faults::{self, Fault};
use tokio_util::sync::CancellationToken;
use url::Url;

/// How many agents are certified at once: they spend their time waiting for streams.
const AT_ONCE: usize = 6;

async fn certify(faults: Vec<&'static Fault>) -> Report {
    let settings = reference::Settings {
        port: 0,
        faults,
        ..reference::Settings::default()
    };
    let agent = reference::start(settings).await.expect("the agent starts");
    let url = Url::parse(&agent.url()).expect("a URL");
    let settings = Settings::for_agent(url, jiff::Timestamp::now());
    let report = run::run(&settings, &|_| {}, &CancellationToken::new())
        .await
        .expect("a run");
    agent.stop().await;
    report
}

/// The rules that do not hold.
fn tripped(report: &Report) -> BTreeSet<&str> {
    let broken = report
        .results
        .iter()
        .filter(|finding| matches!(finding.status, Status::Fail | Status::Warn | Status::Error));
    broken.map(|finding| finding.rule.as_str()).collect()
}

fn undecided(report: &Report) -> BTreeSet<&str> {
    let open = report
        .results
        .iter()
        .filter(|finding| finding.status == Status::Inconclusive);
    open.map(|finding| finding.rule.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_agent_holds_every_rule_and_every_pass_has_looked() {
    let report = certify(Vec::new()).await;
    for finding in &report.results {
        assert_eq!(
            finding.status,
            Status::Pass,
            "{}: {}",
            finding.rule,
            finding.message
        );
        assert!(finding.checked > 0, "{} looked at nothing", finding.rule);
    }
    assert_eq!(report.results.len(), rules::catalogue().count());
    assert_eq!(report.verdict, Verdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_trips_exactly_the_rules_that_it_names() {
    let only = std::env::var("ACP_TCK_FAULT").ok();
    let chosen = faults::catalogue()
        .filter(|fault| only.as_deref().is_none_or(|name| fault.name.contains(name)));
    let runs = futures_util::stream::iter(chosen)
        .map(|fault| async move { (fault, certify(vec![fault]).await) })
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    let mut wrong = Vec::new();
    for (fault, report) in &runs {
        let named: BTreeSet<&str> = fault.trips.iter().copied().collect();
        let tripped = tripped(report);
        if tripped != named {
            wrong.push(format!(
                "{}\n    silent: {:?}\n    besides: {:?}\n    undecided: {:?}",
                fault.name,
                named.difference(&tripped).collect::<Vec<_>>(),
                tripped.difference(&named).collect::<Vec<_>>(),
                undecided(report),
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} faults:\n{}",
        wrong.len(),
        runs.len(),
        wrong.join("\n")
    );
    if only.is_none() {
        keep_in_step(&table(&runs));
    }
}

/// The matrix as text: for each fault the rules that it tripped, for each rule its faults.
fn table(runs: &[(&'static Fault, Report)]) -> String {
    let mut text = String::from(
        "# Faults and rules\n\n\
         Measured, not declared: the reference agent was certified with each fault, and this is what failed.\n\
         Every other rule held, or could not be decided on what the fault had left. Made by\n\
         `ACP_TCK_BLESS=1 cargo test --test matrix`.\n\n\
         | fault | what goes wrong | rules that fail |\n|---|---|---|\n",
    );
    let mut proofs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (fault, report) in runs {
        let rules = tripped(report);
        let cells: Vec<String> = rules.iter().map(|rule| format!("`{rule}`")).collect();
        let summary = fault.summary.replace('|', "\\|");
        text.push_str(&format!(
            "| `{}` | {summary} | {} |\n",
            fault.name,
            cells.join(", ")
        ));
        for rule in rules {
            let rule = rules::find(rule).map_or("", |rule| rule.id);
            proofs.entry(rule).or_default().push(fault.name);
        }
    }
    text.push_str("\n| rule | faults that trip it |\n|---|---|\n");
    for rule in rules::catalogue() {
        let faults = proofs.get(rule.id).map_or(&[][..], Vec::as_slice);
        let cells: Vec<String> = faults.iter().map(|fault| format!("`{fault}`")).collect();
        text.push_str(&format!("| `{}` | {} |\n", rule.id, cells.join(", ")));
    }
    text
}

fn keep_in_step(text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/matrix.md");
    if std::env::var_os("ACP_TCK_BLESS").is_some() {
        std::fs::write(&path, text).expect("docs/matrix.md can be written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/matrix.md is out of step: ACP_TCK_BLESS=1 cargo test --test matrix"
    );
}

#[test]
fn no_rule_is_without_a_fault_and_no_fault_without_a_rule() {
    let mut proofs: BTreeMap<&str, usize> = rules::catalogue().map(|rule| (rule.id, 0)).collect();
    for fault in faults::catalogue() {
        assert!(!fault.trips.is_empty(), "{} trips nothing", fault.name);
        for rule in fault.trips {
            *proofs
                .get_mut(rule)
                .unwrap_or_else(|| panic!("{}: no rule {rule}", fault.name)) += 1;
        }
    }
    let unproved: Vec<_> = proofs.iter().filter(|(_, count)| **count == 0).collect();
    assert!(unproved.is_empty(), "rules without a fault: {unproved:?}");
}
