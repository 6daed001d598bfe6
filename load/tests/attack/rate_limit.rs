//! The scenario `rate-limit`, against the reference agent and its faults. Windows are short, and nothing
//! here asserts how long anything takes: the window that is found is held against the one that is set.

use std::time::Duration;

use acp_reference_agent as reference;
use acp_reports::load::{Algorithm, RateLimit, Report, Scope};
use reference::settings;

use crate::common::{Agent, job, run};

/// So often a limit is looked for at most.
const TRIES: usize = 3;

async fn found(requests: u32, algorithm: settings::Algorithm, fault: &[&str]) -> Report {
    let limits = settings::Quota {
        requests,
        window: Duration::from_secs(2),
    };
    let agent = Agent::with(reference::Settings {
        rate_limit_invoke: Some(limits),
        rate_limit_algorithm: algorithm,
        faults: fault
            .iter()
            .map(|name| reference::faults::find(name).expect("a fault"))
            .collect(),
        ..reference::Settings::unlimited()
    })
    .await;
    let mut job = job(&agent).await;
    job.pressure = Some(Duration::from_secs(4));
    run(&job, "rate-limit").await
}

fn section(report: &Report) -> &RateLimit {
    assert_eq!(report.error, None);
    report.rate_limit.as_ref().expect("the section")
}

#[tokio::test]
async fn each_algorithm_of_the_agent_is_found() {
    for (set, algorithm) in [
        (settings::Algorithm::FixedWindow, Algorithm::FixedWindow),
        (settings::Algorithm::SlidingWindow, Algorithm::SlidingWindow),
        (settings::Algorithm::TokenBucket, Algorithm::TokenBucket),
    ] {
        let report = found(6, set, &[]).await;
        let limit = section(&report);
        assert_eq!(limit.algorithm, algorithm, "{limit:?}");
        assert_eq!(limit.limit, Some(6), "{limit:?}");
        assert_eq!(limit.scope, Scope::Address, "{limit:?}");
        let window = limit.window_s.expect("a window");
        assert!((window / 2.0 - 1.0).abs() < 0.05, "{limit:?}");
        assert!(
            limit.retry_after.present && limit.retry_after.truthful,
            "{limit:?}"
        );
        assert_eq!(report.defects, [], "{set:?}");
        let pressure = limit.pressure.as_ref().expect("it was pressed");
        assert_eq!(pressure.other, 0);
        assert!(pressure.refused > 0 && pressure.admitted <= pressure.admissible);
        assert_eq!(limit.cost.requests, report.requests.total);
        let generator = &report.generator;
        assert!(generator.cpu_share > 0.0 && generator.schedule_lag_ms.is_some());
        assert!(generator.loop_lag_ms.is_some_and(|lag| lag.count > 0));
        assert_eq!(generator.trusted, generator.why.is_none());
        let fairness = limit.fairness.as_ref().expect("there are two clients");
        assert!(fairness.index > 0.9, "{fairness:?}");
    }
}

#[tokio::test]
async fn an_agent_without_a_limit_has_none() {
    let agent = Agent::start(&[]).await;
    let report = run(&job(&agent).await, "rate-limit").await;
    assert_eq!(section(&report).algorithm, Algorithm::None);
    assert_eq!(section(&report).limit, None);
}

#[tokio::test]
async fn what_is_wrong_with_a_limit_is_named() {
    let faults = [
        ("forgets-retry-after", "retry-after-missing"),
        ("calls-back-a-second-early", "retry-after-optimistic"),
        ("calls-back-in-the-past", "retry-after-negative"),
        ("admits-one-too-many", "over-admission"),
        ("admits-one-too-few", "under-admission"),
        ("checks-then-counts", "over-admits-at-once"),
        ("counts-what-is-left-too-late", "remaining-optimistic"),
        (
            "promises-more-and-then-less-than-nothing",
            "remaining-optimistic",
        ),
        (
            "promises-more-and-then-less-than-nothing",
            "remaining-negative",
        ),
        ("counts-in-each-worker", "limit-times-workers"),
        ("calls-back-in-milliseconds", "retry-after-in-milliseconds"),
        (
            "calls-back-after-a-whole-window",
            "retry-after-whole-window",
        ),
        ("refuses-inside-streams", "refusal-inside-stream"),
        ("applies-no-limit", "limit-not-applied"),
        ("forgets-after-half-the-window", "window-shorter-than-told"),
        ("resets-a-window-from-now", "reset-too-late"),
        ("stays-shut-for-three-windows", "shut-beyond-the-window"),
        ("punishes-persistence", "refusals-renew-the-wait"),
        ("says-503-when-pressed", "says-503-when-pressed"),
    ];
    // Most of the time is spent waiting for windows to end: that can be done together. On a machine
    // that stalls in the midst of it a limit may not be found at all: then it is looked for again.
    let runs = faults.map(|(fault, name)| async move {
        let mut seen = Vec::new();
        for _ in 0..TRIES {
            let report = found(6, settings::Algorithm::FixedWindow, &[fault]).await;
            if report.defects.iter().any(|it| it.name == name) {
                return;
            }
            seen.push(report.defects);
        }
        panic!("{fault} is not named {name}: {seen:?}");
    });
    futures_util::future::join_all(runs).await;
}

