//! The scenario `capacity`.

use std::sync::Arc;

use crate::common::{Agent, job, run};

#[tokio::test]
async fn the_rate_is_found_up_to_which_the_objective_holds_and_confirmed() {
    let agent = Agent::start(&[]).await;
    let mut job = job(&agent).await;
    job.objective.holds = Arc::new(|report| report.rate.is_some_and(|rate| rate <= 90.0));
    let capacity = run(&job, "capacity").await.capacity.expect("it is there");
    assert!((80.0..=90.0).contains(&capacity.max_rps), "{capacity:?}");
    let [low, high] = capacity.interval_rps.expect("it is there");
    assert!(low <= capacity.max_rps && high >= capacity.max_rps);
    let confirming = capacity.runs.iter().filter(|run| run.confirms).count();
    assert!(confirming >= 5, "{capacity:?}");
}
