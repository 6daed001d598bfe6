//! The scenario `capacity`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use acp_load::attack::Model;
use acp_load::plan::Plan;
use acp_load::schedule::Spread;

use crate::common::{Agent, job, run};

#[tokio::test]
async fn the_rate_is_found_up_to_which_the_objective_holds_and_confirmed() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.objective.missed = Arc::new(|report| {
        let is_more = report.rate.is_none_or(|rate| rate > 90.0);
        is_more.then(|| "more than ninety".to_owned())
    });
    let capacity = run(&job, "capacity").await.capacity.expect("it is there");
    assert!((80.0..=90.0).contains(&capacity.max_rps), "{capacity:?}");
    let [low, high] = capacity.interval_rps.expect("it is there");
    assert!(low <= capacity.max_rps && high >= capacity.max_rps);
    let confirming = capacity.runs.iter().filter(|run| run.confirms).count();
    assert!(confirming >= 5, "{capacity:?}");
    for run in &capacity.runs {
        let why = run.why.as_deref();
        assert_eq!(why, (!run.holds).then_some("more than ninety"));
    }
}

#[tokio::test]
async fn no_capacity_is_found_beyond_what_the_connections_can_take() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.traffic.mix = vec![("stream".to_owned(), 1.0)];
    // A stream takes 30 ms at least: one connection takes 33 a second at most. What waits is served after each
    // run, and none fails.
    job.load.users = 1;
    job.load.model = Model::Open {
        plan: Plan::constant(20.0, Duration::from_secs(1)),
        spread: Spread::Poisson,
        backlog: 1000,
    };
    let capacity = run(&job, "capacity").await.capacity.expect("it is there");
    assert!(capacity.max_rps < 50.0, "{capacity:?}");
    let told = capacity.runs.iter().filter_map(|run| run.why.as_deref());
    assert!(told.count() > 0, "{capacity:?}");
}

#[tokio::test]
async fn what_a_search_has_found_when_it_is_stopped_is_not_confirmed() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    let (stop, runs) = (job.stop.clone(), AtomicUsize::new(0));
    job.show = Some(Arc::new(move |_| {
        if runs.fetch_add(1, Ordering::Relaxed) == 2 {
            stop.cancel();
        }
    }));
    let report = run(&job, "capacity").await;
    let capacity = report.capacity.expect("it is there");
    assert!(report.interrupted);
    assert_eq!((capacity.runs.len(), capacity.interval_rps), (2, None));
}
