//! Registration and heartbeats, seen by an orchestrator.

mod clean;
mod stub;

use std::{sync::Arc, time::Duration};

use acp_reference_agent::Running;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use url::{Host, Url};

use self::stub::{INTERVAL, Stub, Told, status, well};
use super::{
    shown::{Shown, holds_and_fails},
    wire,
};

type Holds = Result<(), String>;

pub(crate) const SHOWN: &[Shown] = &[
    ("registers-after-twelve-seconds", registers),
    ("registers-without-its-protocol", registers),
    ("registers-in-camel-case", registers),
    ("registers-the-version-as-its-protocol", registers),
    ("registers-another-port", is_truthful),
    ("registers-the-wildcard-address", is_truthful),
    ("registers-a-stale-version", is_truthful),
    ("registers-another-id", is_truthful),
    ("registers-no-capabilities", is_truthful),
    ("registers-all-but-one-capability", is_truthful),
    ("beats-under-its-agent-id", beats),
    ("beats-twice-as-often", beats_no_faster_than_told),
    ("beats-ever-more-slowly", goes_on_beating),
    ("beats-with-the-status-ok", beats),
    ("beats-without-a-timestamp", beats),
    ("keeps-to-its-first-registration", registers_again),
    ("bears-two-failed-heartbeats", registers_again),
    ("takes-a-404-for-a-heartbeat", registers_again),
    ("gives-up-if-the-first-registration-fails", tries_once_more),
    ("gives-up-after-three-tries", tries_four_times),
    ("hammers-a-dead-orchestrator", backs_off),
    ("serves-nobody-without-an-orchestrator", serves_meanwhile),
    ("keeps-changes-to-itself", tells_changes),
    ("posts-its-changes", tells_changes),
    ("sends-the-old-capabilities", tells_changes),
    ("takes-a-201-for-a-failure", takes_201),
    ("registers-with-every-heartbeat", registers_once),
    ("renews-a-registration-that-holds", registers_once),
];

/// On threads of their own, as some have to wait for what does not come.
#[test]
fn each_fault_shows() {
    std::thread::scope(|threads| {
        for part in 0..8 {
            let shown: Vec<_> = SHOWN.iter().copied().skip(part).step_by(8).collect();
            threads.spawn(move || show(&shown));
        }
    });
}

#[tokio::main(flavor = "current_thread")]
async fn show(shown: &[Shown]) {
    holds_and_fails(shown, || Stub::start().settings()).await;
}

fn holds(condition: bool, wrong: impl ToString) -> Holds {
    match condition {
        true => Ok(()),
        false => Err(wrong.to_string()),
    }
}

/// Asks with the stub of the agent, and stops the agent.
fn ask<F>(
    agent: Running,
    question: impl FnOnce(Stub, Arc<Running>) -> F,
) -> BoxFuture<'static, Holds>
where
    F: Future<Output = Holds> + Send + 'static,
{
    let agent = Arc::new(agent);
    let asked = question(Stub::latest(), agent.clone());
    Box::pin(async move {
        let held = asked.await;
        if let Ok(agent) = Arc::try_unwrap(agent) {
            agent.stop().await;
        }
        held
    })
}

/// Whether a body holds to the schema that is published for it.
pub(crate) fn is_valid(schema: &str, body: &Value) -> Holds {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/schemas/");
    let text = std::fs::read_to_string(format!("{folder}{schema}.json")).expect("a schema");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::validate(&schema, body).map_err(|wrong| wrong.to_string())
}

fn registers(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(well);
        let told = stub.call(0).await?;
        holds(told.path == "/agents/register", &told.path)?;
        is_valid("registration", &told.body)
    })
}

fn is_truthful(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, agent: Arc<Running>| {
        stub.answer(well);
        let said = stub.call(0).await?.body;
        let known = wire::get(&agent, "/capabilities").await.json();
        holds(said["agent_id"] == known["agent_id"], "the id")?;
        holds(
            said["metadata"]["version"] == known["version"],
            "the version",
        )?;
        holds(
            said["capabilities"] == known["capabilities"],
            "the capabilities",
        )?;
        let endpoint = said["endpoint"]
            .as_str()
            .and_then(|url| Url::parse(url).ok());
        let endpoint = endpoint.ok_or("no endpoint")?;
        let is_somewhere = !matches!(endpoint.host(), Some(Host::Ipv4(ip)) if ip.is_unspecified());
        let is_here = endpoint.port() == Some(agent.addr().port());
        holds(is_somewhere && is_here, endpoint)
    })
}

