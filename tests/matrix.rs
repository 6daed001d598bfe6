//! The suite's own proof: every fault of the reference agent against every rule.
//!
//! A fault must trip exactly the rules that it names, a clean agent none, and no rule may be
//! without a fault. The table in `docs/matrix.md` is what was measured here.

mod launched;
mod recorded;
mod setups;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use acp_conformance::recording::Recording;
use acp_conformance::rules;
use acp_conformance::run;
use acp_conformance::settings::{Judging, Settings};
use acp_reference_agent as reference;
use acp_reports::{ProfileLevel, Report, Status, Verdict};
use reference::faults::{self, Fault};
use setups::{SETUPS, Setup};
use tokio_util::sync::CancellationToken;
use url::Url;

/// How many agents are certified at once: they spend their time waiting for streams.
const AT_ONCE: usize = 6;

/// One run in so many is written down and judged from there as well: that takes as long as the run.
const ONE_IN: usize = 8;

/// The report on a run. The clean agent's is made from its record, too, and that on one fault in
/// [`ONE_IN`].
fn reported(recording: &Recording, judging: &Judging, fault: Option<&Fault>) -> Report {
    let is_of_those = |fault: &Fault| {
        let letters = fault.name.bytes().map(usize::from);
        letters.sum::<usize>().is_multiple_of(ONE_IN)
    };
    match fault.is_none_or(is_of_those) {
        true => recorded::report(recording, judging),
        false => recording.report(judging),
    }
}

/// The report of a check in a setup; `None` if the faults cannot show there.
async fn certify(setup: &Setup, faults: Vec<&'static Fault>) -> Option<Report> {
    if let [fault] = faults.as_slice()
        && launched::is_needed_for(fault)
    {
        return Some(launched::certify(Some(fault)).await);
    }
    let mut settings = reference::Settings {
        faults,
        ..reference::Settings::unlimited()
    };
    let fault = settings.faults.first().copied();
    (setup.agent)(&mut settings);
    let agent = match reference::start(settings).await {
        Err(reference::settings::Error::IdleFault { .. }) => return None,
        agent => agent.expect("the agent starts"),
    };
    let url = Url::parse(&agent.url()).expect("a URL");
    let mut settings = Settings::for_agent(url, jiff::Timestamp::now());
    (setup.checker)(&mut settings);
    setup.hand_over(&agent, &mut settings);
    settings.shuffle = order();
    let recording = run::record(&settings, &|_| {}, &CancellationToken::new()).await;
    agent.stop().await;
    let report = reported(&recording.expect("a run"), &settings.judging(), fault);
    let text = serde_json::to_string(&report).expect("JSON");
    for secret in setups::traces_of_secrets() {
        assert!(!text.contains(&secret), "{}: a secret is told", setup.name);
    }
    Some(report)
}

/// The seed of another order of asking than the usual one: the verdicts must be the same.
fn order() -> Option<u64> {
    let seed = std::env::var("ACP_TCK_SHUFFLE").ok()?;
    Some(seed.parse().expect("ACP_TCK_SHUFFLE is a number"))
}

/// A run in a runtime of its own: judging one agent does not stall the streams of another.
fn certify_in(setup: &Setup, faults: Vec<&'static Fault>) -> Option<Report> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(certify(setup, faults))
}

/// A run in the first setup in which the fault can show: one that its rules need, if there is any.
fn certify_alone(fault: &'static Fault) -> Report {
    let needs = |setup: &&Setup| {
        setup
            .only_here
            .iter()
            .any(|rule| fault.trips.contains(rule))
    };
    let needed = SETUPS.iter().filter(needs);
    let mut reports = needed
        .chain(SETUPS)
        .filter_map(|setup| certify_in(setup, vec![fault]));
    reports
        .next()
        .unwrap_or_else(|| panic!("{} shows in no setup", fault.name))
}

/// Whether a run with this fault waits, most of its time, for an allowance to come back.
fn waits(fault: &Fault) -> bool {
    fault
        .trips
        .iter()
        .any(|rule| rule.starts_with("rate-limit."))
}

