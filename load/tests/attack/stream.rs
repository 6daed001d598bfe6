//! The scenario `stream`, against the reference agent and its faults.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use acp_load::attack::Model;
use acp_load::plan::Plan;
use acp_load::run::Clients;

use crate::common::{Agent, job, run};
use crate::stalling::SCHEMA;
use crate::stub;

#[tokio::test]
async fn streams_of_a_sound_agent_all_complete() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.load.users = 40;
    job.load.model = Model::Closed(Plan::constant(40.0, Duration::from_millis(500)));
    let report = run(&job, "stream").await;
    let stream = report.stream.expect("it is there");
    assert_eq!(stream.broken, 0, "{:?}", report.defects);
    assert!(stream.opened > 0);
    assert_eq!(stream.completed, stream.opened);
    assert_eq!(stream.complete_ms.count, stream.completed);
    assert_eq!(stream.first_event_ms.count, stream.completed);
    assert!(stream.most_at_once >= 2 && stream.most_at_once <= 40);
    assert!(stream.events > stream.completed);
}

#[tokio::test]
async fn clients_that_leave_and_clients_that_are_slow_are_not_the_agents_failures() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.clients = Clients {
        leaving: 0.5,
        slow: 0.1,
    };
    let report = run(&job, "stream").await;
    let stream = report.stream.expect("it is there");
    assert!(stream.left > 0, "{stream:?}");
    assert_eq!(stream.broken, 0, "{:?}", report.defects);
    assert_eq!(stream.completed + stream.left, stream.opened);
}

#[tokio::test]
async fn the_time_that_slow_readers_take_is_not_the_agents() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.clients.slow = 1.0;
    let report = run(&job, "stream").await;
    let stream = report.stream.expect("it is there");
    assert!(
        stream.slow > 0 && stream.completed == stream.slow,
        "{stream:?}"
    );
    assert_eq!(report.requests.ok, stream.completed);
    let distributions = [
        report.latency_ms,
        stream.first_event_ms,
        stream.gap_ms,
        stream.complete_ms,
    ];
    assert_eq!(distributions.map(|it| it.count), [0; 4]);
}

#[tokio::test]
async fn what_never_was_a_stream_is_none_that_broke() {
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
    let (report, ()) = tokio::join!(run(&job, "stream"), stopping);
    assert!(report.requests.by_error.contains_key("unreachable"));
    let stream = report.stream.expect("it is there");
    assert_eq!(
        stream.opened,
        stream.completed + stream.broken,
        "{stream:?}"
    );
}

#[tokio::test]
async fn what_goes_wrong_with_streams_is_named_with_the_number_at_once() {
    for fault in [
        "cuts-streams-short",
        "mixes-concurrent-streams",
        "capitalises-data",
        "never-completes",
    ] {
        let agent = Agent::start(&[fault]).await;
        let report = run(&job(&agent).await, "stream").await;
        let stream = report.stream.expect("it is there");
        // What failed is in no distribution.
        let counts = [stream.first_event_ms, stream.gap_ms, stream.complete_ms].map(|it| it.count);
        assert!(
            stream.completed > 0 || counts == [0; 3],
            "{fault}: {counts:?}"
        );
        let violation = stream.first_violation;
        assert!(violation.is_some_and(|it| it.at_once >= 1), "{fault}");
        assert_eq!(report.defects[0].name, "broken-streams");
    }
}

/// Two dozen streams at once are a crowd to this fault.
#[tokio::test]
async fn what_breaks_only_among_many_is_found_there_and_not_before() {
    for (users, is_crowd) in [(10, false), (60, true)] {
        let agent = Agent::start(&["cuts-streams-in-a-crowd"]).await;
        let mut job = job(&agent).await;
        job.load.users = users;
        let plan = Plan::constant(users as f64, Duration::from_millis(500));
        job.load.model = Model::Closed(plan);
        let report = run(&job, "stream").await;
        let stream = report.stream.expect("it is there");
        assert!(stream.opened > 0);
        assert_eq!(stream.broken > 0, is_crowd, "{:?}", report.defects);
        let at_once = stream.first_violation.map(|it| it.at_once);
        assert_eq!(at_once.is_some_and(|it| it >= 24), is_crowd, "{at_once:?}");
    }
}