/// One who only looks on learns what is done, and what it will cost before it does.
#[tokio::test]
async fn a_search_says_how_it_goes_on() {
    let agent = Agent::with(reference::Settings {
        rate_limit_invoke: Some(settings::Quota {
            requests: 4,
            window: Duration::from_secs(1),
        }),
        ..reference::Settings::unlimited()
    })
    .await;
    let mut job = job(&agent).await;
    let said = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let heard = said.clone();
    job.tell = Some(std::sync::Arc::new(move |line: &str| {
        heard.lock().expect("nobody panicked").push(line.to_owned());
    }));
    let report = run(&job, "rate-limit").await;
    let notes = &report.notes;
    assert!(
        notes.iter().any(|it| it.contains("too short to tell")),
        "{notes:?}"
    );
    let said = said.lock().expect("nobody panicked");
    for stage in [
        "asking until refused",
        "were admitted, then refused; the rest takes about 7 s",
        "asking for twice the limit",
    ] {
        assert!(said.iter().any(|line| line.contains(stage)), "{said:?}");
    }
}

async fn limited(requests: u32, faults: &[&str]) -> Agent {
    Agent::with(reference::Settings {
        rate_limit_invoke: Some(settings::Quota {
            requests,
            window: Duration::from_secs(2),
        }),
        faults: faults
            .iter()
            .map(|name| reference::faults::find(name).expect("a fault"))
            .collect(),
        ..reference::Settings::unlimited()
    })
    .await
}

/// The first run leaves both clients' allowances spent. On a machine that stalls a limit may not be found as it is:
/// then it is looked for again.
#[tokio::test]
async fn a_run_right_after_another_finds_the_same() {
    let agent = limited(5, &[]).await;
    let mut job = job(&agent).await;
    job.pressure = Some(Duration::from_secs(2));
    run(&job, "rate-limit").await;
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let report = run(&job, "rate-limit").await;
        let found = section(&report);
        let is_by_request = found.window_begins_with_a_request;
        let what = (found.scope, is_by_request, report.defects.len());
        if what == (Scope::Address, Some(true), 0) {
            return;
        }
        seen.push((what, report.defects));
    }
    panic!("{seen:?}");
}

/// What is told as ok is what was answered as it should be, and a refusal with 503 is not.
#[tokio::test]
async fn a_refusal_with_503_is_no_answer_as_it_should_be() {
    let agent = limited(5, &["says-503-when-pressed"]).await;
    let mut job = job(&agent).await;
    job.pressure = Some(Duration::from_secs(2));
    let report = run(&job, "rate-limit").await;
    let requests = &report.requests;
    let of = |status: &str| requests.by_status.get(status).copied().unwrap_or_default();
    assert!(of("503") > 0 && of("429") > 0, "{requests:?}");
    assert_eq!(requests.failed, of("503"), "{requests:?}");
    assert_eq!(requests.ok, requests.total - of("503"), "{requests:?}");
    let names: Vec<_> = report.defects.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["says-503-when-pressed"]);
}

#[tokio::test]
async fn a_search_that_is_stopped_makes_nothing_up() {
    let agent = limited(5, &[]).await;
    let mut job = job(&agent).await;
    let stop = job.stop.clone();
    job.tell = Some(std::sync::Arc::new(move |line: &str| {
        if line.contains("then refused") {
            stop.cancel();
        }
    }));
    let report = run(&job, "rate-limit").await;
    assert!(report.interrupted);
    let requests = &report.requests;
    assert_eq!(
        (requests.failed, requests.ok),
        (0, requests.total),
        "{requests:?}"
    );
    assert!(!requests.by_status.contains_key("none"), "{requests:?}");
    let found = section(&report);
    assert_eq!((found.limit, found.window_s), (None, None), "{found:?}");
    assert_eq!(found.algorithm, Algorithm::Unknown);
    assert_eq!(found.retry_after.checked, 0);
    assert!(
        found.recovery.is_none() && found.pressure.is_none(),
        "{found:?}"
    );
    assert_eq!(report.defects, []);
    let notes = &report.notes;
    assert!(
        !notes.iter().any(|it| it.contains("did not return")),
        "{notes:?}"
    );
}
