//! The closed model, against the reference agent in this process.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acp_load::attack::{Model, Think};
use acp_load::plan::Plan;

use crate::common::{Agent, job, run};
use crate::stalling::SCHEMA;
use crate::stub;

#[tokio::test]
async fn the_agents_own_count_is_ours() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    let before = agent.requests("/invoke").await;
    let report = run(&job, "mixed").await;
    assert_eq!(report.error, None);
    assert_eq!(report.requests.failed, 0, "{:?}", report.requests);
    assert!(report.requests.ok > 0);
    // Learning looked for a stream by two paths, and asked /invoke nothing.
    assert_eq!(
        agent.requests("/invoke").await - before,
        report.requests.total
    );
    assert_eq!(report.latency_ms.count, report.requests.ok);
}

#[tokio::test]
async fn the_journey_visits_all_five_endpoints_and_none_fails() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.load.users = 8;
    job.load.model = Model::Closed(Plan::constant(8.0, Duration::from_millis(900)));
    let report = run(&job, "mixed").await;
    let names: Vec<_> = report.endpoints.iter().map(|it| it.name.as_str()).collect();
    let expected = [
        "GET /auth",
        "GET /schema",
        "GET /capabilities",
        "POST /config",
        "POST /invoke",
        "POST /invoke/stream",
    ];
    assert_eq!(names, expected);
    for endpoint in &report.endpoints {
        assert_eq!(endpoint.requests.failed, 0, "{endpoint:?}");
        assert!(endpoint.requests.ok > 0, "{endpoint:?}");
    }
}

#[tokio::test]
async fn questions_of_the_journey_are_asked_under_what_was_configured() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = asked.clone();
    let schema = SCHEMA.replacen('{', r#"{"config":{"type":"object"},"#, 1);
    let address = stub::serve(Arc::new(move |path, body| {
        let json = match path {
            "/schema" => schema.clone(),
            "/auth" | "/capabilities" => "{}".to_owned(),
            "/config" => r#"{"config_id":"cfg \"7\""}"#.to_owned(),
            "/invoke" if !body.contains("\"stream\"") => {
                told.lock().expect("a list").push(body.to_owned());
                r#"{"output":{}}"#.to_owned()
            }
            _ => return None,
        };
        Some((stub::JSON, json))
    }));
    let report = run(&stub::job_at(address).await, "mixed").await;
    assert_eq!(report.requests.failed, 0, "{:?}", report.requests);
    let asked = asked.lock().expect("a list");
    assert!(!asked.is_empty());
    for body in asked.iter() {
        let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(body["config_id"], r#"cfg "7""#);
    }
}

/// It would go into every body.
#[tokio::test]
async fn an_id_too_long_to_be_one_is_not_asked_under_and_that_is_told() {
    let longest = Arc::new(AtomicUsize::new(0));
    let told = longest.clone();
    let schema = SCHEMA.replacen('{', r#"{"config":{"type":"object"},"#, 1);
    let address = stub::serve(Arc::new(move |path, body| {
        let json = match path {
            "/schema" => schema.clone(),
            "/config" => format!(r#"{{"config_id":"{}"}}"#, "c".repeat(1001)),
            "/invoke" => {
                told.fetch_max(body.len(), Ordering::Relaxed);
                r#"{"output":{}}"#.to_owned()
            }
            _ => return None,
        };
        Some((stub::JSON, json))
    }));
    for scenario in ["mixed", "cache"] {
        let report = run(&stub::job_at(address).await, scenario).await;
        assert_eq!(report.error, None);
        let is_told = |note: &String| note.contains("at most 1000 bytes");
        assert!(report.notes.iter().any(is_told), "{:?}", report.notes);
    }
    let longest = longest.load(Ordering::Relaxed);
    assert!((1..500).contains(&longest), "{longest}");
}

#[tokio::test]
async fn what_the_agent_does_not_have_is_left_out_of_the_journey_and_told() {
    let address = stub::serve(Arc::new(|path, body| {
        let json = match path {
            "/schema" => SCHEMA,
            "/capabilities" => "{}",
            "/invoke" if !body.contains("\"stream\"") => r#"{"output":{}}"#,
            _ => return None,
        };
        Some((stub::JSON, json.to_owned()))
    }));
    let report = run(&stub::job_at(address).await, "mixed").await;
    assert_eq!(report.requests.failed, 0, "{:?}", report.requests);
    let left_out = report.notes.iter();
    let left_out = left_out.filter(|note| note.contains("GET /auth is left out"));
    assert_eq!(left_out.count(), 1, "{:?}", report.notes);
}

#[tokio::test]
async fn what_must_be_refused_is_counted_apart() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    job.traffic.invalid_share = 0.5;
    let report = run(&job, "mixed").await;
    let invalid = report.invalid.expect("it is there");
    assert!(invalid.sent > 0);
    assert_eq!(invalid.refused, invalid.sent, "{invalid:?}");
    assert_eq!(report.requests.failed, 0);
    assert!(!report.requests.by_status.contains_key("400"));
}

#[tokio::test]
async fn the_warm_up_is_not_counted() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    job.load.warm_up = Duration::from_millis(300);
    let before = agent.requests("/invoke").await;
    let report = run(&job, "mixed").await;
    assert!(agent.requests("/invoke").await - before > report.requests.total);
    let told = report
        .notes
        .iter()
        .any(|note| note.starts_with("the warm-up"));
    assert!(told, "{:?}", report.notes);
}

#[tokio::test]
async fn a_connection_for_each_request_works_as_well() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.target = agent.target(|wishes| wishes.reconnects = true).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    let before = agent.requests("/invoke").await;
    let report = run(&job, "mixed").await;
    assert_eq!(report.requests.failed, 0, "{:?}", report.requests);
    assert_eq!(
        agent.requests("/invoke").await - before,
        report.requests.total
    );
}