fn beats(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(well);
        let (_, told) = stub.find("heartbeat", 1).await?;
        holds(told.path == "/agents/reg-0/heartbeat", &told.path)?;
        is_valid("heartbeat", &told.body)
    })
}

/// A bound that no slow machine breaks: no heartbeat comes before its time.
fn beats_no_faster_than_told(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(well);
        let registered = stub.call(0).await?;
        for beat in 0..5 {
            let (_, told) = stub.find("heartbeat", beat).await?;
            let least = (beat as u32 + 1) * INTERVAL;
            holds(told.at - registered.at >= least, "before its time")?;
        }
        Ok(())
    })
}

fn goes_on_beating(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(well);
        stub.find("heartbeat", 7).await.map(drop)
    })
}

fn registers_again(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(|told| match (told.kind(), told.nth) {
            ("heartbeat", 0) => status(404),
            _ => well(told),
        });
        let (failed, _) = stub.find("heartbeat", 0).await?;
        let next = stub.call(failed + 1).await?;
        holds(next.is("register"), &next.path)?;
        let beat = stub.call(failed + 2).await?;
        holds(beat.path == "/agents/reg-1/heartbeat", &beat.path)
    })
}

/// Fails so many registrations, and waits for the one after them.
async fn outage(stub: &Stub, failing: usize, script: stub::Script) -> Result<Told, String> {
    stub.answer(script);
    stub.find("register", failing).await.map(|(_, told)| told)
}

fn tries_once_more(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        outage(&stub, 1, |told| match (told.kind(), told.nth) {
            ("register", 0) => status(500),
            _ => well(told),
        })
        .await?;
        stub.find("heartbeat", 0).await.map(drop)
    })
}

fn tries_four_times(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        outage(&stub, 3, |_| status(500)).await.map(drop)
    })
}

/// Again a bound that no slow machine breaks: a tenth of a second is the least pause.
fn backs_off(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        let last = outage(&stub, 15, |_| status(503)).await?;
        let took = last.at - stub.call(0).await?.at;
        holds(took >= 15 * Duration::from_millis(100), "a storm of tries")
    })
}

fn serves_meanwhile(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, agent: Arc<Running>| {
        outage(&stub, 2, |_| status(503)).await?;
        let question = json!({"input": {"city": "Oslo"}});
        let answer = wire::post(&agent, "/invoke", &question).await;
        holds(answer.status == 200, answer.status)
    })
}

fn tells_changes(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, agent: Arc<Running>| {
        stub.answer(well);
        stub.find("heartbeat", 0).await?;
        agent.change_capabilities(|list| list.truncate(1));
        let seen = stub.count();
        // Heartbeats that are on their way come first, but no more of them than one.
        let mut told = stub.call(seen).await?;
        for place in seen + 1..seen + 3 {
            if told.is("heartbeat") {
                told = stub.call(place).await?;
            }
        }
        holds(told.path == "/agents/reg-0/capabilities", &told.path)?;
        holds(told.method == "PUT", &told.method)?;
        is_valid("capabilities-update", &told.body)?;
        let known = wire::get(&agent, "/capabilities").await.json();
        holds(
            told.body["capabilities"] == known["capabilities"],
            "the list",
        )
    })
}

fn takes_201(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(|told| {
            let mut response = well(told);
            *response.status_mut() = axum::http::StatusCode::CREATED;
            response
        });
        let next = stub.call(1).await?;
        holds(next.path == "/agents/reg-0/heartbeat", &next.path)
    })
}

fn registers_once(agent: Running) -> BoxFuture<'static, Holds> {
    ask(agent, async |stub: Stub, _| {
        stub.answer(well);
        for place in 1..6 {
            let told = stub.call(place).await?;
            holds(told.is("heartbeat"), &told.path)?;
        }
        Ok(())
    })
}
