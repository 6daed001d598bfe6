//! The open model.

use std::time::Duration;

use acp_load::attack::Model;
use acp_load::plan::Plan;
use acp_load::schedule::Spread;

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
    let arrivals = report.arrivals.expect("it is there");
    assert!(arrivals.dropped > 0 && !arrivals.kept_up, "{arrivals:?}");
    assert!(arrivals.why.expect("it is there").contains("1 connections"));
    assert!(!report.generator.trusted);
}