#[tokio::test]
async fn an_agent_that_is_not_there_is_an_error_of_the_run() {
    let agent = Agent::start(&[]).await;
    let job = job(&agent).await;
    agent.stop().await;
    let report = run(&job, "mixed").await;
    assert!(
        report
            .error
            .expect("it is there")
            .contains("does not answer")
    );
}

#[tokio::test]
async fn a_run_that_is_ended_early_still_reports() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.load.model = Model::Closed(Plan::constant(4.0, Duration::from_secs(3600)));
    let stop = job.stop.clone();
    job.show = Some(std::sync::Arc::new(move |_| stop.cancel()));
    let report = run(&job, "mixed").await;
    assert!(report.interrupted);
    assert!(report.duration_s < 3600.0);
}

/// However slow the machine: thinking only ever makes it fewer.
#[tokio::test]
async fn users_who_think_ask_no_more_often_than_that() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    let time = Duration::from_millis(100);
    job.load.think = Think {
        least: time,
        most: time * 2,
    };
    job.load.model = Model::Closed(Plan::constant(4.0, time * 6));
    let report = run(&job, "mixed").await;
    // Each asks at once, and then after each tenth of a second at the earliest.
    let most = 4 * (1 + 6);
    assert!(
        (4..=most).contains(&report.requests.total),
        "{:?}",
        report.requests
    );
}

/// goose's own users, of whom there are 256, may be home long before those whom they host.
#[tokio::test]
async fn who_is_hosted_by_another_is_waited_for() {
    let late = IpAddr::from([127, 0, 0, 2]);
    let asked = Arc::new(AtomicU64::new(0));
    let count = asked.clone();
    let address = stub::serve_each(Arc::new(move |from, path, body| {
        let json = match path {
            "/schema" => SCHEMA,
            "/auth" | "/capabilities" => "{}",
            "/invoke" if !body.contains("\"stream\"") => {
                count.fetch_add(1, Ordering::Relaxed);
                if from == late {
                    // Longer than goose needs to see that all of its own are home.
                    std::thread::sleep(Duration::from_secs(2));
                }
                r#"{"output":{}}"#
            }
            _ => return None,
        };
        Some((stub::JSON, json.to_owned()))
    }));
    let mut sources = vec![IpAddr::from([127, 0, 0, 1]); 256];
    sources.push(late);
    let mut job = stub::job_from(address, &sources).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    job.load.users = sources.len();
    job.load.model = Model::Closed(Plan::constant(257.0, Duration::from_millis(300)));
    let report = run(&job, "mixed").await;
    assert_eq!(report.error, None);
    assert_eq!(report.requests.total, asked.load(Ordering::Relaxed));
    let times = report.latency_ms.figures.expect("some");
    assert!(times.max >= 2_000.0, "{times:?}");
}
