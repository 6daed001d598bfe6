use acp_reports::{Finding, Status};
use serde_json::json;
use url::Url;

use super::*;
use crate::settings::{Judging, Terms};

const WATCHED: Duration = Duration::from_secs(10);

/// A call at this moment of a second, answered so.
fn entry(at: f64, line: &str, body: Option<Value>, status: u16, given: Option<&str>) -> Entry {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    Entry {
        at: Duration::from_secs_f64(at),
        act: Act::of(method, path),
        method: method.to_owned(),
        path: path.to_owned(),
        body,
        status: Some(status),
        registration_id: given.map(str::to_owned),
        is_known: status == 200,
    }
}

fn registration(at: f64, agent: &str, given: &str) -> Entry {
    let body = json!({
        "agent_id": agent, "name": "A", "protocol": "acp", "endpoint": "http://127.0.0.1:1",
        "capabilities": ["x"],
        "metadata": {"version": "1.0.0", "tags": [], "discovery_method": "self_registration"},
    });
    entry(at, "POST /agents/register", Some(body), 200, Some(given))
}

fn beats(given: &str, every: f64, until: f64) -> impl Iterator<Item = Entry> {
    let times = (1..).map(move |number| f64::from(number) * every);
    times.take_while(move |at| *at < until).map(move |at| {
        let body = json!({"status": "healthy", "timestamp": 1});
        let line = format!("POST /agents/{given}/heartbeat");
        entry(at, &line, Some(body), 200, None)
    })
}

/// The report on what came in, of an orchestrator that wants a heartbeat every two seconds.
fn judged(mut entries: Vec<Entry>) -> Report {
    entries.sort_by_key(|entry| entry.at);
    let url = Url::parse("http://127.0.0.1:8004").expect("a URL");
    let mut settings = Settings::for_agent(url, jiff::Timestamp::UNIX_EPOCH);
    settings.facts.launched = Some(Terms {
        heartbeat: Duration::from_secs(2),
        is_quick: false,
    });
    let judging: Judging = settings.judging();
    recording(&settings, &Journal::of(entries), WATCHED).report(&judging)
}

fn finding<'r>(report: &'r Report, id: &str) -> &'r Finding {
    let mut all = report.results.iter();
    all.find(|one| one.rule == id).expect("a finding")
}

#[test]
fn who_registers_without_an_id_falls_short_and_is_somebody() {
    let bodies = [
        None,
        Some(json!({"name": "A"})),
        Some(json!({"agent_id": 7})),
    ];
    for body in bodies {
        let report = judged(vec![entry(0.0, "POST /agents/register", body, 400, None)]);
        assert_eq!(report.verdict, Verdict::Fail, "{:?}", report.error);
        let registers = finding(&report, "orchestrator.registers");
        assert_eq!(registers.status, Status::Fail);
    }
}

#[test]
fn each_of_several_agents_that_falls_short_is_told_of_by_name() {
    let beats = beats("reg-1", 10.0, 5.0)
        .chain(beats("reg-2", 0.3, WATCHED.as_secs_f64()))
        .chain(beats("reg-3", 2.0, WATCHED.as_secs_f64()));
    let registrations = [("ay", "reg-1"), ("bee", "reg-2"), ("cee", "reg-3")];
    let registrations = registrations.map(|(agent, given)| registration(0.0, agent, given));
    let report = judged(registrations.into_iter().chain(beats).collect());
    let beats = finding(&report, "orchestrator.heartbeats");
    assert_eq!(beats.status, Status::Fail);
    for told in ["ay: no more heartbeats", "bee: a heartbeat is not in time"] {
        assert!(beats.message.contains(told), "{}", beats.message);
    }
    assert!(!beats.message.contains("cee"), "{}", beats.message);
    for told in ["ay: fail, ", "bee: fail, ", "cee: pass, "] {
        let mut notes = beats.notes.iter();
        assert!(
            notes.any(|note| note.starts_with(told)),
            "{:?}",
            beats.notes
        );
    }
    let mut shown = beats.evidence.iter().map(|one| one.note.as_str());
    assert!(shown.next().is_some_and(|note| note.starts_with("ay: ")));
    assert!(shown.next().is_some_and(|note| note.starts_with("bee: ")));
}

#[test]
fn what_is_open_for_one_agent_does_not_hide_that_another_fails() {
    let failed = || entry(0.0, "POST /agents/register", None, 400, None);
    let sound = registration(0.5, "bee", "reg-2");
    let report = judged(
        [failed(), sound]
            .into_iter()
            .chain(beats("reg-2", 0.3, 9.9))
            .collect(),
    );
    let beats = finding(&report, "orchestrator.heartbeats");
    assert_eq!(beats.status, Status::Fail, "{}", beats.message);
    assert!(beats.message.starts_with("bee: "), "{}", beats.message);
}

#[test]
fn a_report_on_what_an_orchestrator_has_seen_says_so_and_of_no_feature() {
    let report = judged(vec![registration(0.0, "ay", "reg-1")]);
    let seen = "an agent, seen by the orchestrator at http://127.0.0.1:8004";
    assert_eq!(report.target.url, seen);
    assert_eq!(report.target.agent_id.as_deref(), Some("ay"));
    assert_eq!(report.features, []);
}