/// They take longer after the end of the run than an answer may: as long as they speak, they are
/// waited for.
#[tokio::test]
async fn streams_that_are_under_way_at_the_end_are_heard_to_theirs() {
    let mut settings = acp_reference_agent::Settings::unlimited();
    settings.stream_step = Duration::from_millis(800);
    let agent = Agent::with(settings).await;
    let mut job = job(&agent).await;
    let timeout = Duration::from_millis(2500);
    job.target = agent.target(|wishes| wishes.timeout = timeout).await;
    job.traffic.keys = 1;
    job.load.users = 20;
    job.load.model = Model::Closed(Plan::constant(20.0, Duration::from_millis(200)));
    let report = run(&job, "stream").await;
    let stream = report.stream.expect("it is there");
    assert_eq!(
        (stream.opened, stream.completed),
        (20, 20),
        "{:?}",
        report.notes
    );
}

/// An agent that streams these events and serves nothing else.
fn streaming(events: String) -> SocketAddr {
    stub::serve(Arc::new(move |path, _| match path {
        "/schema" => Some((stub::JSON, SCHEMA.to_owned())),
        "/invoke/stream" => Some((stub::EVENTS, events.clone())),
        _ => None,
    }))
}

#[tokio::test]
async fn a_stream_of_many_changes_is_complete_by_its_last_event() {
    let changes = "data: {\"event\":\"progress\"}\n\ndata: {\"event\":\"thinking\"}\n\n";
    let complete = "data: {\"event\":\"complete\",\"output\":{}}\n\n";
    let address = streaming(changes.repeat(40) + complete);
    let report = run(&stub::job_at(address).await, "stream").await;
    let stream = report.stream.expect("it is there");
    assert!(stream.completed > 0, "{:?}", report.error);
    assert_eq!(stream.broken, 0, "{:?}", report.defects);

    let report = run(&stub::job_at(streaming(changes.repeat(40))).await, "stream").await;
    let violation = report.stream.expect("it is there").first_violation;
    let message = violation.expect("nothing completes it").message;
    assert!(message.contains("ended with `thinking`"), "{message}");
}

/// Thousands of users keep such names.
#[tokio::test]
async fn of_an_events_name_only_the_beginning_is_kept() {
    let name = "é".repeat(10_000);
    let address = streaming(format!("data: {{\"event\":\"{name}\"}}\n\n"));
    let report = run(&stub::job_at(address).await, "stream").await;
    let violation = report.stream.expect("it is there").first_violation;
    let message = violation.expect("nothing completes it").message;
    let kept = "é".repeat(100);
    assert_eq!(
        message,
        format!("it ended with `{kept}`, which completes nothing")
    );
}

/// As every agent of a language model's: asked the same again, it takes other steps to another output.
#[tokio::test]
async fn a_sound_agent_may_say_something_else_each_time() {
    let asked = AtomicUsize::new(0);
    let address = stub::serve(Arc::new(move |path, _| match path {
        "/schema" => Some((stub::JSON, SCHEMA.to_owned())),
        "/capabilities" => Some((stub::JSON, "{}".to_owned())),
        "/invoke/stream" => {
            let turn = asked.fetch_add(1, Ordering::Relaxed);
            let steps = ["started", "searching", "writing"].into_iter().cycle();
            let steps = steps.skip(turn / 2).take(1 + turn % 2);
            let mut text: String = steps
                .map(|step| format!("data: {{\"event\":\"{step}\"}}\n\n"))
                .collect();
            let output = ["sun", "rain"][turn / 2 % 2];
            text += &format!("data: {{\"event\":\"complete\",\"output\":\"{output}\"}}\n\n");
            Some((stub::EVENTS, text))
        }
        _ => None,
    }));
    let report = run(&stub::job_at(address).await, "stream").await;
    let stream = report.stream.expect("it is there");
    assert!(stream.completed > 0);
    assert_eq!(stream.broken, 0, "{:?}", report.defects);
    let told = report.notes.iter().any(|it| it.contains("only framing"));
    assert!(told, "{:?}", report.notes);
}
