//! The scenario `soak`, against the reference agent.

use crate::common::{Agent, job, run};

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_reference_agent_tells_its_memory_by_itself() {
    let agent = Agent::start(&[]).await;
    let bytes = agent.metric("process_resident_memory_bytes", "").await;
    assert!(bytes > 1024 * 1024, "{bytes}");
    let report = run(&job(&agent).await, "soak").await;
    let soak = report.soak.expect("it is there");
    assert_eq!(soak.memory_by.as_deref(), Some("/metrics"));
    assert!(report.slices.iter().any(|it| it.memory_bytes.is_some()));
}