/// The report of each fault, in the catalogue's order. Those that wait are certified beside the others.
fn certify_each(faults: &[&'static Fault]) -> Vec<(&'static Fault, Report)> {
    let reports: Mutex<BTreeMap<usize, Report>> = Mutex::default();
    let (waiting, working): (Vec<_>, Vec<_>) = faults
        .iter()
        .enumerate()
        .partition(|(_, fault)| waits(fault));
    let queues = [waiting, working].map(|queue| Mutex::new(queue.into_iter()));
    std::thread::scope(|scope| {
        for queue in queues.iter().flat_map(|queue| [queue; AT_ONCE]) {
            let next = || queue.lock().expect("a queue").next();
            let reports = &reports;
            scope.spawn(move || {
                while let Some((index, fault)) = next() {
                    let report = certify_alone(fault);
                    reports.lock().expect("reports").insert(index, report);
                }
            });
        }
    });
    let reports = reports.into_inner().expect("reports").into_values();
    faults.iter().copied().zip(reports).collect()
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

#[test]
fn a_clean_agent_holds_every_rule_and_every_pass_has_looked() {
    let mut held: BTreeSet<String> = BTreeSet::new();
    let mut wrong = Vec::new();
    for setup in SETUPS {
        let report = certify_in(setup, Vec::new()).expect("a clean agent starts");
        for finding in &report.results {
            let place = format!("{}, {}: {}", setup.name, finding.rule, finding.message);
            if tripped(&report).contains(finding.rule.as_str()) {
                wrong.push(place.clone());
            }
            if finding.status == Status::Pass {
                assert!(finding.checked > 0, "{place} looked at nothing");
                held.insert(finding.rule.clone());
            }
        }
        if setup.name == "plain" && wrong.is_empty() {
            assert_eq!(report.verdict, Verdict::Pass);
        }
    }
    let open: Vec<&str> = rules::catalogue()
        .filter(|rule| !rule.feature.needs_launch())
        .map(|rule| rule.id)
        .filter(|id| !held.contains(*id))
        .collect();
    wrong.extend(open.iter().map(|rule| format!("{rule} held in no setup")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_clean_agent_that_is_launched_holds_every_rule_of_its_process_and_its_calls() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let report = runtime.block_on(launched::certify(None));
    assert_eq!(report.level, ProfileLevel::Production);
    for finding in &report.results {
        let (rule, message) = (&finding.rule, &finding.message);
        let is_own = launched::is_left_to_it(&finding.feature);
        assert!(!is_own || finding.checked > 0, "{rule}: {message}");
        assert_eq!(finding.status, Status::Pass, "{rule}: {message}");
    }
}

#[test]
fn every_fault_trips_exactly_the_rules_that_it_names() {
    let only = std::env::var("ACP_TCK_FAULT").ok();
    let is_chosen = |fault: &&Fault| {
        let is_named = |names: &str| names.split(',').any(|name| fault.name.contains(name));
        only.as_deref().is_none_or(is_named)
    };
    let chosen: Vec<&'static Fault> = faults::catalogue()
        .filter(is_chosen)
        .filter(is_judged)
        .collect();
    let mut runs = certify_each(&chosen);
    // Some rules look at times, and a machine that runs everything at once may stall: what does
    // not come out as named is looked at once more, with nothing beside it.
    for (fault, report) in &mut runs {
        if mismatch(fault, report).is_some() {
            *report = certify_alone(fault);
        }
    }
    let wrong: Vec<String> = runs
        .iter()
        .filter_map(|(fault, report)| mismatch(fault, report))
        .collect();
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

/// Whether a check is to see it. What shows only under load, the tests of `load` see.
fn is_judged(fault: &&Fault) -> bool {
    !fault.shows_under_load_alone()
}

#[test]
fn what_shows_only_under_load_trips_no_rule() {
    let under_load = faults::catalogue().filter(|fault| fault.shows_under_load_alone());
    let under_load: Vec<_> = under_load.collect();
    let runs = certify_each(&under_load);
    let wrong = runs
        .iter()
        .filter_map(|(fault, report)| mismatch(fault, report));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What differs between the rules that a fault names and those that it tripped.
fn mismatch(fault: &Fault, report: &Report) -> Option<String> {
    let named: BTreeSet<&str> = fault.trips.iter().copied().collect();
    let tripped = tripped(report);
    (tripped != named).then(|| {
        let silent: Vec<_> = named.difference(&tripped).collect();
        let besides: Vec<_> = tripped.difference(&named).collect();
        let undecided = undecided(report);
        format!(
            "{}\n    silent: {silent:?}\n    besides: {besides:?}\n    undecided: {undecided:?}",
            fault.name
        )
    })
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
    for fault in faults::catalogue().filter(is_judged) {
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
