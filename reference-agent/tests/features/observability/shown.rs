//! What shows each fault.

use acp_reference_agent::{Running, Settings};
use futures_util::future::join_all;
use serde_json::json;

use super::exposition::{Scrape, scrape};
use crate::{
    shown::{Shown, holds_and_fails},
    wire::{get, post, raw, request},
};

const REQUESTS: &str = "acp_agent_requests_total";
const SUM: &str = "acp_agent_request_duration_seconds_sum";

pub(crate) const SHOWN: &[Shown] = &[
    ("says-ok-for-healthy", |agent| Box::pin(health(agent))),
    ("answers-health-503", |agent| Box::pin(health(agent))),
    ("feels-unhealthy-while-it-serves", |agent| {
        Box::pin(health(agent))
    }),
    ("queues-health-behind-invocations", |agent| {
        Box::pin(health_under_load(agent))
    }),
    ("wraps-metrics-in-json", |agent| Box::pin(exposition(agent))),
    ("labels-metrics-as-html", |agent| {
        Box::pin(exposition(agent))
    }),
    ("leaves-quotes-in-labels", |agent| {
        Box::pin(exposition(agent))
    }),
    ("leaves-a-sample-without-a-value", |agent| {
        Box::pin(exposition(agent))
    }),
    ("ends-metrics-without-a-newline", |agent| {
        Box::pin(exposition(agent))
    }),
    ("has-no-infinite-bucket", |agent| {
        Box::pin(exposition(agent))
    }),
    ("renames-the-request-counter", |agent| {
        Box::pin(names(agent))
    }),
    ("calls-endpoints-paths", |agent| Box::pin(names(agent))),
    ("measures-no-configs", |agent| Box::pin(names(agent))),
    ("counts-requests-twice", |agent| Box::pin(counts(agent))),
    ("counts-only-successes", |agent| Box::pin(counts(agent))),
    ("counts-refusals-as-successes", |agent| {
        Box::pin(counts(agent))
    }),
    ("counts-no-streams", |agent| Box::pin(counts(agent))),
    ("times-no-refusals", |agent| Box::pin(counts(agent))),
    ("times-streams-to-their-head", |agent| {
        Box::pin(stream_time(agent))
    }),
    ("takes-buckets-apart", |agent| Box::pin(counts(agent))),
    ("starts-over-at-each-scrape", |agent| {
        Box::pin(counts(agent))
    }),
    ("makes-a-series-of-each-path", |agent| {
        Box::pin(series(agent, ["/a", "/b", "/c/d"]))
    }),
    ("puts-config-ids-into-labels", |agent| {
        Box::pin(series(
            agent,
            ["/config/cfg_1", "/config/cfg_2", "/config/cfg_3"],
        ))
    }),
];

#[tokio::test]
async fn each_fault_shows() {
    holds_and_fails(SHOWN, Settings::unlimited).await;
}

fn holds(is_so: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    is_so.then_some(()).ok_or_else(otherwise)
}

async fn health(agent: Running) -> Result<(), String> {
    let answer = get(&agent, "/health").await;
    holds(answer.status == 200, || answer.text())?;
    holds(answer.json()["status"] == "healthy", || answer.text())
}

/// Asks for health while invocations keep coming: it must not be the last to be answered.
async fn health_under_load(agent: Running) -> Result<(), String> {
    let body = json!({"input": {"city": "Oslo"}});
    for _ in 0..10 {
        post(&agent, "/invoke", &body).await;
    }
    let one_after_the_other = || async {
        for _ in 0..100 {
            post(&agent, "/invoke", &body).await;
        }
    };
    tokio::select! {
        answer = get(&agent, "/health") => holds(answer.status == 200, || answer.text()),
        _ = join_all([(); 4].map(|()| one_after_the_other())) => {
            Err("health was answered last".to_owned())
        }
    }
}

async fn exposition(agent: Running) -> Result<(), String> {
    get(&agent, "/auth").await;
    scrape(&agent).await.map(drop)
}

async fn names(agent: Running) -> Result<(), String> {
    get(&agent, "/auth").await;
    let scrape = scrape(&agent).await?;
    let has = |name: &str, labels: &[&str]| {
        let mut named = scrape.samples.keys().filter(|series| series.name == name);
        let all = |label: &&str| named.clone().all(|s| s.labels.contains_key(*label));
        let labelled = labels.iter().all(all);
        named.next().is_some() && labelled
    };
    let duration = "acp_agent_request_duration_seconds_count";
    let are_there = has(REQUESTS, &["endpoint", "status"])
        && has(duration, &["endpoint"])
        && has("acp_agent_active_configs", &[]);
    holds(are_there, || scrape.text.clone())
}

/// By how much the counter of an endpoint and a status has grown.
fn growth(before: &Scrape, after: &Scrape, endpoint: &str, status: &str) -> f64 {
    let labels = [("endpoint", endpoint), ("status", status)];
    after.sum(REQUESTS, &labels) - before.sum(REQUESTS, &labels)
}

/// Known requests, between two scrapes.
async fn counts(agent: Running) -> Result<(), String> {
    let body = json!({"input": {"city": "Oslo"}});
    let known = || async {
        for _ in 0..3 {
            post(&agent, "/invoke", &body).await;
        }
        for _ in 0..2 {
            post(&agent, "/invoke", &json!({"input": {}})).await;
        }
        post(&agent, "/invoke/stream", &body).await;
        raw(agent.addr(), &request("DELETE", "/auth", &[], b"")).await;
    };
    known().await;
    let before = scrape(&agent).await?;
    known().await;
    let after = scrape(&agent).await?;
    for (endpoint, status, expected) in [
        ("/invoke", "200", 3.0),
        ("/invoke", "400", 2.0),
        ("/invoke/stream", "200", 1.0),
        ("/auth", "405", 1.0),
        ("/metrics", "200", 1.0),
        ("/schema", "200", 0.0),
    ] {
        let grown = growth(&before, &after, endpoint, status);
        holds(grown == expected, || format!("{endpoint}: {grown}"))?;
        let total = after.sum(REQUESTS, &[("endpoint", endpoint), ("status", status)]);
        let before = before.sum(REQUESTS, &[("endpoint", endpoint), ("status", status)]);
        holds(total == before + expected, || {
            format!("{endpoint}: {total}")
        })?;
    }
    after.histogram_agrees()
}

/// A stream of six steps takes no less than five of them.
async fn stream_time(agent: Running) -> Result<(), String> {
    post(
        &agent,
        "/invoke/stream",
        &json!({"input": {"city": "Oslo"}}),
    )
    .await;
    let sum = scrape(&agent)
        .await?
        .sum(SUM, &[("endpoint", "/invoke/stream")]);
    holds(sum >= 5.0 * 0.04, || format!("only {sum} s"))
}

/// These paths are too many for a series each.
async fn series(agent: Running, paths: [&str; 3]) -> Result<(), String> {
    for path in paths {
        get(&agent, path).await;
    }
    let scrape = scrape(&agent).await?;
    let told = scrape.values_of("endpoint");
    holds(told.len() == 1, || format!("{told:?}"))
}
