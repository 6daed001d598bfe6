//! The agent without faults: what it says to an orchestrator, and what it bears.

use std::{net::TcpListener, time::Duration};

use acp_reference_agent::{Settings, settings::Secret, start};
use axum::{Json, response::IntoResponse};
use serde_json::json;
use tokio::time::timeout;

use super::{
    is_valid,
    stub::{self, Script, Stub, status, well},
};
use crate::wire;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Heartbeats are out of the way, and all that depends on them.
fn without_heartbeats(stub: &Stub) -> Settings {
    Settings {
        heartbeat_interval: Duration::from_secs(3600),
        ..stub.settings()
    }
}

#[tokio::test]
async fn a_registration_says_what_the_seed_asks_for() {
    let stub = Stub::start();
    let settings = Settings {
        public_url: Some("https://weather.example/acp/".parse().expect("a URL")),
        ..stub.settings()
    };
    let agent = start(settings).await.expect("the agent starts");
    stub.answer(well);
    let told = stub.call(0).await.expect("a registration");
    assert_eq!(is_valid("registration", &told.body), Ok(()));
    assert_eq!(
        (told.method.as_str(), told.path.as_str()),
        ("POST", "/agents/register")
    );
    assert_eq!(told.body["name"], "Weather Advisor");
    assert_eq!(told.body["endpoint"], "https://weather.example/acp");
    assert_eq!(
        told.body["metadata"]["tags"],
        json!(["advice", "forecast", "weather"])
    );
    agent.stop().await;
}

#[tokio::test]
async fn one_that_listens_everywhere_registers_where_it_can_be_found() {
    let stub = Stub::start();
    let settings = Settings {
        host: "0.0.0.0".to_owned(),
        ..stub.settings()
    };
    let agent = start(settings).await.expect("the agent starts");
    stub.answer(well);
    let told = stub.call(0).await.expect("a registration");
    assert_eq!(told.body["endpoint"], agent.url());
    agent.stop().await;
}

#[tokio::test]
async fn a_second_registry_is_told_the_same() {
    let (first, second) = (Stub::start(), Stub::start());
    let settings = Settings {
        discovery_url: second.url.parse().ok(),
        ..first.settings()
    };
    let agent = start(settings).await.expect("the agent starts");
    for stub in [first, second] {
        stub.answer(well);
        stub.find("heartbeat", 0).await.expect("a heartbeat");
    }
    agent.stop().await;
}

#[tokio::test]
async fn the_same_registry_twice_is_one() {
    let stub = Stub::start();
    let settings = Settings {
        discovery_url: format!("{}/", stub.url).parse().ok(),
        ..stub.settings()
    };
    let agent = start(settings).await.expect("the agent starts");
    stub.answer(well);
    stub.find("heartbeat", 1).await.expect("a heartbeat");
    assert!(stub.call(1).await.expect("a call").is("heartbeat"));
    agent.stop().await;
}

#[tokio::test]
async fn an_orchestrator_can_live_below_a_path() {
    let stub = Stub::start();
    let settings = Settings {
        orchestrator_url: format!("{}/acp/v1/", stub.url).parse().ok(),
        ..stub.settings()
    };
    let agent = start(settings).await.expect("the agent starts");
    stub.answer(well);
    let (_, told) = stub.find("heartbeat", 0).await.expect("a heartbeat");
    assert_eq!(told.path, "/acp/v1/agents/reg-0/heartbeat");
    agent.stop().await;
}

#[tokio::test]
async fn an_id_is_one_segment_of_a_path_whatever_is_in_it() {
    let stub = Stub::start();
    let agent = start(stub.settings()).await.expect("the agent starts");
    stub.answer(|told| match told.is("register") {
        true => Json(json!({"registration_id": "../a b?c#ü"})).into_response(),
        false => status(200),
    });
    let (_, told) = stub.find("heartbeat", 0).await.expect("a heartbeat");
    assert_eq!(told.path, "/agents/..%2Fa%20b%3Fc%23%C3%BC/heartbeat");
    agent.stop().await;
}

/// Answers the first registration so; expects a second.
async fn is_no_registration(script: Script) {
    let stub = Stub::start();
    let agent = start(stub.settings()).await.expect("the agent starts");
    stub.answer(script);
    stub.find("heartbeat", 0).await.expect("a heartbeat");
    let next = stub.call(1).await.expect("a call");
    assert_eq!(next.path, "/agents/register");
    agent.stop().await;
}

#[tokio::test]
async fn an_answer_without_an_id_is_no_registration() {
    is_no_registration(|told| match told.nth {
        0 => Json(json!({"registration_id": ""})).into_response(),
        _ => well(told),
    })
    .await;
    is_no_registration(|told| match told.nth {
        0 => Json(json!({"registration_id": ".."})).into_response(),
        _ => well(told),
    })
    .await;
    is_no_registration(|told| match told.nth {
        0 => status(200),
        _ => well(told),
    })
    .await;
}

