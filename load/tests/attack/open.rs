//! The open model.

use std::time::Duration;

use acp_load::attack::Model;
use acp_load::hlog::{Log, decoded};
use acp_load::plan::Plan;
use acp_load::schedule::Spread;
use acp_load::threshold::Threshold;

use crate::common::{Agent, job, run};

#[tokio::test]
async fn as_many_requests_are_made_as_the_schedule_says() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("invoke".to_owned(), 1.0)];
    job.load.model = Model::Open {
        plan: Plan::constant(200.0, Duration::from_millis(500)),
        spread: Spread::Even,
        backlog: 1000,
    };
    let before = agent.requests("/invoke").await;
    let report = run(&job, "mixed").await;
    let arrivals = report.arrivals.expect("it is there");
    assert_eq!(arrivals.intended, 100);
    assert_eq!(report.requests.total + arrivals.dropped, 100);
    assert_eq!(
        agent.requests("/invoke").await - before,
        report.requests.total
    );
    assert_eq!(
        report.service_ms.expect("it is there").count,
        report.latency_ms.count
    );
}

#[tokio::test]
async fn what_cannot_be_kept_up_is_said() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("stream".to_owned(), 1.0)];
    job.load.users = 1;
    // A stream takes 30 ms at least: one connection serves 33 a second at most.
    job.load.model = Model::Open {
        plan: Plan::constant(500.0, Duration::from_millis(600)),
        spread: Spread::Poisson,
        backlog: 20,
    };
    let report = run(&job, "mixed").await;
    let arrivals = report.arrivals.clone().expect("it is there");
    assert!(arrivals.dropped > 0 && !arrivals.kept_up, "{arrivals:?}");
    assert!(arrivals.why.expect("it is there").contains("1 connections"));
    assert!(!report.generator.trusted);
    // Who was dropped got no answer, whoever else got a quick one.
    for asked in ["errors<50%", "p90<1min"] {
        let threshold: Threshold = asked.parse().expect("a threshold");
        let judged = threshold.judge(&report);
        assert!(!judged.holds, "{judged:?}");
    }
}

#[tokio::test]
async fn what_is_served_after_the_end_is_not_in_the_rate() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("stream".to_owned(), 1.0)];
    job.load.users = 1;
    // A stream takes 30 ms at least: of the sixty, twenty are over within the plan at most.
    job.load.model = Model::Open {
        plan: Plan::constant(100.0, Duration::from_millis(600)),
        spread: Spread::Even,
        backlog: 1000,
    };
    let report = run(&job, "mixed").await;
    assert_eq!(report.requests.ok, 60);
    // They are in the log all the same.
    let totals = Log::of(&report).totals().expect("they can be added");
    for (name, text) in &report.histograms {
        assert_eq!(totals[name], decoded(text).expect("a histogram"), "{name}");
    }
    let streamed: Threshold = "first_event.p95<1min".parse().expect("a threshold");
    assert!(streamed.judge(&report).holds);
    assert!(report.throughput_rps < 34.0, "{}", report.throughput_rps);
    let arrivals = report.arrivals.expect("it is there");
    assert_eq!((arrivals.intended, arrivals.dropped), (60, 0));
    assert!(arrivals.started_rps < 36.0 && !arrivals.kept_up);
    let why = arrivals.why.expect("it is there");
    assert!(why.contains("still waited for one of the 1 connections"));
    let told = report.notes.iter().any(|it| it.contains("not in the rate"));
    assert!(told, "{:?}", report.notes);
}
