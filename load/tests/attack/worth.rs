//! Runs in which nothing was learnt, and what no run may show, against the reference agent.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use acp_load::attack::Model;
use acp_load::plan::Plan;
use acp_load::run::Job;
use acp_reference_agent as reference;
use acp_reports::Verdict;
use acp_reports::load::Report;
use reference::settings;

use crate::common::{Agent, job, run};

fn only(job: &mut Job, step: &str) {
    job.traffic.mix = vec![(step.to_owned(), 1.0)];
}

fn names(report: &Report) -> Vec<&str> {
    report.defects.iter().map(|it| it.name.as_str()).collect()
}

#[tokio::test]
async fn an_agent_that_stops_answering_is_no_verdict_and_is_not_hammered() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.load.model = Model::Closed(Plan::constant(4.0, Duration::from_millis(800)));
    let (begun, begins) = tokio::sync::oneshot::channel();
    let begun = Mutex::new(Some(begun));
    job.show = Some(Arc::new(move |_| {
        let begun = begun.lock().expect("a sender").take();
        let _ = begun.expect("it begins once").send(());
    }));
    let stopping = async {
        begins.await.expect("it begins");
        agent.stop().await;
    };
    let (report, ()) = tokio::join!(run(&job, "mixed"), stopping);
    assert_eq!(report.judge(), Verdict::Error);
    assert!(report.error.expect("why").contains("stopped answering"));
    // Each of the four is sent away once in a tenth of a second at most.
    let unreachable = report.requests.by_error.get("unreachable").copied();
    assert!(
        unreachable.is_none_or(|count| count <= 4 * 9),
        "{unreachable:?}"
    );
}

#[tokio::test]
async fn credentials_that_are_missing_are_asked_for() {
    for scenario in ["mixed", "capacity", "rate-limit", "stream"] {
        let agent = Agent::with(reference::Settings {
            auth: settings::Auth::ApiKey,
            api_keys: vec![("me".to_owned(), settings::Secret::of("some-long-key"))],
            ..reference::Settings::unlimited()
        })
        .await;
        let report = run(&job(&agent).await, scenario).await;
        assert_eq!(report.judge(), Verdict::Error, "{scenario}");
        let error = report.error.expect("why");
        assert!(
            error.contains("401") && error.contains("--api-key-env"),
            "{scenario}: {error}"
        );
    }
}

#[tokio::test]
async fn refusals_by_a_rate_limit_are_told_of() {
    let agent = Agent::with(reference::Settings {
        rate_limit_invoke: Some(settings::Quota {
            requests: 5,
            window: Duration::from_secs(60),
        }),
        ..reference::Settings::unlimited()
    })
    .await;
    let report = run(&job(&agent).await, "mixed").await;
    let told = report.notes.iter().find(|it| it.contains("429"));
    assert!(
        told.is_some_and(|it| it.contains("rate limit")),
        "{:?}",
        report.notes
    );
}

#[tokio::test]
async fn what_was_never_answered_well_is_no_pass_whatever_else_was() {
    let agent = Agent::with(reference::Settings {
        rate_limit_invoke: Some(settings::Quota {
            requests: 1,
            window: Duration::from_secs(60),
        }),
        ..reference::Settings::unlimited()
    })
    .await;
    // The one that is admitted.
    run(&job(&agent).await, "mixed").await;
    let report = run(&job(&agent).await, "mixed").await;
    assert!(report.requests.ok > 0);
    assert_eq!(report.judge(), Verdict::Error);
    let why = report.error.expect("why");
    assert!(why.contains("nothing was learnt of POST /invoke") && why.contains("rate limit"));
}

#[tokio::test]
async fn what_is_invalid_and_gets_5xx_fails_the_run() {
    let agent = Agent::start(&["crashes-on-a-number-for-a-city"]).await;
    let mut job = job(&agent).await;
    only(&mut job, "invoke");
    job.traffic.invalid_share = 0.5;
    let report = run(&job, "mixed").await;
    assert_eq!(
        names(&report),
        ["invalid-answered-5xx"],
        "{:?}",
        report.invalid
    );
    assert_eq!(report.judge(), Verdict::Fail);
}

#[tokio::test]
async fn configurations_are_made_invalid_too() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    only(&mut job, "configure");
    job.traffic.invalid_share = 0.5;
    let report = run(&job, "mixed").await;
    let invalid = report.invalid.expect("some were sent");
    assert!(
        invalid.sent > 0 && invalid.refused == invalid.sent,
        "{invalid:?}"
    );
    assert_eq!(report.defects, []);
}

/// Two dozen streams at once are a crowd to this fault.
#[tokio::test]
async fn streams_that_break_are_a_defect_of_the_journey_too() {
    let agent = Agent::start(&["cuts-streams-in-a-crowd"]).await;
    let mut job = job(&agent).await;
    only(&mut job, "stream");
    job.load.users = 60;
    job.load.model = Model::Closed(Plan::constant(60.0, Duration::from_millis(500)));
    let report = run(&job, "mixed").await;
    assert_eq!(names(&report), ["broken-streams"], "{:?}", report.requests);
    assert!(report.defects[0].count > 0);
}