#[tokio::test]
async fn an_answer_without_end_is_no_registration() {
    is_no_registration(|told| match told.nth {
        0 => stub::flood(),
        _ => well(told),
    })
    .await;
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    is_no_registration(|told| match told.nth {
        0 => stub::redirect("/agents/elsewhere"),
        _ => well(told),
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let stub = Stub::start();
    let agent = start(stub.settings()).await.expect("the agent starts");
    let told = stub.call(1).await.expect("another try");
    assert_eq!(told.path, "/agents/register");
    agent.stop().await;
}

#[tokio::test]
async fn an_orchestrator_that_comes_late_is_found() {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let address = address.expect("an address");
    let settings = Settings {
        orchestrator_url: format!("http://{address}").parse().ok(),
        ..Stub::start().settings()
    };
    let agent = start(settings).await.expect("the agent starts");
    let answer = crate::wire::get(&agent, "/health/ready").await;
    assert_eq!(answer.status, 200);
    let stub = Stub::over(TcpListener::bind(address).expect("the same port"));
    stub.answer(well);
    stub.find("heartbeat", 0).await.expect("a heartbeat");
    agent.stop().await;
}

#[tokio::test]
async fn changes_on_top_of_each_other_are_told_as_one() {
    let stub = Stub::start();
    let agent = start(without_heartbeats(&stub))
        .await
        .expect("the agent starts");
    stub.answer(well);
    stub.find("register", 0).await.expect("a registration");
    for left in [1, 0] {
        agent.change_capabilities(|list| list.truncate(left));
    }
    let (_, told) = stub.find("capabilities", 0).await.expect("an update");
    assert_eq!(told.body, json!({"capabilities": []}));
    agent.change_capabilities(|list| list.push(json!({"name": "tides"})));
    let (_, told) = stub.find("capabilities", 1).await.expect("an update");
    assert_eq!(told.body, json!({"capabilities": [{"name": "tides"}]}));
    agent.stop().await;
}

#[tokio::test]
async fn an_update_that_fails_goes_with_the_next_heartbeat() {
    let stub = Stub::start();
    let agent = start(stub.settings()).await.expect("the agent starts");
    stub.answer(|told| match (told.kind(), told.nth) {
        ("capabilities", 0) => status(500),
        _ => well(told),
    });
    stub.find("heartbeat", 0).await.expect("a heartbeat");
    agent.change_capabilities(Vec::clear);
    let (failed, _) = stub.find("capabilities", 0).await.expect("an update");
    let (again, _) = stub.find("capabilities", 1).await.expect("an update");
    assert_eq!(again, failed + 2);
    assert!(stub.call(failed + 1).await.expect("a call").is("heartbeat"));
    agent.stop().await;
}

/// Registers with an answer that offers this goodbye, and stops.
async fn stops(script: Script) -> Stub {
    let stub = Stub::start();
    let agent = start(without_heartbeats(&stub))
        .await
        .expect("the agent starts");
    stub.answer(script);
    stub.find("register", 0).await.expect("a registration");
    // What is told of a change shows that the registration's answer has been read.
    agent.change_capabilities(Vec::clear);
    stub.find("capabilities", 0).await.expect("an update");
    timeout(PATIENCE, agent.stop()).await.expect("an end");
    stub
}

#[tokio::test]
async fn it_says_goodbye_where_that_is_offered() {
    let stub = stops(|told| match told.kind() {
        "register" => {
            Json(json!({"registration_id": "a", "deregister": "/agents/a"})).into_response()
        }
        _ => status(200),
    })
    .await;
    let told = stub.call(2).await.expect("a goodbye");
    assert_eq!(
        (told.method.as_str(), told.path.as_str()),
        ("DELETE", "/agents/a")
    );
}

/// Who goes on saying that it is healthy is sent work, and it takes none.
#[tokio::test]
async fn a_drained_agent_leaves() {
    let stub = Stub::start();
    let settings = Settings {
        admin_key: Some(Secret::of("open-sesame")),
        ..without_heartbeats(&stub)
    };
    let agent = start(settings).await.expect("the agent starts");
    stub.answer(|told| match told.kind() {
        "register" => {
            Json(json!({"registration_id": "a", "deregister": "/agents/a"})).into_response()
        }
        _ => status(200),
    });
    stub.find("register", 0).await.expect("a registration");
    agent.change_capabilities(Vec::clear);
    stub.find("capabilities", 0).await.expect("an update");
    let key = ["X-Admin-Key: open-sesame"];
    let drain = wire::request("POST", "/admin/drain", &key, b"");
    wire::raw(agent.addr(), &drain).await;
    let told = stub.call(2).await.expect("a goodbye");
    assert_eq!(told.method.as_str(), "DELETE");
    assert_eq!(wire::get(&agent, "/health").await.status, 200);
    agent.stop().await;
    assert_eq!(stub.count(), 3);
}

#[tokio::test]
async fn no_goodbye_is_said_where_none_is_offered_nor_to_anybody_else() {
    let stub = stops(well).await;
    assert_eq!(stub.count(), 2);
    let stub = stops(|told| match told.kind() {
        "register" => Json(json!({
            "registration_id": "a",
            "deregister": "http://127.0.0.1:9/agents/a",
        }))
        .into_response(),
        _ => status(200),
    })
    .await;
    assert_eq!(stub.count(), 2);
}

#[tokio::test]
async fn an_orchestrator_that_hangs_does_not_keep_the_agent() {
    let stub = Stub::start();
    let agent = start(without_heartbeats(&stub))
        .await
        .expect("the agent starts");
    stub.call(0).await.expect("a registration");
    timeout(PATIENCE, agent.stop()).await.expect("an end");
}
